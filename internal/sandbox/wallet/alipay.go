package wallet

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"hawker/internal/money"
)

// alipayCall is one authentic request of a merchant.
type alipayCall struct {
	*http.Request
	form url.Values
	in   alipayRequest
	b    Behaviour
}

// alipayRequest has the fields of every biz_content that is understood.
type alipayRequest struct {
	OutTradeNo   string `json:"out_trade_no"`
	TradeNo      string `json:"trade_no"`
	OutRequestNo string `json:"out_request_no"`
	TotalAmount  string `json:"total_amount"`
	RefundAmount string `json:"refund_amount"`
	Subject      string `json:"subject"`
	Scene        string `json:"scene"`
	AuthCode     string `json:"auth_code"`
	TerminalID   string `json:"terminal_id"`
	TimeExpire   string `json:"time_expire"`
	BillType     string `json:"bill_type"`
	BillDate     string `json:"bill_date"`
}

// alipayMethod is one method: the op that behaviours are chosen by, and what it does.
type alipayMethod struct {
	op   Op
	does func(alipayCall) (map[string]any, refusal)
}

func (s *Simulator) routeAlipay() {
	methods := map[string]alipayMethod{
		"alipay.trade.pay":                               {Pay, s.alipayPay},
		"alipay.trade.precreate":                         {Present, s.alipayPresent},
		"alipay.trade.query":                             {Query, s.alipayQuery},
		"alipay.trade.cancel":                            {Reverse, s.alipayCancel},
		"alipay.trade.close":                             {Close, s.alipayClose},
		"alipay.trade.refund":                            {Refund, s.alipayRefund},
		"alipay.trade.fastpay.refund.query":              {RefundQuery, s.alipayRefundQuery},
		"alipay.data.dataservice.bill.downloadurl.query": {"", s.alipayBill},
	}
	s.mux.HandleFunc("POST /gateway.do", func(w http.ResponseWriter, r *http.Request) { s.alipay(w, r, methods) })
	s.mux.HandleFunc("GET /downloadbill", s.alipayBillFile)
}

// alipay serves the gateway: the signature first, then the values, then the fault, then the work.
func (s *Simulator) alipay(w http.ResponseWriter, r *http.Request, methods map[string]alipayMethod) {
	if err := r.ParseForm(); err != nil {
		s.send(w, r, Normal, s.alipayAnswer("", Normal, nil, badRequest))
		return
	}
	c := alipayCall{Request: r, form: r.Form}
	name := c.form.Get("method")
	does, known := methods[name]
	if !s.alipayOnTime(c.form) {
		s.send(w, r, Normal, s.alipayAnswer(name, Normal, nil, badTime))
		return
	}
	if !s.alipaySigned(c.form) {
		s.send(w, r, Normal, s.alipayAnswer(name, Normal, nil, badSignature))
		return
	}
	if !known || json.Unmarshal([]byte(c.form.Get("biz_content")), &c.in) != nil {
		s.send(w, r, Normal, s.alipayAnswer(name, Normal, nil, badRequest))
		return
	}
	i, no := s.alipayInfo(c, does.op)
	if no != "" {
		s.send(w, r, Normal, s.alipayAnswer(name, Normal, nil, no))
		return
	}
	i.Repeat = s.repeated(i.key(), c.in.OutRequestNo)
	c.b = s.behaviour(i)
	if c.b.Delivery == Lost {
		s.send(w, r, Lost, answer{})
		return
	}
	value, no := does.does(c)
	if c.b.Delivery == SystemError {
		no = broken
	}
	s.send(w, r, c.b.Delivery, s.alipayAnswer(name, c.b.Delivery, value, no))
}

// alipayInfo is what a request is about; a trade number stands for the order's.
func (s *Simulator) alipayInfo(c alipayCall, op Op) (Info, refusal) {
	i := Info{Brand: Alipay, Merchant: s.cfg.Accounts.Alipay.AppID, Order: c.in.OutTradeNo, Op: op}
	if i.Order == "" && c.in.TradeNo != "" {
		k, ok := s.byNumber(Alipay, c.in.TradeNo)
		if !ok {
			return i, noOrder
		}
		i.Order = k.order
	}
	for _, text := range []string{c.in.TotalAmount, c.in.RefundAmount} {
		if text == "" {
			continue
		}
		a, err := money.Parse(text, money.CNY)
		if err != nil || a.Sign() <= 0 {
			return i, badAmount
		}
		i.Amount = a.Minor()
	}
	return i, ""
}

// alipayParam is sorted k=v pairs joined by &, without the keys in skip and what is empty: what RSA2 signs.
func alipayParam(form url.Values, skip ...string) []byte {
	var pairs []string
	for k := range form {
		if v := form.Get(k); v != "" && !slices.Contains(skip, k) {
			pairs = append(pairs, k+"="+v)
		}
	}
	slices.Sort(pairs)
	return []byte(strings.Join(pairs, "&"))
}

// alipayFresh is how far a request's timestamp may be from now.
const alipayFresh = 15 * time.Minute

// alipayOnTime reports whether a request says that it was made just now, in China's time.
func (s *Simulator) alipayOnTime(form url.Values) bool {
	at, err := time.ParseInLocation(time.DateTime, form.Get("timestamp"), china)
	return err == nil && s.cfg.Clock().Sub(at).Abs() <= alipayFresh
}

func (s *Simulator) alipaySigned(form url.Values) bool {
	return form.Get("app_id") == s.cfg.Accounts.Alipay.AppID &&
		form.Get("sign_type") == "RSA2" && verified(s.keys.aliPayMerchant, alipayParam(form, "sign"), form.Get("sign"))
}

// alipayErrors are Alipay's words for the refusals: code and sub_code.
var alipayErrors = map[refusal][2]string{
	badRequest: {"40002", "isv.invalid-parameter"}, badSignature: {"40002", "isv.invalid-signature"}, badTime: {"40002", "isv.invalid-timestamp"}, badAmount: {"40004", "ACQ.INVALID_PARAMETER"},
	notYours: {"40004", "ACQ.ACCESS_FORBIDDEN"}, noBill: {"40004", "isp.bill_not_exist"}, noOrder: {"40004", "ACQ.TRADE_NOT_EXIST"},
	noRefund: {"40004", "ACQ.TRADE_NOT_EXIST"}, used: {"40004", "ACQ.CONTEXT_INCONSISTENT"}, badCode: {"40004", "ACQ.PAYMENT_AUTH_CODE_INVALID"},
	oldCode: {"40004", "ACQ.PAYMENT_AUTH_CODE_INVALID"}, noFunds: {"40004", "ACQ.BUYER_BALANCE_NOT_ENOUGH"},
	overLimit: {"40004", "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR"}, paid: {"40004", "ACQ.REASON_TRADE_STATUS_INVALID"},
	notPaid: {"40004", "ACQ.TRADE_STATUS_ERROR"}, closed: {"40004", "ACQ.REASON_TRADE_STATUS_INVALID"}, paying: {"10003", ""},
	cancelled: {"40004", "ACQ.TRADE_HAS_CLOSE"}, tooMuch: {"40004", "ACQ.REASON_TRADE_REFUND_FEE_ERR"}, differs: {"40004", "ACQ.DISCORDANT_REPEAT_REQUEST"},
	tooMany: {"40004", "ACQ.REFUND_COUNT_LIMIT"}, tooOld: {"40004", "ACQ.TRADE_CANCEL_TIME_OUT"}, broken: {"20000", "isp.unknow-error"},
}

// alipayAnswer signs what is answered.
func (s *Simulator) alipayAnswer(method string, d Delivery, value map[string]any, no refusal) answer {
	if value == nil {
		value = map[string]any{}
	}
	value["code"], value["msg"] = "10000", "Success"
	if no != "" {
		e, ok := alipayErrors[no]
		if !ok {
			e = alipayErrors[broken]
		}
		value["code"], value["msg"] = e[0], string(no)
		if e[1] != "" {
			value["sub_code"], value["sub_msg"] = e[1], string(no)
		}
	}
	inner, err := json.Marshal(value)
	if err != nil {
		s.cfg.Log.Error("answer", "err", err)
	}
	message := inner
	if d == Forged {
		message = append(bytes.Clone(inner), ' ')
	}
	sig, err := sign(s.keys.aliPay, message)
	if err != nil {
		s.cfg.Log.Error("signature", "err", err)
	}
	name := strings.ReplaceAll(method, ".", "_") + "_response"
	if method == "" {
		name = "error_response"
	}
	body := []byte(`{"` + name + `":` + string(inner) + `,"sign":"` + sig + `"}`)
	return answer{http.StatusOK, body, http.Header{"Content-Type": {"application/json;charset=utf-8"}}}
}

// alipayNotice tells of a payment: a form.
func (s *Simulator) alipayNotice(o Order) (*http.Request, error) {
	o, at := s.falsified(o)
	a := &s.cfg.Accounts.Alipay
	seller, app := a.SellerID, a.AppID
	if o.Merchant != app {
		seller, app = "2088000000009999", "2021000000009999"
	}
	form := url.Values{}
	for k, v := range map[string]string{
		"notify_time": at.In(china).Format(time.DateTime), "notify_type": "trade_status_sync", "notify_id": hashOf(o.key()),
		"app_id": app, "seller_id": seller, "charset": "utf-8", "version": "1.0", "sign_type": "RSA2",
		"trade_no": o.Number, "out_trade_no": o.Order, "trade_status": alipayState(o), "total_amount": yuan(o.Amount),
		"receipt_amount": yuan(o.Amount), "buyer_pay_amount": yuan(o.Amount), "buyer_logon_id": "138****0000", "subject": o.Subject,
		"gmt_create": o.Time.In(china).Format(time.DateTime), "gmt_payment": o.PaidAt.In(china).Format(time.DateTime),
	} {
		form.Set(k, v)
	}
	message := alipayParam(form, "sign", "sign_type")
	if o.Behaves == NoticeForged {
		message = append(message, ' ')
	}
	sig, err := sign(s.keys.aliPay, message)
	if err != nil {
		return nil, err
	}
	form.Set("sign", sig)
	r, err := http.NewRequest(http.MethodPost, o.Notify, strings.NewReader(form.Encode())) //nolint:noctx // deliver gives it one
	if err == nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	}
	return r, err
}
