package iso8583

import "fmt"

// macSize is the MAC field's bytes in every profile, text or raw.
const macSize = 8

// noMAC holds the MAC field's place while a message is packed. Nobody writes to it.
var noMAC [macSize]byte

// MACRange finds, in a packed message, the bytes that the MAC covers (MTI up to
// the MAC field, which is always the last) and the MAC field's own bytes. Both
// alias packed. ok is false when the bitmap has no MAC field or the message is
// too short for one; the fields between are not looked at.
func (p *Profile) MACRange(packed []byte) (covered, mac []byte, ok bool) {
	if len(packed) < mtiSize+bitmapSize || len(packed) < headSize(packed)+macSize {
		return nil, nil, false
	}
	if !readBitmap(packed).has(p.MAC.Field) || announces(packed) != (p.MAC.Field > 64) {
		return nil, nil, false
	}
	at := len(packed) - macSize
	return packed[:at:at], packed[at:], true
}

// PackMAC packs m with the MAC that mac returns for the covered bytes: 8 bytes
// as they go into the field, upper-case hexadecimal text where the profile says
// so. m itself is left as it is. mac's error comes back wrapped.
func (p *Profile) PackMAC(m *Message, mac func(covered []byte) ([]byte, error)) ([]byte, error) {
	packed, err := p.Pack(m.Clone().SetBytes(p.MAC.Field, noMAC[:]))
	if err != nil {
		return nil, err
	}
	covered, place, _ := p.MACRange(packed)
	value, err := mac(covered)
	if err != nil {
		return nil, fmt.Errorf("mac of %s: %w", m.MTI, err)
	}
	if len(value) != macSize {
		return nil, &FormatError{Field: p.MAC.Field, Offset: len(covered), Expected: "a MAC of 8 bytes", Got: plural(len(value), "byte")}
	}
	copy(place, value)
	return packed, nil
}
