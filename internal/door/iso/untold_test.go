package iso

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"hawker/internal/channel"
	"hawker/internal/feelock"
	"hawker/internal/jobs"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store/storetest"
)

// bank answers every inquiry in its own way.
type bank struct{ outcome channel.Outcome }

func (bank) Name() string { return "net" }

func (b bank) Do(context.Context, channel.Request) channel.Outcome { return b.outcome }

// TestAnInquiryIsApprovedWithABalanceOrNotAtAll: 00 without field 54 would tell the merchant nothing.
func TestAnInquiryIsApprovedWithABalanceOrNotAtAll(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		outcome channel.Outcome
		code    string
		zh, en  string
	}{
		{"a balance", channel.Outcome{Result: channel.Approved, Code: "00", Balance: money.New(123456, money.CNY)}, "00", "", ""},
		{"a balance of nothing", channel.Outcome{Result: channel.Approved, Code: "00", Balance: money.Zero(money.CNY)}, "00", "", ""},
		{"no balance", channel.Outcome{Result: channel.Approved, Code: "00", Issuer: "01020000"}, "96", "银行没有告知余额", "did not tell the balance"},
		{"no answer", channel.Outcome{}, "98", "银行没有应答", ""},
	} {
		for lang, says := range map[string]string{"zh-CN": c.zh, "en": c.en} {
			w := newWorld(t, storetest.SQLite(t), func(config *Config) {
				config.Engine = payment.New(payment.Config{DB: config.DB, Clock: config.Clock, Card: bank{c.outcome}, Fees: feelock.Open(feelock.Config{DB: config.DB, Seal: config.Keys, Clock: config.Clock}),
					Jobs: jobs.NewRunner(config.DB, config.Clock, config.Log), Log: slog.New(slog.DiscardHandler), Metrics: quiet{}})
			})
			d := w.device(lang)
			a := d.ask(d.inquiry())
			if a.code() != c.code || !strings.Contains(a.says(), says) || a.Has(54) != (c.code == "00") {
				t.Errorf("%s, %s: answered %s %q, field 54 %v", c.name, lang, a.code(), a.says(), a.Has(54))
			}
			if c.code == "96" && (!a.Has(37) || !strings.Contains(a.Text(44), "01020000")) {
				t.Errorf("%s: the answer does not name the inquiry and its bank: %q, %q", c.name, a.Text(37), a.Text(44))
			}
		}
	}
}
