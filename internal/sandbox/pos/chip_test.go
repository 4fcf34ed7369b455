package pos

import (
	"encoding/hex"
	"testing"
	"time"

	"hawker/internal/iso8583"
)

func TestChipDataIsWellFormed(t *testing.T) {
	t.Parallel()
	m := iso8583.New("0200").Set(3, "000000").Set(4, "000000004650").Set(11, "000002").Set(22, "051").Set(41, testTerminal)
	b := chipData(m, time.Date(2026, 11, 22, 12, 0, 0, 0, beijing))
	if len(b) > 255 {
		t.Fatalf("%d bytes do not fit field 55", len(b))
	}
	got := map[string]string{}
	for len(b) > 0 {
		size := 1
		if b[0]&0x1F == 0x1F {
			size = 2
		}
		end := size + 1 + int(b[size])
		got[hex.EncodeToString(b[:size])] = hex.EncodeToString(b[size+1 : end])
		b = b[end:]
	}
	for tag, want := range map[string]string{
		"9f02": "000000004650", "9c": "00", "9a": "261122", "5f2a": "0156", "9f1a": "0156", "9f27": "80",
		"9f34": "420300", "9f36": "0002", "9f41": "00000002", "9f1e": hex.EncodeToString([]byte(testTerminal)),
	} {
		if got[tag] != want {
			t.Errorf("%s is %q, want %q", tag, got[tag], want)
		}
	}
	for tag, size := range map[string]int{"9f26": 8, "9f37": 4, "95": 5, "82": 2, "9f33": 3, "9f03": 6} {
		if len(got[tag]) != 2*size {
			t.Errorf("%s is %q, want %d bytes", tag, got[tag], size)
		}
	}
}
