package wallet

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// Password is every simulated customer's.
const Password = "123456"

// recent is how many orders the page lists.
const recent = 20

// view is what one page shows: the list, one order, or a fresh code.
type view struct {
	Problem string
	Code    string
	Home    bool
	Orders  []item
	Order   *Order
	Amount  string
	State   string
	Asks    bool
}

type item struct{ Amount, Subject, State, Query string }

// words are the states as a customer reads them.
var words = map[Status]string{
	Open: "待付款 to be paid", Asking: "等待输入密码 waiting for the password", Settled: "已付款 paid", Failed: "未付成 not paid",
	Shut: "已关闭 closed", Undone: "已撤销 reversed",
}

// routePage serves the customer's page under /phone: scan, confirm with the password,
// cancel, or do nothing. Other sites cannot press its buttons.
func (s *Simulator) routePage() {
	safe := http.NewCrossOriginProtection()
	for pattern, does := range map[string]func(*http.Request) (view, string){
		"GET /phone":          s.pageHome,
		"GET /phone/order":    s.pageOrder,
		"POST /phone/code":    s.pageCode,
		"POST /phone/scan":    s.pageScan,
		"POST /phone/confirm": s.pageConfirm,
		"POST /phone/cancel":  s.pageCancel,
	} {
		s.mux.Handle(pattern, safe.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			v, next := does(r)
			if next != "" {
				http.Redirect(w, r, next, http.StatusSeeOther)
				return
			}
			s.show(w, v)
		})))
	}
}

func (s *Simulator) show(w http.ResponseWriter, v view) {
	var b bytes.Buffer
	if err := page.Execute(&b, v); err != nil {
		s.cfg.Log.Error("page", "err", err)
		http.Error(w, "page", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if v.Problem != "" {
		w.WriteHeader(http.StatusUnprocessableEntity)
	}
	_, _ = w.Write(b.Bytes())
}

func (s *Simulator) pageHome(*http.Request) (view, string) { return s.home(""), "" }

// home lists the latest orders, the newest first.
func (s *Simulator) home(problem string) view {
	v := view{Problem: problem, Home: true}
	all := s.Orders()
	slices.Reverse(all)
	for _, o := range all[:min(len(all), recent)] {
		v.Orders = append(v.Orders, item{yuan(o.Amount), o.Subject, words[o.Status], which(o)})
	}
	return v
}

func which(o Order) string {
	return url.Values{"brand": {string(o.Brand)}, "merchant": {o.Merchant}, "order": {o.Order}}.Encode()
}

func keyOf(r *http.Request) key {
	return key{Brand(r.FormValue("brand")), r.FormValue("merchant"), r.FormValue("order")}
}

func (s *Simulator) pageOrder(r *http.Request) (view, string) { return s.one(keyOf(r), ""), "" }

// one shows an order.
func (s *Simulator) one(k key, problem string) view {
	o, no := s.query(k)
	if no != "" {
		return s.home("没有这个订单。 There is no such order.")
	}
	return view{Problem: problem, Order: &o, Amount: yuan(o.Amount), State: words[o.Status], Asks: o.Status == Asking}
}

func (s *Simulator) pageCode(r *http.Request) (view, string) {
	b := Brand(r.FormValue("brand"))
	if codes[b] == nil {
		return s.home("没有这种钱包。 There is no such wallet."), ""
	}
	return view{Code: Draw(b)}, ""
}

func (s *Simulator) pageScan(r *http.Request) (view, string) {
	o, err := s.Scan(r.FormValue("link"))
	if err != nil {
		return s.home("这个码不能付款了，或者不是收款码。 This code cannot be paid, or is none."), ""
	}
	return view{}, "/phone/order?" + which(o)
}

func (s *Simulator) pageConfirm(r *http.Request) (view, string) {
	k := keyOf(r)
	if r.FormValue("password") != Password {
		return s.one(k, "密码不对，请再输一次。 Wrong password. Please try again."), ""
	}
	return s.acted(s.act(k, ""))
}

func (s *Simulator) pageCancel(r *http.Request) (view, string) {
	return s.acted(s.act(keyOf(r), Cancelled))
}

func (s *Simulator) acted(o Order, err error) (view, string) {
	if err != nil {
		return s.home("这笔订单现在不能付了。 This order cannot be paid any more."), ""
	}
	return view{}, "/phone/order?" + which(o)
}
