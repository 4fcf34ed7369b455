package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"hawker/internal/card"
	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
	"hawker/internal/sandbox/pos"
)

// Worker is one terminal at work: the role of a process that the conductor starts.
type Worker struct {
	State   string        // the terminal's memory
	Slips   string        // its journal
	Host    string        // where it connects
	Seed    uint64        // of its operations
	Timeout time.Duration // of an answer
	Bank    bool          // let the simulated bank misbehave too
	Heal    bool          // end what is pending, settle, and end
	Out     io.Writer     `json:"-"` // one line an operation: what, and what the merchant was told
}

// Work runs the worker that a text describes: the other end of what the conductor starts.
func Work(ctx context.Context, text string, out io.Writer) error {
	w := Worker{Out: out}
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		return fmt.Errorf("a terminal's work: %w", err)
	}
	return w.Run(ctx)
}

// Run works until ctx ends, or, to heal, until nothing is pending. What was in hand when
// the former process died is written down first, as a terminal prints after a power cut.
func (w Worker) Run(ctx context.Context) (err error) {
	device, err := pos.Open(w.State, pos.Options{Host: w.Host, Timeout: w.Timeout, Tries: 1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, device.Close()) }()
	slips, err := openJournal(w.Slips)
	if err != nil {
		return err
	}
	s := &shift{Worker: w, device: device, slips: slips, rand: rand.New(rand.NewPCG(w.Seed, 0))} //nolint:gosec // chaos is no secret
	if err := s.note(Line{Op: "power on", Told: "accepted"}); err != nil {
		return err
	}
	if w.Heal {
		return s.heal(ctx)
	}
	for ctx.Err() == nil {
		if err := s.operate(s.pick()); err != nil {
			return err
		}
	}
	return nil
}

// shift is one life of a worker.
type shift struct {
	Worker
	device *pos.Terminal
	slips  *journal
	rand   *rand.Rand
}

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
	{56, operation{"sale", (*shift).sale}},
	{12, operation{"void", (*shift).void}},
	{12, operation{"refund", (*shift).refund}},
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

// errNothing says that there is nothing to void or refund.
var errNothing = errors.New("nothing to give back")

// operate does one operation and writes down what came of it. An operation is not
// interrupted: what is told to stop finishes it.
func (s *shift) operate(op operation) error {
	r, err := op.do(s)
	l := Line{Op: op.name, Told: string(r.State)}
	switch {
	case errors.Is(err, errNothing):
		return nil
	case errors.Is(err, pos.ErrSettling), errors.Is(err, pos.ErrBatchFull): // the merchant does what the terminal asks for
		l.Told, l.Error = "error", err.Error()
		if err := s.note(l); err != nil || op.name == "settle" {
			return err
		}
		return s.operate(operation{"settle", (*shift).settle})
	case err != nil:
		l.Told, l.Error = "error", err.Error()
		time.Sleep(time.Duration(s.rand.IntN(50)) * time.Millisecond) // a merchant does not try again at once
	}
	return s.note(l)
}

// note writes a line with every transaction that has changed, and tells the conductor.
func (s *shift) note(l Line) error {
	status, err := s.device.Status()
	if err != nil {
		return err
	}
	rows := status.Transactions
	isOpen := func(t pos.Transaction) bool { return t.State == pos.Unknown && t.Batch != status.Batch }
	for _, open := range s.slips.latest(10, isOpen) { // one that ended after its batch was closed
		if again, err := s.device.Reprint(open.Trace); err == nil && again.Batch == open.Batch {
			rows = append(rows, again.Transaction)
		}
	}
	if err := s.slips.write(l, rows); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.Out, strings.ReplaceAll(l.Op, " ", "-"), l.Told)
	return err
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
	for _, name := range good {
		p, err := s.present(name)
		if err != nil {
			return pos.Result{}, err
		}
		if p.Card.PAN.String() == sale.MaskedPAN {
			of := pos.Original{RRN: sale.RRN, Batch: sale.Batch, Trace: sale.Trace, Date: sale.Time.Format("0102")}
			return s.device.Refund(context.Background(), of, money.New(1+s.rand.Int64N(sale.Amount.Minor()+2), money.CNY), p)
		}
	}
	return pos.Result{}, errNothing
}

// earlier picks one of the latest approved sales; of one batch, unless that is 0.
func (s *shift) earlier(limit, batch int) (pos.Transaction, error) {
	sales := s.slips.latest(limit, func(t pos.Transaction) bool {
		return t.Kind == pos.Sale && t.State == pos.Approved && (batch == 0 || t.Batch == batch)
	})
	if len(sales) == 0 {
		return pos.Transaction{}, errNothing
	}
	return sales[s.rand.IntN(len(sales))], nil
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

// heal ends what is pending and settles, however often it takes.
func (s *shift) heal(ctx context.Context) error {
	for ctx.Err() == nil {
		for _, op := range []operation{
			{"resolve", func(s *shift) (pos.Result, error) { return s.device.ResolvePending(context.Background()) }},
			{"settle", (*shift).settle},
		} {
			if err := s.operate(op); err != nil {
				return err
			}
		}
		status, err := s.device.Status()
		if err != nil {
			return err
		}
		if len(status.Pending)+len(status.Transactions)+status.Settling == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return ctx.Err()
}
