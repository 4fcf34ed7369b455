package tdes

import (
	"crypto/des"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// A published message for the MAC alone; its fields do not parse.
const unionPayMessage = "02003020048000c08015000000000000001234000002030099303030303030303139353237313831383232313738373531353600192600000100060000000000435f01123238343431323334353637383930313233345f03063136303033365f04063230303832365c023031"

func TestMACVectors(t *testing.T) {
	const word = "Now is the time for all " // FIPS 113's example text, three blocks
	for name, c := range map[string]struct {
		algorithm, key string
		data           []byte
		want           string
	}{
		"unionpay-ecb, published, single length":                  {UnionPayECB, "0723C80DB5F4CD3D", unhex(t, unionPayMessage), fmt.Sprintf("%X", "B3A092AE")},
		"unionpay-ecb, published, doubled":                        {UnionPayECB, "0723C80DB5F4CD3D0723C80DB5F4CD3D", unhex(t, unionPayMessage), fmt.Sprintf("%X", "B3A092AE")},
		"x9.9 is FIPS 113's CBC authenticator":                    {X99, "0123456789ABCDEF", []byte("7654321 Now is the time for \x00"), "F1D30F6849312CA4"},
		"x9.19, ISO 9797-1 algorithm 3, padding 1, Annex example": {X919, "0123456789ABCDEFFEDCBA9876543210", []byte(word), "A1C72E74EA3FA9B6"},
		"x9.19, the same with a short last block":                 {X919, "0123456789ABCDEFFEDCBA9876543210", []byte("Now is the time for it"), "2E2B1428CC78254F"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := MAC(c.algorithm, newKey(t, c.key), c.data)
			if err != nil || fmt.Sprintf("%X", got) != c.want {
				t.Fatalf("%X, %v; want %s", got, err, c.want)
			}
		})
	}
	if got := fold(unhex(t, unionPayMessage)); fmt.Sprintf("%X", got) != "3761343619AC6492" {
		t.Errorf("folds to %X", got)
	}
}

// TestRelations holds the algorithms against crypto/des by another road.
func TestRelations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key")
		data := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "data")
		single, _ := NewKey(raw[:8])
		double, _ := NewKey(raw)
		left, _ := des.NewCipher(raw[:8])
		right, _ := des.NewCipher(raw[8:])
		mac := func(algorithm string, k Key) string {
			m, err := MAC(algorithm, k, data)
			if err != nil || len(m) != 8 {
				t.Fatal(algorithm, len(m), err)
			}
			return string(m)
		}
		block := []byte(mac(X99, single))
		right.Decrypt(block, block)
		left.Encrypt(block, block)
		if string(block) != mac(X919, double) {
			t.Fatal("X9.19 is X9.9 under the left half, deciphered under the right, enciphered under the left")
		}
		if mac(X919, single) != mac(X99, single) {
			t.Fatal("under a single-length key X9.19 is X9.9")
		}
		if len(data) <= 8 && mac(PSPFold, double) != mac(X919, double) {
			t.Fatal("a message of one block folds to itself")
		}
	})
}

func TestVerifyMAC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := drawKey(t, 8, 16, 24)
		algorithm := rapid.SampledFrom([]string{UnionPayECB, X99, X919, PSPFold}).Draw(t, "algorithm")
		data := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "data")
		mac, err := MAC(algorithm, k, data)
		if err != nil {
			t.Fatal(err)
		}
		if err := VerifyMAC(algorithm, k, data, mac); err != nil {
			t.Fatal(err)
		}
		i := rapid.IntRange(0, 63).Draw(t, "bit")
		mac[i/8] ^= 1 << (i % 8)
		if err := VerifyMAC(algorithm, k, data, mac); !errors.Is(err, ErrMAC) {
			t.Fatal("one bit changed:", err)
		}
		if err := VerifyMAC(algorithm, k, data, mac[:4]); !errors.Is(err, ErrMAC) {
			t.Fatal("four bytes:", err)
		}
	})
}

func TestMACRefuses(t *testing.T) {
	k := newKey(t, "0123456789ABCDEF")
	for name, c := range map[string]struct {
		algorithm string
		data      []byte
	}{
		"an unknown algorithm": {"sm4", []byte("x")},
		"no algorithm":         {"", []byte("x")},
		"an empty message":     {X919, nil},
	} {
		if err := VerifyMAC(c.algorithm, k, c.data, make([]byte, 8)); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkMAC(b *testing.B) {
	data := make([]byte, 200)
	for _, c := range []struct{ algorithm, key string }{
		{UnionPayECB, "0123456789ABCDEF"},
		{X919, "0123456789ABCDEFFEDCBA9876543210"},
	} {
		k := newKey(b, c.key)
		b.Run(c.algorithm, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := MAC(c.algorithm, k, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
