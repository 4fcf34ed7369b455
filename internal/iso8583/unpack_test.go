package iso8583

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// smallMessage is 0200 with fields 2, 3, 22, 35, 41 and 63: every kind of layout in 52 bytes.
//
//	0 MTI  2 bitmap  10 F2  21 F3  24 F22  26 F35  38 F41  46 F63  52 end
const smallMessage = "0200" + "6000040020800002" + "19 62220000000000001290" + "000000" + "0210" +
	"21 622200000000000012=30 0" + "3130303030303031" + "0004 43555058"

func small() []byte {
	return unhex(strings.ReplaceAll(smallMessage, "=", "D"))
}

func TestUnpackReadsLeniently(t *testing.T) {
	t.Parallel()
	b := small()
	b[21], b[27] = 0xAB, 0xFE // F3 and F35 hold no digits now
	m := must(UnionPayPOS.Unpack(b))
	for n, want := range map[int]string{3: "AB0000", 35: "FE2200000000000012=30", 41: "10000001", 2: "6222000000000000129", 22: "021"} {
		if got := m.Text(n); got != want {
			t.Errorf("field %d is %q, want %q", n, got, want)
		}
	}
	if err := UnionPayPOS.Validate(m); err == nil {
		t.Error("Validate lets it pass")
	}
}

func TestUnpackKeepsNothingOfItsInput(t *testing.T) {
	t.Parallel()
	b := small()
	m := must(UnionPayPOS.Unpack(b))
	want := m.Text(41) + m.Text(63) + m.Text(2)
	clear(b)
	if got := m.Text(41) + m.Text(63) + m.Text(2); got != want {
		t.Errorf("after clearing the input: %q, want %q", got, want)
	}
}

// edit returns small with the bytes at offset replaced.
func edit(offset int, hexBytes string) []byte {
	b := small()
	copy(b[offset:], unhex(hexBytes))
	return b
}

func TestUnpackErrorsAreExact(t *testing.T) {
	t.Parallel()
	network := func(hexBytes string) []byte { return unhex(hexBytes) }
	for _, c := range []struct {
		name    string
		profile *Profile
		in      []byte
		want    FormatError
	}{
		{"nothing at all", UnionPayPOS, nil, FormatError{0, 0, "an MTI of 2 bytes", "0 bytes"}},
		{"half an MTI", UnionPayPOS, small()[:1], FormatError{0, 0, "an MTI of 2 bytes", "1 byte"}},
		{"an MTI with a letter", UnionPayPOS, edit(0, "0A00"), FormatError{0, 0, "an MTI of four digits", "0A00"}},
		{"no bitmap", UnionPayPOS, small()[:2], FormatError{0, 2, "a bitmap of 8 bytes", "0 bytes"}},
		{"a bitmap cut short", UnionPayPOS, small()[:9], FormatError{0, 2, "a bitmap of 8 bytes", "7 bytes"}},
		{"a second bitmap where the profile has one", UnionPayPOS, edit(2, "E0"), FormatError{0, 2, "one bitmap", "bit 1 set"}},
		{"a second bitmap cut short", CardNetwork, network("0200 8000000000000000 000000"), FormatError{0, 10, "a second bitmap of 8 bytes", "3 bytes"}},
		{"a third bitmap", CardNetwork, network("0200 8000000000000000 8000000000000000"), FormatError{65, 10, "a field of profile card-network", "bit 65 set"}},
		{"a field outside the profile", UnionPayPOS, edit(2, "64"), FormatError{6, 2, "a field of profile unionpay-pos", "bit 6 set"}},
		{"the last field outside the profile", CardNetwork, network("0200 0000000000000001"), FormatError{64, 9, "a field of profile card-network", "bit 64 set"}},
		{"a length prefix missing", UnionPayPOS, small()[:10], FormatError{2, 10, "1 byte", "0 bytes"}},
		{"a length that is not BCD", UnionPayPOS, edit(10, "1A"), FormatError{2, 10, "a BCD length", "a nibble above 9"}},
		{"a length over its maximum", UnionPayPOS, edit(10, "20"), FormatError{2, 10, "a length of at most 19", "20"}},
		{"a long length over its maximum", UnionPayPOS, edit(46, "0164"), FormatError{63, 46, "a length of at most 163", "164"}},
		{"a long length of four digits", UnionPayPOS, edit(46, "1004"), FormatError{63, 46, "a length of at most 163", "1004"}},
		{"a long length cut short", UnionPayPOS, small()[:47], FormatError{63, 46, "2 bytes", "1 byte"}},
		{"a variable field cut short", UnionPayPOS, small()[:30], FormatError{35, 27, "11 bytes", "3 bytes"}},
		{"a fixed field cut short", UnionPayPOS, small()[:40], FormatError{41, 38, "8 bytes", "2 bytes"}},
		{"trailing bytes", UnionPayPOS, append(small(), 0, 0), FormatError{0, 52, "the end of the message", "more: 2 bytes"}},
		{"more than a frame may hold", UnionPayPOS, make([]byte, 2049), FormatError{0, 2048, "at most 2048 bytes", "2049 bytes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, err := c.profile.Unpack(c.in)
			if m != nil {
				t.Errorf("a message beside the error: %v", m)
			}
			compareError(t, err, c.want)
		})
	}
}

func compareError(t *testing.T, err error, want FormatError) {
	t.Helper()
	var got *FormatError
	if !errors.As(err, &got) {
		t.Fatalf("got %v, want a FormatError", err)
	}
	if *got != want {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
}

func TestValidateErrorsAreExact(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   []byte
		want FormatError
	}{
		{"a letter in a PAN shows its position only", edit(15, "0A"), FormatError{2, 15, "n..19 LL", "a bad character at position 10"}},
		{"a letter in a processing code", edit(22, "B0"), FormatError{3, 22, "n6", `"B" at position 3`}},
		{"padding on the right", edit(25, "17"), FormatError{22, 25, "0 in the padding nibble", "another value"}},
		{"padding of a PAN", edit(20, "91"), FormatError{2, 20, "0 in the padding nibble", "another value"}},
		{"a letter in a clear track", edit(30, "A0"), FormatError{35, 30, "z..37 LL", "a bad character at position 7"}},
		{"a control character", edit(40, "0A"), FormatError{41, 40, "ans8", `"\n" at position 3`}},
		{"half a Chinese character", edit(51, "D3"), FormatError{63, 51, "ans..163 LLL", `"\xd3" at position 4`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, err := UnionPayPOS.Unpack(c.in)
			if err != nil {
				t.Fatal(err)
			}
			compareError(t, UnionPayPOS.Validate(m), c.want)
		})
	}
	t.Run("padding on the left", func(t *testing.T) {
		t.Parallel()
		m := must(CardNetwork.Unpack(unhex("0200 0000040000000000 1021")))
		if got := m.Text(22); got != "021" {
			t.Errorf("field 22 is %q", got)
		}
		compareError(t, CardNetwork.Validate(m), FormatError{22, 10, "0 in the padding nibble", "another value"})
	})
	t.Run("a letter in a field aligned right", func(t *testing.T) {
		t.Parallel()
		m := must(CardNetwork.Unpack(unhex("0200 0000040000000000 002A")))
		compareError(t, CardNetwork.Validate(m), FormatError{22, 11, "n3", `"A" at position 3`})
	})
	t.Run("a value set anew is judged by itself", func(t *testing.T) {
		t.Parallel()
		m := must(UnionPayPOS.Unpack(edit(25, "17")))
		if err := UnionPayPOS.Validate(m.Set(22, "021")); err != nil {
			t.Error(err)
		}
	})
}

func TestOneFieldIsJudgedAlone(t *testing.T) {
	t.Parallel()
	unpacked := must(UnionPayPOS.Unpack(edit(22, "B0")))
	built := New("0200").Set(3, "00B000").Set(41, "1000001").Set(70, "301")
	for _, c := range []struct {
		name string
		in   *Message
		n    int
		want FormatError
	}{
		{"where it was in the bytes", unpacked, 3, FormatError{3, 22, "n6", `"B" at position 3`}},
		{"its padding too", must(UnionPayPOS.Unpack(edit(25, "17"))), 22, FormatError{22, 25, "0 in the padding nibble", "another value"}},
		{"from its own beginning when built", built, 3, FormatError{3, 1, "n6", `"B" at position 3`}},
		{"a fixed field too short", built, 41, FormatError{41, 0, "ans8", "7 bytes"}},
		{"a field outside the profile", built, 70, FormatError{70, 10, "a field of profile unionpay-pos", "bit 70 set"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			compareError(t, UnionPayPOS.ValidateField(c.in, c.n), c.want)
		})
	}
	for _, n := range []int{41, 2, 4} { // lawful, lawful, absent
		if err := UnionPayPOS.ValidateField(unpacked, n); err != nil {
			t.Error(err)
		}
	}
	enciphered := New("0200").Set(35, "62A2").Set(53, "2610000000000000")
	if err := UnionPayPOS.ValidateField(enciphered, 35); err != nil {
		t.Error(err)
	}
}

func TestPackRefusesWhatItsReaderWould(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   *Message
		want FormatError
	}{
		{"no MTI", New(""), FormatError{0, 0, "an MTI of four digits", `""`}},
		{"an MTI with a letter", New("02x0"), FormatError{0, 0, "an MTI of four digits", `"02x0"`}},
		{"a field outside the profile", New("0200").Set(70, "301"), FormatError{70, 10, "a field of profile unionpay-pos", "bit 70 set"}},
		{"a fixed field too short", New("0200").Set(3, "000000").Set(4, "123"), FormatError{4, 13, "n12", "3 digits"}},
		{"a fixed field too long", New("0200").Set(39, "000"), FormatError{39, 10, "an2", "3 bytes"}},
		{"a variable field too long", New("0200").Set(2, strings.Repeat("1", 20)), FormatError{2, 10, "n..19 LL", "20 digits"}},
		{"letters in digits", New("0200").Set(3, "00000A"), FormatError{3, 12, "n6", `"A" at position 6`}},
		{"a secret's characters stay unseen", New("0200").Set(35, "62x2"), FormatError{35, 12, "z..37 LL", "a bad character at position 3"}},
		{"letters in a clear track", New("0200").Set(35, "62A2").Set(53, "2600000000000000"), FormatError{35, 12, "z..37 LL", "a bad character at position 3"}},
		{"bytes beyond ASCII", New("0200").Set(41, "\xd0\xa100001"), FormatError{41, 10, "ans8", "7 bytes"}},
		{"bytes beyond ASCII of the right length", New("0200").Set(41, "\xd0\xa1000001"), FormatError{41, 10, "ans8", `"\xd0" at position 1`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := UnionPayPOS.Pack(c.in)
			compareError(t, err, c.want)
		})
	}
}

func TestEncipheredTracksMayHoldLetters(t *testing.T) {
	t.Parallel()
	m := New("0200").Set(35, "62A2=B").Set(53, "2610000000000000")
	packed := must(UnionPayPOS.Pack(m))
	if got := must(UnionPayPOS.Unpack(packed)); !got.Equal(m) {
		t.Errorf("read back %q", got.Text(35))
	}
	m.Set(35, "62AD")
	if got := must(UnionPayPOS.Unpack(must(UnionPayPOS.Pack(m)))).Text(35); got != "62A=" {
		t.Errorf("the nibble D reads as %q", got)
	}
}

// TestCutAndFlipped damages every message of the protocol pages at every byte
// and bit: cut ones are refused, and what is still lawful packs to the same bytes.
func TestCutAndFlipped(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		t.Run(s.file, func(t *testing.T) {
			t.Parallel()
			body := s.body()
			for n := range body {
				var bad *FormatError
				if _, err := s.profile.Unpack(body[:n]); !errors.As(err, &bad) {
					t.Fatalf("cut at byte %d: %v", n, err)
				} else if bad.Offset > n {
					t.Errorf("cut at byte %d: offset %d", n, bad.Offset)
				}
				s.profile.MACRange(body[:n])
			}
			for i := range 8 * len(body) {
				damaged := bytes.Clone(body)
				damaged[i/8] ^= 0x80 >> (i % 8)
				if err := sameAgain(s.profile, damaged); err != nil {
					t.Errorf("bit %d of byte %d: %v", i%8, i/8, err)
				}
				s.profile.MACRange(damaged)
			}
		})
	}
}

// sameAgain holds what is true of any bytes: either a FormatError, or, when the
// values are lawful too, a message that packs to the same bytes.
func sameAgain(p *Profile, b []byte) error {
	var bad *FormatError
	m, err := p.Unpack(b)
	if err == nil {
		err = p.Validate(m)
	}
	if errors.As(err, &bad) {
		if bad.Offset < 0 || bad.Offset > len(b) || bad.Expected == "" || bad.Got == "" {
			return fmt.Errorf("a complaint that points nowhere: %+v", *bad)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if announces(b) && slices.Max(append(m.Fields(), 0)) <= 64 {
		return nil // an empty second bitmap is lawful, and not how we write
	}
	packed, err := p.Pack(m)
	if err != nil {
		return err
	}
	if !bytes.Equal(packed, b) {
		return fmt.Errorf("packs to %x, was %x", packed, b)
	}
	return nil
}

func TestOneProfileServesManyAtOnce(t *testing.T) {
	t.Parallel()
	fresh := &Profile{Name: "fresh", MaxFrame: 2048, Secondary: true, Fields: CardNetwork.Fields, MAC: CardNetwork.MAC}
	s := networkSamples()[0]
	want := s.body()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := must(fresh.PackMAC(s.message, fresh.fold)); !bytes.Equal(got, want) {
				t.Errorf("packed %x, want %x", got, want)
			}
			if m := must(fresh.Unpack(want)); m.Text(2) != testPAN {
				t.Error("another PAN")
			}
		})
	}
	all.Wait()
}
