package pos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"hawker/internal/auth"
	"hawker/internal/card"
	"hawker/internal/cash"
	"hawker/internal/events"
	"hawker/internal/handover"
	"hawker/internal/live"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/report"
	"hawker/internal/shop"
	"hawker/internal/web"
)

// wish is a payment as the screen asks for it.
type wish struct {
	Key      string `json:"key"`
	Method   string `json:"method"` // scan, code, cash, card
	Amount   int64  `json:"amount"` // what the screen shows
	Note     string `json:"note"`
	Code     string `json:"code"`     // of scan: what the customer showed
	Tendered int64  `json:"tendered"` // of cash
	Cart     struct {
		Lines []struct {
			Item     int64 `json:"item,string"`
			Amount   int64 `json:"amount"`
			Quantity int   `json:"quantity"`
		} `json:"lines"`
		Percent int32 `json:"percent"`
		Off     int64 `json:"off"`
	} `json:"cart"`
}

// bill prices the cart of a wish and holds it against what the screen showed.
func (s *Screen) bill(ctx context.Context, m merchant.Merchant, w wish) (shop.Bill, money.Amount, error) {
	total, err := amount(w.Amount, m.Currency)
	if err != nil {
		return shop.Bill{}, total, err
	}
	c := shop.Cart{Percent: money.BasisPoints(w.Cart.Percent), Off: money.New(w.Cart.Off, m.Currency)}
	for _, l := range w.Cart.Lines {
		c.Lines = append(c.Lines, shop.Line{Item: l.Item, Amount: money.New(l.Amount, m.Currency), Quantity: l.Quantity})
	}
	b, err := shop.Price(ctx, s.DB.Read(), m.ID, m.Currency, c)
	if err == nil && b.Total != total {
		err = shop.ErrChanged.With("the screen shows %s, the catalogue says %s", total, b.Total)
	}
	return b, total, err
}

func (s *Screen) create(r *web.Request) (web.Response, error) {
	var w wish
	if err := read(r, &w); err != nil {
		return nil, err
	}
	m, err := s.merchant(r)
	if err != nil {
		return nil, err
	}
	// What was begun under the key stands, whatever prices have become since.
	if p, err := payment.OrderByKey(r.Context(), s.DB.Read(), m, device(r), w.Key, s.Clock()); err == nil {
		return s.same(r, p, w)
	} else if !errors.Is(err, payment.ErrNotFound) {
		return nil, err
	}
	if err := s.trained(r); err != nil {
		return nil, err
	}
	b, total, err := s.bill(r.Context(), m, w)
	if err != nil {
		return nil, err
	}
	o := payment.Order{Merchant: m, Device: device(r), Key: w.Key, Amount: total, Note: w.Note}
	switch w.Method {
	case "scan":
		if o.Code, err = card.NewCode(w.Code); err != nil {
			return nil, errCode
		}
	case "cash":
		if o.Method = payment.MethodCash; w.Tendered < w.Amount {
			return nil, errTendered
		}
	case "code":
	default:
		return nil, payment.ErrMethod.With("%q", w.Method)
	}
	if o.Shown, err = json.Marshal(shown{b, w.Method, r.Who.Name, w.Tendered}); err != nil {
		return nil, err
	}
	p, err := s.Payments.Create(r.Context(), o)
	if err != nil {
		return nil, err
	}
	return s.show(r, p)
}

// same gives a payment again to a screen that did not hear of it, if it is what was asked.
func (s *Screen) same(r *web.Request, p payment.Payment, w wish) (web.Response, error) {
	if p.Amount.Minor() != w.Amount && p.State != payment.Adjusting {
		return nil, payment.ErrReused
	}
	return s.show(r, p)
}

func (s *Screen) show(r *web.Request, p payment.Payment) (web.Response, error) {
	v, err := s.full(r, p)
	if err != nil {
		return nil, err
	}
	return answer(v)
}

func (s *Screen) byKey(r *web.Request) (web.Response, error) {
	m, err := s.merchant(r)
	if err != nil {
		return nil, err
	}
	p, err := payment.OrderByKey(r.Context(), s.DB.Read(), m, device(r), r.PathValue("key"), s.Clock())
	if err != nil {
		return nil, err
	}
	return s.show(r, p)
}

func (s *Screen) one(r *web.Request) (web.Response, error) {
	p, err := s.payment(r)
	if err != nil {
		return nil, err
	}
	return s.show(r, p)
}

// asking is what a screen may have asked about a payment whose outcome is open.
func (s *Screen) asking(r *web.Request, ask func(ctx context.Context, m merchant.ID, id int64) (payment.Payment, error)) (web.Response, error) {
	p, err := s.payment(r)
	if err != nil {
		return nil, err
	}
	if p, err = ask(r.Context(), p.Merchant, p.ID); err != nil {
		return nil, err
	}
	return s.show(r, p)
}

func (s *Screen) refresh(r *web.Request) (web.Response, error) {
	return s.asking(r, s.Payments.Refresh)
}

func (s *Screen) cancel(r *web.Request) (web.Response, error) { return s.asking(r, s.Payments.Cancel) }

// search reads what a person typed: an amount, or what payment.List understands.
func search(f payment.Filter, text string, c money.Currency) payment.Filter {
	text = strings.TrimPrefix(strings.TrimSpace(text), "¥")
	if a, err := money.Parse(text, c); err == nil && a.Sign() > 0 && (strings.Contains(text, ".") || len(text) != 4) && len(text) < 11 {
		f.Least, f.Most = a, a
		return f
	}
	f.Text = text
	return f
}

func (s *Screen) list(r *web.Request) (web.Response, error) {
	m, err := s.merchant(r)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	page, err := payment.List(r.Context(), s.DB.Read(), search(payment.Filter{Merchant: m.ID, Cursor: q.Get("cursor"), Limit: 40}, q.Get("text"), m.Currency))
	if err != nil {
		return nil, err
	}
	list := make([]view, 0, len(page.Payments))
	for _, p := range page.Payments {
		list = append(list, brief(p))
	}
	return answer(map[string]any{"payments": list, "next": page.Next})
}

func (s *Screen) today(r *web.Request) (web.Response, error) {
	m, err := s.merchant(r)
	if err != nil {
		return nil, err
	}
	d, err := report.Of(r.Context(), s.DB.Read(), m, m.Day(s.Clock()))
	if err != nil {
		return nil, err
	}
	type method struct {
		Method string `json:"method"`
		Count  int    `json:"count"`
		Taken  int64  `json:"taken"`
	}
	methods, hours := []method{}, [24]int64{}
	for _, x := range d.Methods {
		methods = append(methods, method{x.Name, x.Count, x.Taken.Minor()})
	}
	for i, h := range d.Hours {
		hours[i] = h.Minor()
	}
	return answer(map[string]any{"taken": d.Taken.Minor(), "count": d.Count, "refunded": d.Given.Minor(), "open": d.Uncertain, "hours": hours, "methods": methods})
}

// open are the states of payments that somebody must still look after.
var open = []payment.State{payment.Created, payment.Sent, payment.Waiting, payment.Unknown, payment.Cancelling, payment.Reversing}

func (s *Screen) state(r *web.Request) (web.Response, error) {
	ctx := r.Context()
	m, err := s.merchant(r)
	if err != nil {
		return nil, err
	}
	seq, err := s.Hub.Now(ctx, int64(m.ID))
	if err != nil {
		return nil, err
	}
	pending := []view{}
	page, err := payment.List(ctx, s.DB.Read(), payment.Filter{Merchant: m.ID, States: open, Device: device(r), From: s.Clock().Add(-24 * time.Hour), Limit: 20})
	if err != nil {
		return nil, err
	}
	for _, p := range page.Payments {
		v, err := s.full(r, p)
		if err != nil {
			return nil, err
		}
		if v.Holder == "" || v.Holder == device(r) {
			pending = append(pending, v)
		}
	}
	place := m.NameEN
	if r.Lang == web.ZH || place == "" {
		place = m.NameZH
	}
	state := map[string]any{"name": r.Who.Name, "place": place, "device": device(r), "deviceName": s.deviceName(r), "seq": seq, "pending": pending, "zone": m.Zone.String(),
		"exponent": m.Currency.Exponent(), "sign": currencySign(m.Currency), "signFrom": s.SignFrom, "card": s.Reader != nil,
		"may": map[string]bool{"shop": auth.Allows(r.Who, auth.ShopWrite), "refund": auth.Allows(r.Who, auth.PaymentRefund), "count": auth.Allows(r.Who, auth.CashCount)}}
	if r.Who.Device != 0 { // a paired one: the next cashier signs in by PIN
		state["switchTo"] = "/switch?next=/pos"
	}
	shift, err := cash.Current(ctx, s.DB.Read(), m.ID, device(r))
	if err == nil {
		if state["shift"], err = s.shiftView(ctx, m, shift); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, cash.ErrClosed) {
		return nil, err
	}
	return answer(state)
}

func (s *Screen) deviceName(r *web.Request) string {
	d := device(r)
	return r.T("pos.device", d[len(d)-min(4, len(d)):])
}

func currencySign(c money.Currency) string {
	if c == money.CNY || c == money.JPY {
		return "¥"
	}
	return string(c) + " "
}

// events streams what becomes of the merchant's payments.
func (s *Screen) events(r *web.Request) (web.Response, error) {
	if r.Who.Merchant == 0 {
		return nil, errMerchant
	}
	return web.Raw(func(w http.ResponseWriter, r *web.Request) error {
		return live.ServeSSE(w, r.Request, s.Hub, int64(r.Who.Merchant), func(e events.Event) bool {
			return strings.HasPrefix(e.Kind, "payment.") || strings.HasPrefix(e.Kind, "refund.")
		})
	}), nil
}

func (s *Screen) offer(r *web.Request) (web.Response, error) {
	p, err := s.payment(r)
	if err != nil {
		return nil, err
	}
	code, expires, err := handover.Offer(r.Context(), s.DB, p.Merchant, p.ID, s.Clock())
	if err != nil {
		return nil, err
	}
	drawn, err := draw(fmt.Sprintf("%s/pos?take=%s", s.site(r), code))
	if err != nil {
		return nil, err
	}
	return answer(map[string]any{"code": code, "expires": expires.UnixMilli(), "symbol": drawn})
}

// site is where other devices find this server.
func (s *Screen) site(r *web.Request) string {
	if s.Site != "" {
		return strings.TrimSuffix(s.Site, "/")
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
