package dukpt

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// The published worked example of X9.24-1: base key, reader, PIN 1234 and PAN 4012345678909.
const (
	bdk     = "0123456789ABCDEFFEDCBA9876543210"
	ipek    = "6AC292FAA1315B4D858AB3A3D7D5933A"
	clearPB = "041274EDCBA9876F"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func session(t testing.TB, ksn string) Session {
	t.Helper()
	k, err := ParseKSN(unhex(t, ksn))
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSession(unhex(t, ipek), k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestInitialKeyVector(t *testing.T) {
	for _, counter := range []string{"E00000", "E00001", "FFFFFF"} {
		ksn := KSN(unhex(t, "FFFF9876543210"+counter))
		got, err := InitialKey(unhex(t, bdk), ksn)
		if err != nil || fmt.Sprintf("%X", got) != ipek {
			t.Errorf("%s: %X, %v", ksn, got, err)
		}
	}
}

func TestSessionVectors(t *testing.T) {
	s := session(t, "FFFF9876543210E00001")
	if got := fmt.Sprintf("%X", s.key()); got != "042666B49184CFA368DE9628D0397BC9" {
		t.Error("transaction key", got)
	}
	if got, err := s.EncryptPIN(unhex(t, clearPB)); err != nil || fmt.Sprintf("%X", got) != "1B9C1845EB993A7A" {
		t.Errorf("PIN %X, %v", got, err)
	}
	if got, err := s.RequestMAC([]byte("4012345678909D987")); err != nil || fmt.Sprintf("%X", got) != "9CCC78173FC4FB64" {
		t.Errorf("MAC %X, %v", got, err)
	}
}

func TestAESInitialKeyVector(t *testing.T) {
	got, err := AESInitialKey(unhex(t, "FEDCBA9876543210F1F1F1F1F1F1F1F1"), unhex(t, "1234567890123456"))
	if err != nil || fmt.Sprintf("%X", got) != "1273671EA26AC29AFA4D1084127652A1" {
		t.Errorf("%X, %v", got, err)
	}
	if _, err := AESInitialKey(make([]byte, 24), make([]byte, 8)); !errors.Is(err, ErrKey) {
		t.Error("24 bytes of key:", err)
	}
	if _, err := AESInitialKey(make([]byte, 16), make([]byte, 10)); !errors.Is(err, ErrKSN) {
		t.Error("ten bytes of identifier:", err)
	}
}

func TestParseKSN(t *testing.T) {
	for name, c := range map[string]struct {
		ksn string
		ok  bool
	}{
		"the first transaction":                {"FFFF9876543210E00001", true},
		"a counter of ten ones":                {"FFFF9876543210E003FF", true},
		"a counter of eleven ones":             {"FFFF9876543210E007FF", false},
		"a counter of zero: the initial key":   {"FFFF9876543210E00000", false},
		"nine bytes":                           {"FFFF9876543210E001", false},
		"nothing":                              {"", false},
		"the last transaction a reader can do": {"FFFF9876543210FFE000", true},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := ParseKSN(unhex(t, c.ksn))
			if ok := err == nil; ok != c.ok || ok && k.String() != c.ksn {
				t.Fatal(k, err)
			}
		})
	}
}

func TestTransactionsShareNothing(t *testing.T) {
	seen := map[string]bool{}
	for n := 1; n <= 200; n++ {
		s := session(t, fmt.Sprintf("FFFF9876543210E%05X", n))
		seen[string(s.key())] = true
	}
	if len(seen) != 200 {
		t.Fatalf("%d keys for 200 transactions", len(seen))
	}
}

func TestSessionRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 10, 10).Draw(rt, "ksn")
		ksn, err := ParseKSN(raw)
		if err != nil {
			return
		}
		initial, err := InitialKey(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "bdk"), ksn)
		if err != nil {
			rt.Fatal(err)
		}
		s, err := NewSession(initial, ksn)
		if err != nil {
			rt.Fatal(err)
		}
		block := rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(rt, "block")
		sealed, _ := s.EncryptPIN(block)
		if back, err := s.DecryptPIN(sealed); err != nil || !bytes.Equal(back, block) {
			rt.Fatal("another block came back", err)
		}
		data := rapid.SliceOf(rapid.Byte()).Draw(rt, "data")
		mac, _ := s.RequestMAC(data)
		if err := s.VerifyRequest(data, mac); err != nil {
			rt.Fatal(err)
		}
		if answer, _ := s.ResponseMAC(data); bytes.Equal(answer, mac) {
			rt.Fatal("request and response share a key")
		}
		mac[rapid.IntRange(0, 7).Draw(rt, "byte")] ^= 1
		if err := s.VerifyRequest(data, mac); !errors.Is(err, ErrMAC) {
			rt.Fatal("one bit changed:", err)
		}
	})
}

func TestRefusesWhatIsNoKey(t *testing.T) {
	ksn := KSN(unhex(t, "FFFF9876543210E00001"))
	if _, err := InitialKey(make([]byte, 24), ksn); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	if _, err := NewSession(make([]byte, 8), ksn); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	if _, err := NewSession(make([]byte, 16), KSN{}); !errors.Is(err, ErrKSN) {
		t.Error(err)
	}
	var none Session
	if _, err := none.RequestMAC([]byte("x")); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	if _, err := none.EncryptPIN(make([]byte, 8)); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	if _, err := session(t, "FFFF9876543210E00001").DecryptPIN(make([]byte, 9)); !errors.Is(err, ErrBlock) {
		t.Error(err)
	}
	none.Wipe()
}

func TestSessionDoesNotShow(t *testing.T) {
	s := session(t, "FFFF9876543210E00001")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		for _, shape := range []any{s, &s, struct{ s Session }{s}, []Session{s}} {
			text := fmt.Sprintf(verb, shape)
			for _, form := range []string{"042666B4", "042666b4", "4 38 102 180", "0x4, 0x26"} {
				if bytes.Contains([]byte(text), []byte(form)) {
					t.Errorf("%s of %T: %s", verb, shape, text)
				}
			}
		}
	}
	raw := s.key()
	s.Wipe()
	if _, err := s.RequestMAC(nil); !bytes.Equal(raw, make([]byte, 16)) || !errors.Is(err, ErrKey) {
		t.Error("Wipe left something", err)
	}
}

func FuzzKSN(f *testing.F) {
	f.Add(unhex(f, "FFFF9876543210E00001"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		ksn, err := ParseKSN(raw)
		if err != nil {
			return
		}
		if _, err := NewSession(make([]byte, 16), ksn); err != nil {
			t.Fatal(err)
		}
	})
}
