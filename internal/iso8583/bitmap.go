package iso8583

import (
	"encoding/binary"
	"math/bits"
)

// bitmap is a set of field numbers, 2 to 128, in the order of the wire: field 1
// is the highest bit of the first word. The bits 1 and 65 announce further
// bitmaps; only the first announces one that we read.
type bitmap [2]uint64

// announced is the bit that tells of a second bitmap.
const announced = 1 << 63

// readBitmap reads the bitmaps of b, which holds MTI and all the bitmaps that it announces.
func readBitmap(b []byte) bitmap {
	s := bitmap{binary.BigEndian.Uint64(b[mtiSize:])}
	if s[0]&announced != 0 {
		s[0] &^= announced
		s[1] = binary.BigEndian.Uint64(b[mtiSize+bitmapSize:])
	}
	return s
}

// put writes s behind the MTI of b, which has room for what it needs.
func (s bitmap) put(b []byte) {
	if s[1] != 0 {
		s[0] |= announced
		binary.BigEndian.PutUint64(b[mtiSize+bitmapSize:], s[1])
	}
	binary.BigEndian.PutUint64(b[mtiSize:], s[0])
}

func (s *bitmap) add(n int) { s[(n-1)/64] |= announced >> ((n - 1) % 64) }

func (s bitmap) has(n int) bool { return s[(n-1)/64]&(announced>>((n-1)%64)) != 0 }

// without is the numbers of s that o has not.
func (s bitmap) without(o bitmap) bitmap { return bitmap{s[0] &^ o[0], s[1] &^ o[1]} }

func (s bitmap) count() int { return bits.OnesCount64(s[0]) + bits.OnesCount64(s[1]) }

// after is the next number of s behind n, which is at least 0; 0 when there is none.
func (s bitmap) after(n int) int {
	for ; n < 128; n = n - n%64 + 64 {
		if rest := s[n/64] << (n % 64); rest != 0 {
			return n + bits.LeadingZeros64(rest) + 1
		}
	}
	return 0
}

// announces reports whether b, which holds a whole bitmap, tells of a second one.
func announces(b []byte) bool { return b[mtiSize]&0x80 != 0 }

// headSize is MTI and bitmaps in bytes; b holds at least the first bitmap.
func headSize(b []byte) int {
	if announces(b) {
		return mtiSize + 2*bitmapSize
	}
	return mtiSize + bitmapSize
}
