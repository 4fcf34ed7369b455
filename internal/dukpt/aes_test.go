package dukpt

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"testing"

	"pgregory.net/rapid"
)

// The published vectors of X9.24-3-2017: AES-128 base key, initial key id 1234567890123456.
const aesInitial = "1273671EA26AC29AFA4D1084127652A1"

func aesSession(t testing.TB, counter string) AESSession {
	t.Helper()
	k, err := ParseAESKSN(unhex(t, "1234567890123456"+counter))
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewAESSession(unhex(t, aesInitial), k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAESWorkingKeyVectors(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]struct {
		counter string
		usage   uint16
		want    string
	}{
		"PIN, first transaction":           {"00000001", usagePIN, "AF8CB133A78F8DC2D1359F18527593FB"},
		"request MAC, first":               {"00000001", usageRequestMAC, "A2DC23DE6FDE0824A2BC321E08E4B8B7"},
		"response MAC, first":              {"00000001", usageResponseMAC, "DBB463945B286C07CD3AD82EE96FD9C9"},
		"data, first":                      {"00000001", usageData, "A35C412EFD41FDB98B69797C02DCD08F"},
		"request MAC, second":              {"00000002", usageRequestMAC, "484C3B06E8562704528CD5B46FB12FB6"},
		"data, third":                      {"00000003", usageData, "EF17F6AB45B4820C93A3DCB21BC491AD"},
		"PIN, a counter with many steps":   {"00845FED", usagePIN, "D1DDA386AA4A556AF0119FDCB5D132C6"},
		"request MAC, eighth transaction":  {"00000008", usageRequestMAC, "6FD572E5D59E618875F193484F9178FB"},
		"PIN, a counter with one late bit": {"00000008", usagePIN, "4D9DF3FBEE3448FC3E676D04320A90F5"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := aesSession(t, v.counter).with(v.usage, func(key []byte) {
				if got := fmt.Sprintf("%X", key); got != v.want {
					t.Error(got)
				}
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestCMACVectors are RFC 4493's, section 4.
func TestCMACVectors(t *testing.T) {
	t.Parallel()
	message := unhex(t, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	for size, want := range map[int]string{
		0: "BB1D6929E95937287FA37D129B756746", 16: "070A16B46B4D4144F79BDD9DD04A287C",
		40: "DFA66747DE9AE63030CA32611497C827", 64: "51F0BEBF7E3B9D92FC49741779363CFE",
	} {
		if got := fmt.Sprintf("%X", cmac(unhex(t, "2b7e151628aed2a6abf7158809cf4f3c"), message[:size])); got != want {
			t.Errorf("%d bytes: %s", size, got)
		}
	}
}

// TestFormat4Vectors are two published encipherments of PIN 1234.
func TestFormat4Vectors(t *testing.T) {
	t.Parallel()
	for _, v := range [][4]string{
		{"00112233445566778899AABBCCDDEEFF", "441234AAAAAAAAAA146C6601F4A8035C", "64321987654321098700000000000000", "88E33C3ACF404F234F10F889C364E377"},
		{"D30D421EC808407A61972EDBA36482FF", "441234AAAAAAAAAA7BFDA91F39F63284", "44001234567890120000000000000000", "21969613F4EB77C208147888EB674457"},
	} {
		if got := fmt.Sprintf("%X", EncryptFormat4(unhex(t, v[0]), unhex(t, v[1]), unhex(t, v[2]))); got != v[3] {
			t.Errorf("%s, want %s", got, v[3])
		}
	}
}

// TestDataKeyVector is X9.24-1:2009's data encryption key of the first transaction, request.
func TestDataKeyVector(t *testing.T) {
	t.Parallel()
	if got := fmt.Sprintf("%X", session(t, "FFFF9876543210E00001").dataKey()); got != "448D3F076D8304036A55A3D7E0055A78" {
		t.Error(got)
	}
}

func TestParseAESKSN(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ksn string
		ok  bool
	}{
		"the first transaction":      {"123456789012345600000001", true},
		"a counter of sixteen ones":  {"12345678901234560000FFFF", true},
		"a counter of seventeen":     {"12345678901234560001FFFF", false},
		"no transaction":             {"123456789012345600000000", false},
		"ten bytes, as triple DES's": {"FFFF9876543210E00001", false},
		"nothing":                    {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := ParseAESKSN(unhex(t, c.ksn))
			if ok := err == nil; ok != c.ok || ok && k.String() != c.ksn || !ok && !errors.Is(err, ErrKSN) {
				t.Fatal(k, err)
			}
		})
	}
}

func TestSerialNumbersNameTheirParts(t *testing.T) {
	t.Parallel()
	a := KSN(unhex(t, "FFFF9876543210E00001"))
	if a.Reader() != "FFFF9876543210E00000" || a.KeySet() != "FFFF987654" {
		t.Error(a.Reader(), a.KeySet())
	}
	b := AESKSN(unhex(t, "123456789012345600000001"))
	if b.Reader() != "1234567890123456" || b.KeySet() != "12345678" {
		t.Error(b.Reader(), b.KeySet())
	}
}

// TestNextSkipsWhatNoReaderSends compares Next with counting one by one.
func TestNextSkipsWhatNoReaderSends(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		from := rapid.Uint32Range(0, counterMask).Draw(rt, "counter")
		want := from + 1
		for bits.OnesCount32(want) > counterOnes {
			want++
		}
		k := KSN(unhex(t, "FFFF9876543210E00000"))
		k[7], k[8], k[9] = k[7]|byte(from>>16), byte(from>>8), byte(from)
		got, err := k.Next()
		if want > counterMask {
			if !errors.Is(err, ErrKSN) {
				rt.Fatalf("%06X has a next: %s, %v", from, got, err)
			}
			return
		}
		if err != nil || got.Counter() != want || got.Reader() != k.Reader() {
			rt.Fatalf("%06X is followed by %s, %v; want %06X", from, got, err, want)
		}
	})
	last := AESKSN(unhex(t, "1234567890123456FFFF0000"))
	if got, err := last.Next(); !errors.Is(err, ErrKSN) {
		t.Error(got, err)
	}
	if got, err := AESKSN(unhex(t, "12345678901234560000FFFF")).Next(); err != nil || got.Counter() != 0x10000 {
		t.Error(got, err)
	}
}

// secured is what both kinds of session do alike.
type secured interface {
	RequestMAC([]byte) ([]byte, error)
	ResponseMAC([]byte) ([]byte, error)
	VerifyRequest(data, mac []byte) error
	VerifyResponse(data, mac []byte) error
	EncryptData([]byte) ([]byte, error)
	DecryptData([]byte) ([]byte, error)
	Wipe()
}

func TestBothSessionsProtectAlike(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(rt, "data")
		for _, s := range []secured{session(t, "FFFF9876543210E00001"), aesSession(t, "00000001")} {
			request, err := s.RequestMAC(data)
			if err != nil || len(request) != macSize || s.VerifyRequest(data, request) != nil {
				rt.Fatal(request, err)
			}
			response, _ := s.ResponseMAC(data)
			if bytes.Equal(request, response) || s.VerifyResponse(data, response) != nil || !errors.Is(s.VerifyResponse(data, request), ErrMAC) {
				rt.Fatal("request and response are not told apart")
			}
			sealed, err := s.EncryptData(data)
			if err != nil || bytes.Contains(sealed, data) && len(data) > 8 {
				rt.Fatal("not enciphered", err)
			}
			if back, err := s.DecryptData(sealed); err != nil || !bytes.Equal(back, data) {
				rt.Fatal(back, err)
			}
			if _, err := s.DecryptData(sealed[:len(sealed)-1]); !errors.Is(err, ErrData) {
				rt.Fatal("a byte short:", err)
			}
		}
	})
}

func TestAESPINRoundTrip(t *testing.T) {
	t.Parallel()
	s := aesSession(t, "00000001")
	field, account := unhex(t, "441234AAAAAAAAAA146C6601F4A8035C"), unhex(t, "64321987654321098700000000000000")
	sealed, err := s.EncryptPIN(field, account)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := s.DecryptPIN(sealed, account); err != nil || !bytes.Equal(back, field) {
		t.Fatalf("%X, %v", back, err)
	}
	if _, err := s.EncryptPIN(field[:8], account); !errors.Is(err, ErrBlock) {
		t.Error(err)
	}
	if _, err := s.DecryptPIN(sealed, account[:8]); !errors.Is(err, ErrBlock) {
		t.Error(err)
	}
}

func TestAESRefusesWhatIsNoKey(t *testing.T) {
	t.Parallel()
	if _, err := NewAESSession(make([]byte, 8), AESKSN(unhex(t, "123456789012345600000001"))); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	if _, err := NewAESSession(make([]byte, 16), AESKSN{}); !errors.Is(err, ErrKSN) {
		t.Error(err)
	}
	wiped := aesSession(t, "00000001")
	wiped.Wipe()
	for _, s := range []AESSession{{}, wiped} {
		s.Wipe()
		_, mac := s.RequestMAC(nil)
		_, pin := s.EncryptPIN(make([]byte, 16), make([]byte, 16))
		_, data := s.DecryptData(make([]byte, 16))
		for _, err := range []error{mac, pin, data, s.VerifyRequest(nil, nil)} {
			if !errors.Is(err, ErrKey) {
				t.Error(err)
			}
		}
	}
	var none Session
	if _, err := none.EncryptData(nil); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	if _, err := none.DecryptData(nil); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
}

func TestAESSessionDoesNotShow(t *testing.T) {
	t.Parallel()
	s := aesSession(t, "00000001")
	raw := fmt.Sprintf("%X", s.key())
	if raw != "4F21B565BAD9835E112B6465635EAE44" {
		t.Fatal("derivation key", raw)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X"} {
		if text := fmt.Sprintf(verb+verb, s, struct{ s AESSession }{s}); bytes.Contains(bytes.ToUpper([]byte(text)), []byte(raw)) {
			t.Errorf("%s: %s", verb, text)
		}
	}
}

func FuzzAESKSN(f *testing.F) {
	f.Add(unhex(f, "123456789012345600000001"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		ksn, err := ParseAESKSN(raw)
		if err != nil {
			return
		}
		if _, err := NewAESSession(make([]byte, 16), ksn); err != nil {
			t.Fatal(err)
		}
		if next, err := ksn.Next(); err == nil && next.Counter() <= ksn.Counter() {
			t.Fatal(next)
		}
	})
}
