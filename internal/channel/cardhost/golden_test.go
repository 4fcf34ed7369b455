package cardhost

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/iso8583"
	"hawker/internal/money"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden")

// noon in Shanghai, which is another day nowhere, and another hour in UTC.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("CST", 8*60*60))

func atNoon() time.Time { return noon }

var _ clock.Clock = atNoon

// TestRequestsOnTheWire holds every kind of request, field by field, to its file.
func TestRequestsOnTheWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, atNoon)
	defer w.Close()
	for name, r := range w.requests() {
		t.Run(name, func(t *testing.T) {
			m, err := w.host.build(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			got := render(authentic(t, m))
			file := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("differs from %s:\n%s", file, got)
			}
		})
	}
}

// requests are one of each kind, and each way to present a card.
func (w *world) requests() map[string]channel.Request {
	sale := channel.Request{
		Kind: channel.Sale, Attempt: 1, Ref: "0ABCDEFGHIJK", STAN: 42, At: noon, Merchant: w.Merchant(), Terminal: "T0000001",
		Amount: money.New(46_50, money.CNY), Card: w.card("test-credit", "123456"),
	}
	chip := sale
	chip.Card = w.card("test-debit", "")
	chip.Card.Entry, chip.Card.Sequence, chip.Card.ICC = "05", "001", card.NewICC([]byte{0x9F, 0x36, 0x02, 0x00, 0x11})
	manual := sale
	manual.Card = channel.Card{Token: sale.Card.Token, Expiry: "3512", Entry: "01"}
	balance := sale
	balance.Kind, balance.Amount = channel.Balance, money.Zero(money.CNY)
	return map[string]channel.Request{
		"sale-swipe-pin": sale, "sale-chip": chip, "sale-manual": manual, "balance": balance,
		"void": about(sale, channel.Void), "refund": about(sale, channel.Refund), "reversal": about(sale, channel.Reversal),
		"reversal-of-void": about(about(sale, channel.Void), channel.Reversal),
	}
}

// about is a void, refund or reversal of r, a minute later.
func about(r channel.Request, k channel.Kind) channel.Request {
	n := r
	n.Kind, n.Ref, n.STAN, n.At = k, r.Ref[:11]+string(r.Ref[11]+1), r.STAN+1, r.At.Add(time.Minute)
	n.Original = channel.Original{Kind: r.Kind, Ref: r.Ref, STAN: r.STAN, At: r.At}
	n.Card = channel.Card{Token: r.Card.Token, Entry: r.Card.Entry}
	if k == channel.Reversal {
		n.Reason = "98"
	}
	return n
}

// render writes offset, hex and meaning of each field, its parts below it.
func render(raw []byte) string {
	var b strings.Builder
	rows := iso8583.CardNetwork.Explain(raw).Rows
	for i, r := range rows {
		end := len(raw)
		if i+1 < len(rows) {
			end = rows[i+1].Offset
		}
		fmt.Fprintf(&b, "%04d %-32s %s\n", r.Offset, fmt.Sprintf("%x", raw[r.Offset:end]), meaning(r))
		for _, part := range r.Rows {
			fmt.Fprintf(&b, "%39s%s\n", "", meaning(part))
		}
	}
	return b.String()
}

func meaning(r iso8583.Row) string {
	text := r.Field + " " + r.Name + " = " + r.Value
	if r.Note != "" {
		text += " (" + r.Note + ")"
	}
	return text
}
