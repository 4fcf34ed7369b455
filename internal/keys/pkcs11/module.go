//go:build cgo && pkcs11

package pkcs11

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"errors"

	p11 "github.com/miekg/pkcs11"

	"hawker/internal/keys"
)

// The labels of the two keys that live in the token.
const (
	masterLabel  = "hawker-master"  // AES-256: wraps every other key
	bindingLabel = "hawker-binding" // HMAC-SHA-256: ties a wrapped key to its name
)

// module is one user of a token. Its sessions live as long as it does, and with
// them the objects they made.
type module struct {
	library         *library
	sessions        chan p11.SessionHandle
	count           int
	master, binding p11.ObjectHandle
}

// Open logs in to a token, whose master key is made when there is none. A token
// with another number of master keys than one is keys.ErrMaster.
func Open(c Config) (_ keys.Module, err error) {
	pin, err := keys.ReadPrivate(c.PINFile)
	if err != nil {
		return nil, err
	}
	defer clear(pin)
	l, err := load(c.Library)
	if err != nil {
		return nil, err
	}
	if c.Sessions <= 0 {
		c.Sessions = 8
	}
	m := &module{library: l, sessions: make(chan p11.SessionHandle, c.Sessions)}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close())
		}
	}()
	slot, err := l.token(c.Token)
	if err != nil {
		return nil, err
	}
	for range c.Sessions {
		s, err := l.OpenSession(slot, p11.CKF_SERIAL_SESSION|p11.CKF_RW_SESSION)
		if err != nil {
			return nil, fault("open session", err)
		}
		m.sessions <- s
		m.count++
	}
	err = m.do(func(s p11.SessionHandle) error {
		if err := l.Login(s, p11.CKU_USER, string(bytes.TrimRight(pin, "\r\n"))); is(err, p11.CKR_PIN_INCORRECT, p11.CKR_PIN_LEN_RANGE, p11.CKR_PIN_LOCKED) {
			return keys.ErrMaster.With("token %s refuses the PIN: %w", c.Token, err)
		} else if err != nil && !is(err, p11.CKR_USER_ALREADY_LOGGED_IN) { // by another user in this process
			return fault("log in", err)
		}
		return m.findOrMake(s)
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// findOrMake finds the token's two keys, or makes both where neither is.
func (m *module) findOrMake(s p11.SessionHandle) (err error) {
	master, err := m.find(s, masterLabel)
	if err != nil {
		return err
	}
	binding, err := m.find(s, bindingLabel)
	if err != nil {
		return err
	}
	if len(master)+len(binding) == 0 {
		made, err := m.make(s, masterLabel, p11.CKM_AES_KEY_GEN, p11.CKK_AES, p11.CKA_WRAP, p11.CKA_UNWRAP)
		if err != nil {
			return err
		}
		tied, err := m.make(s, bindingLabel, p11.CKM_GENERIC_SECRET_KEY_GEN, p11.CKK_GENERIC_SECRET, p11.CKA_SIGN, p11.CKA_VERIFY)
		if err != nil {
			return err
		}
		master, binding = []p11.ObjectHandle{made}, []p11.ObjectHandle{tied}
	}
	if len(master) != 1 || len(binding) != 1 {
		return keys.ErrMaster.With("the token has %d keys %s and %d keys %s, want one of each", len(master), masterLabel, len(binding), bindingLabel)
	}
	m.master, m.binding = master[0], binding[0]
	return nil
}

func (m *module) find(s p11.SessionHandle, label string) ([]p11.ObjectHandle, error) {
	if err := m.library.FindObjectsInit(s, []*p11.Attribute{
		p11.NewAttribute(p11.CKA_CLASS, p11.CKO_SECRET_KEY), p11.NewAttribute(p11.CKA_LABEL, label),
	}); err != nil {
		return nil, fault("find "+label, err)
	}
	found, _, err := m.library.FindObjects(s, 4)
	return found, fault("find "+label, errors.Join(err, m.library.FindObjectsFinal(s)))
}

// make has the token generate a key of 32 bytes that never leaves it, for two uses.
func (m *module) make(s p11.SessionHandle, label string, mechanism, kind uint, uses ...uint) (p11.ObjectHandle, error) {
	template := []*p11.Attribute{
		p11.NewAttribute(p11.CKA_CLASS, p11.CKO_SECRET_KEY), p11.NewAttribute(p11.CKA_KEY_TYPE, kind), p11.NewAttribute(p11.CKA_VALUE_LEN, 32),
		p11.NewAttribute(p11.CKA_LABEL, label), p11.NewAttribute(p11.CKA_TOKEN, true), p11.NewAttribute(p11.CKA_PRIVATE, true),
		p11.NewAttribute(p11.CKA_SENSITIVE, true), p11.NewAttribute(p11.CKA_EXTRACTABLE, false),
	}
	for _, use := range uses {
		template = append(template, p11.NewAttribute(use, true))
	}
	made, err := m.library.GenerateKey(s, []*p11.Mechanism{p11.NewMechanism(mechanism, nil)}, template)
	return made, fault("make "+label, err)
}

// do runs with a session of its own, waiting for one.
func (m *module) do(with func(s p11.SessionHandle) error) error {
	s := <-m.sessions
	defer func() { m.sessions <- s }()
	return with(s)
}

// Close ends the module's sessions, and with them its keys in use.
func (m *module) Close() error {
	var errs []error
	for range m.count {
		errs = append(errs, m.library.CloseSession(<-m.sessions))
	}
	m.count = 0
	return errors.Join(append(errs, m.library.release())...)
}

// What a wrapped key looks like: format 1, algorithm, length in bytes, the key in
// one or two AES key wraps with padding (RFC 5649), and the HMAC over all that and
// its name. Of a DES key the first wrap is its triple-length form, since modules
// know single DES no more, and the second its first part, tripled, for X9.19.
const (
	formatByte = 1
	prefixSize = 3
	hmacSize   = 32
	tripleSize = 24
	tripleWrap = tripleSize + 8
)

var algorithmBytes = map[keys.Algorithm]byte{keys.DES: 'D', keys.AES: 'A', keys.Data: 'X'}

// Wrap implements keys.Module.
func (m *module) Wrap(a keys.Algorithm, raw, bound []byte) (wrapped []byte, err error) {
	parts := [][]byte{raw}
	if a == keys.DES {
		full, first := tripled(raw), tripled(raw[:min(8, len(raw))])
		defer clear(full)
		defer clear(first)
		parts = [][]byte{full, first}
	}
	if len(raw) == 0 || len(raw) > 255 || algorithmBytes[a] == 0 || parts[0] == nil {
		return nil, keys.ErrPurpose.With("%d bytes for %s", len(raw), a)
	}
	err = m.do(func(s p11.SessionHandle) error {
		wrapped = []byte{formatByte, algorithmBytes[a], byte(len(raw))} //nolint:gosec // checked above
		for _, part := range parts {
			text, err := m.wrapPart(s, part)
			if err != nil {
				return err
			}
			wrapped = append(wrapped, text...)
		}
		tie, err := m.tie(s, wrapped, bound)
		wrapped = append(wrapped, tie...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return wrapped, nil
}

// tripled is the triple-length form of a DES key; nil for one of another length.
func tripled(raw []byte) []byte {
	switch len(raw) {
	case 8:
		return bytes.Repeat(raw, 3)
	case 16:
		return append(bytes.Clone(raw), raw[:8]...)
	case tripleSize:
		return bytes.Clone(raw)
	}
	return nil
}

// wrapPart brings bytes into the module for a moment, to have them wrapped.
func (m *module) wrapPart(s p11.SessionHandle, part []byte) (wrapped []byte, err error) {
	o, err := m.library.CreateObject(s, []*p11.Attribute{
		p11.NewAttribute(p11.CKA_CLASS, p11.CKO_SECRET_KEY), p11.NewAttribute(p11.CKA_KEY_TYPE, p11.CKK_GENERIC_SECRET), p11.NewAttribute(p11.CKA_VALUE, part),
		p11.NewAttribute(p11.CKA_TOKEN, false), p11.NewAttribute(p11.CKA_PRIVATE, true), p11.NewAttribute(p11.CKA_SENSITIVE, true), p11.NewAttribute(p11.CKA_EXTRACTABLE, true),
	})
	if err != nil {
		return nil, fault("bring a key in", err)
	}
	defer func() { err = errors.Join(err, fault("drop a key", m.library.DestroyObject(s, o))) }()
	wrapped, err = m.library.WrapKey(s, keyWrap(), m.master, o)
	return wrapped, fault("wrap", err)
}

func keyWrap() []*p11.Mechanism {
	return []*p11.Mechanism{p11.NewMechanism(p11.CKM_AES_KEY_WRAP_PAD, nil)}
}

// tie is the HMAC by which a wrapped key belongs to its name.
func (m *module) tie(s p11.SessionHandle, wrapped, bound []byte) ([]byte, error) {
	text := binary.BigEndian.AppendUint32(nil, uint32(len(bound))) //nolint:gosec // a key's name
	text = append(append(text, bound...), wrapped...)
	return m.sign(s, m.binding, text)
}

func (m *module) sign(s p11.SessionHandle, key p11.ObjectHandle, text []byte) ([]byte, error) {
	if err := m.library.SignInit(s, []*p11.Mechanism{p11.NewMechanism(p11.CKM_SHA256_HMAC, nil)}, key); err != nil {
		return nil, fault("sign", err)
	}
	sum, err := m.library.Sign(s, text)
	return sum, fault("sign", err)
}

// untie checks that a wrapped key is of an algorithm and belongs to its name, and
// gives its length and its wraps.
func (m *module) untie(s p11.SessionHandle, a keys.Algorithm, wrapped, bound []byte) (size int, wraps [][]byte, err error) {
	if len(wrapped) < prefixSize+hmacSize {
		return 0, nil, keys.ErrCorrupt.With("%d bytes", len(wrapped))
	}
	body, tie := wrapped[:len(wrapped)-hmacSize], wrapped[len(wrapped)-hmacSize:]
	want, err := m.tie(s, body, bound)
	if err != nil {
		return 0, nil, err
	}
	if subtle.ConstantTimeCompare(want, tie) != 1 || body[0] != formatByte || body[1] != algorithmBytes[a] {
		return 0, nil, keys.ErrCorrupt.With("does not unwrap")
	}
	size, body = int(body[2]), body[prefixSize:]
	if a != keys.DES {
		return size, [][]byte{body}, nil
	}
	if len(body) != 2*tripleWrap {
		return 0, nil, keys.ErrCorrupt.With("a DES key of %d bytes", len(body))
	}
	return size, [][]byte{body[:tripleWrap], body[tripleWrap:]}, nil
}

// unwrap makes an object of this session's from a wrap; more are its uses.
func (m *module) unwrap(s p11.SessionHandle, wrap []byte, kind uint, readable bool, uses ...uint) (p11.ObjectHandle, error) {
	template := []*p11.Attribute{
		p11.NewAttribute(p11.CKA_CLASS, p11.CKO_SECRET_KEY), p11.NewAttribute(p11.CKA_KEY_TYPE, kind), p11.NewAttribute(p11.CKA_TOKEN, false),
		p11.NewAttribute(p11.CKA_PRIVATE, true), p11.NewAttribute(p11.CKA_SENSITIVE, !readable), p11.NewAttribute(p11.CKA_EXTRACTABLE, readable),
	}
	for _, use := range uses {
		template = append(template, p11.NewAttribute(use, true))
	}
	o, err := m.library.UnwrapKey(s, keyWrap(), m.master, wrap, template)
	return o, fault("unwrap", err)
}

// Reveal implements keys.Module: the one time that a key is unwrapped readable. A
// token that forbids it refuses, and exports nothing.
func (m *module) Reveal(a keys.Algorithm, wrapped, bound []byte) (raw []byte, err error) {
	err = m.do(func(s p11.SessionHandle) (err error) {
		size, wraps, err := m.untie(s, a, wrapped, bound)
		if err != nil {
			return err
		}
		o, err := m.unwrap(s, wraps[0], p11.CKK_GENERIC_SECRET, true)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, fault("drop a key", m.library.DestroyObject(s, o))) }()
		list, err := m.library.GetAttributeValue(s, o, []*p11.Attribute{p11.NewAttribute(p11.CKA_VALUE, nil)})
		if err != nil {
			return fault("read a key", err)
		}
		if len(list) != 1 || len(list[0].Value) < size {
			return keys.ErrCorrupt.With("shorter than it was")
		}
		raw = bytes.Clone(list[0].Value[:size])
		clear(list[0].Value)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return raw, nil
}
