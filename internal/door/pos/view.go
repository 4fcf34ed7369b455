package pos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"hawker/internal/channel"
	"hawker/internal/ecr"
	"hawker/internal/handover"
	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/qr"
	"hawker/internal/shop"
	"hawker/internal/signature"
	"hawker/internal/web"
)

// view is a payment as the screen shows it. Amounts are minor units, times milliseconds.
type view struct {
	ID       string  `json:"id"`
	State    string  `json:"state"`
	Method   string  `json:"method"`
	Amount   int64   `json:"amount"`
	Fee      int64   `json:"fee"`
	Refunded int64   `json:"refunded"`
	Created  int64   `json:"created"`
	Card     string  `json:"card,omitempty"` // the last four digits
	Note     string  `json:"note,omitempty"`
	Code     string  `json:"code,omitempty"`   // of the channel, when it was declined
	Reason   string  `json:"reason,omitempty"` // in the reader's language
	By       string  `json:"by,omitempty"`
	Lines    []line  `json:"lines,omitempty"`
	Change   *int64  `json:"change,omitempty"` // of cash
	Expires  int64   `json:"expires,omitempty"`
	Symbol   *symbol `json:"symbol,omitempty"` // of the presented code

	Holder     string `json:"holder,omitempty"` // the device that follows it
	HolderName string `json:"holderName,omitempty"`
	Sign       bool   `json:"sign,omitempty"` // the cardholder is to sign
	Signed     bool   `json:"signed,omitempty"`
	Voidable   bool   `json:"voidable,omitempty"`
	Steps      []step `json:"steps,omitempty"`

	Refund       string `json:"refund,omitempty"` // of the answer to a refund: its state
	RefundReason string `json:"refundReason,omitempty"`
}

type line struct {
	NameZH   string `json:"name_zh,omitempty"`
	NameEN   string `json:"name_en,omitempty"`
	Quantity int    `json:"quantity"`
	Sum      int64  `json:"sum"`
}

// step is one thing in a payment's life, in words.
type step struct {
	At   int64  `json:"at"`
	Text string `json:"text"`
	Tone string `json:"tone"`
}

// symbol is a QR code as one path of squares.
type symbol struct {
	Size int    `json:"size"`
	Path string `json:"path"`
}

func draw(text string) (*symbol, error) {
	drawn, err := qr.Draw(text, qr.Screen)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, run := range drawn.Runs() {
		fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", run.X, run.Y, run.Length, run.Length)
	}
	return &symbol{drawn.Size(), b.String()}, nil
}

// shown is the evidence of what the payer saw: the bill, how he paid, and who served him.
type shown struct {
	shop.Bill
	Method   string `json:"method"`
	By       string `json:"by,omitempty"`
	Tendered int64  `json:"tendered,omitempty"` // cash that the payer gave, minor units
}

// brief is what a list needs of a payment.
func brief(p payment.Payment) view {
	v := view{ID: payment.Ref(p.ID), State: string(p.State), Method: p.Method, Amount: p.Amount.Minor(), Fee: p.Fee.Minor(), Refunded: p.Refunded.Minor(), Created: p.Created.UnixMilli()}
	if p.Card.Last4 != "" {
		v.Card = "···· " + p.Card.Last4
	}
	switch p.State { // what the screen has one picture for
	case payment.Expiring:
		v.State = string(payment.Cancelling)
	}
	return v
}

// full is everything about a payment.
func (s *Screen) full(r *web.Request, p payment.Payment) (view, error) {
	ctx, v := r.Context(), brief(p)
	m, err := s.merchant(r)
	if err != nil {
		return v, err
	}
	if err := s.order(ctx, p, &v); err != nil {
		return v, err
	}
	tries, err := payment.Attempts(ctx, s.DB.Read(), p.Merchant, p.ID)
	if err != nil {
		return v, err
	}
	s.outcome(r, p, tries, &v)
	if v.Holder, v.HolderName, err = handover.Holder(ctx, s.DB.Read(), p.Merchant, p.ID); err != nil {
		return v, err
	}
	if p.State == payment.Created {
		if err := s.presented(ctx, m, p, &v); err != nil {
			return v, err
		}
	}
	if s.Signatures != nil && p.Method == payment.MethodCard && p.State == payment.Approved {
		if v.Signed, err = signature.Has(ctx, s.DB.Read(), p.Merchant, p.ID); err != nil {
			return v, err
		}
		v.Sign = p.Amount.Minor() >= s.SignFrom && !v.Signed
	}
	v.Voidable = s.Reader != nil && p.Method == payment.MethodCard && p.State == payment.Approved && p.Refunded.IsZero() &&
		p.Day == m.Day(s.Clock()) && s.Reader.At(p.Merchant) == p.Terminal
	return v, nil
}

// order fills in what was asked: the note, what was shown, who served.
func (s *Screen) order(ctx context.Context, p payment.Payment, v *view) error {
	o, err := payment.OrderOf(ctx, s.DB.Read(), p.Merchant, p.ID)
	text := []byte(o.Shown)
	switch {
	case errors.Is(err, payment.ErrNotFound): // a terminal asked; perhaps because a till did
		a, err := ecr.ByRef(ctx, s.DB.Read(), p.Merchant, payment.Ref(p.ID), p.Created)
		if errors.Is(err, ecr.ErrNone) {
			return nil
		} else if err != nil {
			return err
		}
		v.Note, text = a.Note, a.Shown
	case err != nil:
		return err
	default:
		v.Note = o.Note
	}
	var seen shown
	if len(text) == 0 || json.Unmarshal(text, &seen) != nil { // another asker's evidence has its own form
		return nil
	}
	v.By = seen.By
	for _, l := range seen.Lines {
		v.Lines = append(v.Lines, line{l.NameZH, l.NameEN, l.Quantity, l.Sum.Minor()})
	}
	if seen.Method == payment.MethodCash && seen.Tendered > 0 {
		change := seen.Tendered - p.Amount.Minor()
		v.Change = &change
	}
	return nil
}

// presented fills in the code that the customer scans.
func (s *Screen) presented(ctx context.Context, m merchant.Merchant, p payment.Payment, v *view) error {
	link, expires, err := s.Payments.Link(ctx, m, p.ID)
	if errors.Is(err, payment.ErrState) { // paid or over since it was read
		return nil
	} else if err != nil {
		return err
	}
	v.Expires = expires.UnixMilli()
	v.Symbol, err = draw(link)
	return err
}

// outcome tells what the channel said, and the payment's life in words.
func (s *Screen) outcome(r *web.Request, p payment.Payment, tries []payment.Attempt, v *view) {
	for _, a := range tries {
		if a.State == payment.Declined && p.State == payment.Declined {
			v.Code, v.Reason = a.Code, reason(r, a)
		}
		key := "pos.did." + string(a.Kind)
		if _, ok := texts[key]; !ok {
			continue
		}
		v.Steps = append(v.Steps, step{a.Created.UnixMilli(), r.T(key) + " · " + r.T(stateKey(a.State)), tones[a.State]})
	}
}

func stateKey(st payment.State) string {
	if key := "pos.short." + string(st); texts[key] != (web.Text{}) {
		return key
	}
	return "pos.short.sent"
}

var tones = map[payment.State]string{payment.Approved: "good", payment.Declined: "bad", payment.Unknown: "warn", payment.Reversing: "warn", payment.Waiting: "warn", payment.Sent: "info"}

// reason is why an attempt was declined, in the reader's words.
func reason(r *web.Request, a payment.Attempt) string {
	for _, key := range []string{"pos.reason." + a.Code, "pos.reason." + a.Reason} {
		if _, ok := texts[key]; ok {
			return r.T(key)
		}
	}
	return r.T("pos.state.declined.text")
}

// facts are what a cardholder signs for.
func facts(p payment.Payment, a payment.Attempt) signature.Facts {
	return signature.Facts{Merchant: p.Merchant, Payment: p.ID, Terminal: a.Terminal, Batch: a.Batch, Trace: a.Trace, Amount: p.Amount}
}

// sale finds the attempt that took the money.
func sale(tries []payment.Attempt) (payment.Attempt, bool) {
	for _, a := range tries {
		if a.Kind == channel.Sale && a.State == payment.Approved {
			return a, true
		}
	}
	return payment.Attempt{}, false
}
