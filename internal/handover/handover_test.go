package handover_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"hawker/internal/events"
	"hawker/internal/handover"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

type world struct {
	t    *testing.T
	db   *store.DB
	desk *handover.Desk
	now  time.Time
}

func newWorld(t *testing.T, db *store.DB) *world {
	w := &world{t: t, db: db, now: noon}
	w.desk = handover.New(db, func() time.Time { return w.now })
	return w
}

// begin writes a payment that a device began.
func (w *world) begin(id int64, state payment.State) payment.Payment {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(w.t.Context(), `INSERT INTO payments (merchant_id, payment_id, tid, method, state, amount_minor, currency, fee_minor, fee_version,
			refunded_minor, refund_fee_minor, card_token, card_bin, card_last4, card_kind, entry_mode, day, created_at, updated_at)
			VALUES (1, $1, 'pos/1', 'wechat', $2, 100, 'CNY', 0, 1, 0, 0, '', '', '', '', '', 20261122, $3, $3)`, id, string(state), store.At(w.now))
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	p, err := payment.Get(w.t.Context(), w.db.Read(), 1, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func TestAPaymentGoesOnAtTheDeviceThatTypedTheCode(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		p := w.begin(1, payment.Waiting)
		if err := w.desk.May(t.Context(), p, "pos/1"); err != nil {
			t.Error("the first device may not go on:", err)
		}
		if err := w.desk.May(t.Context(), p, "pos/2"); !errors.Is(err, handover.ErrElsewhere) {
			t.Errorf("another may without the code: %v", err)
		}
		if _, err := w.desk.Offer(t.Context(), 1, p.ID, "pos/2"); !errors.Is(err, handover.ErrElsewhere) {
			t.Errorf("another shows a code of it: %v", err)
		}
		o, err := w.desk.Offer(t.Context(), 1, p.ID, "pos/1")
		if err != nil || len(o.Code) != 6 || !o.Expires.Equal(noon.Add(handover.CodeLasts)) {
			t.Fatalf("%+v, %v", o, err)
		}
		if _, err := w.desk.Take(t.Context(), 2, o.Code, "pos/9"); !errors.Is(err, handover.ErrCode) {
			t.Errorf("another merchant takes it: %v", err)
		}
		if got, err := w.desk.Take(t.Context(), 1, o.Code, "pos/2"); err != nil || got.ID != p.ID {
			t.Fatalf("%+v, %v", got, err)
		}
		if _, err := w.desk.Take(t.Context(), 1, o.Code, "pos/3"); !errors.Is(err, handover.ErrCode) {
			t.Errorf("the code worked twice: %v", err)
		}
		if err := w.desk.May(t.Context(), p, "pos/1"); !errors.Is(err, handover.ErrElsewhere) {
			t.Errorf("the first device goes on as well: %v", err)
		}
		if err := w.desk.May(t.Context(), p, "pos/2"); err != nil {
			t.Errorf("whoever took it may not: %v", err)
		}
		list, err := events.About(t.Context(), db.Read(), 1, payment.Ref(p.ID))
		if err != nil || len(list) != 1 || list[0].Kind != "payment.handed_over" {
			t.Errorf("told is %+v, %v", list, err)
		}
		w.now = w.now.Add(handover.Lease)
		if err := w.desk.May(t.Context(), p, "pos/3"); err != nil {
			t.Errorf("after the lease nobody may: %v", err)
		}
	})
}

func TestACodeIsTakenByOneDeviceOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		o, err := w.desk.Offer(t.Context(), 1, w.begin(1, payment.Created).ID, "pos/1")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range 8 {
			wg.Go(func() {
				if _, err := w.desk.Take(t.Context(), 1, o.Code, fmt.Sprint("pos/", i+2)); err == nil {
					mu.Lock()
					won++
					mu.Unlock()
				} else if !errors.Is(err, handover.ErrCode) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d devices took it", won)
		}
	})
}

func TestACodeEndsWithItsTimeItsPaymentOrTooManyGuesses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		if _, err := w.desk.Offer(t.Context(), 1, w.begin(1, payment.Approved).ID, "pos/1"); !errors.Is(err, handover.ErrOver) {
			t.Errorf("a payment that is made is offered: %v", err)
		}
		if _, err := w.desk.Offer(t.Context(), 1, 99, "pos/1"); !errors.Is(err, payment.ErrNotFound) {
			t.Errorf("a payment that is none: %v", err)
		}
		first, err := w.desk.Offer(t.Context(), 1, w.begin(2, payment.Waiting).ID, "pos/1")
		if err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(handover.CodeLasts)
		if _, err := w.desk.Take(t.Context(), 1, first.Code, "pos/2"); !errors.Is(err, handover.ErrCode) {
			t.Errorf("after its time: %v", err)
		}
		second, err := w.desk.Offer(t.Context(), 1, 2, "pos/1")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			if _, err := w.desk.Take(t.Context(), 1, "x0000"+fmt.Sprint(i), "pos/2"); !errors.Is(err, handover.ErrCode) {
				t.Fatalf("guess %d: %v", i, err)
			}
		}
		if _, err := w.desk.Take(t.Context(), 1, second.Code, "pos/2"); !errors.Is(err, handover.ErrTries) {
			t.Errorf("after ten guesses: %v", err)
		}
	})
}
