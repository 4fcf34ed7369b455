// Package pos is a software terminal that behaves as a good personal POS does:
// it signs on, takes sales, voids and refunds, keeps its batch, settles it, and
// never calls an outcome good or bad that it does not know. It knows
// docs/terminal-protocol.md as its maker read it, the profile's field formats
// and its own table of response codes. It refuses to know how the host reads
// the same page: a terminal that shared the host's mapping would agree with its
// mistakes. Card data lives in it for one operation; its memory is a file.
package pos

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"hawker/internal/clock"
	"hawker/internal/iso8583"
	"hawker/internal/money"
)

// Options are what a program decides anew each time it opens a terminal. The
// zero Options are good.
type Options struct {
	Host    string        // instead of the provisioned address
	Timeout time.Duration // from a message to its answer, and for connecting; 0 means the downloaded parameter, else 30 s
	Tries   int           // how often one operation sends a pending reversal or refund; 0 means the downloaded parameter, else 3
	TLS     *tls.Config   // instead of what the terminal's memory says
	Pause   time.Duration // between two queries of a code; 0 means 3 s
	Plain   bool          // TCP without TLS, whatever the terminal's memory says
	Clock   clock.Clock   // nil means the machine's

	// Dial connects; nil means TCP. TLS, when there is any, goes on top of it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Trace hears of every message and of what the terminal thought of it. The
	// explanation is masked and in English. It is called under the terminal's lock. nil is deaf.
	Trace func(d Direction, explanation string)
}

// Direction is where a traced message went.
type Direction string

// The directions of Trace.
const (
	Sent     Direction = ">"
	Received Direction = "<"
	Thought  Direction = "-"
)

// Terminal is one device. It does one thing at a time: its methods wait for
// one another.
type Terminal struct {
	path    string
	options Options
	profile *iso8583.Profile
	unlock  func()

	mu    sync.Mutex
	state *state // as the file has it; nil when closed
}

// Open switches the terminal on whose memory is the file at path, and keeps
// other programs from it until Close. ErrNoState, ErrExposed, ErrInUse and
// ErrDamaged say what is in the way.
func Open(path string, options Options) (*Terminal, error) {
	if _, err := load(path); err != nil { // before the lock, so that a terminal that is none leaves no lock file
		return nil, err
	}
	unlock, err := lock(path)
	if err != nil {
		return nil, err
	}
	s, err := load(path)
	if err == nil && options.TLS == nil && !options.Plain {
		options.TLS, err = s.line()
	}
	if err != nil {
		unlock()
		return nil, err
	}
	profile, _ := iso8583.ByName(s.Profile) // validated
	return &Terminal{path: path, options: options.withDefaults(), profile: profile, unlock: unlock, state: s}, nil
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.Pause == 0 {
		o.Pause = between
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	if o.Trace == nil {
		o.Trace = func(Direction, string) {}
	}
	return o
}

// Close switches the terminal off. What is pending stays in its memory.
func (t *Terminal) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == nil {
		return ErrClosed
	}
	t.state = nil
	t.unlock()
	return nil
}

// run does one operation with the terminal to itself.
func (t *Terminal) run(operation func(*session) (Result, error)) (Result, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == nil {
		return Result{}, ErrClosed
	}
	if t.state.Tampered {
		return Result{}, ErrTampered
	}
	s := &session{Terminal: t}
	defer s.hangUp()
	r, err := operation(s)
	r.Notes = s.notes
	return r, err
}

// commit makes a change in the file, and only then in memory. After an error
// memory is as before.
func (t *Terminal) commit(change func(*state)) error {
	next := t.state.clone()
	change(next)
	if err := next.save(t.path); err != nil {
		return ErrMemory.because(err)
	}
	t.state = next
	return nil
}

// beijing is the zone of F12 and F13: UnionPay's terminals know no other.
var beijing = time.FixedZone("UTC+8", 8*60*60)

func (t *Terminal) now() time.Time { return t.options.Clock().In(beijing).Truncate(time.Second) }

// Status is what a terminal would print about itself.
type Status struct {
	Profile      string        `json:"profile"`
	Host         string        `json:"host"`
	Shop         Shop          `json:"shop"`
	Language     Language      `json:"language"`
	SignedOn     bool          `json:"signed_on"`
	Batch        int           `json:"batch"`
	NextTrace    int           `json:"next_trace"`
	Totals       Totals        `json:"totals"`
	Pending      []Transaction `json:"pending,omitempty"`  // to be reversed, or refunds to be repeated
	Settling     int           `json:"settling,omitempty"` // a batch whose settlement has not ended; 0 none
	Transactions []Transaction `json:"transactions,omitempty"`
}

// Status tells what the terminal remembers; the slices are the caller's.
func (t *Terminal) Status() (Status, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == nil {
		return Status{}, ErrClosed
	}
	s := t.state.clone()
	status := Status{
		Profile: s.Profile, Host: s.Host, Shop: s.Shop, Language: s.Language, SignedOn: s.SignedOn,
		Batch: s.Batch, NextTrace: s.Trace, Totals: totalsOf(s.Rows), Pending: s.pending(), Transactions: s.Rows,
	}
	if s.Settling != nil {
		status.Settling = s.Settling.Batch
	}
	return status, nil
}

// pending is every transaction whose outcome the terminal still has to settle.
func (s *state) pending() []Transaction {
	var open []Transaction
	add := func(batch, trace int) {
		if tx := s.row(batch, trace); tx != nil {
			open = append(open, *tx)
		}
	}
	if s.Reversal != nil {
		add(s.Reversal.Batch, s.Reversal.Trace)
	}
	for _, r := range s.Refunds {
		add(r.Batch, r.Trace)
	}
	return open
}

// Reprint is a transaction of the current or a kept batch again, newest first
// when the trace number was used twice. ErrNotFound when there is none.
func (t *Terminal) Reprint(trace int) (Result, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == nil {
		return Result{}, ErrClosed
	}
	tx := t.state.remembered(trace)
	if tx == nil {
		return Result{}, ErrNotFound
	}
	r := t.state.report(*tx)
	r.Reprint = true
	return r, nil
}

// zero is no money of the terminal's currency.
func zero() money.Amount { return money.Zero(currency) }
