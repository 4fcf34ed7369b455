package paylink

import (
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/money"
)

// The content of a link: the kind, the merchant, length and text of the payee;
// then a plate's number, or currency (ISO 4217 numeric), minor units, payment and
// expiry in Unix seconds. Numbers are unsigned varints in their shortest form.
func (c Code) pack() []byte {
	b := []byte{byte(c.Kind)}
	put := func(n int64) { b = binary.AppendUvarint(b, uint64(n)) } //nolint:gosec // check wants all of them positive
	put(int64(c.Merchant))
	put(int64(len(c.Payee)))
	b = append(b, c.Payee...)
	if c.Kind == Static {
		put(c.Plate)
		return b
	}
	numeric, _ := strconv.ParseInt(c.Amount.Currency().Numeric(), 10, 64) // check wants it known
	put(numeric)
	put(c.Amount.Minor())
	put(c.Payment)
	put(c.Expires.Unix())
	return b
}

var errContent = errors.New("paylink: content of another form")

// reader takes numbers and text off the front and remembers the first failure.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int64) []byte {
	if n < 0 || n > int64(len(r.b)) {
		r.bad = true
		return nil
	}
	head := r.b[:n]
	r.b = r.b[n:]
	return head
}

// number reads a varint of 0 to 2⁶³−1 in its shortest form.
func (r *reader) number() int64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > 1<<63-1 || size > 1 && r.b[size-1] == 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return int64(n)
}

// unpack reads what pack wrote, and nothing else.
func unpack(b []byte) (Code, error) {
	r := reader{b: b}
	var c Code
	if kind := r.take(1); kind != nil {
		c.Kind = Kind(kind[0])
	}
	c.Merchant = merchant.ID(r.number())
	c.Payee = string(r.take(r.number()))
	switch c.Kind {
	case Static:
		c.Plate = r.number()
	case Dynamic:
		numeric := strconv.FormatInt(r.number(), 10)
		for len(numeric) < 3 {
			numeric = "0" + numeric
		}
		currency, _ := money.ByNumeric(numeric)
		c.Amount = money.New(r.number(), currency)
		c.Payment = r.number()
		c.Expires = time.Unix(r.number(), 0).UTC()
	}
	if r.bad || len(r.b) > 0 || c.check() != nil {
		return Code{}, errContent
	}
	return c, nil
}
