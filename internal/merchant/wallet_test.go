package merchant_test

import (
	"errors"
	"testing"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestANumberAtAWalletCountsFromItsTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		set := func(method, number string, since time.Time) error {
			return db.Write(t.Context(), func(tx *store.Tx) error {
				return merchant.SetWalletNumber(t.Context(), tx, 7, merchant.WalletNumber{Method: method, Number: number, Since: since, By: "li"})
			})
		}
		for _, c := range []struct {
			name, method, number string
			since                time.Time
			want                 error
		}{
			{"the first", "wechat", "1900000101", noon, nil},
			{"another at the same time", "wechat", "1900000102", noon, merchant.ErrLater},
			{"one that began before it", "wechat", "1900000102", noon.Add(-time.Second), merchant.ErrLater},
			{"its successor", "wechat", "1900000102", noon.Add(time.Hour), nil},
			{"another wallet's", "alipay", "2088000000000001", noon, nil},
			{"letters", "wechat", "19000001O1", noon.Add(2 * time.Hour), merchant.ErrNumber},
			{"nothing", "wechat", "", noon.Add(2 * time.Hour), merchant.ErrNumber},
		} {
			if err := set(c.method, c.number, c.since); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
		}
		for _, c := range []struct {
			name, method string
			id           merchant.ID
			at           time.Time
			want         string
		}{
			{"before the first", "wechat", 7, noon.Add(-time.Second), ""},
			{"as it begins", "wechat", 7, noon, "1900000101"},
			{"until the next", "wechat", 7, noon.Add(time.Hour - time.Microsecond), "1900000101"},
			{"ever after", "wechat", 7, noon.AddDate(1, 0, 0), "1900000102"},
			{"of another wallet", "alipay", 7, noon.AddDate(1, 0, 0), "2088000000000001"},
			{"of another merchant", "wechat", 8, noon.AddDate(1, 0, 0), ""},
		} {
			if got, err := merchant.NumberAt(t.Context(), db.Read(), c.id, c.method, c.at); got != c.want || err != nil {
				t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
			}
		}
		if list, err := merchant.WalletNumbers(t.Context(), db.Read(), 7); err != nil || len(list) != 3 || !list[2].Since.Equal(noon.Add(time.Hour)) || list[2].By != "li" {
			t.Errorf("numbers: %+v, %v", list, err)
		}
	})
}
