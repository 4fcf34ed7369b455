package handover_test

import (
	"errors"
	"testing"
	"time"

	"hawker/internal/events"
	"hawker/internal/handover"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestADeviceEndsOnlyWhatIsItsOwn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		at := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
		began := handover.Began{Device: "pos/1", At: at}
		may := func(when, device string, now time.Time, want error) {
			t.Helper()
			if err := handover.May(t.Context(), db.Read(), 1, 7, began, device, now); !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("%s, %s: %v", when, device, err)
			}
		}
		may("begun", "pos/1", at, nil)
		may("begun", "pos/2", at, handover.ErrElsewhere)
		code, _, err := handover.Offer(t.Context(), db, 1, 7, at)
		if err != nil {
			t.Fatal(err)
		}
		may("offered", "pos/1", at, nil)
		may("offered", "pos/2", at, handover.ErrElsewhere)
		at = at.Add(time.Minute)
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			if _, err := handover.Take(t.Context(), tx, 1, code, "pos/2", "tablet", at); err != nil {
				return err
			}
			return handover.Tell(t.Context(), tx, 1, "000000000007", "pos/2", "tablet", at)
		}); err != nil {
			t.Fatal(err)
		}
		may("taken", "pos/1", at, handover.ErrElsewhere)
		may("taken", "pos/2", at, nil)
		may("long after", "pos/3", at.Add(handover.Lease), nil)
		list, err := events.About(t.Context(), db.Read(), 1, "000000000007")
		if err != nil || len(list) != 1 || list[0].Kind != "payment.handed_over" {
			t.Errorf("told is %+v, %v", list, err)
		}
	})
}
