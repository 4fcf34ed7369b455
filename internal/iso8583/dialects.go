package iso8583

import (
	"encoding/binary"
	"errors"
	"io"
)

// Dialects are profiles that may be spoken on one line. They share the length of
// two bytes before every frame; all else tells them apart.
type Dialects []*Profile

// Reading is a frame as one dialect understands it.
type Reading struct {
	Profile *Profile
	Frame   Frame
	Message *Message
}

// ReadFrame reads one frame, its length included. A length that fits no dialect
// is a *FormatError. r's errors pass as they are: io.EOF between frames,
// io.ErrUnexpectedEOF inside one.
func (d Dialects) ReadFrame(r io.Reader) ([]byte, error) {
	raw := make([]byte, lengthSize)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(raw))
	var bad *FormatError
	for _, p := range d {
		if bad = p.checkLength(size); bad == nil {
			break
		}
	}
	if bad != nil {
		return nil, bad
	}
	raw = append(raw, make([]byte, size)...)
	if _, err := io.ReadFull(r, raw[lengthSize:]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return raw, nil
}

// Open reads a frame in every dialect that it may be written in: its head and
// its structure must fit. The readings keep raw. When there is none, framed says
// whether some dialect knew the frame's head, and err is what that one, or the
// first, misses.
func (d Dialects) Open(raw []byte) (readings []Reading, framed bool, err error) {
	for _, p := range d {
		r, known, bad := p.open(raw, len(d) == 1)
		switch {
		case bad == nil:
			readings = append(readings, r)
		case err == nil || known && !framed:
			err = bad
		}
		framed = framed || known
	}
	if len(readings) > 0 {
		err = nil
	}
	return readings, framed, err
}

// open reads raw in one dialect; known says that the frame's head fits. Where the
// dialect is not certain, an MTI that none would send is not its own.
func (p *Profile) open(raw []byte, certain bool) (r Reading, known bool, err error) {
	if len(raw) < lengthSize {
		return r, false, &FormatError{Expected: "a length of 2 bytes", Got: plural(len(raw), "byte")}
	}
	size := int(binary.BigEndian.Uint16(raw))
	if bad := p.checkLength(size); bad != nil {
		return r, false, bad
	}
	if size != len(raw)-lengthSize {
		return r, false, &FormatError{Offset: lengthSize, Expected: plural(size, "byte"), Got: plural(len(raw)-lengthSize, "byte")}
	}
	f, err := p.parseContent(raw[lengthSize:])
	if err != nil {
		return r, false, err
	}
	if !certain && !plausibleMTI(f.Body) {
		return r, false, &FormatError{Offset: lengthSize + p.overhead(), Expected: "an MTI", Got: "other bytes"}
	}
	m, err := p.Unpack(f.Body)
	return Reading{p, f, m}, true, err
}
