package pos

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"hawker/internal/money"
	"hawker/internal/qr"
)

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printResult writes what the screen shows, and the slip below it.
// own is the terminal's language, which the host's sentence is in.
func (c *CLI) printResult(w io.Writer, r Result, l, own Language) error {
	if c.JSON {
		return printJSON(w, r)
	}
	var b strings.Builder
	screen(&b, r, l, own)
	for _, item := range r.Items {
		screen(&b, item, l, own)
	}
	if r.State == Waiting {
		if symbol, err := qr.Draw(r.Link, qr.Screen); err == nil {
			b.WriteString(symbol.Terminal(false))
		}
		line(&b, "", r.Link)
		line(&b, "", "→ terminal query --trace "+fmt.Sprint(r.Trace))
	}
	if r.State == Unknown {
		line(&b, "", "→ "+nextCommand(r.Kind))
	}
	for _, note := range r.Notes {
		b.WriteString("· " + note.In(l) + "\n")
	}
	if r.State == Approved || r.State == Accepted || r.Kind == CashSale {
		if slip := Slip(r, Merchant, l); slip != "" {
			b.WriteString("\n" + slip)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// screen is the result in a few lines: what happened, why, what to do, the references.
func screen(b *strings.Builder, r Result, l, own Language) {
	headline := []string{r.Title.In(l)}
	if r.Amount.Sign() > 0 {
		headline = append(headline, signed(r.Transaction).String())
	}
	if r.Available.Currency() != "" {
		headline = append(headline, r.Available.String())
	}
	line(b, "  ", headline...)
	if r.Left != (money.Amount{}) {
		line(b, "", label(purseLeft, r.Left.String(), l))
	}
	text := r.Text.In(l)
	if r.State == Declined || r.State == Unknown {
		line(b, " · ", text, label(Words{"原因码", "code"}, r.Code, l))
		if l == own {
			line(b, "", r.HostText)
		}
	} else {
		line(b, "", text)
	}
	line(b, "", r.Action.In(l))
	if r.Trace > 0 {
		line(b, "  ", label(Words{"批次", "batch"}, six(r.Batch), l), label(Words{"凭证", "trace"}, six(r.Trace), l),
			label(Words{"参考号", "ref."}, r.RRN, l), label(Words{"授权码", "auth."}, r.AuthCode, l))
	}
}

// nextCommand is the "check again" of a terminal without buttons.
func nextCommand(k Kind) string {
	if k == Settlement {
		return "terminal settle"
	}
	return "terminal resolve"
}

func label(name Words, value string, l Language) string {
	if value == "" {
		return ""
	}
	return name.In(l) + " " + value
}

// line writes the parts that are not empty.
func line(b *strings.Builder, between string, parts ...string) {
	var filled []string
	for _, p := range parts {
		if p != "" {
			filled = append(filled, p)
		}
	}
	if len(filled) > 0 {
		b.WriteString(strings.Join(filled, between) + "\n")
	}
}

func (c *CLI) printStatus(w io.Writer, s Status) error {
	if c.JSON {
		return printJSON(w, s)
	}
	l := s.Language
	if c.Lang != "" {
		l = c.Lang
	}
	signedOn := Words{"未签到", "not signed on"}
	if s.SignedOn {
		signedOn = Words{"已签到", "signed on"}
	}
	var b strings.Builder
	line(&b, "  ", s.Shop.Name.In(l), s.Shop.MerchantID, s.Shop.TerminalID, signedOn.In(l))
	line(&b, "  ", s.Host, s.Profile)
	line(&b, "  ", label(Words{"批次", "batch"}, six(s.Batch), l), label(Words{"下一凭证号", "next trace"}, six(s.NextTrace), l))
	line(&b, "  ", label(Words{"消费", "sales"}, fmt.Sprint(s.Totals.DebitCount), l), s.Totals.DebitAmount.String(),
		label(Words{"撤销和退货", "voids/refunds"}, fmt.Sprint(s.Totals.CreditCount), l), s.Totals.CreditAmount.String())
	if s.Settling > 0 {
		line(&b, " ", Words{"结算没有完成的批次", "settlement not finished: batch"}.In(l), six(s.Settling))
	}
	for _, tx := range s.Transactions {
		line(&b, "  ", six(tx.Trace), kindNames[tx.Kind].In(l), signed(tx).Decimal(), titles[tx.Kind][tx.State].In(l), tx.Code, tx.MaskedPAN)
	}
	for _, tx := range s.Pending {
		line(&b, " ", Words{"待确认", "pending"}.In(l), six(tx.Trace), tx.Amount.String())
	}
	_, err := io.WriteString(w, b.String())
	return err
}
