package bench

import (
	"encoding/binary"

	"hawker/internal/iso8583"
	"hawker/internal/tdes"
)

var requests = layoutOf(iso8583.CardNetwork)

// answerFields are an answer's fields before its MAC. What the network does not add
// itself is repeated as it came, if it came.
var answerFields = [...]int{3, 4, 7, 11, 32, 33, 37, 38, 39, 41, 42, 44, 49, 59, 70}

// Fields 38 and 44 as they are packed.
var (
	authCode     = []byte("123456")
	vouchers     = append([]byte{0x00, byte(len(voucher)+5)/10<<4 | byte(len(voucher)+5)%10}, iso8583.Build59(iso8583.QRVoucher, voucher)...)
	institutions = append([]byte{0x22}, "99622200   10000000   "...)
)

// voucher names every payment by code.
const voucher = "20261126000000000001"

// answer appends the answer to a frame; nothing to what is no request under our key.
func (n *light) answer(out, frame []byte) []byte {
	const response = 0x10 // in the MTI's second byte
	p, body := iso8583.CardNetwork, frame[2:]
	var at spans
	covered, mac, ok := p.MACRange(body)
	if !ok || body[1]&response != 0 || tdes.VerifyMAC(p.MAC.Algorithm, n.zak, covered, mac) != nil || !requests.find(body, &at) {
		return out
	}
	code, link := n.decide(body, &at), body[0] == 0x08
	begin := len(out)
	head := [20]byte{2: body[0], 3: body[1] | response, 4: 0x80, 19: 0x01} // length, MTI, bitmaps: the second one, field 128
	out = append(out, head[:]...)
	for _, field := range answerFields {
		value := at.of(body, field)
		switch {
		case field == 39:
			value = []byte(code)
		case link: // no more than it asked with
		case field == 33:
			value = nil
		case field == 38 && code == approved:
			value = authCode
		case field == 44:
			value = institutions
		case field == 59 && len(value) > 0: // a customer's code came; a voucher goes
			value = vouchers
		}
		if len(value) > 0 {
			out[begin+4+(field-1)/8] |= 0x80 >> ((field - 1) % 8)
			out = append(out, value...)
		}
	}
	seal, err := tdes.MAC(p.MAC.Algorithm, n.zak, out[begin+2:])
	if err != nil {
		return out[:begin]
	}
	out = append(out, seal...)
	binary.BigEndian.PutUint16(out[begin:], uint16(len(out)-begin-2)) //nolint:gosec // some hundred bytes
	return out
}

// decide books a request and gives its response code.
func (n *light) decide(body []byte, at *spans) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch [2]byte(body) {
	case [2]byte{0x08, 0x00}:
		return approved
	case [2]byte{0x02, 0x00}:
		if bcd(at.of(body, 3)) == 0 {
			return n.sell(refer(at.of(body, 7), at.of(body, 11)), string(at.of(body, 42)), bcd(at.of(body, 4)))
		}
	case [2]byte{0x04, 0x20}:
		if original := at.of(body, 90); len(original) == 21 { // MTI 2, field 11 3, field 7 5, two institutions
			return n.reverse(refer(original[5:10], original[2:5]))
		}
	}
	return "40"
}

// refer names a request by its fields 7 and 11.
func refer(sent, stan []byte) (r reference) {
	copy(r[copy(r[:], sent):], stan)
	return r
}

// sell books a sale once, unless its reversal was faster.
func (n *light) sell(r reference, mid string, minor int64) string {
	if b := n.sales[r]; b != nil && b.merchant == nil {
		return "12"
	} else if b != nil {
		return approved
	}
	m := n.merchants[mid]
	if m == nil {
		m = &tally{}
		n.merchants[mid] = m
	}
	m.Count++
	m.Minor += minor
	n.sales[r] = &booking{merchant: m, minor: minor}
	return approved
}

// reverse takes a sale back once, and remembers one that has not come.
func (n *light) reverse(r reference) string {
	b := n.sales[r]
	if b == nil || b.merchant == nil {
		n.sales[r] = &booking{}
		return "25"
	}
	if !b.reversed {
		b.merchant.Count--
		b.merchant.Minor -= b.minor
		b.reversed = true
	}
	return approved
}
