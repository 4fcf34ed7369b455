package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Software is the module within this process: keys are wrapped with AES-256-GCM
// under the master key, and clear in memory while they are used. The zero Software
// opens nothing.
type Software struct{ master aead }

// NewSoftware makes a module of a master key of 32 bytes, which is copied.
func NewSoftware(master []byte) (Software, error) {
	if len(master) != masterSize {
		return Software{}, ErrMaster.With("%d bytes, want %d", len(master), masterSize)
	}
	a, err := newAEAD(master)
	if err != nil {
		return Software{}, ErrMaster.Wrap(err)
	}
	return Software{a}, nil
}

// Wrap implements Module.
func (s Software) Wrap(_ Algorithm, raw, bound []byte) ([]byte, error) {
	if s.master == nil {
		return nil, ErrMaster.With("no master key")
	}
	return s.master().Encrypt(raw, bound)
}

// Reveal implements Module.
func (s Software) Reveal(_ Algorithm, wrapped, bound []byte) ([]byte, error) {
	if s.master == nil {
		return nil, ErrMaster.With("no master key")
	}
	raw, err := s.master().Decrypt(wrapped, bound)
	if err != nil {
		return nil, ErrCorrupt.With("does not unwrap")
	}
	return raw, nil
}

// Open implements Module.
func (s Software) Open(a Algorithm, wrapped, bound []byte) (Key, error) {
	raw, err := s.Reveal(a, wrapped, bound)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	k, err := local(a, raw)
	if err != nil {
		return nil, ErrCorrupt.Wrap(err)
	}
	return k, nil
}

// OpenData implements Module.
func (s Software) OpenData(wrapped, bound []byte) (DataKey, error) {
	raw, err := s.Reveal(Data, wrapped, bound)
	if err != nil {
		return nil, err
	}
	seal, err := newAEAD(raw)
	if err != nil || len(raw) != dataSize {
		clear(raw)
		return nil, ErrCorrupt.With("not of %d bytes", dataSize)
	}
	return dataKey{func() dataMaterial { return dataMaterial{seal, raw} }}, nil
}

// Close implements Module; there is nothing to end.
func (s Software) Close() error { return nil }

// aesKey is an AES key in memory. Like tdes.Key it holds a function, so that
// printing what holds it shows an address.
type aesKey struct{ open func() *aesMaterial }

type aesMaterial struct {
	size  int
	block cipher.Block // nil once wiped
}

func (k aesKey) Size() int { return k.open().size }

func (k aesKey) Encrypt(blocks []byte) ([]byte, error) { return k.each(cipher.Block.Encrypt, blocks) }

func (k aesKey) Decrypt(blocks []byte) ([]byte, error) { return k.each(cipher.Block.Decrypt, blocks) }

func (k aesKey) each(step func(c cipher.Block, dst, src []byte), blocks []byte) ([]byte, error) {
	c := k.open().block
	if c == nil || len(blocks)%aes.BlockSize != 0 {
		return nil, ErrPurpose.With("an AES key was wiped, or met %d bytes", len(blocks))
	}
	out := make([]byte, len(blocks))
	for i := 0; i < len(blocks); i += aes.BlockSize {
		step(c, out[i:], blocks[i:])
	}
	return out, nil
}

func (k aesKey) Chain(data []byte) ([]byte, error) {
	c := k.open().block
	if c == nil || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, ErrPurpose.With("an AES key was wiped, or met %d bytes", len(data))
	}
	out := make([]byte, len(data))
	cipher.NewCBCEncrypter(c, make([]byte, aes.BlockSize)).CryptBlocks(out, data) //nolint:gosec // the zero vector is the algorithm
	return out[len(out)-aes.BlockSize:], nil
}

func (k aesKey) ChainFirst([]byte) ([]byte, error) {
	return nil, ErrPurpose.With("an AES key has no first part")
}

func (k aesKey) Wipe() { *k.open() = aesMaterial{} }

// Format hides the key for every verb.
func (k aesKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[key]") }

// dataKey is a key of our own data in memory.
type dataKey struct{ open func() dataMaterial }

type dataMaterial struct {
	seal aead
	raw  []byte
}

func (k dataKey) Seal(plain, bound []byte) ([]byte, error) {
	return k.open().seal().Encrypt(plain, bound)
}

func (k dataKey) Unseal(sealed, bound []byte) ([]byte, error) {
	plain, err := k.open().seal().Decrypt(sealed, bound)
	if err != nil {
		return nil, ErrCorrupt.With("sealed data does not open")
	}
	return plain, nil
}

func (k dataKey) Sum(data []byte) ([]byte, error) {
	h := hmac.New(sha256.New, k.open().raw)
	h.Write(data)
	return h.Sum(nil), nil
}

// Format hides the key for every verb.
func (k dataKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[key]") }

// aead hands out a cipher instead of being one, so that printing what holds it shows no key.
type aead func() tink.AEAD

// newAEAD is AES-256-GCM that draws a nonce for each text and puts it in front; one
// key is good for 2³² texts. key is copied.
func newAEAD(key []byte) (aead, error) {
	c, err := subtle.NewAESGCM(bytes.Clone(key))
	if err != nil {
		return nil, err
	}
	return func() tink.AEAD { return c }, nil
}
