// Package keystest is the suite that every module of the keystore passes: a key
// computes what the published algorithms say, opens for its own name only, and
// shows itself to nobody.
package keystest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"hawker/internal/keys"
	"hawker/internal/tdes"
)

// Master makes modules of one master key: each call of the function opens it again,
// as another process would, and closes it when the test ends.
type Master func(t testing.TB) keys.Module

// Run holds modules against the suite. fresh makes another master key each time.
func Run(t *testing.T, fresh func(t testing.TB) Master) {
	t.Run("a key computes what the algorithms say", func(t *testing.T) { computes(t, fresh(t)(t)) })
	t.Run("an AES key too", func(t *testing.T) { computesAES(t, fresh(t)(t)) })
	t.Run("a data key seals and finds", func(t *testing.T) { sealsAndFinds(t, fresh(t)) })
	t.Run("a wrapped key opens for its own name only", func(t *testing.T) { opensForItsName(t, fresh(t), fresh(t)) })
	t.Run("a key comes back for export", func(t *testing.T) { reveals(t, fresh(t)) })
	t.Run("a wiped key serves nobody", func(t *testing.T) { wipes(t, fresh(t)(t)) })
	t.Run("many use one key at once", func(t *testing.T) { crowd(t, fresh(t)(t)) })
	t.Run("nothing prints a key", func(t *testing.T) { prints(t, fresh(t)(t)) })
	t.Run("the keystore works with it", func(t *testing.T) { keystore(t, fresh(t), fresh(t)) })
}

// raws are keys of every length that DES has.
var raws = []string{"0123456789ABCDEF", "0123456789ABCDEFFEDCBA9876543210", "0123456789ABCDEFFEDCBA987654321089ABCDEF01234567"}

const raw32 = "00112233445566778899AABBCCDDEEFF0F1E2D3C4B5A69788796A5B4C3D2E1F0"

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func open(t testing.TB, m keys.Module, a keys.Algorithm, raw []byte) keys.Key {
	t.Helper()
	wrapped := must[[]byte](t)(m.Wrap(a, raw, []byte("bound")))
	if bytes.Contains(wrapped, raw) {
		t.Fatal("the key is in its wrapping")
	}
	k := must[keys.Key](t)(m.Open(a, wrapped, []byte("bound")))
	t.Cleanup(k.Wipe)
	return k
}

func computes(t *testing.T, m keys.Module) {
	message := []byte("a message of no whole number of blocks")
	for _, text := range raws {
		raw := unhex(t, text)
		k, want := open(t, m, keys.DES, raw), must[tdes.Key](t)(tdes.NewKey(raw))
		if k.Size() != len(raw) {
			t.Errorf("%d bytes, want %d", k.Size(), len(raw))
		}
		for _, n := range []int{8, 24} {
			got := must[[]byte](t)(k.Encrypt(message[:n]))
			if expected := must[[]byte](t)(want.Encrypt(message[:n])); !bytes.Equal(got, expected) {
				t.Errorf("%d-byte key enciphers %X to %X", len(raw), expected, got)
			}
			if back := must[[]byte](t)(k.Decrypt(got)); !bytes.Equal(back, message[:n]) {
				t.Errorf("%d-byte key does not decipher", len(raw))
			}
		}
		for _, algorithm := range []string{tdes.UnionPayECB, tdes.X99, tdes.X919, tdes.PSPFold} {
			for _, n := range []int{1, 8, 9, len(message)} {
				got := must[[]byte](t)(tdes.MACBy(algorithm, k, message[:n]))
				if expected := must[[]byte](t)(tdes.MAC(algorithm, want, message[:n])); !bytes.Equal(got, expected) {
					t.Errorf("%s of %d bytes under %d: %X, want %X", algorithm, n, len(raw), got, expected)
				}
			}
		}
		for _, n := range []int{1, 7, 9} {
			if _, err := k.Encrypt(message[:n]); err == nil {
				t.Errorf("%d bytes were enciphered", n)
			}
			if _, err := k.Chain(message[:n]); err == nil {
				t.Errorf("%d bytes were chained", n)
			}
		}
	}
}

func computesAES(t *testing.T, m keys.Module) {
	text := bytes.Repeat([]byte("sixteen letters."), 3)
	for _, n := range []int{16, 24, 32} {
		raw := unhex(t, raw32)[:n]
		k, c := open(t, m, keys.AES, raw), must[cipher.Block](t)(aes.NewCipher(raw))
		want := make([]byte, len(text))
		for i := 0; i < len(text); i += 16 {
			c.Encrypt(want[i:], text[i:])
		}
		if got := must[[]byte](t)(k.Encrypt(text)); !bytes.Equal(got, want) || k.Size() != n {
			t.Errorf("AES-%d enciphers to %X", 8*n, got)
		}
		if back := must[[]byte](t)(k.Decrypt(want)); !bytes.Equal(back, text) {
			t.Errorf("AES-%d does not decipher", 8*n)
		}
		cipher.NewCBCEncrypter(c, make([]byte, 16)).CryptBlocks(want, text) //nolint:gosec // the zero vector is the algorithm
		if got := must[[]byte](t)(k.Chain(text)); !bytes.Equal(got, want[len(want)-16:]) {
			t.Errorf("AES-%d chains to %X", 8*n, got)
		}
		if _, err := k.ChainFirst(text); !errors.Is(err, keys.ErrPurpose) {
			t.Error("an AES key has a first part:", err)
		}
		if _, err := k.Encrypt(text[:8]); err == nil {
			t.Error("half a block was enciphered")
		}
	}
}

func sealsAndFinds(t *testing.T, master Master) {
	here, there := master(t), master(t)
	raw := unhex(t, raw32)
	wrapped := must[[]byte](t)(here.Wrap(keys.Data, raw, []byte("bound")))
	k, other := must[keys.DataKey](t)(here.OpenData(wrapped, []byte("bound"))), must[keys.DataKey](t)(there.OpenData(wrapped, []byte("bound")))
	h := hmac.New(sha256.New, raw)
	h.Write([]byte("data"))
	if got := must[[]byte](t)(other.Sum([]byte("data"))); !bytes.Equal(got, h.Sum(nil)) {
		t.Error("not HMAC-SHA-256")
	}
	sealed := must[[]byte](t)(k.Seal([]byte("plain text"), []byte("row 1")))
	if again := must[[]byte](t)(k.Seal([]byte("plain text"), []byte("row 1"))); bytes.Equal(again, sealed) {
		t.Error("sealed texts repeat")
	}
	if plain := must[[]byte](t)(other.Unseal(sealed, []byte("row 1"))); string(plain) != "plain text" {
		t.Errorf("unsealed %q", plain)
	}
	block := must[cipher.Block](t)(aes.NewCipher(raw))
	gcm := must[cipher.AEAD](t)(cipher.NewGCM(block))
	if plain, err := gcm.Open(nil, sealed[:12], sealed[12:], []byte("row 1")); err != nil || string(plain) != "plain text" {
		t.Error("not AES-256-GCM behind its nonce:", err)
	}
	for name, damaged := range map[string][]byte{"nothing": nil, "a part of the nonce": sealed[:11], "a shorter text": sealed[:len(sealed)-1],
		"another text": append([]byte{sealed[0] ^ 1}, sealed[1:]...)} {
		if _, err := k.Unseal(damaged, []byte("row 1")); !errors.Is(err, keys.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := k.Unseal(sealed, []byte("row 2")); !errors.Is(err, keys.ErrCorrupt) {
		t.Error("moved to another row:", err)
	}
}

func opensForItsName(t *testing.T, master, stranger Master) {
	here, there, other := master(t), master(t), stranger(t)
	raw := unhex(t, raws[1])
	wrapped := must[[]byte](t)(here.Wrap(keys.DES, raw, []byte("tpk/T1")))
	k := must[keys.Key](t)(there.Open(keys.DES, wrapped, []byte("tpk/T1")))
	defer k.Wipe()
	want := must[tdes.Key](t)(tdes.NewKey(raw))
	if got := must[[]byte](t)(k.Encrypt(make([]byte, 8))); !bytes.Equal(got[:4], want.KCV()) {
		t.Error("another process opens another key")
	}
	refused := func(name string, m keys.Module, wrapped, bound []byte) {
		t.Helper()
		if _, err := m.Open(keys.DES, wrapped, bound); !errors.Is(err, keys.ErrCorrupt) {
			t.Errorf("%s opens: %v", name, err)
		}
		if _, err := m.Reveal(keys.DES, wrapped, bound); !errors.Is(err, keys.ErrCorrupt) {
			t.Errorf("%s is revealed: %v", name, err)
		}
		if _, err := m.OpenData(wrapped, bound); !errors.Is(err, keys.ErrCorrupt) {
			t.Errorf("%s opens as a data key: %v", name, err)
		}
	}
	refused("another name", here, wrapped, []byte("tak/T1"))
	refused("another master key", other, wrapped, []byte("tpk/T1"))
	refused("nothing", here, nil, []byte("tpk/T1"))
	for i := range wrapped {
		changed := bytes.Clone(wrapped)
		changed[i] ^= 1
		refused(fmt.Sprintf("a changed byte %d", i), here, changed, []byte("tpk/T1"))
	}
	refused("a longer wrapping", here, append(bytes.Clone(wrapped), 0), []byte("tpk/T1"))
	refused("a shorter wrapping", here, wrapped[:len(wrapped)-1], []byte("tpk/T1"))
}

func reveals(t *testing.T, master Master) {
	here, there := master(t), master(t)
	for a, list := range map[keys.Algorithm][]string{keys.DES: raws, keys.AES: {raw32[:32], raw32[:48], raw32}, keys.Data: {raw32}} {
		for _, text := range list {
			wrapped := must[[]byte](t)(here.Wrap(a, unhex(t, text), []byte("bound")))
			if got := must[[]byte](t)(there.Reveal(a, wrapped, []byte("bound"))); !bytes.Equal(got, unhex(t, text)) {
				t.Errorf("%s of %d digits comes back another", a, len(text))
			}
		}
	}
}

func wipes(t *testing.T, m keys.Module) {
	for a, raw := range map[keys.Algorithm]string{keys.DES: raws[1], keys.AES: raw32} {
		k := open(t, m, a, unhex(t, raw))
		k.Wipe()
		k.Wipe() // once more is no harm
		if _, err := k.Encrypt(make([]byte, 16)); err == nil {
			t.Errorf("a wiped %s key enciphers", a)
		}
		if _, err := k.Decrypt(make([]byte, 16)); err == nil {
			t.Errorf("a wiped %s key deciphers", a)
		}
		if _, err := k.Chain(make([]byte, 16)); err == nil {
			t.Errorf("a wiped %s key chains", a)
		}
	}
}

func crowd(t *testing.T, m keys.Module) {
	raw := unhex(t, raws[1])
	k, want := open(t, m, keys.DES, raw), must[tdes.Key](t)(tdes.NewKey(raw))
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			message := bytes.Repeat([]byte{byte(i)}, 40) //nolint:gosec // 0 to 15
			expected, err := tdes.MAC(tdes.X919, want, message)
			if err != nil {
				t.Error(err)
			}
			for range 20 {
				if got, err := tdes.MACBy(tdes.X919, k, message); err != nil || !bytes.Equal(got, expected) {
					t.Error("a code of another's message", err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func prints(t *testing.T, m keys.Module) {
	raw := unhex(t, raws[1])
	k := open(t, m, keys.DES, raw)
	a := open(t, m, keys.AES, raw)
	d := must[keys.DataKey](t)(m.OpenData(must[[]byte](t)(m.Wrap(keys.Data, unhex(t, raw32), nil)), nil))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		shown := strings.ToUpper(fmt.Sprintf(verb, []any{m, k, a, d, struct{ hidden any }{k}}))
		for _, secret := range []string{raws[1][:16], raw32[:16], strings.Trim(fmt.Sprint(raw[:8]), "[]"), string(bytes.ToUpper(raw[:8]))} {
			if strings.Contains(shown, secret) {
				t.Errorf("%s shows a key", verb)
			}
		}
	}
}
