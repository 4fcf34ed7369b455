package tdes

import (
	"bytes"
	"crypto/rand"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newKey(t testing.TB, s string) Key {
	t.Helper()
	k, err := NewKey(unhex(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func drawKey(t *rapid.T, sizes ...int) Key {
	size := rapid.SampledFrom(sizes).Draw(t, "size")
	k, err := NewKey(rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "key"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestNewKeySizes(t *testing.T) {
	for n := range 33 {
		k, err := NewKey(make([]byte, n))
		if ok := n == 8 || n == 16 || n == 24; ok != (err == nil) || k.Size() != n && ok {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestKCV(t *testing.T) {
	// The single-length value is the well-known weak-key one; doubling a key halves triple DES to DES.
	for key, want := range map[string]string{
		"0123456789ABCDEF":                 "D5D44FF7",
		"0123456789ABCDEF0123456789ABCDEF": "D5D44FF7",
		"0123456789ABCDEFFEDCBA9876543210": "08D7B4FB",
	} {
		if got := fmt.Sprintf("%X", newKey(t, key).KCV()); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}

func TestGenerate(t *testing.T) {
	for _, size := range []int{8, 16, 24} {
		k, err := Generate(size, rand.Reader)
		if err != nil || k.Size() != size || k.Degenerate() {
			t.Fatal(size, err)
		}
		for _, b := range k.Reveal() {
			if bits.OnesCount8(b)%2 != 1 {
				t.Errorf("byte %02X has even parity", b)
			}
		}
	}
	if _, err := Generate(16, bytes.NewReader(make([]byte, 16))); !errors.Is(err, ErrKey) {
		t.Error("a source of zeros was believed:", err)
	}
	if _, err := Generate(16, bytes.NewReader(make([]byte, 15))); err == nil {
		t.Error("a source that ran dry was believed")
	}
	if _, err := Generate(12, rand.Reader); !errors.Is(err, ErrKey) {
		t.Error("12 bytes:", err)
	}
}

func TestDegenerate(t *testing.T) {
	for key, want := range map[string]bool{
		"0123456789ABCDEF":                                 false,
		"0123456789ABCDEFFEDCBA9876543210":                 false,
		"0123456789ABCDEF0123456789ABCDEF":                 true,
		"0123456789ABCDEF0022446688AACCEE":                 true, // differs in parity bits alone
		"0123456789ABCDEFFEDCBA9876543210FEDCBA9876543210": true,
		"0123456789ABCDEFFEDCBA98765432100123456789ABCDEF": false,
	} {
		if newKey(t, key).Degenerate() != want {
			t.Errorf("%s: want %v", key, want)
		}
	}
}

func TestBlocksRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawKey(t, 8, 16, 24)
		text := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "text")
		sealed, err := k.Encrypt(text)
		if len(text)%8 != 0 {
			if !errors.Is(err, ErrBlocks) {
				t.Fatal(err)
			}
			return
		}
		back, err2 := k.Decrypt(sealed)
		if err != nil || err2 != nil || !bytes.Equal(back, text) {
			t.Fatal(err, err2)
		}
	})
}

func TestXOR(t *testing.T) {
	got, err := XOR([]byte{1, 2}, []byte{4, 8}, []byte{1, 1})
	if err != nil || !bytes.Equal(got, []byte{4, 11}) {
		t.Fatal(got, err)
	}
	for name, parts := range map[string][][]byte{
		"no components":       {},
		"one holder has all":  {{1, 2}},
		"components of sizes": {{1, 2}, {1}},
	} {
		if _, err := XOR(parts...); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestZeroAndWipedKeysDoNothing(t *testing.T) {
	wiped := newKey(t, "0123456789ABCDEF")
	inner := wiped.open().raw
	wiped.Wipe()
	if !bytes.Equal(inner, make([]byte, 8)) {
		t.Error("Wipe left the bytes")
	}
	for _, k := range []Key{{}, wiped} {
		_, err1 := k.Encrypt(make([]byte, 8))
		_, err2 := k.Decrypt(make([]byte, 8))
		_, err3 := MAC(X919, k, []byte("x"))
		_, err4 := EncryptTrack(k, "6216261000000000018=30122015123")
		for _, err := range []error{err1, err2, err3, err4} {
			if !errors.Is(err, ErrKey) {
				t.Error(err)
			}
		}
		if k.KCV() != nil || k.Reveal() != nil || k.Equal(k) || k.Size() != 0 {
			t.Error("a key that is none has properties")
		}
	}
	Key{}.Wipe()
}

func TestKeyDoesNotShow(t *testing.T) {
	const canary = "8F3B9D5271C6A4E0" + "19D7B3F5608E2CA4"
	k := newKey(t, canary)
	shapes := []any{k, &k, struct{ k Key }{k}, &struct{ k Key }{k}, struct{ K Key }{k}, []Key{k}, map[string]any{"k": k}}
	raw := k.Reveal()
	leaks := func(s string) bool {
		s = strings.ToLower(s)
		for _, form := range []string{canary, string(raw), fmt.Sprintf("% x", raw), strings.Trim(fmt.Sprint(raw), "[]"), "0x8f, 0x3b"} {
			if strings.Contains(s, strings.ToLower(form)) {
				return true
			}
		}
		return false
	}
	for _, shape := range shapes {
		var out bytes.Buffer
		for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %d %t %p") {
			fmt.Fprintf(&out, verb, shape)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("key", "k", shape)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("key", "k", shape)
		_ = json.NewEncoder(&out).Encode(shape)
		_ = gob.NewEncoder(&out).Encode(shape)
		if leaks(out.String()) {
			t.Errorf("%T: %q", shape, out.String())
		}
	}
	if _, err := json.Marshal(k); !errors.Is(err, ErrSecret) {
		t.Error(err)
	}
	if err := gob.NewEncoder(&bytes.Buffer{}).Encode(k); !errors.Is(err, ErrSecret) {
		t.Error(err)
	}
}

func TestWeakKeys(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"0101010101010101":                 true,  // weak
		"0000000000000000":                 true,  // the same without parity
		"1F1F1F1F0E0E0E0E":                 true,  // weak
		"01FE01FE01FE01FE":                 true,  // semi-weak
		"00FF00FF00FF00FF":                 true,  // the same without parity
		"0123456789ABCDEF":                 false, // an ordinary one
		"0123456789ABCDEFE0FEE0FEF1FEF1FE": true,  // in the second part
		"0123456789ABCDEFFEDCBA9876543210": false,
	} {
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		k, err := NewKey(raw)
		if err != nil {
			t.Fatal(err)
		}
		if k.Weak() != want {
			t.Errorf("%s: weak is %t", text, !want)
		}
	}
	if (Key{}).Weak() {
		t.Error("the zero key is weak")
	}
}

func TestOddParity(t *testing.T) {
	t.Parallel()
	b := []byte{0x00, 0x01, 0x02, 0x03, 0xFE, 0xFF}
	SetOddParity(b)
	if want := []byte{0x01, 0x01, 0x02, 0x02, 0xFE, 0xFE}; !bytes.Equal(b, want) {
		t.Errorf("%X", b)
	}
}
