package app

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
	"hawker/internal/sandbox/pos"
)

// wire is a terminal's line, which a test cuts and makes deaf.
type wire struct{ cut, deaf atomic.Bool }

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if w.cut.Load() {
		return nil, errors.New("the line is cut")
	}
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	return &listened{c, w}, err
}

// listened loses, while its line is deaf, what it has heard.
type listened struct {
	net.Conn
	wire *wire
}

func (l *listened) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if l.wire.deaf.Load() {
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// TestAPursePaysWithoutTheHostWhichHearsOfItOnce plays electronic cash from the terminal of each
// dialect: with the host, without it, with an answer that is lost, over a power cut, and until the purse is empty.
func TestAPursePaysWithoutTheHostWhichHearsOfItOnce(t *testing.T) {
	t.Parallel()
	for _, profile := range HostProfiles() {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			s, stop := start(t, Config{ISO: Listen{Profile: profile}})
			defer stop()
			line := &wire{}
			var loses atomic.Bool // the answer to the next electronic cash sale
			path := pos.FileOf(s.Config.TerminalFile(), profile)
			open := func() *pos.Terminal {
				t.Helper()
				device, err := pos.Open(path, pos.Options{Dial: line.dial, Trace: func(d pos.Direction, text string) {
					if d == pos.Sent && strings.HasPrefix(text, "0200") && loses.Swap(false) {
						line.deaf.Store(true)
					}
				}})
				if err != nil {
					t.Fatal(err)
				}
				return device
			}
			device := open()
			defer func() { _ = device.Close() }()
			if _, err := device.SignOn(t.Context()); err != nil {
				t.Fatal(err)
			}
			card := func(name string, e pos.Entry) pos.Presented {
				c, ok := cards.ByName(name)
				if !ok {
					t.Fatal(name)
				}
				return pos.Presented{Card: c, Entry: e}
			}
			holds := func(when string, fen int64) {
				t.Helper()
				if r, err := device.Purse(t.Context(), card("test-purse", pos.Contactless)); err != nil || r.Available != money.New(fen, money.CNY) {
					t.Errorf("%s the purse holds %s, %v; want %d", when, r.Available, err, fen)
				}
			}
			pays := func(when string, fen int64, e pos.Entry, want pos.State) pos.Result {
				t.Helper()
				r, err := device.CashSale(t.Context(), money.New(fen, money.CNY), card("test-purse", e))
				if err != nil || r.State != want || r.Chip.Kind != "TC" || len(r.Chip.Cryptogram) != 16 {
					t.Errorf("%s: %s %s, %s, %v", when, r.State, r.Code, r.Chip.Kind, err)
				}
				return r
			}
			pending := func(when string, want int) {
				t.Helper()
				if status, err := device.Status(); err != nil || len(status.Pending) != want {
					t.Errorf("%s %d are pending, %v; want %d", when, len(status.Pending), err, want)
				}
			}
			holds("new,", 100_00)
			first := pays("with the host", 30_00, pos.Contactless, pos.Approved)
			for l, want := range map[pos.Language]string{pos.Chinese: "卡内余额", pos.English: "Left in purse"} {
				if slip := pos.Slip(first, pos.Merchant, l); !strings.Contains(slip, want) || !strings.Contains(slip, "70.00") || !strings.Contains(slip, first.Chip.Cryptogram) {
					t.Errorf("the slip shows neither purse nor proof:\n%s", slip)
				}
			}

			line.cut.Store(true)
			away := pays("without the host", 40_00, pos.Chip, pos.Unknown)
			if slip := pos.Slip(away, pos.Customer, pos.English); !strings.Contains(slip, "HOST NOT TOLD") {
				t.Errorf("slip:\n%s", slip)
			}
			if _, err := device.CashSale(t.Context(), money.New(30_01, money.CNY), card("test-purse", pos.Contactless)); !errors.Is(err, pos.ErrPurse) {
				t.Errorf("more than it holds: %v", err)
			}
			for what, p := range map[string]pos.Presented{"swiped": card("test-purse", pos.Swipe), "a chip without a purse": card("test-chip", pos.Chip)} {
				if _, err := device.CashSale(t.Context(), money.New(1, money.CNY), p); !errors.Is(err, pos.ErrNoPurse) {
					t.Errorf("%s: %v", what, err)
				}
			}
			holds("after both,", 30_00)
			if err := device.Close(); err != nil {
				t.Fatal(err)
			}
			device = open() // the power was off
			pending("before the host hears,", 1)
			line.cut.Store(false)
			if r, err := device.Sale(t.Context(), money.New(5_00, money.CNY), card("test-credit", pos.Swipe)); err != nil || r.State != pos.Approved {
				t.Errorf("an online sale: %s %s, %v", r.State, r.Code, err)
			}
			pending("with the next online sale,", 0)
			if r, err := device.Reprint(away.Trace); err != nil || r.State != pos.Approved {
				t.Errorf("the host has not booked it: %s %s, %v", r.State, r.Code, err)
			}

			loses.Store(true)
			pays("the answer is lost", 30_00, pos.Contactless, pos.Unknown)
			line.deaf.Store(false)
			holds("then", 0)
			if r, err := device.ResolvePending(t.Context()); err != nil || r.State != pos.Accepted || len(r.Items) != 1 || r.Items[0].State != pos.Approved {
				t.Errorf("told again: %+v, %v", r, err)
			}
			if r, err := device.Refund(t.Context(), pos.Original{Trace: first.Trace}, money.New(10_00, money.CNY), card("test-purse", pos.Chip)); err != nil || r.State != pos.Approved || r.Kind != pos.CashRefund {
				t.Errorf("a refund: %s %s %s, %v", r.Kind, r.State, r.Code, err)
			}
			if _, err := device.Void(t.Context(), first.Trace); !errors.Is(err, pos.ErrNotVoidable) {
				t.Errorf("what a purse paid is voided: %v", err)
			}
			r, err := device.SettleBatch(t.Context())
			if err != nil || r.Settlement == nil || !r.Settlement.Balanced || r.Settlement.Host.DebitAmount != money.New(105_00, money.CNY) || r.Settlement.Uploaded != 3 {
				t.Errorf("settlement: %+v, %v", r.Settlement, err)
			}
			d := demo{ctx: t.Context(), out: t.Output(), server: s}
			if err := d.verdict(); err != nil {
				t.Error(err)
			}
		})
	}
}
