package torture

import (
	"context"
	"fmt"

	"hawker/internal/card"
	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
	"hawker/internal/sandbox/pos"
)

// operation is one thing that a merchant does.
type operation struct {
	name string
	do   func(*shift) (pos.Result, error)
}

// habits say how often of a hundred a merchant does what.
var habits = []struct {
	share int
	operation
}{
	{44, operation{"sale", (*shift).sale}},
	{12, operation{"void", (*shift).void}},
	{12, operation{"refund", (*shift).refund}},
	{5, operation{"pre-auth", (*shift).preauth}},
	{3, operation{"completion", (*shift).complete}},
	{1, operation{"completion notice", (*shift).completeNotice}},
	{1, operation{"completion void", (*shift).completionVoid}},
	{2, operation{"pre-auth void", (*shift).preauthVoid}},
	{6, operation{"balance", (*shift).balance}},
	{3, operation{"settle", (*shift).settle}},
	{3, operation{"sign-on", func(s *shift) (pos.Result, error) { return s.device.SignOn(context.Background()) }}},
	{4, operation{"resolve", func(s *shift) (pos.Result, error) { return s.device.ResolvePending(context.Background()) }}},
	{4, operation{"echo", func(s *shift) (pos.Result, error) { return s.device.Echo(context.Background()) }}},
}

func (s *shift) pick() operation {
	n := s.rand.IntN(100)
	for _, h := range habits {
		if n -= h.share; n < 0 {
			return h.operation
		}
	}
	return habits[0].operation
}

// good are the cards that pay; odd those that make the bank misbehave.
var (
	good = []string{"test-credit", "test-debit", "test-debit-2"}
	odd  = []string{"test-low-funds", "test-expired", "test-lost", "test-blocked", "test-down", "test-silent", "test-late", "test-cut", "test-duplicate"}
	// oddAmounts make the bank misbehave on any card: docs of package cardnet.
	oddAmounts = []int64{9051, 9091, 9093, 9094, 9095, 9096, 9097, 9098, 9099}
)

// sale takes a small amount from a card; now and then one that means trouble.
func (s *shift) sale() (pos.Result, error) {
	amount, name := 1+s.rand.Int64N(200), good[s.rand.IntN(len(good))]
	trouble, which := s.rand.IntN(100), s.rand.IntN(1000)
	if s.Bank && trouble < 3 {
		amount = oddAmounts[which%len(oddAmounts)]
	} else if s.Bank && trouble < 6 {
		name = odd[which%len(odd)]
	}
	p, err := s.present(name)
	if err != nil {
		return pos.Result{}, err
	}
	return s.device.Sale(context.Background(), money.New(amount, money.CNY), p)
}

func (s *shift) balance() (pos.Result, error) {
	p, err := s.present(good[s.rand.IntN(len(good))])
	if err != nil {
		return pos.Result{}, err
	}
	return s.device.Balance(context.Background(), p)
}

// void undoes a sale of the open batch, once in a while one that is voided already.
func (s *shift) void() (pos.Result, error) {
	status, err := s.device.Status()
	if err != nil {
		return pos.Result{}, err
	}
	sale, err := s.earlier(20, status.Batch)
	if err != nil {
		return pos.Result{}, err
	}
	return s.device.Void(context.Background(), sale.Trace)
}

// refund gives a part of a sale of any batch back, or all of it, or more than there is.
func (s *shift) refund() (pos.Result, error) {
	sale, err := s.earlier(100, 0)
	if err != nil {
		return pos.Result{}, err
	}
	p, err := s.again(sale)
	if err != nil {
		return pos.Result{}, err
	}
	of := pos.Original{RRN: sale.RRN, Batch: sale.Batch, Trace: sale.Trace, Date: sale.Time.Format("0102")}
	return s.device.Refund(context.Background(), of, money.New(1+s.rand.Int64N(sale.Amount.Minor()+2), money.CNY), p)
}

// again presents the card that paid.
func (s *shift) again(t pos.Transaction) (pos.Presented, error) {
	for _, name := range good {
		if c, ok := cards.ByName(name); ok && c.PAN.String() == t.MaskedPAN {
			return s.present(name)
		}
	}
	return pos.Presented{}, errNothing
}

func (s *shift) preauth() (pos.Result, error) {
	p, err := s.present(good[s.rand.IntN(len(good))])
	if err != nil {
		return pos.Result{}, err
	}
	return s.device.Preauth(context.Background(), money.New(1+s.rand.Int64N(200), money.CNY), p)
}

// onHold does something with one of the latest pre-authorizations, which may be over already.
func (s *shift) onHold(do func(of pos.Original, t pos.Transaction, p pos.Presented) (pos.Result, error)) (pos.Result, error) {
	hold, err := s.one(10, func(t pos.Transaction) bool { return t.Kind == pos.Preauth })
	if err != nil {
		return pos.Result{}, err
	}
	p, err := s.again(hold)
	if err != nil {
		return pos.Result{}, err
	}
	return do(pos.Original{Trace: hold.Trace, Batch: hold.Batch, Date: hold.Time.Format("0102"), AuthCode: hold.AuthCode}, hold, p)
}

// share is up to a fifth more than a pre-authorization holds: now and then more than is allowed.
func (s *shift) share(held money.Amount) money.Amount {
	return money.New(1+s.rand.Int64N(held.Minor()+held.Minor()/5), money.CNY)
}

func (s *shift) complete() (pos.Result, error) {
	return s.onHold(func(of pos.Original, t pos.Transaction, p pos.Presented) (pos.Result, error) {
		return s.device.Complete(context.Background(), of, s.share(t.Amount), p)
	})
}

func (s *shift) completeNotice() (pos.Result, error) {
	return s.onHold(func(of pos.Original, t pos.Transaction, p pos.Presented) (pos.Result, error) {
		return s.device.CompleteNotice(context.Background(), of, s.share(t.Amount), p)
	})
}

func (s *shift) preauthVoid() (pos.Result, error) {
	return s.onHold(func(of pos.Original, t pos.Transaction, p pos.Presented) (pos.Result, error) {
		return s.device.PreauthVoid(context.Background(), of, t.Amount, p)
	})
}

func (s *shift) completionVoid() (pos.Result, error) {
	status, err := s.device.Status()
	if err != nil {
		return pos.Result{}, err
	}
	done, err := s.one(20, func(t pos.Transaction) bool {
		return (t.Kind == pos.Completion || t.Kind == pos.CompletionNotice) && t.Batch == status.Batch
	})
	if err != nil {
		return pos.Result{}, err
	}
	return s.device.CompletionVoid(context.Background(), done.Trace)
}

// earlier picks one of the latest approved sales; of one batch, unless that is 0.
func (s *shift) earlier(limit, batch int) (pos.Transaction, error) {
	return s.one(limit, func(t pos.Transaction) bool { return t.Kind == pos.Sale && (batch == 0 || t.Batch == batch) })
}

// one picks one of the latest approved transactions that match.
func (s *shift) one(limit int, match func(pos.Transaction) bool) (pos.Transaction, error) {
	list := s.slips.latest(limit, func(t pos.Transaction) bool { return t.State == pos.Approved && match(t) })
	if len(list) == 0 {
		return pos.Transaction{}, errNothing
	}
	return list[s.rand.IntN(len(list))], nil
}

func (s *shift) settle() (pos.Result, error) { return s.device.SettleBatch(context.Background()) }

func (s *shift) present(name string) (pos.Presented, error) {
	c, ok := cards.ByName(name)
	if !ok {
		return pos.Presented{}, fmt.Errorf("no test card %q", name)
	}
	pin, err := card.NewPIN(c.PIN)
	entries := []pos.Entry{pos.Swipe, pos.Chip, pos.Contactless, pos.Manual}
	return pos.Presented{Card: c, Entry: entries[s.rand.IntN(len(entries))], PIN: pin}, err
}
