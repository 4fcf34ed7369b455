package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"hawker/internal/card"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/sandbox/cards"
	"hawker/internal/sandbox/pos"
)

// stories are what Demo can play, by name.
var stories = map[string][]step{"main": slices.Concat(story, walletStory), "terminal": terminalStory, "wallets": walletStory}

// Stories lists the names of what Demo can play.
func Stories() []string { return slices.Sorted(maps.Keys(stories)) }

// Demo starts everything in a temporary directory on free loopback ports and plays
// a story step by step, from the terminal of the port's host profile; "" is the main job. It returns nil only if every step ended as
// it must and the ledger agrees with the simulated network's books.
func Demo(ctx context.Context, out io.Writer, c Config, name string) (err error) {
	steps, ok := stories[cmp.Or(name, "main")]
	if !ok {
		return fmt.Errorf("no story %q; there are %s", name, strings.Join(Stories(), ", "))
	}
	dir, err := os.MkdirTemp("", "hawker-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c.Wallets = demoWallets(c.Wallets)
	c.Data, c.Network.Timeout, c.Network.LateAfter = dir, demoPatience, 3*demoPatience
	server, err := Start(ctx, c)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- server.Run(ctx) }()
	defer func() {
		stop()
		err = errors.Join(err, <-served)
	}()
	device, err := pos.Open(pos.FileOf(server.Config.TerminalFile(), c.ISO.Profile), pos.Options{Timeout: 10 * time.Second})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, device.Close()) }()
	d := &demo{ctx: ctx, out: out, server: server, terminal: device}
	d.say("Hawker: one merchant, one terminal, one simulated card network and two simulated wallets, all in this process.\n"+
		"terminal port %s · health and metrics http://%s\n", server.ISOAddr(), server.HTTPAddr())
	for i, step := range steps {
		d.say("\n%d. %s\n", i+1, step.title)
		if err := step.play(d); err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, step.title, err)
		}
	}
	return d.verdict()
}

// demoPatience is how long the demo's host waits for a bank, so that a silent one is not watched for long.
const demoPatience = 1200 * time.Millisecond

type demo struct {
	ctx      context.Context
	out      io.Writer
	server   *Server
	terminal *pos.Terminal
	first    pos.Result      // the sale that is refunded later
	second   pos.Result      // the one that is voided
	scanned  payment.Payment // by a code of WeChat Pay's, refunded later
	orders   int             // so far
	cases    int             // that the story has opened, rightly, and leaves to a person
}

func (d *demo) say(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format, args...) }

// step is a part of a story.
type step struct {
	title string
	play  func(*demo) error
}

// story is the main job and what breaks on its way.
var story = []step{
	{"签到 Sign-on: the terminal gets its working keys", func(d *demo) error {
		return d.expect(pos.Accepted)(d.terminal.SignOn(d.ctx))
	}},
	{"消费 Sale of 46.50, credit card with PIN", func(d *demo) (err error) {
		d.first, err = d.sale("46.50", "test-credit", "123456")
		if err = d.expect(pos.Approved)(d.first, err); err == nil {
			d.slip(d.first)
		}
		return err
	}},
	{"余额不足 Sale of 20.00 on a card without funds: declined, with the reason and what to do", func(d *demo) error {
		return d.expect(pos.Declined)(d.sale("20.00", "test-low-funds", "123456"))
	}},
	{"密码错 Sale of 30.00 with a wrong PIN: declined", func(d *demo) error {
		return d.expect(pos.Declined)(d.sale("30.00", "test-debit", "000000"))
	}},
	{"银行没有应答 Sale of 90.99: the bank books it and its answer is lost", func(d *demo) error {
		return d.expect(pos.Unknown)(d.sale("90.99", "test-debit", "123456"))
	}},
	{"撤回 The unknown sale is taken back, by the host and by the terminal", func(d *demo) error {
		return d.expect(pos.Accepted)(d.terminal.ResolvePending(d.ctx))
	}},
	{"消费 Sale of 12.00, debit card", func(d *demo) (err error) {
		d.second, err = d.sale("12.00", "test-debit", "123456")
		return d.expect(pos.Approved)(d.second, err)
	}},
	{"撤销 That sale is voided", func(d *demo) error {
		return d.expect(pos.Approved)(d.terminal.Void(d.ctx, d.second.Trace))
	}},
	{"退货 6.50 of the first sale is refunded", func(d *demo) error {
		p, err := present("test-credit", "")
		if err != nil {
			return err
		}
		return d.expect(pos.Approved)(d.terminal.Refund(d.ctx, pos.Original{Trace: d.first.Trace}, money.New(650, money.CNY), p))
	}},
	{"插卡 Sale of 8.00 by chip: card and bank prove themselves to each other", func(d *demo) error {
		return d.expect(pos.Approved)(d.saleBy(pos.Chip, "8.00", "test-chip", "123456"))
	}},
	{"芯片不认 Sale of 9.00: the chip does not accept the answer, and the terminal takes the sale back", func(d *demo) error {
		return d.expect(pos.Reversed)(d.saleBy(pos.Chip, "9.00", "test-chip-forged", "123456"))
	}},
	{"预授权 50.00 is held on a card, and 45.00 of it taken", func(d *demo) error {
		p, err := present("test-debit-2", "123456")
		if err != nil {
			return err
		}
		hold, err := d.terminal.Preauth(d.ctx, money.New(5000, money.CNY), p)
		if err := d.expect(pos.Approved)(hold, err); err != nil {
			return err
		}
		return d.expect(pos.Approved)(d.terminal.Complete(d.ctx, pos.Original{Trace: hold.Trace}, money.New(4500, money.CNY), p))
	}},
	{"查余额 Balance inquiry", func(d *demo) error {
		p, err := present("test-debit", "123456")
		if err != nil {
			return err
		}
		return d.expect(pos.Approved)(d.terminal.Balance(d.ctx, p))
	}},
	{"结算 Batch settlement", func(d *demo) error {
		r, err := d.terminal.SettleBatch(d.ctx)
		if err := d.expect(pos.Accepted)(r, err); err != nil {
			return err
		}
		if r.Settlement == nil || !r.Settlement.Balanced {
			return errors.New("terminal and host totals differ")
		}
		d.slip(r)
		return nil
	}},
}

func present(name, pin string) (pos.Presented, error) {
	c, ok := cards.ByName(name)
	if !ok {
		return pos.Presented{}, fmt.Errorf("no test card %q", name)
	}
	p := pos.Presented{Card: c, Entry: pos.Swipe}
	if pin == "" {
		return p, nil
	}
	var err error
	p.PIN, err = card.NewPIN(pin)
	return p, err
}

func (d *demo) sale(amount, name, pin string) (pos.Result, error) {
	return d.saleBy(pos.Swipe, amount, name, pin)
}

func (d *demo) saleBy(entry pos.Entry, amount, name, pin string) (pos.Result, error) {
	p, err := present(name, pin)
	if err != nil {
		return pos.Result{}, err
	}
	p.Entry = entry
	a, err := money.Parse(amount, money.CNY)
	if err != nil {
		return pos.Result{}, err
	}
	return d.terminal.Sale(d.ctx, a, p)
}

// expect prints what the terminal shows and holds it against what must happen.
func (d *demo) expect(want pos.State) func(pos.Result, error) error {
	return func(r pos.Result, err error) error {
		if err != nil {
			return err
		}
		for _, w := range append([]pos.Words{r.Title, r.Text, r.Action}, r.Notes...) {
			if w.ZH != "" || w.EN != "" {
				d.say("   %s  %s\n", w.ZH, w.EN)
			}
		}
		if r.RRN != "" && r.Trace > 0 {
			d.say("   trace %06d · RRN %s · %s · code %s\n", r.Trace, r.RRN, r.Amount, r.Code)
		}
		if !r.Available.IsZero() {
			d.say("   available %s\n", r.Available)
		}
		if r.State != want {
			return fmt.Errorf("the terminal shows %s, not %s", r.State, want)
		}
		return nil
	}
}

func (d *demo) slip(r pos.Result) { d.slipIn(r, pos.Chinese) }

func (d *demo) slipIn(r pos.Result, l pos.Language) {
	left := strings.Split(strings.TrimRight(pos.Slip(r, pos.Merchant, l), "\n"), "\n")
	d.say("\n")
	for _, line := range left {
		d.say("      │ %s\n", line)
	}
}

// settleBy is how long the demo waits for jobs in hand to end.
const settleBy = 15 * time.Second

// verdict prints both sides' books once nothing is under way.
func (d *demo) verdict() error {
	ctx, cancel := context.WithTimeout(d.ctx, settleBy)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var a Audit
	for {
		var err error
		if a, err = d.server.Audit(ctx); err != nil {
			return err
		}
		if a.UnderWay+a.Waiting == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("still under way after %s: %w", settleBy, a.Err())
		case <-tick.C:
		}
	}
	d.say("\nTrial balance of the ledger (CNY)\n")
	a.printTrial(d.out)
	d.say("\nThe two sides' books: what each channel owes for each merchant\n")
	t := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "  merchant\tchannel\tHawker's ledger\tits own books\t")
	for _, s := range a.Sides {
		c := money.Currency(s.Currency)
		_, _ = fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t\n", s.MID, s.Channel, money.New(s.Ledger, c), money.New(s.Network, c))
	}
	_ = t.Flush()
	open := a.Cases
	a.Cases -= d.cases
	if err := a.Err(); err != nil {
		d.say("\nThey do NOT agree: %v\n", err)
		return err
	}
	d.say("\nThey agree: every entry sums to zero, nothing is under way, %s.\n", map[bool]string{true: "no case is open", false: "and the terminal's case waits for a person"}[open == 0])
	return nil
}
