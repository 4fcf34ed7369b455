//go:build cgo && pkcs11

package pkcs11

import (
	"crypto/rand"
	"sync"

	p11 "github.com/miekg/pkcs11"

	"hawker/internal/keys"
)

// key is a DES or AES key in use, as an object of the token.
type key struct {
	module   *module
	size     int
	block    int  // of its cipher, in bytes
	ecb, cbc uint // mechanisms
	whole    p11.ObjectHandle
	wiped    bool

	firstWrap []byte // of a DES key
	mu        sync.Mutex
	first     p11.ObjectHandle
	opened    bool // first is there
}

// Open implements keys.Module.
func (m *module) Open(a keys.Algorithm, wrapped, bound []byte) (keys.Key, error) {
	k := &key{module: m, block: 8, ecb: p11.CKM_DES3_ECB, cbc: p11.CKM_DES3_CBC}
	kind := uint(p11.CKK_DES3)
	if a == keys.AES {
		kind, k.block, k.ecb, k.cbc = p11.CKK_AES, 16, p11.CKM_AES_ECB, p11.CKM_AES_CBC
	}
	err := m.do(func(s p11.SessionHandle) error {
		size, wraps, err := m.untie(s, a, wrapped, bound)
		if err != nil {
			return err
		}
		k.size = size
		if len(wraps) == 2 {
			k.firstWrap = wraps[1]
		}
		k.whole, err = m.unwrap(s, wraps[0], kind, false, p11.CKA_ENCRYPT, p11.CKA_DECRYPT)
		return err
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

func (k *key) Size() int { return k.size }

func (k *key) Encrypt(blocks []byte) ([]byte, error) {
	return k.crypt(k.whole, k.ecb, nil, blocks, (*p11.Ctx).EncryptInit, (*p11.Ctx).Encrypt)
}

func (k *key) Decrypt(blocks []byte) ([]byte, error) {
	return k.crypt(k.whole, k.ecb, nil, blocks, (*p11.Ctx).DecryptInit, (*p11.Ctx).Decrypt)
}

func (k *key) Chain(data []byte) ([]byte, error) { return k.chain(k.whole, data) }

func (k *key) ChainFirst(data []byte) ([]byte, error) {
	if k.firstWrap == nil {
		return nil, keys.ErrPurpose.With("an AES key has no first part")
	}
	first, err := k.openFirst()
	if err != nil {
		return nil, err
	}
	return k.chain(first, data)
}

// openFirst unwraps the first part when it is first needed: few keys make X9.19 codes.
func (k *key) openFirst() (p11.ObjectHandle, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.opened {
		return k.first, nil
	}
	err := k.module.do(func(s p11.SessionHandle) (err error) {
		k.first, err = k.module.unwrap(s, k.firstWrap, p11.CKK_DES3, false, p11.CKA_ENCRYPT)
		return err
	})
	k.opened = err == nil
	return k.first, err
}

func (k *key) chain(o p11.ObjectHandle, data []byte) ([]byte, error) {
	if len(data) == 0 {
		return nil, keys.ErrPurpose.With("no data to chain")
	}
	out, err := k.crypt(o, k.cbc, make([]byte, k.block), data, (*p11.Ctx).EncryptInit, (*p11.Ctx).Encrypt)
	if err != nil {
		return nil, err
	}
	return out[len(out)-k.block:], nil
}

func (k *key) crypt(o p11.ObjectHandle, mechanism uint, iv, data []byte, begin func(*p11.Ctx, p11.SessionHandle, []*p11.Mechanism, p11.ObjectHandle) error,
	run func(*p11.Ctx, p11.SessionHandle, []byte) ([]byte, error)) (out []byte, err error) {
	if k.wiped || len(data)%k.block != 0 {
		return nil, keys.ErrPurpose.With("a key was wiped, or met %d bytes", len(data))
	}
	if len(data) == 0 {
		return nil, nil
	}
	err = k.module.do(func(s p11.SessionHandle) (err error) {
		ctx := k.module.library.Ctx
		if err := begin(ctx, s, []*p11.Mechanism{p11.NewMechanism(mechanism, iv)}, o); err != nil {
			return fault("begin", err)
		}
		out, err = run(ctx, s, data)
		return fault("run", err)
	})
	if err == nil && len(out) != len(data) {
		err = keys.ErrUnavailable.With("the module gave %d bytes for %d", len(out), len(data))
	}
	return out, err
}

// Wipe has the module drop the key. A module that cannot drop it now forgets it with its sessions.
func (k *key) Wipe() {
	if k.wiped {
		return
	}
	k.wiped = true
	_ = k.module.do(func(s p11.SessionHandle) error {
		_ = k.module.library.DestroyObject(s, k.whole)
		if k.opened {
			_ = k.module.library.DestroyObject(s, k.first)
		}
		return nil
	})
}

// dataKey is a key of our own data, as two objects of the token: one seals, one sums.
type dataKey struct {
	module       *module
	seal, lookup p11.ObjectHandle
}

const (
	nonceSize = 12
	tagSize   = 16
)

// OpenData implements keys.Module.
func (m *module) OpenData(wrapped, bound []byte) (keys.DataKey, error) {
	k := &dataKey{module: m}
	err := m.do(func(s p11.SessionHandle) error {
		size, wraps, err := m.untie(s, keys.Data, wrapped, bound)
		if err != nil {
			return err
		}
		if size != 32 {
			return keys.ErrCorrupt.With("a data key of %d bytes", size)
		}
		if k.seal, err = m.unwrap(s, wraps[0], p11.CKK_AES, false, p11.CKA_ENCRYPT, p11.CKA_DECRYPT); err != nil {
			return err
		}
		k.lookup, err = m.unwrap(s, wraps[0], p11.CKK_GENERIC_SECRET, false, p11.CKA_SIGN)
		return err
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

func (k *dataKey) Seal(plain, bound []byte) (sealed []byte, err error) {
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // never fails: crypto/rand ends the process instead
	err = k.module.do(func(s p11.SessionHandle) error {
		params := p11.NewGCMParams(nonce, bound, 8*tagSize)
		defer params.Free()
		if err := k.module.library.EncryptInit(s, []*p11.Mechanism{p11.NewMechanism(p11.CKM_AES_GCM, params)}, k.seal); err != nil {
			return fault("seal", err)
		}
		text, err := k.module.library.Encrypt(s, plain)
		sealed = append(nonce, text...)
		return fault("seal", err)
	})
	if err != nil {
		return nil, err
	}
	return sealed, nil
}

func (k *dataKey) Unseal(sealed, bound []byte) (plain []byte, err error) {
	if len(sealed) < nonceSize+tagSize {
		return nil, keys.ErrCorrupt.With("sealed data does not open")
	}
	err = k.module.do(func(s p11.SessionHandle) error {
		params := p11.NewGCMParams(sealed[:nonceSize], bound, 8*tagSize)
		defer params.Free()
		if err := k.module.library.DecryptInit(s, []*p11.Mechanism{p11.NewMechanism(p11.CKM_AES_GCM, params)}, k.seal); err != nil {
			return fault("unseal", err)
		}
		text, err := k.module.library.Decrypt(s, sealed[nonceSize:])
		if is(err, p11.CKR_GENERAL_ERROR) { // what some modules say of a wrong tag
			return keys.ErrCorrupt.With("sealed data does not open")
		}
		plain = text
		return fault("unseal", err)
	})
	if err != nil {
		return nil, err
	}
	return plain, nil
}

func (k *dataKey) Sum(data []byte) (sum []byte, err error) {
	err = k.module.do(func(s p11.SessionHandle) (err error) {
		sum, err = k.module.sign(s, k.lookup, data)
		return err
	})
	return sum, err
}
