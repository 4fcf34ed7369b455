// Package iso8583 turns bytes into messages and back. A dialect (framing, field
// formats, MAC, code tables) is a Profile: data, never code. The package knows
// nothing of payments, keys or sockets' lifetimes. The codec underneath is
// moov-io/iso8583; nothing of it shows in this package's API.
package iso8583

import (
	"bytes"
	"slices"
)

// Message is one ISO 8583 message: a four-digit MTI and up to 128 fields.
// Field values are held as their own text: digits for n, digits and '=' for z
// (a D nibble reads as '='; an enciphered track may hold A to F), bytes for the
// rest. A Message prints with card data masked, whatever the verb.
type Message struct {
	MTI    string
	fields [129][]byte // nil: absent
	offset [129]int    // where the field began in the unpacked bytes; 0 when built
	padded []int       // fields unpacked with something else than 0 in their padding nibble
}

// New starts a message. mti is four digits, e.g. "0200".
func New(mti string) *Message { return &Message{MTI: mti} }

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
	m.fields[n] = value
	m.forget(n)
	return m
}

// Unset removes field n.
func (m *Message) Unset(n int) {
	m.fields[n] = nil
	m.forget(n)
}

// Has reports whether field n is present.
func (m *Message) Has(n int) bool { return m.fields[n] != nil }

// Text returns field n as text; "" when absent.
func (m *Message) Text(n int) string { return string(m.fields[n]) }

// Bytes returns field n's bytes, not a copy; nil when absent.
func (m *Message) Bytes(n int) []byte { return m.fields[n] }

// Fields lists the numbers of the fields present, ascending.
func (m *Message) Fields() []int {
	var ns []int
	for n, v := range m.fields[:] {
		if v != nil {
			ns = append(ns, n)
		}
	}
	return ns
}

// Wipe zeroes and removes the fields given, for card data that must not outlive its use.
func (m *Message) Wipe(fields ...int) {
	for _, n := range fields {
		clear(m.fields[n])
		m.Unset(n)
	}
}

// Equal reports whether both messages have the same MTI and the same fields
// with the same values. Where they came from does not count.
func (m *Message) Equal(o *Message) bool {
	return m.MTI == o.MTI && slices.EqualFunc(m.fields[:], o.fields[:], func(a, b []byte) bool {
		return (a == nil) == (b == nil) && bytes.Equal(a, b)
	})
}

// forget drops what was known about the bytes that field n was read from.
func (m *Message) forget(n int) {
	m.offset[n] = 0
	m.padded = slices.DeleteFunc(m.padded, func(f int) bool { return f == n })
}
