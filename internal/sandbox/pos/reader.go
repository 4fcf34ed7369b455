package pos

import (
	"hawker/internal/card"
	"hawker/internal/dukpt"
	"hawker/internal/iso8583"
)

// reader is the key of one message of a terminal that derives them. What could not
// be derived is told by every method.
type reader struct {
	serial  []byte
	counter uint32
	key     derivedKey
	err     error
}

// derivedKey is what the two kinds of keys do alike.
type derivedKey interface {
	RequestMAC(data []byte) ([]byte, error)
	VerifyResponse(data, mac []byte) error
	EncryptData(data []byte) ([]byte, error)
}

// next is the key of the message to send, last that of the message sent last.
func (k secure) next(p *iso8583.Profile) reader { return k.reader(p, true) }

func (k secure) last(p *iso8583.Profile) reader { return k.reader(p, false) }

func (k secure) reader(p *iso8583.Profile, next bool) (r reader) {
	r.serial = append([]byte(nil), k.Reader...)
	if p.Protection == iso8583.DerivedAES {
		n := dukpt.AESKSN(r.serial)
		for i := range 4 {
			n[8+i] = byte(k.Counter >> (24 - 8*i)) //nolint:gosec // its bytes
		}
		if next {
			if n, r.err = n.Next(); r.err != nil {
				return r
			}
		}
		r.serial, r.counter = n[:], n.Counter()
		r.key, r.err = dukpt.NewAESSession(k.Initial, n)
		return r
	}
	n := dukpt.KSN(r.serial)
	n[7] |= byte(k.Counter >> 16 & 0x1f)
	n[8], n[9] = byte(k.Counter>>8), byte(k.Counter) //nolint:gosec // its bytes
	if next {
		if n, r.err = n.Next(); r.err != nil {
			return r
		}
	}
	r.serial, r.counter = n[:], n.Counter()
	r.key, r.err = dukpt.NewSession(k.Initial, n)
	return r
}

func (r reader) mac(covered []byte) ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	return r.key.RequestMAC(covered)
}

func (r reader) verify(covered, mac []byte) bool {
	return r.err == nil && r.key.VerifyResponse(covered, mac) == nil
}

// protect puts the track of m, enciphered, where the dialect has it.
func (r reader) protect(m *iso8583.Message) error {
	if r.err != nil || !m.Has(35) {
		return r.err
	}
	sealed, err := r.key.EncryptData(m.Bytes(35))
	if err != nil {
		return err
	}
	m.Wipe(35)
	m.SetBytes(iso8583.EncipheredTrack, sealed)
	return nil
}

// putPIN adds the PIN block, when a PIN was entered: format 4 where the reader has AES.
func (r reader) putPIN(m *iso8583.Message, p Presented) error {
	if r.err != nil || p.PIN.IsZero() {
		return r.err
	}
	block, err := r.pinBlock(p)
	if err != nil {
		return ErrCard.because(err)
	}
	m.Set(26, "12").SetBytes(52, block)
	return nil
}

func (r reader) pinBlock(p Presented) ([]byte, error) {
	if key, ok := r.key.(dukpt.AESSession); ok {
		account, err := card.AccountField(p.Card.PAN)
		if err != nil {
			return nil, err
		}
		field, err := card.PINField(p.PIN)
		if err != nil {
			return nil, err
		}
		defer clear(field)
		return key.EncryptPIN(field, account)
	}
	block, err := card.EncodePIN(card.ISO0, p.PIN, p.Card.PAN)
	if err != nil {
		return nil, err
	}
	defer clear(block)
	return r.key.(dukpt.Session).EncryptPIN(block)
}
