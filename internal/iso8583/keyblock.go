package iso8583

import (
	"bytes"
	"fmt"
	"log/slog"
)

// Layout is a form of the key block in field 62, by the network code (60.3) that asks for it.
type Layout string

// The key block layouts.
const (
	LayoutSingle Layout = "001" // 24 bytes: TPK 8, TAK 8
	LayoutDouble Layout = "003" // 40 bytes: TPK 16, TAK 8 and 8 zero bytes
	LayoutTrack  Layout = "004" // 60 bytes: as 003, then TDK 16
)

// WrappedKey is a working key enciphered under the terminal's master key, with
// its check value. It prints as its length and check value.
type WrappedKey struct {
	Cipher []byte // 8 or 16 bytes
	KCV    []byte // 4 bytes
}

// KeyBlock is what a sign-on gives a terminal: PIN key, MAC key, track key.
type KeyBlock struct {
	TPK WrappedKey
	TAK WrappedKey // Cipher is 8 bytes; the filler of the longer layouts is not part of it
	TDK WrappedKey // zero but for LayoutTrack
}

const kcvSize = 4

var takFiller = make([]byte, 8)

// part is a stretch of a key block: a key's cipher with filler after it, then its KCV.
type part struct {
	name   string
	key    *WrappedKey
	cipher int // bytes
	filler int // zero bytes
}

// parts is the layout's order and sizes, pointing into k; nil for an unknown layout.
func (k *KeyBlock) parts(layout Layout) []part {
	single := []part{{"TPK", &k.TPK, 8, 0}, {"TAK", &k.TAK, 8, 0}}
	double := []part{{"TPK", &k.TPK, 16, 0}, {"TAK", &k.TAK, 8, len(takFiller)}, {"TDK", &k.TDK, 16, 0}}
	switch layout {
	case LayoutSingle:
		return single
	case LayoutDouble:
		return double[:2]
	case LayoutTrack:
		return double
	default:
		return nil
	}
}

// size is the layout's bytes, 0 for an unknown one.
func (layout Layout) size() int {
	size := 0
	for _, p := range new(KeyBlock).parts(layout) {
		size += p.cipher + p.filler + kcvSize
	}
	return size
}

// ParseKeyBlock takes field 62 apart; b is copied. An unknown layout, another
// length than the layout's, or a filler other than zero is a *FormatError.
func ParseKeyBlock(layout Layout, b []byte) (KeyBlock, error) {
	if size := layout.size(); size == 0 || len(b) != size {
		return KeyBlock{}, layout.complaint(size, len(b))
	}
	var k KeyBlock
	at := 0
	take := func(n int) []byte {
		at += n
		return bytes.Clone(b[at-n : at])
	}
	for _, p := range k.parts(layout) {
		p.key.Cipher = take(p.cipher)
		if filler := take(p.filler); !bytes.Equal(filler, takFiller[:p.filler]) {
			return KeyBlock{}, &FormatError{Field: 62, Offset: at - p.filler, Expected: "8 zero bytes after the " + p.name, Got: "other bytes"}
		}
		p.key.KCV = take(kcvSize)
	}
	return k, nil
}

// Build is field 62 in a layout. A key of another length than the layout's, a
// KCV not of 4 bytes, or a TDK where the layout has none is a *FormatError.
func (k KeyBlock) Build(layout Layout) ([]byte, error) {
	if layout.size() == 0 {
		return nil, layout.complaint(0, 0)
	}
	var b []byte
	for _, p := range k.parts(layout) {
		if len(p.key.Cipher) != p.cipher || len(p.key.KCV) != kcvSize {
			return nil, &FormatError{
				Field: 62, Offset: len(b), Expected: fmt.Sprintf("%s of %d bytes and KCV of %d", p.name, p.cipher, kcvSize),
				Got: fmt.Sprintf("%d and %d", len(p.key.Cipher), len(p.key.KCV)),
			}
		}
		b = append(b, p.key.Cipher...)
		b = append(b, takFiller[:p.filler]...)
		b = append(b, p.key.KCV...)
	}
	if layout != LayoutTrack && len(k.TDK.Cipher)+len(k.TDK.KCV) > 0 {
		return nil, &FormatError{Field: 62, Offset: len(b), Expected: "no TDK in layout " + string(layout), Got: "one"}
	}
	return b, nil
}

func (layout Layout) complaint(size, got int) *FormatError {
	if size == 0 {
		return &FormatError{Field: 62, Expected: "key block layout 001, 003 or 004", Got: fmt.Sprintf("%.8q", string(layout))}
	}
	return &FormatError{Field: 62, Expected: plural(size, "byte"), Got: plural(got, "byte")}
}

// String shows the length and the check value, never the cipher.
func (w WrappedKey) String() string {
	return fmt.Sprintf("[%s, KCV %X]", plural(len(w.Cipher), "byte"), w.KCV)
}

// Format prints String for every verb.
func (w WrappedKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(w.String())) }

// LogValue hides the cipher in structured logs.
func (w WrappedKey) LogValue() slog.Value { return slog.StringValue(w.String()) }

// MarshalText refuses, and with it JSON and XML.
func (w WrappedKey) MarshalText() ([]byte, error) { return nil, ErrSecret }
