package payment_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"hawker/internal/books"
	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/paylink"
	"hawker/internal/payment"
	"hawker/internal/risk"
	"hawker/internal/store"
)

func TestACustomersCodePaysAtOnceAtTheWalletThatItIsOf(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		for _, purse := range []*purse{w.wechat, w.alipay} {
			p := w.create(w.scan(purse, 10_000), payment.Approved)
			if p.Method != purse.name || p.FeeVersion != 1 {
				t.Errorf("method %s, fee plan %d", p.Method, p.FeeVersion)
			}
		}
		if fees := w.balance(books.Fees); fees != -(38 + 60) {
			t.Errorf("fees are %d", fees)
		}
		w.same()
	})
}

func TestACustomerWhoTypesIsWaitedFor(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		w.wechat.always(asks)
		p := w.create(w.scan(w.wechat, 1000), payment.Waiting)
		w.run(4 * time.Second)
		if n := w.wechat.asked(channel.Query); n != 0 {
			t.Errorf("asked %d times before the wallet wants it", n)
		}
		w.run(time.Second)
		w.must(p, payment.Waiting)
		w.wechat.pay(payment.Ref(p.ID))
		w.run(10 * time.Second)
		w.must(p, payment.Approved)
		if n := w.wechat.asked(channel.Query); n != 2 {
			t.Errorf("asked %d times", n)
		}
		w.rest()
		w.same()
	})
}

func TestACustomerWhoPutsThePhoneAwayHasNotPaid(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		w.alipay.always(asks)
		p := w.create(w.scan(w.alipay, 1000), payment.Waiting)
		w.alipay.putAway(payment.Ref(p.ID))
		w.run(6 * time.Second)
		w.must(p, payment.Declined)
		w.rest()
		w.same()
	})
}

func TestACustomerWhoDoesNothingIsReversedAtTheDeadline(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		w.wechat.always(asks)
		p := w.create(w.scan(w.wechat, 1000), payment.Waiting)
		for range 4 {
			w.run(8 * time.Second)
		}
		w.must(p, payment.Reversing)
		w.run(time.Second)
		w.must(p, payment.Reversed)
		if w.wechat.pay(payment.Ref(p.ID)) {
			t.Error("the customer could still pay")
		}
		w.rest()
		w.same()
	})
}

func TestALostAnswerIsAskedForAndNotReversed(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		w.wechat.when(func(r channel.Request) mood {
			if r.Kind == channel.Sale {
				return forgets
			}
			return gives
		})
		p := w.create(w.scan(w.wechat, 1000), payment.Unknown)
		w.run(6 * time.Second)
		w.must(p, payment.Approved)
		if w.wechat.asked(channel.Reversal) != 0 {
			t.Error("it was reversed")
		}
		w.same()
	})
}

func TestASaleThatNeverArrivedIsReversed(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		w.wechat.when(func(r channel.Request) mood {
			if r.Kind == channel.Sale {
				return misses
			}
			return gives
		})
		p := w.create(w.scan(w.wechat, 1000), payment.Unknown)
		for range 4 {
			w.run(8 * time.Second)
		}
		w.must(p, payment.Reversing)
		w.rest()
		w.must(p, payment.Reversed)
		w.same()
	})
}

func TestAWalletThatCannotBeReachedChargesNothing(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		w.wechat.always(isAway)
		w.create(w.scan(w.wechat, 1000), payment.Declined)
		w.rest()
		w.same()
	})
}

func TestAPresentedCodeIsPaidByTheWalletThatThePayerChose(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		for name, learns := range map[string]func(ref string){
			"a notice": func(ref string) {
				if err := w.tell(w.alipay, ref); err != nil {
					t.Error(err)
				}
			},
			"our question": func(string) { w.run(6 * time.Second) },
		} {
			p := w.create(w.ask(2500), payment.Created)
			ref := w.choose(p, w.alipay)
			if again := w.choose(p, w.alipay); again != ref {
				t.Errorf("%s: chosen again, it is %s beside %s", name, again, ref)
			}
			w.alipay.pay(ref)
			learns(ref)
			now := w.must(p, payment.Approved)
			if now.Method != "alipay" || now.Fee != w.amount(15) || now.FeeVersion != 1 {
				t.Errorf("%s: %s, fee %s by plan %d", name, now.Method, now.Fee, now.FeeVersion)
			}
			if _, err := w.engine.Choose(t.Context(), 1, p.ID, "wechat"); !errors.Is(err, payment.ErrPaid) {
				t.Errorf("%s: paid, and chosen: %v", name, err)
			}
		}
		w.rest()
		w.same()
	})
}

func TestOfTwoWalletsThatWerePaidOneStandsAndTheOtherGivesBack(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		p := w.create(w.ask(2500), payment.Created)
		first, second := w.choose(p, w.wechat), w.choose(p, w.alipay)
		w.wechat.pay(first)
		w.alipay.pay(second)
		if err := errors.Join(w.tell(w.wechat, first), w.tell(w.alipay, second), w.tell(w.wechat, first)); err != nil {
			t.Fatal(err)
		}
		if now := w.must(p, payment.Approved); now.Method != "wechat" {
			t.Errorf("it was paid by %s", now.Method)
		}
		w.rest()
		if w.alipay.owes() != 0 || w.wechat.owes() != 2500 {
			t.Errorf("the purses hold %d and %d", w.wechat.owes(), w.alipay.owes())
		}
		w.same()
	})
}

func TestTheOtherWalletIsClosedWhenOneIsPaid(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		p := w.create(w.ask(2500), payment.Created)
		first, second := w.choose(p, w.wechat), w.choose(p, w.alipay)
		w.alipay.pay(second)
		w.run(6 * time.Second)
		w.must(p, payment.Approved)
		w.run(20 * time.Second)
		if w.wechat.pay(first) {
			t.Error("the first could still be paid")
		}
		w.rest()
		w.same()
	})
}

// TestWhatIsPaidWhileItIsClosedAfterAnotherWalletWasPaidIsGivenBack has the payment cancelled
// with two wallets open: one was paid in time, the other while it was being closed.
func TestWhatIsPaidWhileItIsClosedAfterAnotherWalletWasPaidIsGivenBack(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		p := w.create(w.ask(2500), payment.Created)
		first, second := w.choose(p, w.wechat), w.choose(p, w.alipay)
		away := func(r channel.Request) mood {
			if r.Kind == channel.Close || r.Kind == channel.Query {
				return misses
			}
			return gives
		}
		w.wechat.when(away)
		w.alipay.when(away)
		if now, err := w.engine.Cancel(t.Context(), 1, p.ID); err != nil || now.State != payment.Cancelling {
			t.Fatal(now.State, err)
		}
		w.wechat.pay(first)
		w.alipay.pay(second)
		if err := errors.Join(w.tell(w.alipay, second), w.tell(w.wechat, first)); err != nil {
			t.Fatal(err)
		}
		if now := w.must(p, payment.Approved); now.Method != "alipay" {
			t.Errorf("it was paid by %s", now.Method)
		}
		w.rest()
		if w.wechat.owes() != 0 || w.alipay.owes() != 2500 {
			t.Errorf("the purses hold %d and %d", w.wechat.owes(), w.alipay.owes())
		}
		w.same()
	})
}

func TestACodeThatNobodyPaysExpires(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		for _, chosen := range []bool{false, true} {
			o := w.ask(2500)
			o.Expires = w.clock().Add(2 * time.Minute)
			p := w.create(o, payment.Created)
			ref := ""
			if chosen {
				ref = w.choose(p, w.wechat)
			}
			w.run(2 * time.Minute)
			w.run(time.Second)
			w.must(p, payment.Expired)
			if chosen && w.wechat.pay(ref) {
				t.Error("it could still be paid")
			}
			if _, err := w.engine.Choose(t.Context(), 1, p.ID, "wechat"); !errors.Is(err, payment.ErrOver) {
				t.Errorf("chosen after it expired: %v", err)
			}
		}
		w.rest()
		w.same()
	})
}

func TestWhatIsPaidAtTheLastMomentCounts(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		o := w.ask(2500)
		o.Expires = w.clock().Add(time.Minute)
		p := w.create(o, payment.Created)
		ref := w.choose(p, w.wechat)
		w.pass(59 * time.Second)
		w.wechat.pay(ref)
		w.wechat.when(func(r channel.Request) mood {
			if r.Kind == channel.Query && w.wechat.clock().Before(o.Expires) {
				return misses
			}
			return gives
		})
		w.run(time.Second)
		w.run(time.Second)
		w.must(p, payment.Approved)
		w.rest()
		w.same()
	})
}

func TestCancellingEndsCancelledOrApproved(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		cancel := func(p payment.Payment, want payment.State) payment.Payment {
			t.Helper()
			now, err := w.engine.Cancel(t.Context(), 1, p.ID)
			if err != nil || now.State != want {
				t.Errorf("cancelled, it is %s, %v; want %s", now.State, err, want)
			}
			return now
		}
		untouched := w.create(w.ask(100), payment.Created)
		cancel(untouched, payment.Cancelled)
		cancel(untouched, payment.Cancelled)

		chosen := w.create(w.ask(200), payment.Created)
		ref := w.choose(chosen, w.wechat)
		cancel(chosen, payment.Cancelled)
		if w.wechat.pay(ref) {
			t.Error("a cancelled code could be paid")
		}

		faster := w.create(w.ask(300), payment.Created)
		w.wechat.pay(w.choose(faster, w.wechat))
		cancel(faster, payment.Approved)

		w.wechat.always(asks)
		typing := w.create(w.scan(w.wechat, 400), payment.Waiting)
		cancel(typing, payment.Cancelling)
		w.wechat.pay(payment.Ref(typing.ID)) // before WeChat takes a reversal
		w.run(15 * time.Second)
		w.must(typing, payment.Cancelled)

		typed := w.create(w.scan(w.wechat, 500), payment.Waiting)
		w.wechat.pay(payment.Ref(typed.ID))
		cancel(typed, payment.Approved)

		sale := w.mustSale(600)
		if _, err := w.engine.Cancel(t.Context(), 1, sale.Payment); err != nil && !errors.Is(err, payment.ErrState) {
			t.Error(err)
		}
		w.rest()
		if w.wechat.owes() != 800 {
			t.Errorf("WeChat holds %d", w.wechat.owes())
		}
		w.same()
	})
}

func TestTheSameKeyIsTheSamePayment(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		o := w.scan(w.wechat, 1000)
		first := w.create(o, payment.Approved)
		w.pass(13 * time.Hour) // into the next day
		if again := w.create(o, payment.Approved); again.ID != first.ID {
			t.Errorf("another payment %d beside %d", again.ID, first.ID)
		}
		other := o
		other.Amount = w.amount(1001)
		_, err := w.engine.Create(t.Context(), other)
		var both *payment.Reuse
		if !errors.Is(err, payment.ErrReused) || !errors.As(err, &both) || len(both.First) != 64 || both.First == both.Second {
			t.Errorf("other content: %v", err)
		}
		other = o
		other.Device, other.Code = "pos/2", w.code(w.wechat)
		if another := w.create(other, payment.Approved); another.ID == first.ID {
			t.Error("another device's key is not its own")
		}
		w.same()
	})
}

func TestSixtyFourOfOneKeyAreOnePayment(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		o := w.scan(w.wechat, 1000)
		o.Number = "A-1"
		var wg sync.WaitGroup
		var mu sync.Mutex
		ids := map[int64]bool{}
		for range 64 {
			wg.Go(func() {
				p, err := w.engine.Create(context.Background(), o)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				ids[p.ID] = true
			})
		}
		wg.Wait()
		if len(ids) != 1 || w.wechat.owes() != 1000 {
			t.Errorf("%d payments, the wallet holds %d", len(ids), w.wechat.owes())
		}
		w.rest()
		w.same()
	})
}

func TestThereAreNeverTwoPaymentsForOneOrder(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		number := func(o payment.Order) payment.Order { o.Number = "order 7"; return o }
		w.wechat.always(refuses)
		w.create(number(w.scan(w.wechat, 1000)), payment.Declined)
		w.wechat.always(gives)
		open := w.create(number(w.ask(1000)), payment.Created) // the refused one took nothing
		if _, err := w.engine.Create(t.Context(), number(w.scan(w.wechat, 1000))); !errors.Is(err, payment.ErrTaken) {
			t.Errorf("beside an open code: %v", err)
		}
		if _, err := w.engine.Cancel(t.Context(), 1, open.ID); err != nil {
			t.Fatal(err)
		}
		w.create(number(w.scan(w.wechat, 1000)), payment.Approved)
		if _, err := w.engine.Create(t.Context(), number(w.scan(w.alipay, 1000))); !errors.Is(err, payment.ErrTaken) {
			t.Errorf("beside a paid one: %v", err)
		}
		w.rest()
		w.same()
	})
}

func TestCashIsInTheDrawerAndCostsNothing(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		o := w.ask(5000)
		o.Method = payment.MethodCash
		p := w.create(o, payment.Approved)
		if p.Fee.Sign() != 0 {
			t.Errorf("it costs %s", p.Fee)
		}
		if again := w.create(o, payment.Approved); again.ID != p.ID {
			t.Error("taken twice")
		}
		back := payment.RefundOrder{Merchant: w.merchant, Device: "pos/1", Key: "r", Payment: p.ID, Amount: w.amount(2000)}
		for range 2 {
			if a, err := w.engine.GiveBack(t.Context(), back); err != nil || a.State != payment.Approved {
				t.Fatal(a.State, err)
			}
		}
		if drawer, takings, pending := w.balance(books.Drawer), w.balance(books.Takings), w.balance(books.Pending); drawer != 3000 || takings != -3000 || pending != 0 {
			t.Errorf("drawer %d, takings %d, pending %d", drawer, takings, pending)
		}
		w.same()
	})
}

func TestRefundsNeverGiveBackMoreThanWasPaid(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		presented := w.create(w.ask(1000), payment.Created)
		ref := w.choose(presented, w.alipay)
		w.alipay.pay(ref)
		if err := w.tell(w.alipay, ref); err != nil {
			t.Fatal(err)
		}
		sale := w.mustSale(1000)
		for name, id := range map[string]int64{"by code": w.create(w.scan(w.wechat, 1000), payment.Approved).ID, "presented": presented.ID, "by card": sale.Payment} {
			give := func(key string, minor int64) (payment.Attempt, error) {
				return w.engine.GiveBack(t.Context(), payment.RefundOrder{Merchant: w.merchant, Device: "key/1", Key: name + key, Payment: id, Amount: w.amount(minor), Reason: "坏了"})
			}
			for _, step := range []struct {
				key   string
				minor int64
				want  error
			}{{"1", 300, nil}, {"1", 300, nil}, {"1", 301, payment.ErrReused}, {"2", 701, payment.ErrRefundOver}, {"2", 700, nil}, {"3", 1, payment.ErrRefundOver}} {
				a, err := give(step.key, step.minor)
				if !errors.Is(err, step.want) || err == nil && a.State != payment.Approved {
					t.Errorf("%s: %d under %s: %s, %v; want %v", name, step.minor, step.key, a.State, err, step.want)
				}
				known, lost := payment.RefundByKey(t.Context(), w.db.Read(), w.merchant, "key/1", name+step.key, w.now)
				if err == nil && (lost != nil || known.ID != a.ID) || errors.Is(err, payment.ErrRefundOver) && !errors.Is(lost, payment.ErrNotFound) {
					t.Errorf("%s: under %s there is %d, %v; it was %d", name, step.key, known.ID, lost, a.ID)
				}
			}
			p, err := payment.Get(t.Context(), w.db.Read(), 1, id)
			if err != nil || p.Refunded != p.Amount || p.RefundFee != p.Fee {
				t.Errorf("%s: refunded %s of %s, fee %s of %s, %v", name, p.Refunded, p.Amount, p.RefundFee, p.Fee, err)
			}
		}
		if w.balance(books.Fees) != 0 || w.balance(books.Pending) != 0 {
			t.Error("something is left")
		}
		w.same()
	})
}

func TestARefundThatIsNotDoneIsAskedAgain(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		p := w.create(w.scan(w.wechat, 1000), payment.Approved)
		w.wechat.always(tooEarly)
		a, err := w.engine.GiveBack(t.Context(), payment.RefundOrder{Merchant: w.merchant, Device: "pos/1", Key: "r", Payment: p.ID, Amount: w.amount(400)})
		if err != nil || a.State != payment.Unknown {
			t.Fatal(a.State, err)
		}
		w.rest()
		if w.wechat.owes() != 600 {
			t.Errorf("WeChat holds %d", w.wechat.owes())
		}
		w.same()
	})
}

func TestAPlateTakesWhatClassDAllows(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		plate := func(payer string, minor int64) error {
			o := w.ask(minor)
			o.Device, o.Plate, o.Payer = "checkout", 1, payer
			_, err := w.engine.Create(t.Context(), o)
			return err
		}
		limit := fault.New(fault.Declined, "static_code_limit", "", "")
		if err := plate("ann", 500_01); !errors.Is(err, limit) {
			t.Errorf("over the limit at once: %v", err)
		}
		if err := plate("ann", 300_00); err != nil {
			t.Error(err)
		}
		if err := plate("ann", 200_01); !errors.Is(err, limit) {
			t.Errorf("over the limit together: %v", err)
		}
		if err := plate("bob", 500_00); err != nil {
			t.Error(err)
		}
		next := w.merchant
		next.ID, next.MID, next.Zone, next.Cutoff = 2, "104310058120002", time.UTC, 12*time.Hour
		w.write(func(ctx context.Context, tx *store.Tx) error { return merchant.Add(ctx, tx, next, w.now) })
		w.merchant = next
		if err := plate("ann", 200_01); !errors.Is(err, limit) {
			t.Errorf("over the limit at two merchants together: %v", err)
		}
		if err := plate("ann", 200_00); err != nil {
			t.Error(err)
		}
		midnight := paylink.DayOf(w.now).AddDate(0, 0, 1)
		w.now = midnight.Add(-time.Second)
		if err := plate("ann", 1); !errors.Is(err, limit) {
			t.Errorf("a second before midnight in China: %v", err)
		}
		w.now = midnight
		if err := plate("ann", 500_00); err != nil {
			t.Errorf("at midnight: %v", err)
		}
	})
}

func TestLimitsOfAMethodHoldForCodesBothWays(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		w.write(func(ctx context.Context, tx *store.Tx) error {
			return risk.SetLimit(ctx, tx, 1, risk.Limit{Method: "wechat", Daily: w.amount(1000)})
		})
		w.create(w.scan(w.wechat, 600), payment.Approved)
		w.create(w.scan(w.wechat, 600), payment.Declined)
		w.create(w.scan(w.alipay, 600), payment.Approved)
		p := w.create(w.ask(600), payment.Created)
		if _, err := w.engine.Choose(t.Context(), 1, p.ID, "wechat"); !errors.Is(err, risk.ErrOverDay) {
			t.Errorf("chosen over the limit: %v", err)
		}
		small := w.create(w.ask(400), payment.Created)
		w.choose(small, w.wechat)
		if _, err := w.engine.Cancel(t.Context(), 1, small.ID); err != nil {
			t.Fatal(err)
		}
		w.create(w.scan(w.wechat, 400), payment.Approved) // a closed code makes room
		w.rest()
		w.same()
	})
}

func TestWhatAProcessLeftAtAWalletIsResolved(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		w.wechat.gate, w.patience = make(chan struct{}), time.Millisecond
		w.start()
		w.create(w.scan(w.wechat, 700), payment.Sent)
		shown := w.create(w.ask(800), payment.Created)
		if _, err := w.engine.Choose(t.Context(), 1, shown.ID, "wechat"); !errors.Is(err, payment.ErrBusy) {
			t.Fatal(err)
		}
		dead := w.engine
		w.start()
		if n, err := w.engine.Recover(context.Background(), everything); err != nil || n != 2 {
			t.Fatal(n, err)
		}
		close(w.wechat.gate)
		dead.Drain(context.Background())
		w.rest()
		for _, state := range []payment.State{payment.Sent, payment.Unknown, payment.Waiting, payment.Closing} {
			if n := w.count("SELECT COUNT(*) FROM attempts WHERE state = '" + string(state) + "'"); n != 0 {
				t.Errorf("%d attempts are %s", n, state)
			}
		}
		w.same()
	})
}

func TestOrdersThatAreRefused(t *testing.T) {
	stalls(t, func(t *testing.T, w *stall) {
		odd, err := card.NewCode("9912345678901234567")
		if err != nil {
			t.Fatal(err)
		}
		for name, change := range map[string]func(*payment.Order){
			"no device":              func(o *payment.Order) { o.Device = "" },
			"a device with a blank":  func(o *payment.Order) { o.Device = "pos 1" },
			"no key":                 func(o *payment.Order) { o.Key = "" },
			"a key too long":         func(o *payment.Order) { o.Key = strings.Repeat("k", 65) },
			"a number with a break":  func(o *payment.Order) { o.Number = "a\nb" },
			"a note too long":        func(o *payment.Order) { o.Note = strings.Repeat("字", 201) },
			"what was shown is none": func(o *payment.Order) { o.Shown = []byte("{") },
			"expired":                func(o *payment.Order) { o.Expires = w.clock().Add(-time.Second) },
			"for ever":               func(o *payment.Order) { o.Expires = w.clock().Add(3 * time.Hour) },
			"nothing":                func(o *payment.Order) { o.Amount = w.amount(0) },
			"another currency":       func(o *payment.Order) { o.Amount = money.New(1, money.USD) },
			"a method of nobody":     func(o *payment.Order) { o.Method = "shells" },
			"a card":                 func(o *payment.Order) { o.Method = payment.MethodCard },
			"another wallet's code":  func(o *payment.Order) { o.Code, o.Method = w.code(w.wechat), "alipay" },
			"cash with a code":       func(o *payment.Order) { o.Code, o.Method = w.code(w.wechat), "cash" },
			"a code of nobody":       func(o *payment.Order) { o.Code = odd },
		} {
			o := w.ask(100)
			change(&o)
			p, err := w.engine.Create(t.Context(), o)
			if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || p.ID != 0 {
				t.Errorf("%s: %s, %v", name, p.State, err)
			}
		}
		if n := w.count("SELECT COUNT(*) FROM payments"); n != 0 {
			t.Errorf("%d payments were made", n)
		}
	})
}
