package keys_test

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"hawker/internal/keys"
	"hawker/internal/keys/keystest"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/tdes"
)

func TestSoftwareIsAModule(t *testing.T) {
	t.Parallel()
	keystest.Run(t, func(testing.TB) keystest.Master {
		master := make([]byte, 32)
		_, _ = rand.Read(master)
		return func(t testing.TB) keys.Module {
			m, err := keys.NewSoftware(master)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = m.Close() })
			return m
		}
	})
}

func TestSoftwareRefusesAMasterKeyOfAnotherLength(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := keys.NewSoftware(make([]byte, n)); !errors.Is(err, keys.ErrMaster) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := (keys.Software{}).Wrap(keys.DES, make([]byte, 16), nil); !errors.Is(err, keys.ErrMaster) {
		t.Error("no master key wraps:", err)
	}
	if _, err := (keys.Software{}).Open(keys.DES, make([]byte, 44), nil); !errors.Is(err, keys.ErrMaster) {
		t.Error("no master key opens:", err)
	}
}

// TestKeysWrappedBeforeExportabilityOpen pins the name that a wrapping is bound to:
// databases hold it.
func TestKeysWrappedBeforeExportabilityOpen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		file := masterFile(t)
		ks := open(t, db, file)
		master, err := keys.ReadSecret(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := keys.NewSoftware(master)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := hex.DecodeString(tmkClear)
		if err != nil {
			t.Fatal(err)
		}
		wrapped, err := m.Wrap(keys.DES, raw, []byte("hawker key|zmk/cup|zmk"))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO keys (ref, purpose, kcv, wrapped, created_at) VALUES ('zmk/cup', 'zmk', '', $1, 0)`, wrapped)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		k, err := tdes.NewKey(raw)
		if err != nil {
			t.Fatal(err)
		}
		if kcv, err := ks.KCV(t.Context(), keys.ZMK("cup")); err != nil || kcv != fmt.Sprintf("%X", k.KCV()) {
			t.Fatal(kcv, err)
		}
	})
}
