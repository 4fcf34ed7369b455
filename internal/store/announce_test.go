package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestWhatIsAnnouncedIsHeardAfterTheCommitOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var heard []int64
		stop := db.Listen("birds", func(key int64) {
			if n := number(t, db.Read(), "SELECT COUNT(*) FROM event_heads"); n == 0 {
				t.Error("it was announced before it was to be seen")
			}
			heard = append(heard, key)
		})
		announce := func(end error, topic string, keys ...int64) {
			t.Helper()
			if err := db.Write(t.Context(), func(tx *store.Tx) error {
				for _, k := range keys {
					tx.Announce(topic, k)
					if _, err := tx.Exec(t.Context(), "INSERT INTO event_heads (merchant_id, seq) VALUES ($1, 1) ON CONFLICT (merchant_id) DO NOTHING", k); err != nil {
						return err
					}
				}
				return end
			}); !errors.Is(err, end) {
				t.Fatal(err)
			}
		}
		announce(errRefused, "birds", 1)
		announce(nil, "fish", 2)
		announce(nil, "birds", 4, 3, 4)
		slices.Sort(heard)
		if fmt.Sprint(heard) != "[3 4]" {
			t.Errorf("heard %v", heard)
		}
		stop()
		announce(nil, "birds", 5)
		if len(heard) != 2 {
			t.Errorf("heard %v after it stopped listening", heard)
		}
	})
}

func TestASetDeletesTheRowsThatItsKeysName(t *testing.T) {
	t.Parallel()
	remove := store.DeleteSet("chip_counters", store.Texts("token"), store.Ints("sequence"))
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		exec(t, db, "INSERT INTO chip_counters (token, sequence, counter) VALUES ('a', 1, 0), ('a', 2, 0), ('b', 1, 0)")
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			n, err := remove.Exec(t.Context(), tx, [][]any{{"a", 2}, {"b", 1}, {"c", 9}})
			if n != 2 {
				t.Errorf("%d rows were deleted", n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if n := number(t, db.Read(), "SELECT COUNT(*) FROM chip_counters WHERE token = 'a' AND sequence = 1"); n != 1 {
			t.Error("the wrong rows are gone")
		}
	})
}
