package iso8583

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// TPDU says for whom a frame is and from whom: four digits each. The zero TPDU
// stands in the frames of a profile without one.
type TPDU struct{ Dest, Source string }

// Swap is the TPDU of the answer.
func (t TPDU) Swap() TPDU { return TPDU{Dest: t.Source, Source: t.Dest} }

// Header is twelve digits: application class 2, version 2, terminal status 1,
// processing request 1, sub-version 6; "" in a profile without.
type Header string

// DefaultHeader is a magnetic-stripe or chip application of version 31 with nothing to ask.
const DefaultHeader Header = "603100310000"

// What the host may ask of the terminal in an answer's header.
const (
	NothingToDo     = 0
	FetchParameters = 1
	UploadStatus    = 2
	SignOnAgain     = 3
	FetchCAPKs      = 4
	FetchAIDs       = 5 // and contactless parameters
	AskTasks        = 6 // send 0820/364: more than one thing is wanted
	FetchLists      = 7 // blacklist and BIN tables
)

// ProcessingRequest is what the host asks the terminal to do next, 0 to 9: 0
// nothing, 3 sign on again, others as named above. 0 for a header that has no such digit.
func (h Header) ProcessingRequest() int {
	if len(h) != 12 || h[5] < '0' || h[5] > '9' {
		return NothingToDo
	}
	return int(h[5] - '0')
}

// WithProcessingRequest is h with another request, 0 to 9. A header that is not
// twelve digits long stays as it is. It panics when request is out of range:
// that is broken code, not input.
func (h Header) WithProcessingRequest(request int) Header {
	if request < 0 || request > 9 {
		panic("iso8583: processing request out of range")
	}
	if len(h) != 12 {
		return h
	}
	return h[:5] + Header('0'+rune(request)) + h[6:]
}

// Frame is one message on the line: where it goes, what the header says, and
// the packed message. It prints without the message's bytes.
type Frame struct {
	TPDU   TPDU
	Header Header
	Body   []byte // MTI, bitmap, fields
}

// The sizes of a frame's parts in bytes.
const (
	lengthSize = 2
	tpduSize   = 5
	tpduID     = 0x60
)

// ReadFrame reads one frame. A length over MaxFrame or too short for a message,
// and a TPDU or header that is not digits, is a *FormatError. r's errors pass
// as they are: io.EOF between frames, io.ErrUnexpectedEOF inside one.
func (p *Profile) ReadFrame(r io.Reader) (Frame, error) {
	var prefix [lengthSize]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return Frame{}, err
	}
	size := int(binary.BigEndian.Uint16(prefix[:]))
	if bad := p.checkLength(size); bad != nil {
		return Frame{}, bad
	}
	content := make([]byte, size)
	if _, err := io.ReadFull(r, content); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, err
	}
	return p.parseContent(content)
}

// ParseFrame reads one whole frame, length included, from memory; b is copied.
// It fails as ReadFrame does, and with a *FormatError when b ends early or goes on.
func (p *Profile) ParseFrame(b []byte) (Frame, error) {
	if len(b) < lengthSize {
		return Frame{}, &FormatError{Expected: "a length of 2 bytes", Got: plural(len(b), "byte")}
	}
	size := int(binary.BigEndian.Uint16(b))
	if bad := p.checkLength(size); bad != nil {
		return Frame{}, bad
	}
	if len(b)-lengthSize != size {
		return Frame{}, &FormatError{Offset: lengthSize, Expected: plural(size, "byte"), Got: plural(len(b)-lengthSize, "byte")}
	}
	return p.parseContent(bytes.Clone(b[lengthSize:]))
}

// AppendFrame writes f to dst, length first, and returns the longer dst. A TPDU
// or header that does not fit the profile, or a body too short or too long, is a *FormatError.
func (p *Profile) AppendFrame(dst []byte, f Frame) ([]byte, error) {
	size := p.overhead() + len(f.Body)
	if bad := p.checkLength(size); bad != nil {
		return dst, bad
	}
	var address string
	if p.TPDU {
		address = f.TPDU.Dest + f.TPDU.Source
	}
	if p.TPDU != (f.TPDU != TPDU{}) || p.TPDU && (len(f.TPDU.Dest) != 4 || len(f.TPDU.Source) != 4) || badDigit([]byte(address)) >= 0 {
		return dst, &FormatError{Offset: lengthSize, Expected: p.tpduNotation(), Got: fmt.Sprintf("%q to %q", f.TPDU.Source, f.TPDU.Dest)}
	}
	if len(f.Header) != 2*p.Header || badDigit([]byte(f.Header)) >= 0 {
		return dst, &FormatError{Offset: lengthSize + p.overhead() - p.Header, Expected: fmt.Sprintf("a header of %d digits", 2*p.Header), Got: fmt.Sprintf("%q", f.Header)}
	}
	dst = slices.Grow(dst, lengthSize+size)
	dst = binary.BigEndian.AppendUint16(dst, uint16(size)) //nolint:gosec // at most MaxFrame
	if p.TPDU {
		dst = append(dst, tpduID)
	}
	dst, _ = hex.AppendDecode(dst, []byte(address+string(f.Header)))
	return append(dst, f.Body...), nil
}

// overhead is the bytes between the length and the message.
func (p *Profile) overhead() int {
	if p.TPDU {
		return tpduSize + p.Header
	}
	return p.Header
}

func (p *Profile) checkLength(size int) *FormatError {
	least := p.overhead() + mtiSize + bitmapSize
	if size >= least && size <= p.MaxFrame {
		return nil
	}
	return &FormatError{Expected: fmt.Sprintf("a length of %d to %d", least, p.MaxFrame), Got: fmt.Sprint(size)}
}

// parseContent takes apart what follows the length; it keeps b.
func (p *Profile) parseContent(b []byte) (Frame, error) {
	var f Frame
	if p.TPDU {
		if b[0] != tpduID || !digitPairs(b[:tpduSize]) {
			return Frame{}, &FormatError{Offset: lengthSize, Expected: p.tpduNotation(), Got: "other bytes"}
		}
		address := hex.EncodeToString(b[1:tpduSize])
		f.TPDU = TPDU{Dest: address[:4], Source: address[4:]}
	}
	head := b[p.overhead()-p.Header : p.overhead()]
	if !digitPairs(head) {
		return Frame{}, &FormatError{Offset: lengthSize + p.overhead() - p.Header, Expected: fmt.Sprintf("a header of %d digits", 2*p.Header), Got: "other bytes"}
	}
	f.Header = Header(hex.EncodeToString(head))
	f.Body = b[p.overhead():]
	return f, nil
}

func (p *Profile) tpduNotation() string {
	if !p.TPDU {
		return "no TPDU"
	}
	return "a TPDU of 60, destination 4 digits, source 4 digits"
}

// String shows everything but the body's bytes.
func (f Frame) String() string {
	var s strings.Builder
	if f.TPDU != (TPDU{}) {
		fmt.Fprintf(&s, "%s>%s ", f.TPDU.Source, f.TPDU.Dest)
	}
	if f.Header != "" {
		fmt.Fprintf(&s, "header %s ", string(f.Header))
	}
	fmt.Fprintf(&s, "[%s]", plural(len(f.Body), "byte"))
	return s.String()
}
