package channel_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hawker/internal/channel"
	"hawker/internal/money"
)

func TestANumberIsMIDAndRef(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		mid := rapid.StringMatching(`[0-9A-Za-z_]{1,20}`).Draw(r, "mid")
		ref := rapid.StringMatching(`[0-9A-Z]{12}`).Draw(r, "ref")
		n, err := channel.NumberOf(mid, ref)
		if err != nil || len(n) > 32 {
			r.Fatalf("%q, %v", n, err)
		}
		if m, f, err := channel.ParseNumber(n); err != nil || m != mid || f != ref {
			r.Fatalf("%q is %q and %q, %v", n, m, f, err)
		}
	})
	for _, c := range [][2]string{{"", "R00000000001"}, {strings.Repeat("1", 21), "R00000000001"}, {"1", "R1"}, {"1", "R000000000012"}, {"商", "R00000000001"}, {"1 ", "R00000000001"}} {
		if n, err := channel.NumberOf(c[0], c[1]); err == nil {
			t.Errorf("%q from %q", n, c)
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	f.Add("898310058120001R00000000001")
	f.Add("short")
	f.Fuzz(func(t *testing.T, s string) {
		mid, ref, err := channel.ParseNumber(s)
		if err != nil {
			return
		}
		if n, err := channel.NumberOf(mid, ref); err != nil || n != s {
			t.Errorf("%q became %q, %v", s, n, err)
		}
	})
}

var pace = channel.Pace{Call: time.Second, First: 4 * time.Second, Longest: 7 * time.Second, Deadline: 30 * time.Second}

func TestAwaitAsksWithPausesThatGrowUntilTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var asked []time.Duration
		o := pace.Await(t.Context(), began, channel.Outcome{Result: channel.Waiting, Code: "USERPAYING"}, func(context.Context) channel.Outcome {
			asked = append(asked, time.Since(began))
			return channel.Outcome{Result: channel.Waiting, Code: "USERPAYING"}
		})
		if o.Result != channel.Silent || o.Code != "USERPAYING" || o.Detail == "" || time.Since(began) != pace.Deadline {
			t.Errorf("it ended as %+v after %s", o, time.Since(began))
		}
		want := []time.Duration{4 * time.Second, 10 * time.Second, 17 * time.Second, 24 * time.Second}
		if len(asked) != len(want) {
			t.Fatalf("asked after %s", asked)
		}
		for i := range want {
			if asked[i] != want[i] {
				t.Errorf("asked after %s, want %s", asked, want)
			}
		}
	})
}

func TestAwaitEndsWithTheFirstOutcome(t *testing.T) {
	t.Parallel()
	for _, result := range []channel.Result{channel.Approved, channel.Declined, channel.Unsent} {
		synctest.Test(t, func(t *testing.T) {
			if o := pace.Await(t.Context(), time.Now(), channel.Outcome{Result: result}, nil); o.Result != result {
				t.Errorf("%v became %v", result, o.Result)
			}
			began := time.Now()
			o := pace.Await(t.Context(), began, channel.Outcome{}, func(context.Context) channel.Outcome { return channel.Outcome{Result: result} })
			if o.Result != result || time.Since(began) != pace.First {
				t.Errorf("%+v after %s", o, time.Since(began))
			}
		})
	}
}

func TestAPaceIsFilledWhereItIsZero(t *testing.T) {
	t.Parallel()
	if p := (channel.Pace{First: time.Second}).Or(pace); p.First != time.Second || p.Call != pace.Call || p.Longest != pace.Longest || p.Deadline != pace.Deadline {
		t.Errorf("%+v", p)
	}
}

func TestABillAddsUp(t *testing.T) {
	t.Parallel()
	fen := func(n int64) money.Amount { return money.New(n, money.CNY) }
	b, err := channel.NewBill("w", 20261122, money.CNY, []channel.BillRow{
		{Kind: channel.Sale, Amount: fen(100), Fee: fen(2)}, {Kind: channel.Refund, Amount: fen(30), Fee: fen(-1)}, {Kind: channel.Reversal, Amount: fen(5), Fee: fen(0)},
	})
	if err != nil || b.Sales != fen(100) || b.Refunds != fen(35) || b.Fees != fen(1) {
		t.Errorf("%+v, %v", b, err)
	}
	if err := b.Agrees(3, fen(100), fen(35), fen(1)); err != nil {
		t.Error(err)
	}
	for _, err := range []error{b.Agrees(2, fen(100), fen(35), fen(1)), b.Agrees(3, fen(101), fen(35), fen(1)), b.Agrees(3, fen(100), fen(34), fen(1)), b.Agrees(3, fen(100), fen(35), fen(0))} {
		if !errors.Is(err, channel.ErrBill) {
			t.Errorf("%v", err)
		}
	}
	if _, err := channel.NewBill("w", 20261122, money.CNY, []channel.BillRow{{Kind: channel.Sale, Amount: money.New(1, money.USD), Fee: fen(0)}}); !errors.Is(err, channel.ErrBill) {
		t.Errorf("another currency: %v", err)
	}
}
