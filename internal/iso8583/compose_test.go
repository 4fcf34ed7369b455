package iso8583

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestComposeReadsWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		p      *Profile
		fields map[int]string
		want   *Message
	}{
		"digits and bytes":       {UnionPayPOS, map[int]string{3: "000000", 52: "01 23456789ABCDEF"}, New("0200").Set(3, "000000").SetBytes(52, unhex("0123456789ABCDEF"))},
		"Chinese":                {UnionPayPOS, map[int]string{63: "CUP余额不足"}, New("0200").SetBytes(63, EncodeText("CUP余额不足", 99))},
		"a short name is filled": {UnionPayPOS, map[int]string{41: "T1"}, New("0200").Set(41, "T1      ")},
		"a MAC that is text":     {UnionPayPOS, map[int]string{64: "B3A092AE"}, New("0200").Set(64, "B3A092AE")},
		"a MAC that is bytes":    {PSP, map[int]string{64: "0123456789ABCDEF"}, New("0200").SetBytes(64, unhex("0123456789ABCDEF"))},
	} {
		t.Run(name, func(t *testing.T) {
			if got := must(row.p.Compose("0200", row.fields)); !got.Equal(row.want) {
				t.Errorf("%v, want %v", got, row.want)
			}
		})
	}
}

func TestComposeNamesFieldAndOffset(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		mti    string
		fields map[int]string
		want   FormatError
	}{
		"a field of no profile":   {"0200", map[int]string{5: "1"}, FormatError{5, 0, "a field of profile unionpay-pos", "another"}},
		"a field that is none":    {"0200", map[int]string{1: "1"}, FormatError{1, 0, "a field of profile unionpay-pos", "another"}},
		"bytes that are no hex":   {"0200", map[int]string{3: "000000", 52: "xyz"}, FormatError{52, 13, "b8 in hexadecimal", "3 characters of other text"}},
		"too short an amount":     {"0200", map[int]string{3: "000000", 4: "100"}, FormatError{4, 13, "n12", "3 digits"}},
		"a letter among digits":   {"0200", map[int]string{3: "00000A"}, FormatError{3, 12, "n6", `"A" at position 6`}},
		"an MTI of three digits":  {"020", nil, FormatError{0, 0, "an MTI of four digits", `"020"`}},
		"a track is not repeated": {"0200", map[int]string{35: "62220086420975301X"}, FormatError{35, 19, "z..37 LL", "a bad character at position 18"}},
	} {
		t.Run(name, func(t *testing.T) {
			var bad *FormatError
			if _, err := UnionPayPOS.Compose(row.mti, row.fields); !errors.As(err, &bad) || *bad != row.want {
				t.Errorf("%v, want %v", err, &row.want)
			}
		})
	}
}

// TestWhatIsComposedPacks holds for any texts: a refusal, or a message that packs.
func TestWhatIsComposedPacks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := rapid.SampledFrom(profiles).Draw(rt, "profile")
		fields := rapid.MapOfN(rapid.IntRange(-1, 130), rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{1,16}`)), 0, 6).Draw(rt, "fields")
		m, err := p.Compose("0200", fields)
		if err == nil {
			must(p.Pack(m))
		}
	})
}
