package payer

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"hawker/internal/cases"
	"hawker/internal/fault"
	"hawker/internal/payment"
	"hawker/internal/receipt"
	"hawker/internal/store"
	"hawker/internal/web"
)

// proof is the receipt's page.
type proof struct {
	receipt.Receipt
	Order   payment.OrderFacts
	Items   []item
	Token   string
	Name    string // of the merchant, in the reader's language
	Pending bool   // it may still change by itself
	Now     string
}

// receipt shows a payment to whoever has its link.
func (p *Payer) receipt(r *web.Request) (web.Response, error) {
	v, err := p.proof(r)
	if err != nil {
		return nil, err
	}
	private(r)
	return web.Page("receipt", v), nil
}

func (p *Payer) proof(r *web.Request) (proof, error) {
	token := r.PathValue("token")
	got, err := p.Receipts.ByToken(r.Context(), token)
	if err != nil {
		return proof{}, err
	}
	v := proof{Receipt: got, Token: token, Name: nameOf(r, got), Pending: passing(got.Payment.State), Now: web.When(p.Clock().In(got.Merchant.Zone))}
	order, err := payment.OrderOf(r.Context(), p.DB.Read(), got.Payment.Merchant, got.Payment.ID)
	if err != nil && fault.Of(err).Kind != fault.NotFound { // a terminal's payment has no order
		return proof{}, err
	}
	v.Order, v.Items = order, shown(order.Shown, got.Payment.Amount.Currency())
	return v, nil
}

func nameOf(r *web.Request, got receipt.Receipt) string {
	if r.Lang == web.EN && got.Merchant.NameEN != "" {
		return got.Merchant.NameEN
	}
	return got.Merchant.NameZH
}

// passing reports whether a state ends by itself.
func passing(s payment.State) bool {
	switch s {
	case payment.Approved, payment.Declined, payment.Reversed, payment.Voided, payment.Cancelled, payment.Expired:
		return false
	}
	return true
}

// private keeps a page that belongs to whoever has its link out of shared memories.
func private(r *web.Request) {
	h := r.Writer.Header()
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Robots-Tag", "noindex")
}

// receiptState tells the page's script whether anything has changed.
func (p *Payer) receiptState(r *web.Request) (web.Response, error) {
	got, err := p.Receipts.ByToken(r.Context(), r.PathValue("token"))
	if err != nil {
		return nil, err
	}
	private(r)
	return web.JSON(http.StatusOK, map[string]any{"state": got.State(), "final": !passing(got.Payment.State)}), nil
}

// signature is the picture of what the cardholder signed.
func (p *Payer) signature(r *web.Request) (web.Response, error) {
	got, err := p.Receipts.ByToken(r.Context(), r.PathValue("token"))
	if err != nil {
		return nil, err
	}
	if len(got.Signature) == 0 {
		return nil, web.ErrNoPage
	}
	private(r)
	return web.Bytes("image/png", got.Signature), nil
}

// ErrComplaint asks for a complaint that a person can work with.
var ErrComplaint = fault.New(fault.Invalid, "complaint_length", "请用 5 到 500 个字说明发生了什么。", "Please say in 5 to 500 characters what happened.")

// maxComplaint is how much a complaint may say, in characters.
const maxComplaint = 500

// complaintPage is the form, and afterwards its answer.
type complaintPage struct {
	receipt.Receipt
	Token string
	Name  string
	Form  *web.Form
	Kinds []web.Option
	Sent  bool
}

// kinds of complaints, in the order of the form.
var kinds = []string{"not-received", "wrong-amount", "paid-twice", "not-mine", "refund-missing", "other"}

func (p *Payer) complaint(r *web.Request) (web.Response, error) {
	v, err := p.complaintPage(r, web.EmptyForm())
	if err != nil {
		return nil, err
	}
	v.Sent = r.URL.Query().Has("sent")
	return web.Page("complaint", v), nil
}

func (p *Payer) complaintPage(r *web.Request, f *web.Form) (complaintPage, error) {
	token := r.PathValue("token")
	got, err := p.Receipts.ByToken(r.Context(), token)
	if err != nil {
		return complaintPage{}, err
	}
	v := complaintPage{Receipt: got, Token: token, Name: nameOf(r, got), Form: f}
	for _, k := range kinds {
		v.Kinds = append(v.Kinds, web.Option{Value: k, Text: r.T("payer.complaint." + k), Chosen: f.Value("kind") == k})
	}
	private(r)
	return v, nil
}

// complain opens a case that the institution sees. There is one for each payment: saying
// it again adds nothing, and nobody can flood us from one receipt.
func (p *Payer) complain(r *web.Request) (web.Response, error) {
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	v, err := p.complaintPage(r, f)
	if err != nil {
		return nil, err
	}
	kind, text, contact := f.Need("kind"), f.Need("text"), f.Value("contact")
	if n := utf8.RuneCountInString(text); n > 0 && (n < 5 || n > maxComplaint) {
		f.Refuse("text", ErrComplaint)
	}
	if !known(kind) {
		f.Refuse("kind", web.ErrNeeded)
	}
	if utf8.RuneCountInString(contact) > 100 {
		f.Refuse("contact", ErrComplaint)
	}
	if !f.OK() {
		return web.Invalid("complaint", v), nil
	}
	detail := kind + ": " + withoutNumbers(text)
	if contact != "" {
		detail += " [" + withoutNumbers(contact) + "]"
	}
	err = p.DB.Write(r.Context(), func(tx *store.Tx) error {
		return cases.Open(r.Context(), tx, cases.Case{Merchant: int64(v.Payment.Merchant), Kind: "complaint", Ref: v.Number(), Detail: detail, Opened: p.Clock()})
	})
	if err != nil {
		return nil, err
	}
	return web.Redirect(receipt.Path + v.Token + "/complaint?sent"), nil
}

func known(kind string) bool {
	for _, k := range kinds {
		if k == kind {
			return true
		}
	}
	return false
}

// withoutNumbers hides what may be a card's number: people write it down when they are asked what happened.
func withoutNumbers(s string) string {
	out, run := []rune(s), []int{}
	hide := func() {
		if len(run) >= 13 {
			for _, i := range run[6 : len(run)-4] {
				out[i] = '*'
			}
		}
		run = run[:0]
	}
	for i, c := range out {
		switch {
		case c >= '0' && c <= '9':
			run = append(run, i)
		case c == ' ' || c == '-':
		default:
			hide()
		}
	}
	hide()
	return strings.TrimSpace(string(out))
}
