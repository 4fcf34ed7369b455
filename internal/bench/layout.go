package bench

import (
	"hawker/internal/iso8583"
)

// layout is how a profile's fields are written, as far as one must know to step
// over them: a load generator and its network have no time to unpack.
type layout [129]shape

type shape struct {
	size   int  // of the value when fixed, in bytes
	prefix int  // bytes of BCD length before it; 0 when fixed
	packed bool // the length counts digits, two a byte
}

func layoutOf(p *iso8583.Profile) *layout {
	var l layout
	for n, f := range p.Fields {
		s := shape{size: f.Length, prefix: (f.Var + 1) / 2, packed: f.Type == iso8583.N || f.Type == iso8583.Z}
		if s.packed {
			s.size = (s.size + 1) / 2
		}
		l[n] = s
	}
	return &l
}

// spans are where the fields of one packed message begin and end, their length
// prefixes included; an absent field's is empty.
type spans [129]struct{ from, to int }

func (s *spans) of(body []byte, n int) []byte { return body[s[n].from:s[n].to] }

// find fills in the spans of a packed message; false when it is cut short.
func (l *layout) find(body []byte, s *spans) bool {
	const bitmap, half = 2, 8
	at, last := bitmap+half, 64
	if len(body) >= at && body[bitmap]&0x80 != 0 {
		at, last = at+half, 128
	}
	if len(body) < at {
		return false
	}
	for n := 2; n <= last; n++ {
		if body[bitmap+(n-1)/8]&(0x80>>((n-1)%8)) == 0 {
			continue
		}
		f := l[n]
		size := f.size
		if f.prefix > 0 {
			if at+f.prefix > len(body) {
				return false
			}
			size = int(bcd(body[at : at+f.prefix]))
			if f.packed {
				size = (size + 1) / 2
			}
		}
		s[n].from, s[n].to = at, at+f.prefix+size
		if at = s[n].to; at > len(body) {
			return false
		}
	}
	return true
}

// bcd reads digits, two a byte.
func bcd(b []byte) (n int64) {
	for _, c := range b {
		n = n*100 + int64(c>>4)*10 + int64(c&15)
	}
	return n
}

// putBCD writes n right-aligned, two digits a byte.
func putBCD(b []byte, n int64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = byte(n/10%10)<<4 | byte(n%10) //nolint:gosec // two digits
		n /= 100
	}
}
