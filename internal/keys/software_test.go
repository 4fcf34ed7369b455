package keys_test

import (
	"crypto/rand"
	"errors"
	"testing"

	"hawker/internal/keys"
	"hawker/internal/keys/keystest"
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
