package app

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"hawker/internal/books"
	"hawker/internal/cases"
	"hawker/internal/jobs"
	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/payment"
)

// Audit compares what must agree: the ledger with itself, and every merchant's
// receivable with what the simulated network says it owes. It also counts what has
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

// Side is one merchant's money in one currency on both sides, in minor units.
type Side struct {
	MID      string
	Currency string
	Ledger   int64
	Network  int64
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
		if j.Kind != payment.JobHoldExpiry { // it waits for weeks, and for nothing that is under way
			a.Waiting++
		}
	}
	if a.Trial, err = ledger.Trial(ctx, q, 0); err != nil {
		return a, err
	}
	sides := map[[2]string]*Side{}
	side := func(mid, currency string) *Side {
		k := [2]string{mid, currency}
		if sides[k] == nil {
			sides[k] = &Side{MID: mid, Currency: currency}
		}
		return sides[k]
	}
	for _, l := range a.Trial {
		if l.Account == books.Receivable(networkName) {
			m, err := merchant.ByID(ctx, q, merchant.ID(l.Owner))
			if err != nil {
				return a, err
			}
			side(m.MID, string(l.Balance.Currency())).Ledger = l.Balance.Minor()
		}
	}
	for _, b := range s.Sandbox.Books() {
		side(b.Merchant, string(b.Net.Currency())).Network = b.Net.Minor()
	}
	for _, one := range sides {
		a.Sides = append(a.Sides, *one)
	}
	return a, nil
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
			return fmt.Errorf("merchant %s: ledger says %d %s, network says %d", s.MID, s.Ledger, s.Currency, s.Network)
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
