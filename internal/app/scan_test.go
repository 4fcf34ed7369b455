package app

import (
	"testing"
	"time"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/money"
	"hawker/internal/sandbox/pos"
	"hawker/internal/sandbox/wallet"
)

// TestATerminalTakesEveryWalletsCode plays payments by code from the terminal of each dialect
// that has a row for them: paid at once, after the password, refused, voided, unknown.
func TestATerminalTakesEveryWalletsCode(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"unionpay-pos", "psp"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			s, stop := start(t, Config{ISO: Listen{Profile: profile}, Network: Network{Timeout: 500 * time.Millisecond, LateAfter: time.Second},
				Wallets: Wallets{Types: 100 * time.Millisecond, Pace: channel.Pace{First: 50 * time.Millisecond, Longest: 100 * time.Millisecond}}})
			defer stop()
			device, err := pos.Open(pos.FileOf(s.Config.TerminalFile(), profile), pos.Options{Timeout: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = device.Close() }()
			if _, err := device.SignOn(t.Context()); err != nil {
				t.Fatal(err)
			}
			scan := func(name, text string, minor int64, want pos.State, code string) pos.Result {
				t.Helper()
				c, err := card.NewCode(text)
				if err != nil {
					t.Fatal(err)
				}
				r, err := device.Scan(t.Context(), money.New(minor, money.CNY), c)
				if err != nil || r.State != want || r.Code != code {
					t.Errorf("%s: %s %s, %v; want %s %s", name, r.State, r.Code, err, want, code)
				}
				return r
			}
			scan("WeChat Pay", wallet.Draw(wallet.WeChat), 1000, pos.Approved, "00")
			scan("Alipay", wallet.Draw(wallet.Alipay), 1100, pos.Approved, "00")
			union := scan("UnionPay", "6212345678901234567", 1200, pos.Approved, "00")
			scan("UnionPay, the same code", "6212345678901234567", 1200, pos.Declined, "14")
			scan("the customer types his password", wallet.Draw(wallet.WeChat), 9090, pos.Approved, "00")
			scan("the customer cancels", wallet.Draw(wallet.Alipay), 9088, pos.Declined, "05")
			scan("no funds", wallet.Draw(wallet.WeChat), 9051, pos.Declined, "51")
			scan("a code of nobody", "9912345678901234567", 100, pos.Declined, "14")
			for name, r := range map[string]pos.Result{"UnionPay": union, "Alipay": scan("Alipay, to be voided", wallet.Draw(wallet.Alipay), 1300, pos.Approved, "00")} {
				if v, err := device.Void(t.Context(), r.Trace); err != nil || v.State != pos.Approved {
					t.Errorf("void of %s: %s %s, %v", name, v.State, v.Code, err)
				}
			}
			scan("UnionPay is silent, and the host takes the sale back while the terminal waits", "6299945678901234567", 9099, pos.Declined, "12")
			r, err := device.SettleBatch(t.Context())
			if err != nil || r.Settlement == nil || !r.Settlement.Balanced {
				t.Errorf("settlement: %+v, %v", r.Settlement, err)
			}
			d := demo{ctx: t.Context(), out: t.Output(), server: s}
			if err := d.verdict(); err != nil {
				t.Error(err)
			}
		})
	}
}
