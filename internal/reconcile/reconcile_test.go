package reconcile

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"hawker/internal/cases"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var (
	from = time.Date(2026, 11, 22, 0, 0, 0, 0, Zone)
	to   = from.Add(24 * time.Hour)
	noon = from.Add(12 * time.Hour)
)

func cny(minor int64) money.Amount { return money.New(minor, money.CNY) }

func row(kind channel.Kind, order, refund string, minor int64, at time.Time) channel.BillRow {
	return channel.BillRow{At: at, Kind: kind, Order: order, Refund: refund, Amount: cny(minor), Fee: cny(0)}
}

func attempt(id int64, kind channel.Kind, state payment.State, minor int64, at time.Time) payment.Attempt {
	return payment.Attempt{Merchant: 1, ID: id, Kind: kind, State: state, Amount: cny(minor), Created: at, Updated: at.Add(time.Second)}
}

func TestALineMatchesWhatItIsAbout(t *testing.T) {
	t.Parallel()
	sale := attempt(1, channel.Sale, payment.Approved, 1000, noon)
	code := attempt(2, channel.Present, payment.Approved, 1000, noon)
	undone := attempt(3, channel.Sale, payment.Reversed, 1000, noon)
	refund := attempt(4, channel.Refund, payment.Approved, 400, noon)
	back := attempt(5, channel.Reversal, payment.Approved, 1000, noon)
	back.Of = 3
	declined := attempt(6, channel.Sale, payment.Declined, 1000, noon)
	late := attempt(7, channel.Sale, payment.Approved, 1000, to.Add(-time.Minute))
	early := attempt(8, channel.Sale, payment.Approved, 1000, from.Add(time.Minute))
	known := map[string]payment.Attempt{"S": sale, "C": code, "U": undone, "R": refund, "B": back, "D": declined, "L": late, "E": early}
	find := func(number string) (payment.Attempt, bool) { a, ok := known[number]; return a, ok }
	for _, c := range []struct {
		name string
		rows []channel.BillRow
		ours []string // that we expect in the bill
		want []Verdict
	}{
		{"a sale and its refund", []channel.BillRow{row(channel.Sale, "S", "", 1000, noon), row(channel.Refund, "S", "R", 400, noon)}, []string{"S", "R"}, []Verdict{Matched, Matched}},
		{"a presented code", []channel.BillRow{row(channel.Sale, "C", "", 1000, noon)}, []string{"C"}, []Verdict{Matched}},
		{"nothing", nil, nil, nil},
		{"a sale that the bill does not have", nil, []string{"S"}, []Verdict{MissingThere}},
		{"a refund that the bill does not have", []channel.BillRow{row(channel.Sale, "S", "", 1000, noon)}, []string{"S", "R"}, []Verdict{Matched, MissingThere}},
		{"a sale that we do not have", []channel.BillRow{row(channel.Sale, "X", "", 1000, noon)}, nil, []Verdict{MissingHere}},
		{"one fen more", []channel.BillRow{row(channel.Sale, "S", "", 1001, noon)}, []string{"S"}, []Verdict{AmountDiffers}},
		{"the same sale twice", []channel.BillRow{row(channel.Sale, "S", "", 1000, noon), row(channel.Sale, "S", "", 1000, noon)}, []string{"S"}, []Verdict{Matched, StateDiffers}},
		{"a sale that we told declined", []channel.BillRow{row(channel.Sale, "D", "", 1000, noon)}, nil, []Verdict{StateDiffers}},
		{"reversed as WeChat says it", []channel.BillRow{row(channel.Sale, "U", "", 1000, noon), row(channel.Reversal, "U", "", 1000, noon)}, nil, []Verdict{Matched, Matched}},
		{"reversed as Alipay says it", []channel.BillRow{row(channel.Sale, "U", "", 1000, noon), row(channel.Refund, "U", "U", 1000, noon)}, nil, []Verdict{Matched, Matched}},
		{"reversed by a refund", []channel.BillRow{row(channel.Sale, "U", "", 1000, noon), row(channel.Refund, "U", "B", 1000, noon)}, nil, []Verdict{Matched, Matched}},
		{"reversed here and not there", []channel.BillRow{row(channel.Sale, "U", "", 1000, noon)}, nil, []Verdict{StateDiffers}},
		{"reversed there and not here", []channel.BillRow{row(channel.Sale, "S", "", 1000, noon), row(channel.Reversal, "S", "", 1000, noon)}, []string{"S"}, []Verdict{Matched, StateDiffers}},
		{"a refund under a sale's number", []channel.BillRow{row(channel.Refund, "S", "S", 1000, noon)}, []string{"S"}, []Verdict{StateDiffers}},
		{"around midnight it may be in the bill beside", nil, []string{"L", "E"}, nil},
		{"around midnight it may be in this one", []channel.BillRow{row(channel.Sale, "L", "", 1000, to.Add(-30*time.Second)), row(channel.Sale, "E", "", 1000, from)}, []string{"L", "E"}, []Verdict{Matched, Matched}},
		{"paid just before midnight, reversed after it", []channel.BillRow{row(channel.Sale, "U", "", 1000, to.Add(-time.Minute))}, nil, []Verdict{Matched}},
	} {
		b, err := channel.NewBill("wechat", 20261122, money.CNY, c.rows)
		if err != nil {
			t.Fatal(err)
		}
		var ours []own
		for _, n := range c.ours {
			ours = append(ours, own{known[n], n})
		}
		lines := match(b, ours, from, to, find)
		if len(lines) != len(c.want) {
			t.Errorf("%s: %d lines", c.name, len(lines))
			continue
		}
		for i, want := range c.want {
			if lines[i].Verdict != want {
				t.Errorf("%s: line %d is %s, want %s", c.name, i+1, lines[i].Verdict, want)
			}
		}
	}
}

// desk is a wallet of which only the bill is wanted.
type paper struct {
	channel.Channel
	bill channel.Bill
	err  error
}

func (p *paper) Name() string                                          { return "wechat" }
func (p *paper) Patience() channel.Pace                                { return channel.Pace{} }
func (p *paper) Notices(channel.Book) http.Handler                     { return nil }
func (p *paper) Bill(context.Context, clock.Day) (channel.Bill, error) { return p.bill, p.err }

func TestABreakIsACaseUntilTheBillIsRight(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := to.Add(11 * time.Hour)
		d := Desk{DB: db, Clock: func() time.Time { return now }}
		strange, err := channel.NewBill("wechat", 20261122, money.CNY, []channel.BillRow{row(channel.Sale, "100290058120001000000000001", "", 1000, noon), row(channel.Sale, "odd", "", 5, noon)})
		if err != nil {
			t.Fatal(err)
		}
		empty, err := channel.NewBill("wechat", 20261122, money.CNY, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			name   string
			bill   channel.Bill
			breaks int
		}{{"two strange lines", strange, 2}, {"the same again", strange, 2}, {"a new bill without them", empty, 0}} {
			r, err := d.Check(t.Context(), &paper{bill: step.bill}, 20261122)
			if err != nil || len(r.Breaks()) != step.breaks {
				t.Fatalf("%s: %v, %v", step.name, r.Breaks(), err)
			}
			open, err := cases.List(t.Context(), db.Read())
			if err != nil || len(open) != step.breaks {
				t.Errorf("%s: cases %+v, %v", step.name, open, err)
			}
			kept, err := Breaks(t.Context(), db.Read(), "wechat", 20261122)
			if err != nil || len(kept) != step.breaks {
				t.Errorf("%s: kept %v, %v", step.name, kept, err)
			}
			list, err := Summaries(t.Context(), db.Read(), 10)
			if err != nil || len(list) != 1 || list[0].Breaks != step.breaks || list[0].Rows != len(step.bill.Rows) {
				t.Errorf("%s: %+v, %v", step.name, list, err)
			}
		}
	})
}

func TestABillThatIsNotThereIsNoError(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		none := &paper{err: channel.ErrNoBill}
		for at, want := range map[time.Duration]error{10*time.Hour - time.Second: channel.ErrNoBill, 10 * time.Hour: nil} {
			d := Desk{DB: db, Clock: func() time.Time { return to.Add(at) }}
			if _, err := d.Check(t.Context(), none, 20261122); !errors.Is(err, want) {
				t.Errorf("%s after midnight: %v", at, err)
			}
		}
	})
}
