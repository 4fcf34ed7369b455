package keys_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"hawker/internal/keys"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/tdes"
)

func TestSealAndLookup(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		file := masterFile(t)
		here, there := open(t, db, file), open(t, db, file)
		ctx := t.Context()
		plain, bound := []byte("plain text"), []byte("row 1")
		sealed, err := here.Seal(ctx, plain, bound)
		if err != nil || bytes.Contains(sealed, plain) {
			t.Fatal(err)
		}
		again, err := here.Seal(ctx, plain, bound)
		if err != nil || bytes.Equal(again, sealed) {
			t.Fatal("sealed texts repeat", err)
		}
		if got, err := there.OpenSealed(ctx, sealed, bound); err != nil || !bytes.Equal(got, plain) {
			t.Fatal("another node reads something else", err)
		}
		if _, err := there.OpenSealed(ctx, sealed, []byte("row 2")); !errors.Is(err, keys.ErrCorrupt) {
			t.Fatal("moved to another row:", err)
		}
		for _, damaged := range [][]byte{nil, sealed[:11], sealed[1:], append([]byte{sealed[0] ^ 1}, sealed[1:]...)} {
			if _, err := there.OpenSealed(ctx, damaged, bound); !errors.Is(err, keys.ErrCorrupt) {
				t.Fatal("damaged:", err)
			}
		}
		one, err1 := here.Lookup(ctx, plain)
		two, err2 := there.Lookup(ctx, plain)
		three, err3 := there.Lookup(ctx, bound)
		if err := errors.Join(err1, err2, err3); err != nil || len(one) != 32 || !bytes.Equal(one, two) || bytes.Equal(one, three) {
			t.Fatal("lookups differ between nodes, or not between data", err)
		}
	})
}

func TestVouch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		file := masterFile(t)
		here, there := open(t, db, file), open(t, db, file)
		vouch := func(n node, use, data string) string {
			t.Helper()
			sum, err := n.Vouch(t.Context(), use, []byte(data))
			if err != nil || len(sum) != 32 {
				t.Fatal(len(sum), err)
			}
			return string(sum)
		}
		first := vouch(here, "plate", "text")
		if vouch(there, "plate", "text") != first {
			t.Error("another node does not know it again")
		}
		lookup, err := here.Lookup(t.Context(), []byte("plate\x00text"))
		if err != nil || string(lookup) == first {
			t.Error("the lookup key vouches", err)
		}
		for _, other := range []string{vouch(here, "plate", "texT"), vouch(here, "plates", "text"), vouch(here, "plat", "e\x00text"), vouch(here, "", "plate\x00text")} {
			if other == first {
				t.Error("another use or other data gives the same value")
			}
		}
	})
}

func TestDataKeysAreMadeOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		file := masterFile(t)
		sums := make([]string, 8)
		var wg sync.WaitGroup
		for i := range sums {
			n := open(t, db, file)
			wg.Go(func() {
				sum, err := n.Lookup(t.Context(), []byte("x"))
				if err != nil {
					t.Error(err)
				}
				sums[i] = string(sum)
			})
		}
		wg.Wait()
		for _, sum := range sums {
			if sum != sums[0] {
				t.Fatal("nodes that start together make keys of their own")
			}
		}
	})
}

func TestSwappedRowsAreRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ks := open(t, db, masterFile(t))
		inject(t, ks, keys.ZPK("cup"), zpkClear)
		inject(t, ks, keys.ZAK("cup"), tmkClear)
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE keys SET wrapped = (SELECT wrapped FROM keys WHERE ref = $1) WHERE ref = $2`,
				string(keys.ZPK("cup")), string(keys.ZAK("cup")))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ks.MAC(t.Context(), keys.ZAK("cup"), tdes.X919, []byte("x")); !errors.Is(err, keys.ErrCorrupt) {
			t.Fatal("a PIN key put in an authentication key's row served:", err)
		}
	})
}
