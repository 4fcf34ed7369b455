package handover

import (
	"errors"
	"sync"
	"testing"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

func offer(t *testing.T, db *store.DB, payment int64, now time.Time) string {
	t.Helper()
	code, expires, err := Offer(t.Context(), db, 7, payment, now)
	if err != nil || len(code) != 6 || !expires.Equal(now.Add(Lasts)) {
		t.Fatalf("%q until %s, %v", code, expires, err)
	}
	return code
}

func take(t *testing.T, db *store.DB, m merchant.ID, code, device string, now time.Time) (payment int64, err error) {
	t.Helper()
	err = db.Write(t.Context(), func(tx *store.Tx) (err error) {
		payment, err = Take(t.Context(), tx, m, code, device, "front tablet", now)
		return err
	})
	return payment, err
}

func TestAPaymentIsTakenOnceAndByItsMerchant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		if device, _, err := Holder(ctx, db.Read(), 7, 1234); err != nil || device != "" {
			t.Errorf("before: %q, %v", device, err)
		}
		code := offer(t, db, 1234, noon)
		if _, err := take(t, db, 8, code, "pos/b", noon); !errors.Is(err, ErrCode) {
			t.Errorf("another merchant: %v", err)
		}
		if p, err := take(t, db, 7, code, "pos/b", noon.Add(Lasts)); err != nil || p != 1234 {
			t.Errorf("%d, %v", p, err)
		}
		if device, name, err := Holder(ctx, db.Read(), 7, 1234); err != nil || device != "pos/b" || name != "front tablet" {
			t.Errorf("after: %q %q, %v", device, name, err)
		}
		for _, again := range []string{code, ""} {
			if _, err := take(t, db, 7, again, "pos/c", noon); !errors.Is(err, ErrCode) {
				t.Errorf("taken with %q: %v", again, err)
			}
		}
		back := offer(t, db, 1234, noon.Add(time.Minute)) // and handed on
		if p, err := take(t, db, 7, back, "pos/a", noon.Add(time.Minute)); err != nil || p != 1234 {
			t.Errorf("handed on: %d, %v", p, err)
		}
	})
}

func TestACodeIsGoodForFiveMinutesAndOnlyTheLastOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		first := offer(t, db, 1234, noon)
		second := offer(t, db, 1234, noon)
		if first == second {
			t.Skip("drew the same code twice") // one in a million
		}
		if _, err := take(t, db, 7, first, "pos/b", noon); !errors.Is(err, ErrCode) {
			t.Errorf("the former code: %v", err)
		}
		if _, err := take(t, db, 7, second, "pos/b", noon.Add(Lasts+time.Second)); !errors.Is(err, ErrCode) {
			t.Errorf("too late: %v", err)
		}
	})
}

func TestOfTwoDevicesOneIsFaster(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		code := offer(t, db, 1234, noon)
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { _, errs[i] = take(t, db, 7, code, "pos/b", noon) })
		}
		wg.Wait()
		took := 0
		for _, err := range errs {
			if err == nil {
				took++
			} else if !errors.Is(err, ErrCode) {
				t.Error(err)
			}
		}
		if took != 1 {
			t.Errorf("%d devices took it", took)
		}
	})
}
