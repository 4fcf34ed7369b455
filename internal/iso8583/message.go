// Package iso8583 turns bytes into messages and back. A dialect (framing, field
// formats, MAC, code tables) is a Profile: data, never code. The package knows
// nothing of payments, keys or sockets' lifetimes. One small codec reads the
// profile's table (docs/decisions/007-own-iso-codec.md).
package iso8583

import (
	"bytes"
	"slices"
)

// Message is one ISO 8583 message: a four-digit MTI and up to 128 fields.
// Field values are held as their own text: digits for n, digits and '=' for z
// (a D nibble reads as '='; an enciphered track may hold A to F), bytes for the
// rest. A Message prints with card data masked, whatever the verb. Messages are
// handed on by pointer and copied with Clone: a copy by assignment shares its fields.
type Message struct {
	MTI    string
	fields []element // ascending by number
}

// element is one field that a message has, in half a cache line.
type element struct {
	value  []byte // never nil
	offset int32  // where the field began in the unpacked bytes; 0 when built
	number uint8
	padded bool // unpacked with something else than 0 in its padding nibble
}

// usual is how many fields a message has room for from the start: most of ours have fewer.
const usual = 24

// New starts a message. mti is four digits, e.g. "0200".
func New(mti string) *Message { return &Message{MTI: mti, fields: make([]element, 0, usual)} }

// Set puts a text value into field n (2 to 128) and returns m for chaining.
// It panics when n is out of range: that is broken code, not input.
func (m *Message) Set(n int, value string) *Message { return m.SetBytes(n, []byte(value)) }

// SetBytes puts a binary value into field n (2 to 128). The slice is kept, not copied.
func (m *Message) SetBytes(n int, value []byte) *Message {
	if n < 2 || n > 128 {
		panic("iso8583: field number out of range")
	}
	if value == nil {
		value = []byte{}
	}
	at, there := m.find(n)
	if !there {
		m.fields = slices.Insert(m.fields, at, element{})
	}
	m.fields[at] = element{number: uint8(n), value: value}
	return m
}

// Unset removes field n.
func (m *Message) Unset(n int) {
	if at, there := m.find(n); there {
		m.fields = slices.Delete(m.fields, at, at+1)
	}
}

// Has reports whether field n is present.
func (m *Message) Has(n int) bool {
	_, there := m.find(n)
	return there
}

// Text returns field n as text; "" when absent.
func (m *Message) Text(n int) string { return string(m.Bytes(n)) }

// Bytes returns field n's bytes, not a copy; nil when absent.
func (m *Message) Bytes(n int) []byte {
	if at, there := m.find(n); there {
		return m.fields[at].value
	}
	return nil
}

// Fields lists the numbers of the fields present, ascending.
func (m *Message) Fields() []int {
	var ns []int
	for _, e := range m.fields {
		ns = append(ns, int(e.number))
	}
	return ns
}

// Wipe zeroes and removes the fields given, for card data that must not outlive its use.
func (m *Message) Wipe(fields ...int) {
	for _, n := range fields {
		clear(m.Bytes(n))
		m.Unset(n)
	}
}

// Equal reports whether both messages have the same MTI and the same fields
// with the same values. Where they came from does not count.
func (m *Message) Equal(o *Message) bool {
	return m.MTI == o.MTI && slices.EqualFunc(m.fields, o.fields, func(a, b element) bool {
		return a.number == b.number && bytes.Equal(a.value, b.value)
	})
}

// Clone is a message of its own. It shares the bytes of the values, which Wipe
// zeroes in both, until one of the two sets others.
func (m *Message) Clone() *Message {
	c := *m
	c.fields = make([]element, len(m.fields), len(m.fields)+1) // one more: PackMAC adds a field
	copy(c.fields, m.fields)
	return &c
}

// find is the place of field n among the fields, and whether it is there. It
// looks from the end, because messages are built and read in ascending order.
func (m *Message) find(n int) (at int, there bool) {
	for at = len(m.fields); at > 0 && int(m.fields[at-1].number) >= n; {
		at--
	}
	return at, at < len(m.fields) && int(m.fields[at].number) == n
}
