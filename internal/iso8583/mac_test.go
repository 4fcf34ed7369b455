package iso8583

import (
	"bytes"
	"errors"
	"testing"
)

func TestMACRangeNeedsItsBitAndItsBytes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		profile *Profile
		in      string
		ok      bool
	}{
		{"field 64", UnionPayPOS, "0200 0000000000000001 3132333435363738", true},
		{"field 64 behind a bad digit", UnionPayPOS, "0200 2000000000000001 ABCDEF 3132333435363738", true},
		{"no bit", UnionPayPOS, "0200 0000000000000000 3132333435363738", false},
		{"too short", UnionPayPOS, "0200 0000000000000001 31323334353637", false},
		{"fields behind the MAC", UnionPayPOS, "0200 8000000000000001 8000000000000000 3132333435363738", false},
		{"no bitmap", UnionPayPOS, "0200 00000000", false},
		{"nothing", UnionPayPOS, "", false},
		{"field 128", CardNetwork, "0200 8000000000000000 0000000000000001 0102030405060708", true},
		{"no second bitmap", CardNetwork, "0200 0000000000000001 0000000000000001 0102030405060708", false},
		{"half a second bitmap", CardNetwork, "0200 8000000000000000 00000000", false},
		{"a second bitmap without the bit", CardNetwork, "0200 8000000000000000 0400000000000000 0102030405060708", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := unhex(c.in)
			covered, mac, ok := c.profile.MACRange(in)
			if ok != c.ok {
				t.Fatalf("ok is %v", ok)
			}
			if ok && (len(mac) != 8 || !bytes.Equal(append(covered, mac...), in)) {
				t.Errorf("covers %x, MAC %x", covered, mac)
			}
		})
	}
}

func TestPackMACLeavesTheMessageAlone(t *testing.T) {
	t.Parallel()
	s := terminalSamples()[12]
	packed := must(UnionPayPOS.PackMAC(s.message, UnionPayPOS.fold))
	if s.message.Has(64) {
		t.Error("field 64 was set")
	}
	covered, mac, _ := UnionPayPOS.MACRange(packed)
	if want := must(UnionPayPOS.fold(covered)); !bytes.Equal(mac, want) {
		t.Errorf("MAC %q, want %q", mac, want)
	}
}

func TestPackMACErrors(t *testing.T) {
	t.Parallel()
	noKey := errors.New("no key")
	_, err := UnionPayPOS.PackMAC(New("0800"), func([]byte) ([]byte, error) { return nil, noKey })
	if !errors.Is(err, noKey) {
		t.Errorf("the MAC's own error: %v", err)
	}
	_, err = UnionPayPOS.PackMAC(New("0800"), func([]byte) ([]byte, error) { return []byte("1234"), nil })
	compareError(t, err, FormatError{64, 10, "a MAC of 8 bytes", "4 bytes"})
	_, err = UnionPayPOS.PackMAC(New("0800").Set(11, "1"), UnionPayPOS.fold)
	compareError(t, err, FormatError{11, 10, "n6", "1 digit"})
}
