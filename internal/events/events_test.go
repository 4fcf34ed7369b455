package events_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"hawker/internal/events"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 22, 4, 0, 0, 123456000, time.UTC)

func add(t testing.TB, db *store.DB, list ...events.Event) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		for _, e := range list {
			if err := events.Append(t.Context(), tx, e); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func after(t testing.TB, db *store.DB, merchant, seq int64, limit int) []events.Event {
	t.Helper()
	list, err := events.After(t.Context(), db.Read(), merchant, seq, limit)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAnEventIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, events.Event{Merchant: 1, Kind: "payment.approved", Ref: "000000000001", At: noon,
			Body: map[string]any{"amount_minor": 4650, "名": "面 <&>"}})
		list := after(t, db, 1, 0, 10)
		if len(list) != 1 {
			t.Fatalf("got %v", list)
		}
		e := list[0]
		if e.Merchant != 1 || e.Seq != 1 || e.Kind != "payment.approved" || e.Ref != "000000000001" || !e.At.Equal(noon) {
			t.Errorf("got %+v", e)
		}
		var body struct {
			Amount int64  `json:"amount_minor"`
			Name   string `json:"名"`
		}
		if err := json.Unmarshal(e.Body.(json.RawMessage), &body); err != nil || body.Amount != 4650 || body.Name != "面 <&>" {
			t.Errorf("its body is %s, %v", e.Body, err)
		}
	})
}

func TestEventsAreNumberedWithoutGapsForEachMerchant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const merchants, writers, each = 3, 8, 5
		refused := errors.New("refused")
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					for m := range merchants {
						e := events.Event{Merchant: int64(1 + m), Kind: "k", Ref: fmt.Sprintf("%d.%d", w, i), At: noon}
						// What is rolled back leaves no gap.
						if err := db.Write(t.Context(), func(tx *store.Tx) error {
							return errors.Join(events.Append(t.Context(), tx, e), refused)
						}); !errors.Is(err, refused) {
							t.Error(err)
						}
						add(t, db, e)
					}
				}
			})
		}
		wg.Wait()
		for m := range merchants {
			list := after(t, db, int64(1+m), 0, 1000)
			if len(list) != writers*each {
				t.Errorf("merchant %d has %d events", 1+m, len(list))
			}
			seen := map[string]bool{}
			for i, e := range list {
				if e.Seq != int64(i+1) || seen[e.Ref] {
					t.Errorf("event %d of merchant %d has number %d and ref %s", i+1, 1+m, e.Seq, e.Ref)
				}
				seen[e.Ref] = true
			}
		}
	})
}

// A reader that only ever goes forward must miss nothing: a number is visible only when all lower ones are.
func TestACursorMissesNothingWhileEventsAreWritten(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const writers, each = 8, 10
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					add(t, db, events.Event{Merchant: 1, Kind: "k", At: noon})
				}
			})
		}
		written := make(chan struct{})
		go func() { wg.Wait(); close(written) }()
		last, done := int64(0), false
		for !done {
			select {
			case <-written:
				done = true // and read once more
			default:
			}
			for list := after(t, db, 1, last, 7); len(list) > 0; list = after(t, db, 1, last, 7) {
				for _, e := range list {
					if e.Seq != last+1 {
						t.Fatalf("after %d came %d", last, e.Seq)
					}
					last = e.Seq
				}
			}
		}
		if last != writers*each {
			t.Errorf("read %d events", last)
		}
	})
}

func TestACursorReadsInPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for range 5 {
			add(t, db, events.Event{Merchant: 1, Kind: "k", At: noon})
		}
		add(t, db, events.Event{Merchant: 2, Kind: "k", At: noon})
		for _, c := range []struct {
			name          string
			merchant, seq int64
			limit         int
			want          []int64
		}{
			{"from the beginning", 1, 0, 2, []int64{1, 2}},
			{"from the middle", 1, 2, 2, []int64{3, 4}},
			{"the rest", 1, 4, 2, []int64{5}},
			{"nothing new", 1, 5, 2, nil},
			{"another merchant's own numbers", 2, 0, 10, []int64{1}},
			{"a merchant without events", 3, 0, 10, nil},
		} {
			list := after(t, db, c.merchant, c.seq, c.limit)
			var got []int64
			for _, e := range list {
				got = append(got, e.Seq)
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s: got %v, want %v", c.name, got, c.want)
			}
		}
	})
}

func TestABodyThatIsNoJSONWritesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			return events.Append(t.Context(), tx, events.Event{Merchant: 1, Kind: "k", Body: make(chan int), At: noon})
		}); err == nil {
			t.Error("it was written")
		}
		add(t, db, events.Event{Merchant: 1, Kind: "k", At: noon})
		if list := after(t, db, 1, 0, 10); len(list) != 1 || list[0].Seq != 1 || string(list[0].Body.(json.RawMessage)) != "null" {
			t.Errorf("got %+v", list)
		}
	})
}
