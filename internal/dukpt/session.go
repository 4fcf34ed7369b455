package dukpt

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrMAC says that a message authentication code does not belong to the message.
var ErrMAC = errors.New("dukpt: wrong message authentication code")

// ErrBlock says that a PIN block has not eight bytes.
var ErrBlock = errors.New("dukpt: not a block of 8 bytes")

// The variants of a transaction key, one for each use (X9.24-1, A.4.1): masks
// for both halves.
const (
	pinVariant         = 0x00000000000000FF
	requestMACVariant  = 0x000000000000FF00
	responseMACVariant = 0x00000000FF000000
)

// Session is the key of one transaction. It prints as "[key]", and
// inside other structs as an address, since a function hands it out. The zero
// Session has no key, and every method answers ErrKey.
type Session struct{ cell func() *[]byte }

// NewSession derives the transaction key of ksn from the reader's initial key
// (X9.24-1, A.3): one step for each one bit of the counter, highest first.
func NewSession(initial []byte, ksn KSN) (Session, error) {
	if len(initial) != 16 {
		return Session{}, ErrKey
	}
	if _, err := ParseKSN(ksn[:]); err != nil {
		return Session{}, err
	}
	key := append([]byte(nil), initial...)
	counter := uint64(ksn.Counter())
	register := binary.BigEndian.Uint64(ksn[2:]) &^ counterMask
	for bit := uint64(1) << (counterBits - 1); bit > 0; bit >>= 1 {
		if counter&bit != 0 {
			register |= bit
			step(key, register)
		}
	}
	return Session{func() *[]byte { return &key }}, nil
}

// step replaces key by the next one. It cannot be undone: a reader that is
// opened tells nothing about its past transactions.
func step(key []byte, register uint64) {
	variant := vary(key, halfMask)
	defer clear(variant)
	half := func(key []byte) []byte {
		out := binary.BigEndian.AppendUint64(nil, register)
		subtle.XORBytes(out, out, key[8:])
		single(key[:8]).Encrypt(out, out)
		subtle.XORBytes(out, out, key[8:])
		return out
	}
	left, right := half(variant), half(key)
	copy(key[:8], left)
	copy(key[8:], right)
	clear(left)
	clear(right)
}

// EncryptPIN enciphers a clear PIN block of eight bytes, as the reader does.
func (s Session) EncryptPIN(block []byte) ([]byte, error) { return s.pin(block, true) }

// DecryptPIN gives the clear PIN block back; the caller wipes it.
func (s Session) DecryptPIN(block []byte) ([]byte, error) { return s.pin(block, false) }

func (s Session) pin(block []byte, encrypt bool) ([]byte, error) {
	if s.key() == nil {
		return nil, ErrKey
	}
	if len(block) != 8 {
		return nil, fmt.Errorf("%w: %d bytes", ErrBlock, len(block))
	}
	key := vary(s.key(), pinVariant)
	defer clear(key)
	out := make([]byte, 8)
	if encrypt {
		triple(key).Encrypt(out, block)
	} else {
		triple(key).Decrypt(out, block)
	}
	return out, nil
}

// RequestMAC is the retail MAC, eight bytes, of what the reader sends: X9.19
// under the request variant, data zero-padded.
func (s Session) RequestMAC(data []byte) ([]byte, error) { return s.mac(data, requestMACVariant) }

// ResponseMAC is the same for what the host answers, under a variant of its own.
func (s Session) ResponseMAC(data []byte) ([]byte, error) { return s.mac(data, responseMACVariant) }

// VerifyRequest compares a request's MAC in constant time; any other is ErrMAC.
func (s Session) VerifyRequest(data, mac []byte) error {
	want, err := s.RequestMAC(data)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(want, mac) != 1 {
		return ErrMAC
	}
	return nil
}

func (s Session) mac(data []byte, mask uint64) ([]byte, error) {
	if s.key() == nil {
		return nil, ErrKey
	}
	key := vary(s.key(), mask)
	defer clear(key)
	chain, block := single(key[:8]), make([]byte, 8)
	for ; len(data) > 8; data = data[8:] {
		subtle.XORBytes(block, block, data[:8])
		chain.Encrypt(block, block)
	}
	subtle.XORBytes(block, block, data)
	triple(key).Encrypt(block, block)
	return block, nil
}

// Wipe overwrites the key; every copy of the Session becomes zero.
func (s Session) Wipe() {
	if s.cell != nil {
		clear(*s.cell())
		*s.cell() = nil
	}
}

func (s Session) key() []byte {
	if s.cell == nil {
		return nil
	}
	return *s.cell()
}

// String hides the key.
func (s Session) String() string { return "[key]" }

// Format hides the key for every verb.
func (s Session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }
