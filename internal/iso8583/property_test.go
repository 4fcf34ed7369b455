package iso8583

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestUnpackOfPackIsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, _ := ByName(rapid.SampledFrom(Names()).Draw(t, "profile"))
		m := anyMessage(t, p)
		packed, err := p.Pack(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Unpack(packed)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equal(m) {
			t.Fatalf("got %v, want %v", got, m)
		}
		if err := p.Validate(got); err != nil {
			t.Fatal(err)
		}
		if e := p.Explain(packed); e.Err != nil {
			t.Fatal(e.Err)
		}
	})
}

func anyMessage(t *rapid.T, p *Profile) *Message {
	m := New(text(t, "0123456789", 4, "MTI"))
	numbers := rapid.SliceOfDistinct(rapid.SampledFrom(slices.Sorted(maps.Keys(p.Fields))), rapid.ID).Draw(t, "fields")
	enciphered := rapid.Bool().Draw(t, "enciphered") && slices.Contains(numbers, 53) && p.Fields[53].Type == N
	for _, n := range numbers {
		f := p.Fields[n]
		length := f.Length
		if f.Var > 0 {
			length = rapid.IntRange(0, f.Length).Draw(t, "length")
		}
		switch {
		case n == 53 && f.Type == N:
			mode := []byte(text(t, "0123456789", 16, "53"))
			mode[2] = '0'
			if enciphered {
				mode[2] = '1'
			}
			m.SetBytes(n, mode)
		case f.Type == N:
			m.Set(n, text(t, "0123456789", length, "n"))
		case f.Type == Z && enciphered:
			m.Set(n, text(t, "0123456789ABC=EF", length, "z"))
		case f.Type == Z:
			m.Set(n, text(t, "0123456789=", length, "z"))
		case f.Type == B:
			m.SetBytes(n, rapid.SliceOfN(rapid.Byte(), length, length).Draw(t, "b"))
		case f.Chinese:
			b := EncodeText(rapid.String().Draw(t, "chinese"), length)
			m.Set(n, string(b)+strings.Repeat(" ", length-len(b)))
		default:
			m.Set(n, text(t, " !\"#019:@AZ[az~", length, "ans"))
		}
	}
	return m
}

func text(t *rapid.T, alphabet string, length int, label string) string {
	return string(rapid.SliceOfN(rapid.SampledFrom([]byte(alphabet)), length, length).Draw(t, label))
}
