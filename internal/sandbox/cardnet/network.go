// Package cardnet imitates a card network and the banks behind it: an ISO 8583
// server that speaks docs/network-protocol.md, issues the test cards, decides,
// books, and misbehaves on demand (a silent bank, a late or doubled answer, a
// cut connection, a wrong amount). It is a second opinion on Hawker's card host
// channel: it shares the codec and nothing else, keeps books of its own to
// compare with, and Check audits them. It knows no merchant's contract, no fees
// and no settlement, and its keys and cards are for tests alone.
//
// What a sale meets is chosen by the card (package cards says how) or by the
// amount: 90.51, 90.54, 90.55, 90.61 and 90.91 are declined with that code; of
// the others the bank books all but 90.98: 90.93 is answered under a wrong MAC,
// 90.94 twice, 90.95 by half an answer and a cut, 90.96 with a wrong amount,
// 90.97 late, 90.98 and 90.99 never.
package cardnet

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"hawker/internal/iso8583"
	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
	"hawker/internal/tdes"
)

// Config is what a Network is made from. Only the keys have no default.
type Config struct {
	Addr        string           // where Listen binds; "" is 127.0.0.1 and a free port
	ZPK         tdes.Key         // PIN blocks (F52)
	ZAK         tdes.Key         // MACs (F128)
	LateAfter   time.Duration    // how late a late answer is; 0 means 90 s
	AnswerDelay time.Duration    // how long every answer takes on its way, booked before; for load tests
	Clock       func() time.Time // nil: the machine's
	Log         *slog.Logger     // nil: nothing is logged. Cards appear by name
	Cards       []cards.Card     // nil: cards.All()

	// StateFile holds every entry, one JSON line each, so that a network killed
	// and started again knows every outcome; "" forgets. A line is written
	// before its answer leaves, and not synced: it survives SIGKILL of the
	// process, not the machine's power. One process at a time may have it.
	StateFile string
}

// Network is one simulated card network. Any number of goroutines may use it.
type Network struct {
	cfg   Config
	fault atomic.Pointer[func(Info) Behaviour]
	down  atomic.Bool

	mu     sync.Mutex // guards books, state, counts: one booking at a time
	books  *books
	state  *stateFile
	counts Counts

	server
}

// New makes a network and reads back its state file if there is one. Close
// frees what it holds. A zero key, a bad card or a state file that does not
// follow from these cards is an error.
func New(cfg Config) (*Network, error) {
	if cfg.ZPK.IsZero() || cfg.ZAK.IsZero() {
		return nil, errors.New("cardnet: ZPK and ZAK are required")
	}
	if cfg.LateAfter == 0 {
		cfg.LateAfter = 90 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Cards == nil {
		cfg.Cards = cards.All()
	}
	b, err := newBooks(cfg.Cards)
	if err != nil {
		return nil, fmt.Errorf("cardnet: %w", err)
	}
	n := &Network{cfg: cfg, books: b, server: newServer()}
	n.counts.Requests = map[string]int{}
	if cfg.StateFile != "" {
		if n.state, err = openState(cfg.StateFile, b.apply); err != nil {
			return nil, fmt.Errorf("cardnet: %w", err)
		}
	}
	return n, nil
}

// Counts says what has arrived since New.
type Counts struct {
	Requests   map[string]int // messages by MTI, repeats and wrong MACs included
	Repeats    int            // answered with an earlier outcome
	WrongMAC   int            // answered with A0
	BadFormat  int            // answered with 30
	Unreadable int            // frames that are no message: dropped without an answer
}

// Counts returns a copy of the counters.
func (n *Network) Counts() Counts {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.counts
	c.Requests = maps.Clone(c.Requests)
	return c
}

func (n *Network) count(f func(*Counts)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f(&n.counts)
}

// Unlock lets a card locked by wrong PINs pay again, as a bank's clerk would.
// An unknown name is an error.
func (n *Network) Unlock(card string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.books.accounts[card]
	if a == nil {
		return fmt.Errorf("cardnet: no card is named %q", card)
	}
	nothing := money.Zero(a.card.Funds.Currency())
	return n.record(Entry{
		Time: n.cfg.Clock().UTC(), Info: Info{Kind: Unlock, Card: card, Amount: nothing},
		Code: approved, Booked: nothing, Available: a.left(),
	})
}

// record writes an entry, then books it. The caller holds mu.
func (n *Network) record(e Entry) error {
	if n.state != nil {
		if err := n.state.write(e); err != nil {
			return err
		}
	}
	return n.books.apply(e)
}

// handle takes one message and returns the frame to send and how; nil when
// there is nothing to say.
func (n *Network) handle(body []byte) ([]byte, Delivery) {
	m, err := iso8583.CardNetwork.Unpack(body)
	if err != nil {
		n.count(func(c *Counts) { c.Unreadable++ })
		n.cfg.Log.Warn("unreadable message", "err", err)
		return nil, Lost
	}
	defer m.Wipe(2, 14, 35, 52, 55, 59)
	n.count(func(c *Counts) { c.Requests[m.MTI]++ })
	if n.down.Load() || !isRequest(m.MTI) {
		return nil, Lost
	}
	if !n.verified(body) {
		n.count(func(c *Counts) { c.WrongMAC++ })
		n.cfg.Log.Warn("wrong MAC", "mti", m.MTI, "stan", m.Text(11))
		return n.pack(refusal(m, "A0"), Normal)
	}
	kind, ok := kindOf(m)
	if !ok {
		return n.pack(refusal(m, "40"), Normal)
	}
	r, err := n.parse(kind, m)
	if err != nil {
		n.count(func(c *Counts) { c.BadFormat++ })
		n.cfg.Log.Warn("format error", "mti", m.MTI, "kind", kind, "stan", m.Text(11), "err", err)
		return n.pack(refusal(m, "30"), Normal)
	}
	defer r.wipe()
	if kind == Link {
		return n.pack(signOn(m, r), Normal)
	}
	b := n.behaviour(r.Info)
	if b.Delivery == Lost {
		return nil, Lost
	}
	return n.pack(n.answer(m, r, n.decide(r, b.Code), b), b.Delivery)
}

// parse reads a message and names its card. Values are checked here, after the MAC.
func (n *Network) parse(k Kind, m *iso8583.Message) (*request, error) {
	if err := iso8583.CardNetwork.Validate(m); err != nil {
		return nil, err
	}
	r, err := parse(k, m)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.books.payer(r); a != nil {
		r.Card, r.pan = a.card.Name, a.card.PAN
	}
	r.Repeat = n.books.byKey[r.Ref.key()] != nil
	return r, nil
}

// decide answers a request from memory when it is a repeat, else by the
// issuer's rules, and books the outcome. Two requests of one reference that
// differ get 94; what cannot be written down gets 96. Neither is remembered.
func (n *Network) decide(r *request, forced string) Entry {
	n.mu.Lock()
	defer n.mu.Unlock()
	nothing := money.Zero(r.Amount.Currency())
	e := Entry{Time: n.cfg.Clock().UTC(), Info: r.Info, Booked: nothing, Available: nothing}
	e.Repeat = false
	if first := n.books.byKey[r.Ref.key()]; first != nil {
		n.counts.Repeats++
		if first.Info != e.Info {
			e.Code = "94"
			return e
		}
		return first.Entry
	}
	v := issuer{n.books, n.cfg.ZPK, n.cfg.Clock}.decide(r, forced)
	n.books.fill(&e, v)
	if e.undecided() {
		return e
	}
	if err := n.record(e); err != nil {
		n.cfg.Log.Error("booking failed", "rrn", e.RRN, "err", err)
		e.Code, e.Auth = "96", ""
		return e
	}
	n.cfg.Log.Debug("decided", "kind", e.Kind, "merchant", e.Merchant, "rrn", e.RRN, "card", e.Card,
		"amount", e.Amount.String(), "code", e.Code)
	return e
}
