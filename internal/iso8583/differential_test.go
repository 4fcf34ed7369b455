package iso8583

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The library agrees with us about every byte, but for what it does not look at,
// each for a reason:
//
//   - more than MaxFrame bytes, an MTI of letters, a second bitmap where the profile
//     has none, fields outside the profile: the head is judged before a field is read;
//   - bytes behind the last field, which it ignores: we answer nothing that we did not read.
//
// The strict library judges characters while it reads, and Validate later. Beside
// the above it differs so:
//
//   - it takes any digit in a padding nibble: two frames would mean the same;
//   - it takes the control characters of ASCII, and any nibble in a track;
//   - it ignores the fourth digit of a three-digit length: two frames again;
//   - it reads an F at the end of digits as a character NUL.
//
// Everything that we take it takes too, with the same values and the same bytes back.

// sameAsLenient holds that the codec and the lenient library make the same of b:
// values, offsets, paddings, and the complaint to the last word.
func sameAsLenient(p *Profile, b []byte) error {
	got, bad := p.unpack(b)
	if p.checkHead(b) != nil {
		return nil
	}
	want, err := libraryOf(p, false).unpack(b)
	if (bad != nil) != (err != nil) || bad != nil && !reflect.DeepEqual(error(bad), err) {
		return fmt.Errorf("complains %v, the library %v", bad, err)
	}
	if got.MTI != want.MTI || len(got.fields) != len(want.fields) {
		return fmt.Errorf("reads %s with %v, the library %s with %v", got.MTI, got.Fields(), want.MTI, want.Fields())
	}
	for i, e := range got.fields {
		if !reflect.DeepEqual(e, want.fields[i]) {
			return fmt.Errorf("reads field %d as %q at %d, padded %v, the library %+v", e.number, e.value, e.offset, e.padded, want.fields[i])
		}
	}
	return nil
}

// sameAsStrict holds that the strict library takes what we take, with the same
// values and back to the same bytes, and that we refuse what it refuses.
func sameAsStrict(p *Profile, b []byte) error {
	l := libraryOf(p, true)
	got, err := p.Unpack(b)
	if err == nil {
		err = p.Validate(got)
	}
	if err != nil {
		if p.checkHead(b) != nil {
			return nil
		}
		if want, err2 := l.unpack(b); err2 == nil && !overlooked(p, err, want) {
			return fmt.Errorf("refuses with %w what the library reads as %v", err, want)
		}
		return nil
	}
	want, err := l.unpack(b)
	if err != nil {
		return fmt.Errorf("takes what the library refuses: %w", err)
	}
	if !got.Equal(want) {
		return fmt.Errorf("reads\n%v\nthe library\n%v", got, want)
	}
	return samePacked(p, got)
}

// overlooked reports whether our refusal is one of those that the strict library, which read m, does not know.
func overlooked(p *Profile, refusal error, m *Message) bool {
	var bad *FormatError
	if !errors.As(refusal, &bad) {
		return false
	}
	f := p.Fields[bad.Field]
	switch {
	case bad.Expected == "0 in the padding nibble", bad.Expected == "the end of the message":
		return true
	case strings.HasPrefix(bad.Expected, "a length of at most"):
		return f.Var == 3 && len(bad.Got) == 4
	case bad.Expected != f.Notation():
		return false
	case f.Type == N:
		return bytes.IndexByte(m.Bytes(bad.Field), 0) >= 0
	default:
		return true
	}
}

// samePacked holds that both libraries write m, which is lawful, as we do.
func samePacked(p *Profile, m *Message) error {
	got, err := p.Pack(m)
	if err != nil {
		return err
	}
	for _, strict := range []bool{false, true} {
		want, err := libraryOf(p, strict).pack(m)
		if err != nil || !bytes.Equal(got, want) {
			return fmt.Errorf("packs %x\nthe library %x, %w", got, want, err)
		}
	}
	return nil
}

func TestTheLibraryAgreesAboutEveryMessage(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		t.Run(s.file, func(t *testing.T) {
			t.Parallel()
			body := s.body()
			m, err := s.profile.Unpack(body)
			if err != nil {
				t.Fatal(err)
			}
			if err := samePacked(s.profile, m); err != nil {
				t.Error(err)
			}
			for n := range len(body) + 1 {
				agree(t, s.profile, body[:n])
			}
			for i := range body {
				damaged := bytes.Clone(body)
				damaged[i] ^= 0x80 >> (i % 8)
				agree(t, s.profile, damaged)
			}
		})
	}
}

func agree(t *testing.T, p *Profile, b []byte) {
	t.Helper()
	if err := sameAsLenient(p, b); err != nil {
		t.Errorf("%x: %v", b, err)
	}
	if err := sameAsStrict(p, b); err != nil {
		t.Errorf("%x: %v", b, err)
	}
}

func TestTheLibraryPacksTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, _ := ByName(rapid.SampledFrom(Names()).Draw(t, "profile"))
		if err := samePacked(p, anyMessage(t, p)); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzLibraryUnpack gives codec and library the same bytes.
func FuzzLibraryUnpack(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.body(), s.profile.TPDU)
	}
	f.Add(small(), true)
	f.Add(unhex("0200 8000000000000000 8000000000000000"), false)
	f.Fuzz(func(t *testing.T, b []byte, pos bool) { agree(t, profileFor(pos), b) })
}

// FuzzLibraryPack gives codec and libraries the same message: fields of any
// number and bytes of any value, made lawful in length where they fit.
func FuzzLibraryPack(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.message.MTI, flatten(s.message), s.profile.TPDU)
	}
	f.Fuzz(func(t *testing.T, mti string, b []byte, pos bool) {
		p := profileFor(pos)
		m := unflatten(p, mti, b)
		if err := p.Validate(m); err != nil {
			formatError(t, err)
			if packed, err := p.Pack(m); err == nil || packed != nil {
				t.Fatalf("packs %x, %v", packed, err)
			}
			return
		}
		if err := samePacked(p, m); err != nil {
			t.Fatal(err)
		}
		if err := sameAsStrict(p, must(p.Pack(m))); err != nil {
			t.Fatal(err)
		}
	})
}

// flatten writes fields as number, length, value, for a fuzzer to change.
func flatten(m *Message) (b []byte) {
	for _, e := range m.fields {
		b = append(b, byte(e.number), byte(len(e.value)))
		b = append(b, e.value[:min(255, len(e.value))]...)
	}
	return b
}

// unflatten reads what flatten wrote. A fixed field takes the bytes it needs and
// a field that the profile has not is left out, so that most messages are lawful.
func unflatten(p *Profile, mti string, b []byte) *Message {
	m := New(mti)
	for len(b) >= 2 {
		n, size := int(b[0]), int(b[1])
		f, known := p.Fields[n]
		b = b[2:]
		if !known {
			continue
		}
		if f.Var == 0 {
			size = f.Length
		}
		size = min(size, len(b))
		m.SetBytes(n, b[:size])
		b = b[size:]
	}
	return m
}
