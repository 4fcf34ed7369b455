package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"hawker/internal/books"
	"hawker/internal/cases"
	"hawker/internal/channel"
	"hawker/internal/jobs"
	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
)

// Audit compares what must agree: the ledger with itself, and every merchant's
// receivables with what the simulated network and wallets say they owe. It also counts what has
// no end yet.
type Audit struct {
	Ledger   error // nil: every entry and balance is proven
	Network  error // nil: the simulated network's books are consistent
	UnderWay int   // attempts without an end
	Waiting  int   // jobs not done
	Cases    int   // matters for a person
	Sides    []Side
	Trial    []ledger.Line
}

// Side is one merchant's money in one currency on both sides of a channel, in minor units.
type Side struct {
	Channel  string
	MID      string
	Currency string
	Ledger   int64
	Network  int64 // what the simulated network or wallet says
}

// Audit runs the comparison; the simulated network must be in this process.
func (s *Server) Audit(ctx context.Context) (Audit, error) {
	q := s.DB.Read()
	a := Audit{Ledger: ledger.Prove(ctx, q), Network: s.Sandbox.Check()}
	under, err := payment.UnderWay(ctx, q)
	if err != nil {
		return a, err
	}
	waiting, err := jobs.List(ctx, q)
	if err != nil {
		return a, err
	}
	open, err := cases.List(ctx, q)
	if err != nil {
		return a, err
	}
	a.UnderWay, a.Cases = len(under), len(open)
	for _, j := range waiting {
		if j.Kind != payment.JobHoldExpiry && j.Kind != payment.JobPaymentExpiry && j.Kind != jobBill { // they wait for a day to come, and for nothing that is under way
			a.Waiting++
		}
	}
	if a.Trial, err = ledger.Trial(ctx, q, 0); err != nil {
		return a, err
	}
	sides := map[[3]string]*Side{}
	side := func(channel, mid, currency string) *Side {
		k := [3]string{channel, mid, currency}
		if sides[k] == nil {
			sides[k] = &Side{Channel: channel, MID: mid, Currency: currency}
		}
		return sides[k]
	}
	compared := []string{networkName}
	if s.Wallets != nil {
		compared = append(compared, payment.MethodWeChat, payment.MethodAlipay)
		a.Network = errors.Join(a.Network, s.Wallets.Check())
	}
	for _, l := range a.Trial {
		if l.Account == books.Receivable(payment.MethodUnionPay) { // which the card network owes too
			m, err := merchant.ByID(ctx, q, merchant.ID(l.Owner))
			if err != nil {
				return a, err
			}
			side(networkName, m.MID, string(l.Balance.Currency())).Ledger += l.Balance.Minor()
		}
		for _, name := range compared {
			if l.Account != books.Receivable(name) {
				continue
			}
			m, err := merchant.ByID(ctx, q, merchant.ID(l.Owner))
			if err != nil {
				return a, err
			}
			side(name, m.MID, string(l.Balance.Currency())).Ledger += l.Balance.Minor()
		}
	}
	for _, b := range s.Sandbox.Books() {
		side(networkName, b.Merchant, string(b.Net.Currency())).Network = b.Net.Minor()
	}
	s.walletSides(side)
	for _, one := range sides {
		a.Sides = append(a.Sides, *one)
	}
	slices.SortFunc(a.Sides, func(x, y Side) int {
		return cmp.Or(cmp.Compare(x.MID, y.MID), cmp.Compare(x.Channel, y.Channel), cmp.Compare(x.Currency, y.Currency))
	})
	return a, nil
}

// walletSides adds up what the simulated wallets hold for each merchant, whose MID begins their order numbers.
func (s *Server) walletSides(side func(channel, mid, currency string) *Side) {
	if s.Wallets == nil {
		return
	}
	for _, o := range s.Wallets.Orders() {
		mid, _, err := channel.ParseNumber(o.Order)
		if err != nil || o.PaidAt.IsZero() {
			continue
		}
		side(string(o.Brand), mid, string(money.CNY)).Network += o.Amount - o.Refunded()
	}
}

// Err is nil when everything agrees and nothing is under way.
func (a Audit) Err() error {
	if a.Ledger != nil {
		return a.Ledger
	}
	if a.Network != nil {
		return a.Network
	}
	if a.UnderWay+a.Waiting+a.Cases > 0 {
		return fmt.Errorf("not at rest: %d attempts, %d jobs, %d cases", a.UnderWay, a.Waiting, a.Cases)
	}
	for _, s := range a.Sides {
		if s.Ledger != s.Network {
			return fmt.Errorf("merchant %s: ledger says %d %s, %s says %d", s.MID, s.Ledger, s.Currency, s.Channel, s.Network)
		}
	}
	return nil
}

// printTrial writes the trial balance, debits and credits in their columns.
func (a Audit) printTrial(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "  account\tdebit\tcredit\t")
	var debit, credit int64
	for _, l := range a.Trial {
		d, c := "", ""
		if n := l.Balance; n.Sign() >= 0 {
			d, debit = n.Decimal(), debit+n.Minor()
		} else {
			c, credit = n.Neg().Decimal(), credit-n.Minor()
		}
		_, _ = fmt.Fprintf(t, "  %s\t%s\t%s\t\n", l.Account, d, c)
	}
	_, _ = fmt.Fprintf(t, "  sum\t%d.%02d\t%d.%02d\t\n", debit/100, debit%100, credit/100, credit%100)
	_ = t.Flush()
}
