package payer

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/paylink"
	"hawker/internal/payment"
	"hawker/internal/qr"
	"hawker/internal/web"
)

// wallet is one way of paying that the page offers.
type wallet struct {
	Method string
	First  bool // the payer's browser is this wallet's own
}

// checkout is the page behind a merchant's code.
type checkoutPage struct {
	Code     paylink.Code
	Merchant merchant.Merchant
	Token    string
	Form     *web.Form
	Key      string // of the order that this form makes, so that sending it twice makes one
	Confirm  bool   // the amount was given: pay it?
	Amount   money.Amount
	Limit    money.Amount // what a plate takes at most from one payer a day; zero when there is none
	Wallets  []wallet
	Payment  payment.Payment
	Items    []item
	Note     string
	Left     int // seconds until the code expires
	Receipt  string
	Link     string // of the wallet: where the payer goes on
	Symbol   *symbol
	Chosen   string
	Sign     string // of the merchant's currency
}

// read judges the link that the page was opened by.
func (p *Payer) read(r *web.Request) (checkoutPage, error) {
	token := r.PathValue("token")
	code, err := paylink.Read(r.Context(), p.Voucher, p.Base+"/c/"+token, p.Clock())
	expired := errors.Is(err, paylink.ErrExpired)
	if err != nil && !expired {
		return checkoutPage{}, err
	}
	private(r)
	v := checkoutPage{Code: code, Token: token, Form: web.EmptyForm()}
	if v.Merchant, err = merchant.ByID(r.Context(), p.DB.Read(), code.Merchant); err != nil {
		return v, err
	}
	if code.Kind == paylink.Static {
		if err := v.Merchant.MayTake(); err != nil {
			return v, err
		}
		if v.Merchant.Currency == paylink.ClassD.Currency() {
			v.Limit = paylink.ClassD
		}
		v.Sign = web.Symbol(v.Merchant.Currency)
		return v, nil
	}
	v.Amount = code.Amount
	if v.Payment, err = payment.Get(r.Context(), p.DB.Read(), code.Merchant, code.Payment); err != nil {
		return v, err
	}
	order, err := payment.OrderOf(r.Context(), p.DB.Read(), code.Merchant, code.Payment)
	if err != nil {
		return v, err
	}
	v.Items, v.Note = shown(order.Shown, code.Amount.Currency()), order.Note
	v.Left = max(0, int(code.Expires.Sub(p.Clock())/time.Second))
	v.Receipt, err = p.Receipts.Link(r.Context(), code.Merchant, code.Payment)
	return v, err
}

// Open reports whether the code can still be paid.
func (v checkoutPage) Open() bool {
	return v.Payment.State == payment.Created && v.Left > 0
}

// State is the payment's, as the page says it: a code whose time is over has expired, whatever its row says yet.
func (v checkoutPage) State() string {
	if v.Payment.State == payment.Created && v.Left == 0 {
		return string(payment.Expired)
	}
	return string(v.Payment.State)
}

// Passing reports whether the payment still moves by itself.
func (v checkoutPage) Passing() bool { return passing(payment.State(v.State())) }

// Clock is how long the code lasts, in minutes and seconds.
func (v checkoutPage) Clock() string { return fmt.Sprintf("%d:%02d", v.Left/60, v.Left%60) }

func (p *Payer) checkout(r *web.Request) (web.Response, error) {
	v, err := p.read(r)
	if err != nil {
		return nil, err
	}
	if v.Code.Kind == paylink.Static {
		v.Key = nonce()
		p.payerOf(r)
		return web.Page("plate", v), nil
	}
	v.Wallets = p.wallets(r)
	return web.Page("checkout", v), nil
}

// order takes the amount that the payer of a plate gave, shows it once more, and then makes the payment.
func (p *Payer) order(r *web.Request) (web.Response, error) {
	v, err := p.read(r)
	if err != nil {
		return nil, err
	}
	if v.Code.Kind != paylink.Static {
		return nil, payment.ErrState
	}
	if v.Form, err = r.Form(); err != nil {
		return nil, err
	}
	v.Key = v.Form.Value("key")
	if len(v.Key) != keySize {
		v.Key = nonce()
	}
	v.Amount = v.Form.Amount("amount", v.Merchant.Currency)
	if v.Form.OK() && v.Amount.Sign() <= 0 {
		v.Form.Refuse("amount", payment.ErrAmount)
	}
	if v.Form.OK() {
		v.Form.Refuse("amount", v.Code.Allows(v.Amount, money.Zero(v.Amount.Currency())))
	}
	if !v.Form.OK() {
		return web.Invalid("plate", v), nil
	}
	if !v.Form.Checked("confirmed", v.Amount.String()) {
		v.Confirm = true
		return web.Page("plate", v), nil
	}
	evidence, err := json.Marshal(map[string]any{"shown": "plate", "payee": v.Code.Payee, "amount_minor": v.Amount.Minor(), "currency": v.Amount.Currency(), "lang": r.Lang, "at": p.Clock()})
	if err != nil {
		return nil, err
	}
	made, err := p.Engine.Create(r.Context(), payment.Order{Merchant: v.Merchant, Device: "checkout", Key: v.Key, Amount: v.Amount, Plate: v.Code.Plate,
		Payer: p.payerOf(r), Note: v.Form.Value("note"), Shown: evidence})
	if err != nil {
		if k := fault.Of(err).Kind; k == fault.Internal || k == fault.NotFound {
			return nil, err
		}
		v.Form.Refuse("amount", err)
		return web.Invalid("plate", v), nil
	}
	link, _, err := p.Engine.Link(r.Context(), v.Merchant, made.ID)
	if err != nil {
		return nil, err
	}
	return web.Redirect(strings.TrimPrefix(link, p.Base)), nil
}

// choose opens the wallet that the payer wants.
func (p *Payer) choose(r *web.Request) (web.Response, error) {
	v, err := p.read(r)
	if err != nil {
		return nil, err
	}
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	v.Form, v.Wallets = f, p.wallets(r)
	if v.Code.Kind != paylink.Dynamic || !v.Open() {
		return web.Redirect("/c/" + v.Token), nil // it says what became of it
	}
	v.Chosen = f.Value("method")
	if !slices.Contains(p.Methods, v.Chosen) {
		f.Refuse("", payment.ErrMethod)
		return web.Invalid("checkout", v), nil
	}
	link, err := p.Engine.Choose(r.Context(), v.Code.Merchant, v.Code.Payment, v.Chosen)
	switch {
	case errors.Is(err, payment.ErrPaid), errors.Is(err, payment.ErrOver), errors.Is(err, payment.ErrState):
		return web.Redirect("/c/" + v.Token), nil
	case err != nil:
		if fault.Of(err).Kind == fault.Internal {
			return nil, err
		}
		f.Refuse("", err)
		return web.Invalid("checkout", v), nil
	}
	v.Link = link
	if v.Symbol, err = draw(link); err != nil {
		return nil, err
	}
	return web.Page("wallet", v), nil
}

// checkoutState tells the page's script what became of the payment, and asks the wallet when the payer says that he has paid.
func (p *Payer) checkoutState(r *web.Request) (web.Response, error) {
	v, err := p.read(r)
	if err != nil {
		return nil, err
	}
	if v.Code.Kind != paylink.Dynamic {
		return nil, web.ErrNoPage
	}
	if r.URL.Query().Has("ask") && passing(v.Payment.State) {
		if v.Payment, err = p.Engine.Refresh(r.Context(), v.Code.Merchant, v.Code.Payment); err != nil && fault.Of(err).Kind == fault.Internal {
			return nil, err
		}
	}
	return web.JSON(http.StatusOK, map[string]any{"state": v.State(), "final": !v.Open() && !passing(payment.State(v.State())), "seconds": v.Left}), nil
}

// wallets are what the payer may choose, his browser's own first.
func (p *Payer) wallets(r *web.Request) []wallet {
	own := ""
	switch agent := r.UserAgent(); {
	case strings.Contains(agent, "MicroMessenger"):
		own = payment.MethodWeChat
	case strings.Contains(agent, "AlipayClient"):
		own = payment.MethodAlipay
	case strings.Contains(agent, "UnionPay"), strings.Contains(agent, "CloudPay"):
		own = payment.MethodUnionPay
	}
	var list []wallet
	for _, m := range p.Methods {
		list = append(list, wallet{m, m == own})
	}
	slices.SortStableFunc(list, func(a, b wallet) int {
		switch {
		case a.First == b.First:
			return 0
		case a.First:
			return -1
		}
		return 1
	})
	return list
}

const (
	// keySize is the length of nonce's texts.
	keySize = 22
	// payerCookie tells one payer of plates from another, for what a plate may take from each a day.
	payerCookie = "hawker-payer"
)

func nonce() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}

// payerOf is the payer's browser, which gets a name when it has none. Who throws the name
// away is a new payer here: the wallet, which knows him, holds him to its own limits.
func (p *Payer) payerOf(r *web.Request) string {
	if c, err := r.Cookie(payerCookie); err == nil && len(c.Value) == keySize {
		return c.Value
	}
	name := nonce()
	http.SetCookie(r.Writer, &http.Cookie{Name: payerCookie, Value: name, Path: "/c/", MaxAge: 180 * 24 * 3600, HttpOnly: true, Secure: p.Secure, SameSite: http.SameSiteLaxMode})
	r.AddCookie(&http.Cookie{Name: payerCookie, Value: name})
	return name
}

// symbol is a QR code as a page draws it.
type symbol struct {
	Size int
	Runs []qr.Run
}

func draw(text string) (*symbol, error) {
	s, err := qr.Draw(text, qr.Screen)
	if err != nil {
		return nil, err
	}
	return &symbol{s.Size() + 2*qr.Quiet, s.Runs()}, nil
}

// Opens is the link where a browser can follow it, to a page or into a wallet; "" where it can only be scanned.
func (v checkoutPage) Opens() template.URL {
	u, err := url.Parse(v.Link)
	if err != nil {
		return ""
	}
	switch u.Scheme {
	case "http", "https", "weixin", "wxp", "alipays", "upwallet":
		return template.URL(v.Link) //nolint:gosec // a channel's answer, and of a known scheme
	}
	return ""
}
