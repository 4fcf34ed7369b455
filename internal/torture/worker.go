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
