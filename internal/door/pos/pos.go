// Package pos is the screen that takes money at a counter: one page that opens without the
// network, and the JSON it lives on. It turns taps into orders and payments into sentences;
// it holds no business rule, and money moves only below it.
package pos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/live"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/receipt"
	"hawker/internal/signature"
	"hawker/internal/store"
	"hawker/internal/web"
)

// Payments is the engine as the screen uses it.
type Payments interface {
	Create(ctx context.Context, o payment.Order) (payment.Payment, error)
	Refresh(ctx context.Context, m merchant.ID, id int64) (payment.Payment, error)
	Cancel(ctx context.Context, m merchant.ID, id int64) (payment.Payment, error)
	GiveBack(ctx context.Context, r payment.RefundOrder) (payment.Attempt, error)
	Link(ctx context.Context, m merchant.Merchant, id int64) (link string, expires time.Time, err error)
}

// Guard is how whoever refunds much shows again that it is he.
type Guard interface {
	Policy(ctx context.Context, m merchant.ID) (auth.Policy, error)
	Account(ctx context.Context, m merchant.ID, id int64) (auth.Account, error)
	AskStepUp(ctx context.Context, who auth.Who, action auth.Action, object string) (auth.Question, error)
	StepUp(ctx context.Context, who auth.Who, action auth.Action, object string, p auth.Proof) (auth.StepUp, error)
}

// Config is what the screen needs.
type Config struct {
	DB         *store.DB
	Payments   Payments
	Hub        *live.Hub
	Receipts   *receipt.Desk    // nil: there are no receipts
	Signatures *signature.Store // nil: nothing is signed
	Reader     Reader           // nil: no card terminal stands beside the till
	Clock      clock.Clock
	SignFrom   int64  // minor units from which a card payment wants a signature; 0: DefaultSignFrom
	Site       string // the address that people's browsers see
	Guard      Guard  // nil: a refund of any amount takes no fresh proof
	// Trained returns why somebody may not begin to take payments yet. nil: everybody may.
	Trained func(ctx context.Context, who auth.Who) error
}

// DefaultSignFrom is the usual limit of payments without PIN and signature: 1,000.00.
const DefaultSignFrom = 100_000

// Screen serves the till.
type Screen struct {
	Config
	runs runs
}

// New makes a screen.
func New(c Config) *Screen {
	if c.SignFrom == 0 {
		c.SignFrom = DefaultSignFrom
	}
	return &Screen{Config: c, runs: runs{live: map[string]*run{}}}
}

// Door is the screen for the kit.
func (s *Screen) Door() web.Door {
	return web.Door{Name: "pos", Face: web.Bare, Texts: texts, Templates: sub(templates, "templates"), Assets: assets(), Routes: s.routes(),
		Nav: []web.Entry{{Text: "pos.title", Icon: "scan", Path: "/pos", Action: auth.PaymentTake, Order: 15, Primary: true}}}
}

func (s *Screen) routes() []web.Route {
	const api = "/pos/api/"
	return []web.Route{
		{Method: "GET", Pattern: "/pos", Action: auth.PaymentTake, Handler: s.page},
		{Method: "GET", Pattern: "/pos/sw.js", Action: web.Public, Handler: s.worker},
		{Method: "GET", Pattern: "/pos/manifest.webmanifest", Action: web.Public, Handler: s.manifest},

		{Method: "GET", Pattern: api + "state", Action: auth.PaymentTake, Handler: s.state},
		{Method: "GET", Pattern: api + "events", Action: auth.PaymentRead, Handler: s.events},
		{Method: "POST", Pattern: api + "payments", Action: auth.PaymentTake, Handler: s.create},
		{Method: "GET", Pattern: api + "payments", Action: auth.PaymentRead, Handler: s.list},
		{Method: "GET", Pattern: api + "begun/{key}", Action: auth.PaymentTake, Handler: s.byKey},
		{Method: "GET", Pattern: api + "payments/{id}", Action: auth.PaymentRead, Handler: s.one},
		{Method: "POST", Pattern: api + "payments/{id}/refresh", Action: auth.PaymentTake, Handler: s.refresh},
		{Method: "POST", Pattern: api + "payments/{id}/cancel", Action: auth.PaymentCancel, Handler: s.cancel},
		{Method: "POST", Pattern: api + "payments/{id}/refund", Action: auth.PaymentRefund, Handler: s.refund},
		{Method: "GET", Pattern: api + "payments/{id}/proof", Action: auth.PaymentRefund, Handler: s.ways},
		{Method: "POST", Pattern: api + "payments/{id}/proof", Action: auth.PaymentRefund, Handler: s.question},
		{Method: "POST", Pattern: api + "payments/{id}/void", Action: auth.PaymentRefund, Handler: s.void},
		{Method: "POST", Pattern: api + "payments/{id}/signature", Action: auth.PaymentTake, Handler: s.sign},
		{Method: "POST", Pattern: api + "payments/{id}/handover", Action: auth.PaymentTake, Handler: s.offer},
		{Method: "POST", Pattern: api + "takeover", Action: auth.PaymentTake, Handler: s.take},
		{Method: "GET", Pattern: api + "payments/{id}/receipt", Action: auth.ReceiptRead, Handler: s.receipt},
		{Method: "GET", Pattern: api + "payments/{id}/escpos", Action: auth.ReceiptRead, Handler: s.slip},

		{Method: "POST", Pattern: api + "card", Action: auth.PaymentTake, Handler: s.askCard},
		{Method: "GET", Pattern: api + "card/{key}", Action: auth.PaymentTake, Handler: s.cardState},
		{Method: "POST", Pattern: api + "card/{key}/present", Action: auth.PaymentTake, Handler: s.present},
		{Method: "POST", Pattern: api + "card/{key}/stop", Action: auth.PaymentTake, Handler: s.stopCard},

		{Method: "GET", Pattern: api + "today", Action: auth.PaymentRead, Handler: s.today},
		{Method: "GET", Pattern: api + "shift", Action: auth.CashCount, Handler: s.shift},
		{Method: "POST", Pattern: api + "shift/open", Action: auth.CashCount, Handler: s.openShift},
		{Method: "POST", Pattern: api + "shift/close", Action: auth.CashCount, Handler: s.closeShift},

		{Method: "GET", Pattern: api + "items", Action: auth.ShopRead, Handler: s.items},
		{Method: "POST", Pattern: api + "items", Action: auth.ShopWrite, Handler: s.addItem},
		{Method: "PUT", Pattern: api + "items/{id}", Action: auth.ShopWrite, Handler: s.changeItem},
		{Method: "PUT", Pattern: api + "items/{id}/photo", Action: auth.ShopWrite, Handler: s.putPhoto},
		{Method: "GET", Pattern: api + "items/{id}/photo/{digest}", Action: auth.ShopRead, Handler: s.photo},
	}
}

// Refusals of the screen.
var (
	errBody     = fault.New(fault.Invalid, "body_unreadable", "请求的内容无法读取，请刷新页面。", "What was sent cannot be read. Please reload the page.")
	errAmount   = fault.New(fault.Invalid, "amount_unreadable", "金额不对，请重新输入。", "This amount cannot be used. Please enter it again.")
	errCode     = fault.New(fault.Invalid, "code_unreadable", "这不是付款码。请客人打开微信或支付宝的“收付款”，再扫一次。", "This is no payment code. Ask the customer to open Pay in WeChat or Alipay, and scan again.")
	errMerchant = fault.New(fault.Forbidden, "no_merchant", "收款台只给商户用。", "Only merchants' people take payments here.")
	errAbsent   = fault.New(fault.NotFound, "not_available", "这里还没有这项功能。", "This is not available here.")
)

// trained refuses whoever has not learnt yet how payments are taken safely. What he began stands.
func (s *Screen) trained(r *web.Request) error {
	if s.Trained == nil {
		return nil
	}
	return s.Trained(r.Context(), r.Who)
}

// maxBody is how much a request of JSON may send.
const maxBody = 64 << 10

// read takes a request's JSON apart and refuses what it does not know.
func read(r *web.Request, into any) error {
	if t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); t != "application/json" {
		return errBody.With("content type %q", t)
	}
	d := json.NewDecoder(http.MaxBytesReader(r.Writer, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errBody.Wrap(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errBody.With("something follows the JSON")
	}
	return nil
}

func answer(v any) (web.Response, error) { return web.JSON(http.StatusOK, v), nil }

// deviceCookie tells browsers apart that are no paired devices.
const deviceCookie = "hawker-till"

// device is who asks, as orders name it: the paired device, or the browser.
func device(r *web.Request) string {
	if r.Who.Device != 0 {
		return fmt.Sprintf("pos/d%d", r.Who.Device)
	}
	if r.Who.Kind == auth.Device {
		return fmt.Sprintf("pos/d%d", r.Who.ID)
	}
	if c, err := r.Cookie(deviceCookie); err == nil && len(c.Value) == 16 && strings.Trim(c.Value, "0123456789abcdef") == "" {
		return "pos/b" + c.Value
	}
	return fmt.Sprintf("pos/a%d", r.Who.ID)
}

// merchant is whose till it is.
func (s *Screen) merchant(r *web.Request) (merchant.Merchant, error) {
	if r.Who.Merchant == 0 {
		return merchant.Merchant{}, errMerchant
	}
	return merchant.ByID(r.Context(), s.DB.Read(), r.Who.Merchant)
}

// payment finds the payment that a path names; another merchant's does not exist.
func (s *Screen) payment(r *web.Request) (payment.Payment, error) {
	if r.Who.Merchant == 0 {
		return payment.Payment{}, errMerchant
	}
	id, err := payment.ParseRef(r.PathValue("id"))
	if err != nil {
		return payment.Payment{}, err
	}
	return payment.Get(r.Context(), s.DB.Read(), r.Who.Merchant, id)
}

// amount makes an amount of minor units that a screen sent.
func amount(minor int64, c money.Currency) (money.Amount, error) {
	if minor <= 0 || minor > 999_999_999 {
		return money.Amount{}, errAmount.With("%d", minor)
	}
	return money.New(minor, c), nil
}
