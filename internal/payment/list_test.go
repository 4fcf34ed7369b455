package payment_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// history is a merchant's payments over some days: cards, amounts and ends of all kinds.
func history(t *testing.T, db *store.DB) (*world, []payment.Payment) {
	t.Helper()
	w := newWorld(t, db, money.CNY)
	behaviours := []behaviour{approves, approves, approves, declines, mute, unreachable}
	for i := range 60 {
		w.bank.always(behaviours[i%len(behaviours)])
		r := w.saleRequest(w.source(), int64(100*(1+i%4)))
		r.Facts.Last4 = []string{"0013", "4242", ""}[i%3]
		a, err := w.engine.Sale(t.Context(), r)
		if err != nil && i%len(behaviours) < 4 {
			t.Fatal(err)
		}
		if a.State == payment.Approved && i%5 == 0 {
			w.bank.always(approves)
			if _, err := w.void(a); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(time.Duration(1+i%7) * time.Hour)
	}
	return w, everyPage(t, db, payment.Filter{Merchant: 1})
}

// everyPage walks a list to its end.
func everyPage(t testing.TB, db *store.DB, f payment.Filter) (all []payment.Payment) {
	t.Helper()
	for range 1000 {
		p, err := payment.List(context.Background(), db.Read(), f)
		if err != nil {
			t.Fatalf("%+v: %v", f, err)
		}
		if f.Limit > 0 && len(p.Payments) > f.Limit {
			t.Fatalf("a page of %d has %d", f.Limit, len(p.Payments))
		}
		all = append(all, p.Payments...)
		if p.Next == "" {
			return all
		}
		f.Cursor = p.Next
	}
	t.Fatalf("%+v never ends", f)
	return nil
}

// picks is a filter in the plainest words.
func picks(f payment.Filter, p payment.Payment) bool {
	switch {
	case len(f.States) > 0 && !slices.Contains(f.States, p.State),
		len(f.Methods) > 0 && !slices.Contains(f.Methods, p.Method),
		!f.From.IsZero() && p.Created.Before(f.From),
		!f.To.IsZero() && !p.Created.Before(f.To),
		f.Least.Currency() != "" && p.Amount.Minor() < f.Least.Minor(),
		f.Most.Currency() != "" && p.Amount.Minor() > f.Most.Minor(),
		f.Device != "" && string(p.Terminal) != f.Device:
		return false
	}
	return f.Text == "" || f.Text == payment.Ref(p.ID) || f.Text == p.Card.Last4
}

func TestAnyFilterFindsWhatLookingAtEachPaymentFinds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, all := history(t, db)
		if len(all) < 50 {
			t.Fatalf("only %d payments were made", len(all))
		}
		seed := uint64(len(all)) // the same filters each time
		rnd := rand.New(rand.NewPCG(seed, 7))
		pick := func(n int) bool { return rnd.IntN(n) == 0 }
		states := []payment.State{payment.Approved, payment.Declined, payment.Reversing, payment.Voided, payment.Unknown, payment.Sent}
		found := 0
		for range 400 {
			f := payment.Filter{Merchant: 1, Limit: 1 + rnd.IntN(9)}
			if pick(2) {
				f.States = states[:1+rnd.IntN(len(states))]
			} else if pick(2) {
				f.States = states[1:3]
			}
			if pick(4) {
				f.Methods = []string{[]string{"card", "wechat"}[rnd.IntN(2)]}
			}
			if pick(3) {
				f.From = today.Add(time.Duration(rnd.IntN(240)) * time.Hour)
			}
			if pick(3) {
				f.To = today.Add(time.Duration(rnd.IntN(300)) * time.Hour)
			}
			switch rnd.IntN(4) {
			case 0:
				f.Least = w.amount(int64(100 * rnd.IntN(4)))
			case 1:
				f.Least = w.amount(int64(100 * (1 + rnd.IntN(4))))
				f.Most = f.Least
			}
			switch rnd.IntN(8) {
			case 0:
				f.Text = "0013"
			case 1:
				f.Text = "9999"
			case 2:
				f.Text = payment.Ref(all[rnd.IntN(len(all))].ID)
			}
			if pick(6) {
				f.Device = []string{"T0000001", "T0000002"}[rnd.IntN(2)]
			}
			var want []int64
			for _, p := range all {
				if picks(f, p) {
					want = append(want, p.ID)
				}
			}
			var got []int64
			for _, p := range everyPage(t, db, f) {
				got = append(got, p.ID)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%+v found %d payments, want %d:\n%v\n%v", f, len(got), len(want), got, want)
			}
			found += len(got)
		}
		if found < 1000 {
			t.Errorf("the filters found only %d payments: they prove little", found)
		}
		if !slices.IsSortedFunc(all, func(a, b payment.Payment) int { return cmp.Compare(b.ID, a.ID) }) {
			t.Error("the newest is not first")
		}
	})
}

func TestAListKnowsNoOtherMerchantsPayments(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		_, all := history(t, db)
		for _, f := range []payment.Filter{{}, {States: []payment.State{payment.Declined}}, {Text: "0013"}, {Text: payment.Ref(all[0].ID)},
			{Least: money.New(100, money.CNY), Most: money.New(100, money.CNY)}} {
			f.Merchant = 2
			if got := everyPage(t, db, f); len(got) != 0 {
				t.Errorf("%+v found %d payments of another merchant", f, len(got))
			}
		}
	})
}

func TestABadCursorOrFilterIsRefused(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	history(t, db)
	mine := payment.Filter{Merchant: 1, Limit: 5}
	p, err := payment.List(t.Context(), db.Read(), mine)
	if err != nil || p.Next == "" {
		t.Fatal(p.Next, err)
	}
	for _, c := range []struct {
		name string
		f    payment.Filter
		want error
	}{
		{"a cursor of another filter", payment.Filter{Merchant: 1, Methods: []string{"card"}, Cursor: p.Next}, payment.ErrCursor},
		{"a cursor of another merchant", payment.Filter{Merchant: 2, Cursor: p.Next}, payment.ErrCursor},
		{"a cursor of no filter at all", payment.Filter{Merchant: 1, Cursor: "AAAA"}, payment.ErrCursor},
		{"a cursor cut short", payment.Filter{Merchant: 1, Cursor: p.Next[:len(p.Next)-2]}, payment.ErrCursor},
		{"a cursor that was changed", payment.Filter{Merchant: 1, Cursor: "B" + p.Next[1:]}, payment.ErrCursor},
		{"a cursor that is no text of ours", payment.Filter{Merchant: 1, Cursor: "面\x00'; --"}, payment.ErrCursor},
		{"a page that is too large", payment.Filter{Merchant: 1, Limit: payment.MaxPage + 1}, payment.ErrFilter},
		{"a page of less than nothing", payment.Filter{Merchant: 1, Limit: -1}, payment.ErrFilter},
		{"no merchant", payment.Filter{}, payment.ErrFilter},
		{"amounts in two currencies", payment.Filter{Merchant: 1, Least: money.New(1, money.CNY), Most: money.New(2, money.USD)}, payment.ErrFilter},
		{"a text without end", payment.Filter{Merchant: 1, Text: strings.Repeat("x", 65)}, payment.ErrFilter},
	} {
		if _, err := payment.List(t.Context(), db.Read(), c.f); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	mine.Cursor, mine.Limit = p.Next, 50
	if _, err := payment.List(t.Context(), db.Read(), mine); err != nil {
		t.Errorf("another size of page is another list: %v", err)
	}
}

// Whoever looks for one among very many gets short pages, each after a bounded search, and finds it.
func TestWhatIsRareIsFoundInBoundedSteps(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, money.CNY)
		rare := w.mustSale(777)
		const many = 120_000
		w.write(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, fmt.Sprintf(`INSERT INTO payments (merchant_id, payment_id, tid, method, state, amount_minor, currency, fee_minor, fee_version,
					refunded_minor, refund_fee_minor, card_token, card_bin, card_last4, card_kind, entry_mode, day, created_at, updated_at)
				WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
				SELECT 1, CAST($1 AS BIGINT) + i, 'T0000002', 'card', 'approved', 5, 'CNY', 0, 1, 0, 0, '', '', '', '', '', 20261122, CAST($2 AS BIGINT) + i, 0 FROM n`, many),
				rare.ID+1, store.At(rare.Created))
			return err
		})
		for _, c := range []struct {
			name  string
			f     payment.Filter
			pages int
		}{
			{"by device, which has no index", payment.Filter{Device: string(w.tid)}, 3},
			{"by amount", payment.Filter{Least: w.amount(777), Most: w.amount(777)}, 1},
			{"by last four digits", payment.Filter{Text: "0013"}, 1},
			{"by number", payment.Filter{Text: strings.ToLower(rare.Ref())}, 1},
		} {
			c.f.Merchant = 1
			pages, found := 0, 0
			for next := "x"; next != ""; pages++ {
				p, err := payment.List(t.Context(), db.Read(), c.f)
				if err != nil {
					t.Fatal(err)
				}
				found += len(p.Payments)
				next, c.f.Cursor = p.Next, p.Next
			}
			if found != 1 || pages != c.pages {
				t.Errorf("%s: found %d payments on %d pages, want 1 on %d", c.name, found, pages, c.pages)
			}
		}
	})
}

func TestATimelineTellsALifeInOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, money.CNY)
		sale := w.mustSale(1000)
		w.pass(time.Minute)
		w.bank.always(declines)
		if a, err := w.refund(sale, 400); err != nil || a.State != payment.Declined {
			t.Fatal(a.State, err)
		}
		w.pass(time.Minute)
		w.bank.always(approves)
		refund, err := w.refund(sale, 300)
		if err != nil {
			t.Fatal(err)
		}
		w.mustSale(500) // another's life
		steps, err := payment.Timeline(t.Context(), db.Read(), 1, sale.Payment)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range steps {
			switch {
			case s.Attempt != nil:
				got = append(got, string(s.Attempt.Kind)+" "+string(s.Attempt.State))
			default:
				got = append(got, s.Event.Kind)
			}
		}
		want := "[sale approved payment.approved refund declined refund.declined refund approved refund.approved]"
		if fmt.Sprint(got) != want {
			t.Errorf("got %v", got)
		}
		for _, number := range []string{sale.Ref(), refund.Ref()} {
			if p, err := payment.ByNumber(t.Context(), db.Read(), 1, number); err != nil || p.ID != sale.Payment {
				t.Errorf("by %s: got %d, %v", number, p.ID, err)
			}
		}
		for _, c := range []struct {
			m      merchant.ID
			number string
		}{{2, sale.Ref()}, {1, "ZZZZZZZZZZZZ"}, {1, ""}, {1, "../etc"}} {
			if _, err := payment.ByNumber(t.Context(), db.Read(), c.m, c.number); !errors.Is(err, payment.ErrNotFound) {
				t.Errorf("merchant %d, number %q: %v", c.m, c.number, err)
			}
		}
	})
}
