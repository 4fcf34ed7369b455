package app

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hawker/internal/channel"
	"hawker/internal/money"
	"hawker/internal/sandbox/pos"
	"hawker/internal/sandbox/wallet"
)

// TestATerminalShowsACodeThatTheCustomerScans plays codes on the screen of the terminal of each
// dialect: paid while it asks, voided before and after, its answer or its void's lost, over a
// power cut, and left open until the settlement.
func TestATerminalShowsACodeThatTheCustomerScans(t *testing.T) {
	t.Parallel()
	for _, profile := range HostProfiles() {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			s, stop := start(t, Config{ISO: Listen{Profile: profile}, Wallets: Wallets{Pace: channel.Pace{First: 50 * time.Millisecond, Longest: 100 * time.Millisecond}}})
			defer stop()
			line := &wire{}
			var loses atomic.Bool // the answer to the next message of money
			open := func() *pos.Terminal {
				t.Helper()
				device, err := pos.Open(pos.FileOf(s.Config.TerminalFile(), profile), pos.Options{Dial: line.dial, Pause: 20 * time.Millisecond, Trace: func(d pos.Direction, text string) {
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
			show := func(when string, fen int64, of pos.Wallet, want pos.State) pos.Result {
				t.Helper()
				r, err := device.Show(t.Context(), money.New(fen, money.CNY), of)
				if err != nil || r.State != want || (r.Link != "") != (want == pos.Waiting) {
					t.Errorf("%s: %s %s %q, %v", when, r.State, r.Code, r.Link, err)
				}
				return r
			}
			ask := func(when string, code pos.Result, times int, want pos.State) pos.Result {
				t.Helper()
				r, err := device.Ask(t.Context(), code.Trace, times)
				if err != nil || r.State != want {
					t.Errorf("%s: %s %s, %v; want %s", when, r.State, r.Code, err, want)
				}
				return r
			}
			void := func(when string, code pos.Result, want pos.State, back bool) {
				t.Helper()
				r, err := device.Void(t.Context(), code.Trace)
				if err != nil || r.State != want || (r.Voucher != "") != back {
					t.Errorf("%s: the void is %s %s %q, %v", when, r.State, r.Code, r.Voucher, err)
				}
			}
			pays := func(code pos.Result) error {
				o, err := s.Wallets.Scan(code.Link)
				if err == nil {
					_, err = s.Wallets.Confirm(o.Brand, o.Merchant, o.Order)
				}
				return err
			}

			first := show("WeChat Pay", 12_00, pos.WeChat, pos.Waiting)
			ask("before the customer scans", first, 2, pos.Waiting)
			if err := device.Close(); err != nil {
				t.Fatal(err)
			}
			device = open() // the power was off
			paid := make(chan error, 1)
			go func() { paid <- pays(first) }()
			r := ask("while the customer scans", first, 500, pos.Approved)
			if err := <-paid; err != nil || r.Voucher == "" {
				t.Errorf("the customer: %v; voucher %q", err, r.Voucher)
			}
			for l, want := range map[pos.Language]string{pos.Chinese: "微信支付", pos.English: "QR PAYMENT"} {
				if slip := pos.Slip(r, pos.Merchant, l); !strings.Contains(slip, want) || strings.Contains(slip, "签名") || strings.Contains(slip, "signature") {
					t.Errorf("slip:\n%s", slip)
				}
			}

			unpaid := show("to be voided", 13_00, pos.WeChat, pos.Waiting)
			void("unpaid", unpaid, pos.Approved, false)
			if err := pays(unpaid); !errors.Is(err, wallet.ErrOver) {
				t.Errorf("what was voided can be paid: %v", err)
			}
			ask("voided", unpaid, 3, pos.Declined)
			if _, err := device.Void(t.Context(), unpaid.Trace); !errors.Is(err, pos.ErrNotVoidable) {
				t.Errorf("voided twice: %v", err)
			}
			late := show("to be paid and voided", 14_00, pos.Alipay, pos.Waiting)
			if err := pays(late); err != nil {
				t.Error(err)
			}
			void("the customer was faster", late, pos.Approved, true)

			loses.Store(true)
			lost := show("its answer is lost", 15_00, pos.WeChat, pos.Unknown)
			line.deaf.Store(false)
			if r, err := device.ResolvePending(t.Context()); err != nil || r.State != pos.Accepted {
				t.Errorf("taken back: %s, %v", r.State, err)
			}
			if r, err := device.Reprint(lost.Trace); err != nil || r.State != pos.Reversed {
				t.Errorf("without an answer it is %s, %v", r.State, err)
			}
			doubtful := show("its void's answer is lost", 16_00, pos.WeChat, pos.Waiting)
			loses.Store(true)
			void("in doubt", doubtful, pos.Unknown, false)
			line.deaf.Store(false)
			if r, err := device.ResolvePending(t.Context()); err != nil || r.State != pos.Accepted || len(r.Items) != 1 || r.Items[0].State != pos.Approved {
				t.Errorf("asked again: %+v, %v", r, err)
			}
			if _, err := device.Show(t.Context(), money.New(1, money.CNY), "004"); !errors.Is(err, pos.ErrWallet) {
				t.Errorf("a wallet that shows none: %v", err)
			}

			left := show("left open", 17_00, pos.WeChat, pos.Waiting)
			settled, err := device.SettleBatch(t.Context())
			if err != nil || settled.Settlement == nil || !settled.Settlement.Balanced || settled.Settlement.Host.DebitCount != 2 || settled.Settlement.Host.DebitAmount != money.New(26_00, money.CNY) || settled.Settlement.Host.CreditCount != 1 {
				t.Errorf("settlement: %+v, %v", settled.Settlement, err)
			}
			if err := pays(left); !errors.Is(err, wallet.ErrOver) {
				t.Errorf("what was open at the settlement can be paid: %v", err)
			}
			d := demo{ctx: t.Context(), out: t.Output(), server: s}
			if err := d.verdict(); err != nil {
				t.Error(err)
			}
		})
	}
}
