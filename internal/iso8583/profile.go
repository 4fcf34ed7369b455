package iso8583

import (
	"fmt"
	"sync"
)

// Type is how a field's value is written, by the letters the standard uses.
type Type int

// The types that our profiles use.
const (
	N   Type = iota // digits, BCD, two a byte
	Z               // track digits and '=' (D), BCD
	AN              // letters and digits, ASCII
	ANS             // letters, digits, specials; host texts are GB18030
	B               // bytes
)

// Class says how much of a field's value may be shown.
type Class int

// From harmless to never.
const (
	Open    Class = iota
	PANLike       // shows first six and last four digits
	Secret        // shows its length only: track, PIN block, keys
)

// Field is one row of a profile: how field n is written and what it may show.
type Field struct {
	Name   string // the standard's English name
	NameZH string // the name in Chinese
	Type   Type
	Length int  // fixed length, or the maximum when Var > 0: digits for N and Z, bytes otherwise
	Var    int  // digits of the length prefix (BCD): 0 fixed, 2 LLVAR (one byte), 3 LLLVAR (two bytes)
	Right  bool // an odd count of digits is aligned right (leading zero nibble); else left (trailing zero nibble)
	Class  Class

	// Chinese says that an ANS text may hold GB18030 characters beyond ASCII.
	Chinese bool
}

// Notation is the field's format as the protocol pages write it: "n12", "z..37 LL".
func (f Field) Notation() string {
	letters := [...]string{N: "n", Z: "z", AN: "an", ANS: "ans", B: "b"}[f.Type]
	if f.Var == 0 {
		return fmt.Sprintf("%s%d", letters, f.Length)
	}
	return fmt.Sprintf("%s..%d %s", letters, f.Length, "LLL"[:f.Var])
}

// MACSpec says how a profile's messages are authenticated. The algorithm is a
// name that package tdes resolves, so that this package holds no cryptography.
type MACSpec struct {
	Algorithm string // "unionpay-ecb", "x9.9", "x9.19", "psp-fold-x9.19"; "" where Protection tells
	Field     int    // 64 or 128
	Text      bool   // the field holds 8 hexadecimal ASCII characters; else 8 raw bytes
}

// Profile is one dialect as data. It must not change, nor be copied, after its first use.
type Profile struct {
	Name      string
	TPDU      bool // 5 BCD bytes after the length
	Header    int  // bytes of the header after the TPDU: 6, or 0 for none
	MaxFrame  int  // bytes after the length prefix that a peer may send
	Secondary bool // fields 65 to 128 may appear
	MAC       MACSpec
	Fields    map[int]Field

	Terminal // what it says about terminals; zero for a dialect that none speaks

	once    sync.Once
	indexed table // Fields by number, made on first use; read-only after
}

// table is a profile's fields as the codec looks them up.
type table struct {
	known  bitmap
	fields [129]*Field // nil where the profile has none
}

// table indexes Fields once.
func (p *Profile) table() *table {
	p.once.Do(func() {
		for n, f := range p.Fields {
			p.indexed.known.add(n)
			p.indexed.fields[n] = &f
		}
	})
	return &p.indexed
}
