package simulation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
	"hawker/internal/sandbox/pos"
	"hawker/internal/terminal"
)

// device is a software terminal in somebody's hands: it takes payments, and now and then
// it loses its power in the middle of one.
type device struct {
	world *world
	shop  shop
	id    terminal.ID
	dice  dice
	clock *timepiece

	options pos.Options
	path    string // of its memory
	powers  int    // how often it was switched on

	mu       sync.Mutex
	terminal *pos.Terminal
	conn     net.Conn // its last one
	off      bool     // between losing power and being switched on

	sales []pos.Transaction // approved, whether or not they stand
	seen  map[slot]bool     // every transaction that it ever showed
}

func newDevice(w *world, s shop, c counter) (*device, error) {
	d := &device{world: w, shop: s, id: c.id, dice: w.dice("device", c.id), clock: &timepiece{world: w}, seen: map[slot]bool{}}
	d.clock.set(d.dice.between(-time.Minute, time.Minute))
	d.path = filepath.Join(w.site, string(c.id)+".json")
	d.options = pos.Options{Timeout: w.patience + d.dice.between(-time.Second, 10*time.Second), Tries: 1 + d.dice.IntN(3), Clock: d.clock.now, Dial: d.dial}
	err := pos.Provision(d.path, pos.Device{Host: "hosts:5001", TMK: c.tmk, Language: pos.English,
		Copy: int(c.id[len(c.id)-1] - '0'), // chips of its own: a copy's counter is one terminal's business
		Shop: pos.Shop{Name: pos.Words{ZH: s.NameZH, EN: s.NameEN}, MerchantID: s.MID, TerminalID: string(c.id)}})
	if err != nil {
		return nil, err
	}
	d.terminal, err = pos.Open(d.path, d.options)
	return d, err
}

// dial connects to some host.
func (d *device) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	w := d.world
	if d.dark() {
		return nil, errRefused
	}
	to := pick(w.dice("host", d.id, w.again("host "+string(d.id))), w.hosts...)
	if err := w.toHosts.dial(ctx, string(d.id)); err != nil {
		return nil, err
	}
	p := to.process()
	if p == nil {
		return nil, errRefused
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return nil, errRefused
	}
	near, far := w.toHosts.connect(string(d.id), to.name)
	if !p.port.offer(far) {
		_, _ = near.Close(), far.Close()
		return nil, errRefused
	}
	d.conn = near
	return near, nil
}

// deed is something that a merchant does with a terminal.
type deed struct {
	what string
	do   func(ctx context.Context, t *pos.Terminal) (pos.Result, error)
}

// live plays the device's part of a run.
func (d *device) live() {
	for range 2 + d.dice.IntN(d.world.busyness) {
		time.Sleep(d.dice.between(0, d.world.pace))
		x := d.choose()
		if d.dice.chance(0.08) {
			d.doWithoutPower(x)
			continue
		}
		d.do(x)
	}
}

func (d *device) choose() deed {
	switch d.dice.IntN(24) {
	case 0, 1, 2:
		return d.void()
	case 3, 4, 5:
		return d.refund()
	case 6, 7:
		return deed{"settlement", func(ctx context.Context, t *pos.Terminal) (pos.Result, error) { return t.SettleBatch(ctx) }}
	case 8:
		return deed{"sign-on", func(ctx context.Context, t *pos.Terminal) (pos.Result, error) { return t.SignOn(ctx) }}
	case 9:
		return deed{"sign-off", func(ctx context.Context, t *pos.Terminal) (pos.Result, error) { return t.SignOff(ctx) }}
	case 10:
		return deed{"resolve", func(ctx context.Context, t *pos.Terminal) (pos.Result, error) { return t.ResolvePending(ctx) }}
	case 11:
		p, name := d.present(pick(d.dice, wallet...))
		return deed{"balance of " + name, func(ctx context.Context, t *pos.Terminal) (pos.Result, error) { return t.Balance(ctx, p) }}
	}
	return d.sale()
}

// wallet holds the cards that customers carry, the ordinary ones more often.
var wallet = []string{"test-credit", "test-credit", "test-credit", "test-credit", "test-credit", "test-debit", "test-debit", "test-debit", "test-debit",
	"test-debit-2", "test-debit-2", "test-debit-2", "test-duplicate", "test-duplicate", "test-low-funds", "test-silent", "test-late", "test-cut", "test-down",
	"test-chip", "test-chip-debit", "test-chip-forged", "test-chip-script"}

// magic are the amounts at which the bank misbehaves.
var magic = []int64{9051, 9091, 9093, 9094, 9095, 9096, 9097, 9098, 9099}

func (d *device) sale() deed {
	minor := 1 + d.dice.Int64N(20000)
	if d.dice.chance(0.15) {
		minor = pick(d.dice, magic...)
	}
	p, name := d.present(pick(d.dice, wallet...))
	return deed{fmt.Sprintf("sale of %d to %s", minor, name), func(ctx context.Context, t *pos.Terminal) (pos.Result, error) {
		return t.Sale(ctx, money.New(minor, money.CNY), p)
	}}
}

func (d *device) void() deed {
	of, ok := d.anySale()
	if !ok {
		return d.sale()
	}
	return deed{fmt.Sprintf("void of %06d/%06d", of.Batch, of.Trace), func(ctx context.Context, t *pos.Terminal) (pos.Result, error) { return t.Void(ctx, of.Trace) }}
}

func (d *device) refund() deed {
	of, ok := d.anySale()
	if !ok {
		return d.sale()
	}
	minor := 1 + d.dice.Int64N(of.Amount.Minor())
	name := ""
	for _, c := range cards.All() {
		if c.PAN.String() == of.MaskedPAN {
			name = c.Name
		}
	}
	p, _ := d.present(name)
	return deed{fmt.Sprintf("refund of %d of %06d/%06d", minor, of.Batch, of.Trace), func(ctx context.Context, t *pos.Terminal) (pos.Result, error) {
		return t.Refund(ctx, pos.Original{Trace: of.Trace, RRN: of.RRN, Batch: of.Batch}, money.New(minor, money.CNY), p)
	}}
}

// present is how the customer offers a card: by stripe or chip with the PIN, as it should be, or otherwise.
func (d *device) present(name string) (pos.Presented, string) {
	c, _ := cards.ByName(name)
	p := pos.Presented{Card: c, Entry: pick(d.dice, pos.Swipe, pos.Chip, pos.Chip, pos.Contactless, pos.Manual)}
	digits := c.PIN
	if d.dice.chance(0.03) {
		digits = "654321"
	}
	if d.dice.chance(0.8) {
		p.PIN, _ = card.NewPIN(digits) // six digits
	}
	return p, name
}

// anySale draws an approved sale of this terminal.
func (d *device) anySale() (pos.Transaction, bool) {
	if len(d.sales) == 0 {
		return pos.Transaction{}, false
	}
	return pick(d.dice, d.sales...), true
}

// do does a deed to its end.
func (d *device) do(x deed) {
	r, err := x.do(context.Background(), d.terminal)
	d.told(x, r, err)
}

// told notes what the terminal showed.
func (d *device) told(x deed, r pos.Result, err error) {
	w := d.world
	var p *pos.Problem
	switch {
	case err == nil:
		w.journal.add("%s: %s: %s %s %06d/%06d", d.id, x.what, r.State, r.Code, r.Batch, r.Trace)
	case errors.As(err, &p):
		w.journal.add("%s: %s: %s", d.id, x.what, p.EN)
	default:
		w.blame("%s: %s: %w", d.id, x.what, err)
	}
	if s := r.Settlement; s != nil && !s.Balanced {
		w.blame("%s: batch %06d: the terminal has %+v, the host %+v", d.id, r.Batch, s.Own, s.Host)
	}
	if r.Kind == pos.Sale && r.State == pos.Approved {
		d.sales = append(d.sales, r.Transaction)
	}
	d.look()
}

// look remembers which transactions there are, so that the audit can ask about them.
func (d *device) look() {
	status, err := d.terminal.Status()
	d.world.must(err)
	for _, tx := range status.Transactions {
		d.seen[slot{d.id, tx.Batch, tx.Trace}] = true
	}
}

// doWithoutPower begins a deed and pulls the plug. What the file held at that moment is
// all that the terminal knows when it is switched on again.
func (d *device) doWithoutPower(x deed) {
	after := d.dice.between(0, 3*time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	old, done := d.terminal, make(chan struct{})
	go func() {
		defer close(done)
		r, err := x.do(ctx, old)
		if !d.dark() { // what it makes of a line that breaks at the very instant of its own end is chance
			d.world.journal.add("%s: %s: %s, seen by nobody", d.id, x.what, orProblem(r, err))
		}
	}()
	time.Sleep(after)
	d.world.journal.add("%s loses its power", d.id)
	d.powers++
	path := fmt.Sprintf("%s.%d", d.path, d.powers)
	memory, err := os.ReadFile(d.path)
	d.world.must(errors.Join(err, os.WriteFile(path, memory, 0o600))) //nolint:gosec // a file of this run
	d.unplug()
	cancel()
	<-done
	_ = old.Close() // it is a dead terminal's
	time.Sleep(d.dice.between(0, 5*time.Second))
	d.path = path
	d.mu.Lock()
	d.off = false
	d.mu.Unlock()
	if d.terminal, err = pos.Open(path, d.options); err != nil {
		d.world.blame("%s: after it lost its power: %w", d.id, err)
		d.terminal = old
	}
	d.look()
}

// dark is whether the device has no power.
func (d *device) dark() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.off
}

func orProblem(r pos.Result, err error) string {
	var p *pos.Problem
	if errors.As(err, &p) {
		return p.EN
	}
	return string(r.State)
}

// unplug cuts the device's connection and lets it make no other.
func (d *device) unplug() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
	if d.conn != nil {
		_ = d.conn.Close()
	}
}

// mend ends what is pending and settles the batch.
func (d *device) mend() error {
	var last error
	for range 60 {
		r, err := d.terminal.ResolvePending(d.world.ctx)
		if d.told(deed{what: "resolve"}, r, err); err == nil && r.State == pos.Accepted {
			r, err = d.terminal.SettleBatch(d.world.ctx)
			if d.told(deed{what: "settlement"}, r, err); err == nil && r.State == pos.Accepted {
				return nil
			}
		}
		last = err
		time.Sleep(5 * time.Second)
	}
	return fmt.Errorf("%s cannot end its day: %w", d.id, last)
}

var kinds = map[pos.Kind]channel.Kind{pos.Sale: channel.Sale, pos.Void: channel.Void, pos.Refund: channel.Refund}

// believes is every transaction that the terminal takes for approved.
func (d *device) believes() map[slot]belief {
	all := map[slot]belief{}
	for _, at := range slices.SortedFunc(maps.Keys(d.seen), bySlot) {
		r, err := d.terminal.Reprint(at.trace)
		if err != nil || r.Batch != at.batch {
			d.world.blame("%s: the terminal has forgotten it: %w", at, err)
			continue
		}
		switch r.State {
		case pos.Approved:
			all[at] = belief{kinds[r.Kind], r.Amount.Minor()}
		case pos.Unknown:
			d.world.blame("%s: the terminal still does not know", at)
		}
	}
	return all
}

func (d *device) close() error { return d.terminal.Close() }
