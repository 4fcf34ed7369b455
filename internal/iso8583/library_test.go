package iso8583

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	moov "github.com/moov-io/iso8583"
	"github.com/moov-io/iso8583/encoding"
	moverr "github.com/moov-io/iso8583/errors"
	"github.com/moov-io/iso8583/field"
	"github.com/moov-io/iso8583/prefix"
)

// library is a second opinion: github.com/moov-io/iso8583 under the same profile.
// Only tests know it. There are two of each profile.
//
// The lenient one is how this package drove the library before it had a codec of
// its own: with encodings that read any nibble. It must agree to the last
// word of a complaint.
//
// The strict one is made of the library's own encodings, but for the tracks,
// whose '=' it does not know. It judges while it reads, so its complaints are others.
type library struct {
	profile *Profile
	spec    *moov.MessageSpec
}

// libraryOf builds each of the libraries once.
func libraryOf(p *Profile, strict bool) *library {
	key := libraryKey{p, strict}
	if l, ok := libraries.Load(key); ok {
		return l.(*library)
	}
	build := lenientField
	if strict {
		build = strictField
	}
	fields := map[int]field.Field{
		0: field.NewBinary(field.NewSpec(4, "MTI", nibbles{}, bcdLength{})),
		1: field.NewBitmap(&field.Spec{
			Length: 8, Description: "bitmap", Enc: encoding.Binary, Pref: prefix.Binary.Fixed, DisableAutoExpand: !p.Secondary,
		}),
	}
	for n, f := range p.Fields {
		fields[n] = build(f)
	}
	l, _ := libraries.LoadOrStore(key, &library{p, &moov.MessageSpec{Name: p.Name, Fields: fields}})
	return l.(*library)
}

type libraryKey struct {
	profile *Profile
	strict  bool
}

var libraries sync.Map // of *library by libraryKey

// lenientField reads whatever nibbles there are, and keeps the decoder's slice.
func lenientField(f Field) field.Field {
	spec := &field.Spec{Length: f.Length, Description: f.Name, Pref: bcdLength{f.Var}, Enc: octets{}}
	if f.packed() {
		spec.Enc = nibbles{track: f.Type == Z, right: f.Right}
	}
	return field.NewBinary(spec)
}

// strictField is written with the library's own parts.
func strictField(f Field) field.Field {
	spec := &field.Spec{Length: f.Length, Description: f.Name}
	spec.Pref = map[int]prefix.Prefixer{0: prefix.BCD.Fixed, 2: prefix.BCD.LL, 3: prefix.BCD.LLL}[f.Var]
	switch {
	case f.Type == Z:
		spec.Enc = tracks{}
	case f.Type == N && f.Right:
		spec.Enc = encoding.BCD
	case f.Type == N:
		spec.Enc = encoding.LBCD
	case f.Type == B || f.Chinese:
		spec.Enc = encoding.Binary
	default:
		spec.Enc = encoding.ASCII
	}
	return field.NewBinary(spec)
}

// pack writes a message that Validate has passed.
func (l *library) pack(m *Message) ([]byte, error) {
	w := moov.NewMessage(l.spec)
	w.MTI(m.MTI)
	for _, e := range m.fields {
		if err := w.BinaryField(int(e.number), e.value); err != nil {
			return nil, fmt.Errorf("pack field %d: %w", e.number, err)
		}
	}
	return w.Pack()
}

// unpack reads b; beside an error it gives what was read before it. The
// complaints of the lenient library are turned into ours.
func (l *library) unpack(b []byte) (*Message, error) {
	w := moov.NewMessage(l.spec)
	failed, err := complaint(w.Unpack(b), len(b))
	mti, _ := w.GetBytes(0)
	m := New(string(mti))
	at := headSize(b)
	for n := 2; n < failed; n++ {
		f, known := l.profile.Fields[n]
		if !known || !readBitmap(b).has(n) {
			continue
		}
		value, _ := w.GetBytes(n)
		size := f.size(len(value))
		m.SetBytes(n, value)
		e := &m.fields[len(m.fields)-1]
		e.offset, e.padded = int32(at), f.padding(b[at+f.prefix():at+size], len(value)) != 0
		at += size
	}
	if err == nil && at != len(b) {
		err = &FormatError{Offset: at, Expected: "the end of the message", Got: "more: " + plural(len(b)-at, "byte")}
	}
	return m, err
}

// complaint finds our own complaint inside the library's error, and the field it is about.
func complaint(err error, total int) (number int, _ error) {
	if err == nil {
		return 129, nil
	}
	var where *moverr.UnpackError
	if errors.As(err, &where) {
		number, _ = strconv.Atoi(where.FieldID)
	}
	var bad *FormatError
	if errors.As(err, &bad) {
		bad.Field = number
		bad.Offset += total
		return number, bad
	}
	return number, err
}

// nibbles is the former encoding of digits: two a byte, by the codec's own tables.
type nibbles struct{ track, right bool }

func (e nibbles) Encode(text []byte) ([]byte, error) {
	packed := make([]byte, (len(text)+1)/2)
	at := 0
	if e.right && len(text)%2 == 1 {
		at = 1
	}
	for i, c := range text {
		v := nibbleOf[c]
		if v == noNibble {
			return nil, &FormatError{Expected: "digits", Got: fmt.Sprintf("a bad character at position %d", i+1)}
		}
		packed[(at+i)/2] |= v << (4 * (1 - (at+i)%2))
	}
	return packed, nil
}

func (e nibbles) Decode(data []byte, count int) ([]byte, int, error) {
	size := (count + 1) / 2
	if len(data) < size {
		return nil, 0, short(data, size)
	}
	pairs := &pairOf
	if e.track {
		pairs = &trackOf
	}
	text := make([]byte, 2*size)
	for i, b := range data[:size] {
		copy(text[2*i:], pairs[b][:])
	}
	if e.right {
		return text[2*size-count:], size, nil
	}
	return text[:count], size, nil
}

// octets is the former encoding of everything else: bytes as they are.
type octets struct{}

func (octets) Encode(data []byte) ([]byte, error) { return data, nil }

func (octets) Decode(data []byte, count int) ([]byte, int, error) {
	if len(data) < count {
		return nil, 0, short(data, count)
	}
	return append(make([]byte, 0, count), data[:count]...), count, nil
}

// bcdLength is the former length prefix.
type bcdLength struct{ digits int }

func (l bcdLength) EncodeLength(_, count int) ([]byte, error) {
	switch (l.digits + 1) / 2 {
	case 0:
		return nil, nil
	case 1:
		return []byte{bcdByte(count)}, nil
	default:
		return []byte{bcdByte(count / 100), bcdByte(count % 100)}, nil
	}
}

func (l bcdLength) DecodeLength(limit int, data []byte) (count, read int, err error) {
	size := (l.digits + 1) / 2
	if size == 0 {
		return limit, 0, nil
	}
	if len(data) < size {
		return 0, 0, short(data, size)
	}
	for _, b := range data[:size] {
		if b>>4 > 9 || b&0xF > 9 {
			return 0, 0, &FormatError{Offset: -len(data), Expected: "a BCD length", Got: "a nibble above 9"}
		}
		count = count*100 + int(b>>4)*10 + int(b&0xF)
	}
	if count > limit {
		return 0, 0, &FormatError{Offset: -len(data), Expected: fmt.Sprintf("a length of at most %d", limit), Got: fmt.Sprint(count)}
	}
	return count, size, nil
}

func (l bcdLength) Inspect() string { return fmt.Sprintf("BCD.%d", l.digits) }

// short counts its offset from the end: a decoder sees only the rest of the message. complaint turns it round.
func short(data []byte, size int) *FormatError {
	return &FormatError{Offset: -len(data), Expected: plural(size, "byte"), Got: plural(len(data), "byte")}
}

// tracks is the strict library's encoding of tracks: hexadecimal text with '=' for D.
type tracks struct{}

func (tracks) Encode(text []byte) ([]byte, error) {
	digits := strings.ReplaceAll(string(text), "=", "D")
	return hex.DecodeString(digits + "0"[:len(digits)%2])
}

func (tracks) Decode(data []byte, count int) ([]byte, int, error) {
	size := (count + 1) / 2
	if len(data) < size {
		return nil, 0, short(data, size)
	}
	text := strings.ToUpper(hex.EncodeToString(data[:size]))
	return []byte(strings.ReplaceAll(text[:count], "D", "=")), size, nil
}
