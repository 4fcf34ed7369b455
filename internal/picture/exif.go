package picture

import (
	"bytes"
	"encoding/binary"
)

// turn is how a camera was held (EXIF 2.32, tag 0x0112): what must be done to see the
// picture upright.
type turn uint16

const upright turn = 1

// orientation reads how a JPEG must be turned; upright where it does not say, or says
// nonsense. It is the only thing that we read of an upload's notes.
func orientation(b []byte) turn {
	for at := 2; at+4 <= len(b) && b[at] == 0xff; {
		marker, n := b[at+1], int(binary.BigEndian.Uint16(b[at+2:]))
		if marker == 0xda || n < 2 || at+2+n > len(b) { // the picture begins, or the file is broken
			break
		}
		if part := b[at+4 : at+2+n]; marker == 0xe1 && bytes.HasPrefix(part, []byte("Exif\x00\x00")) {
			return tiffTurn(part[6:])
		}
		at += 2 + n
	}
	return upright
}

// tiffTurn looks the tag up in the first directory of a TIFF.
func tiffTurn(b []byte) turn {
	if len(b) < 8 {
		return upright
	}
	var order binary.ByteOrder = binary.BigEndian
	if string(b[:2]) == "II" {
		order = binary.LittleEndian
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return upright
	}
	entries := b[at+2:]
	for range order.Uint16(b[at:]) {
		if len(entries) < 12 {
			break
		}
		if order.Uint16(entries) == 0x0112 {
			if t := turn(order.Uint16(entries[8:])); t >= 1 && t <= 8 {
				return t
			}
			break
		}
		entries = entries[12:]
	}
	return upright
}

// size is how large a picture of w by h is once it is upright.
func (t turn) size(w, h int) (int, int) {
	if t >= 5 {
		return h, w
	}
	return w, h
}

// source tells which point of a picture of w by h is seen at x, y once it is upright.
func (t turn) source(x, y, w, h int) (sx, sy int) {
	switch t {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	default:
		return x, y
	}
}
