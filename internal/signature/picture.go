package signature

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Format is how a picture is written.
type Format string

// The formats: portable bitmap as terminals without JBIG send it, and JBIG1 (ITU-T T.82).
const (
	PBM  Format = "pbm"
	JBIG Format = "jbig"
)

// The bounds of a picture: a screen's, and what sixteen segments carry.
const (
	MaxSide    = 1024  // pixels
	MaxPicture = 15000 // bytes
)

// Sniff tells a picture's format; ErrPicture when it is none that we keep. Of a JBIG only
// the header is read: we keep what was signed, and do not draw it.
func Sniff(b []byte) (Format, error) {
	if len(b) > MaxPicture {
		return "", ErrPicture.With("%d bytes, at most %d", len(b), MaxPicture)
	}
	if bytes.HasPrefix(b, []byte("P4")) {
		return PBM, checkPBM(b)
	}
	return JBIG, checkJBIG(b)
}

// checkPBM reads "P4", width, height and one bit a pixel, rows padded to bytes. Comments are
// not taken: nothing in a signature is to be said beside it.
func checkPBM(b []byte) error {
	var width, height int
	at := 2
	for _, n := range []*int{&width, &height} {
		start := at + 1
		if at >= len(b) || (b[at] != '\n' && b[at] != ' ') {
			return ErrPicture.With("its header is no bitmap's")
		}
		for at = start; at < len(b) && b[at] >= '0' && b[at] <= '9' && *n <= MaxSide; at++ {
			*n = *n*10 + int(b[at]-'0')
		}
		if at == start {
			return ErrPicture.With("its header is no bitmap's")
		}
	}
	if at >= len(b) || b[at] != '\n' {
		return ErrPicture.With("its header is no bitmap's")
	}
	return checkSize(width, height, len(b)-at-1, (width+7)/8*height)
}

func checkSize(width, height, got, want int) error {
	if width < 1 || height < 1 || width > MaxSide || height > MaxSide {
		return ErrPicture.With("%d × %d pixels, want 1 to %d each way", width, height, MaxSide)
	}
	if got != want {
		return ErrPicture.With("%d × %d pixels need %d bytes, there are %d", width, height, want, got)
	}
	return nil
}

// jbigHeader is the size of the header of a bi-level image entity (T.82, 6.2.1).
const jbigHeader = 20

// checkJBIG reads the header: one plane, layers 0 to D, a size that a screen has, and
// something behind it.
func checkJBIG(b []byte) error {
	if len(b) <= jbigHeader {
		return ErrPicture.With("%d bytes are no picture", len(b))
	}
	first, last, planes, fill := b[0], b[1], b[2], b[3]
	if first > last || last > 8 || planes != 1 || fill != 0 {
		return ErrPicture.With("its header is no bi-level image's")
	}
	width, height := binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	if width < 1 || height < 1 || width > MaxSide || height > MaxSide {
		return ErrPicture.Wrap(fmt.Errorf("%d × %d pixels, want 1 to %d each way", width, height, MaxSide))
	}
	if binary.BigEndian.Uint32(b[12:]) == 0 {
		return ErrPicture.With("its stripes have no lines")
	}
	return nil
}
