package wallet

import (
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// weChatCall is one authentic request of a merchant.
type weChatCall struct {
	*http.Request
	body    []byte
	partner bool // a service provider's path
	in      weChatRequest
	delivery
}

// delivery is how an answer is falsified and sent.
type delivery struct{ d Delivery }

// weChatRequest has the fields of every request that is understood.
type weChatRequest struct {
	AppID       string    `json:"appid"`
	MchID       string    `json:"mchid"`
	SpAppID     string    `json:"sp_appid"`
	SpMchID     string    `json:"sp_mchid"`
	SubMchID    string    `json:"sub_mchid"`
	Description string    `json:"description"`
	OutTradeNo  string    `json:"out_trade_no"`
	OutRefundNo string    `json:"out_refund_no"`
	Attach      string    `json:"attach"`
	NotifyURL   string    `json:"notify_url"`
	TimeExpire  time.Time `json:"time_expire"`
	Payer       struct {
		AuthCode string `json:"auth_code"`
	} `json:"payer"`
	Amount struct {
		Total    int64  `json:"total"`
		Refund   int64  `json:"refund"`
		Currency string `json:"currency"`
	} `json:"amount"`
	SceneInfo struct {
		DeviceID  string `json:"device_id"`
		StoreInfo struct {
			ID string `json:"id"`
		} `json:"store_info"`
	} `json:"scene_info"`
}

// routeWeChat names every path; a service provider's have "partner" in them.
func (s *Simulator) routeWeChat() {
	for _, partner := range []bool{false, true} {
		base := "/v3/pay/transactions/"
		if partner {
			base = "/v3/pay/partner/transactions/"
		}
		s.weChat("POST "+base+"codepay", Pay, partner, s.weChatPay)
		s.weChat("POST "+base+"native", Present, partner, s.weChatNative)
		s.weChat("GET "+base+"out-trade-no/{order}", Query, partner, s.weChatQuery)
		s.weChat("GET "+base+"id/{number}", Query, partner, s.weChatQuery)
		s.weChat("POST "+base+"out-trade-no/{order}/reverse", Reverse, partner, s.weChatReverse)
		s.weChat("POST "+base+"out-trade-no/{order}/close", Close, partner, s.weChatClose)
	}
	s.weChat("POST /v3/refund/domestic/refunds", Refund, false, s.weChatRefund)
	s.weChat("GET /v3/refund/domestic/refunds/{refund}", RefundQuery, false, s.weChatRefundQuery)
	s.weChat("GET /v3/bill/tradebill", "", false, s.weChatBill)
	s.weChat("GET /v3/billdownload/file", "", false, s.weChatBillFile)
	s.weChat("GET /v3/certificates", "", false, s.weChatCertificates)
}

// weChat serves one path: the signature first, then the values, then the fault, then the work.
func (s *Simulator) weChat(pattern string, op Op, partner bool, does func(weChatCall) (any, refusal)) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.send(w, r, Normal, s.weChatAnswer(r, Normal, nil, badRequest))
			return
		}
		if !s.weChatSigned(r, body) {
			s.send(w, r, Normal, s.weChatAnswer(r, Normal, nil, badSignature))
			return
		}
		c := weChatCall{Request: r, body: body, partner: partner}
		if len(body) > 0 && json.Unmarshal(body, &c.in) != nil {
			s.send(w, r, Normal, s.weChatAnswer(r, Normal, nil, badRequest))
			return
		}
		if no := s.weChatParty(&c); no != "" {
			s.send(w, r, Normal, s.weChatAnswer(r, Normal, nil, no))
			return
		}
		i := c.info(op)
		i.Repeat = s.repeated(i.key(), c.in.OutRefundNo)
		b := s.behaviour(i)
		if b.Delivery == Lost {
			s.send(w, r, Lost, answer{})
			return
		}
		c.d = b.Delivery
		c.Request = r.WithContext(withBehaviour(r.Context(), b))
		value, no := does(c)
		if b.Delivery == SystemError {
			no = broken
		}
		s.send(w, r, b.Delivery, s.weChatAnswer(r, b.Delivery, value, no))
	})
}

// The refusals of this protocol alone.
const (
	badRequest   refusal = "the request cannot be read"
	badSignature refusal = "the signature is wrong"
	badTime      refusal = "the time is not now, in China's time"
	notYours     refusal = "another merchant"
	noBill       refusal = "no bill"
)

// weChatParty checks that the request is about the merchant who signed it, and his sub-merchants.
func (s *Simulator) weChatParty(c *weChatCall) refusal {
	in, q, a := &c.in, c.URL.Query(), &s.cfg.Accounts.WeChat
	mch, app := in.MchID, in.AppID
	if c.partner {
		mch, app = in.SpMchID, in.SpAppID
	}
	if c.Method == http.MethodGet {
		mch, app, in.SubMchID = q.Get("mchid"), "", q.Get("sub_mchid")
		if c.partner {
			mch = q.Get("sp_mchid")
		}
	}
	transaction := mch != "" || c.PathValue("order") != "" || in.Payer.AuthCode != ""
	if transaction && mch != a.MchID || app != "" && app != a.AppID {
		return notYours
	}
	known := in.SubMchID == ""
	for _, sub := range a.Subs {
		known = known || sub == in.SubMchID
	}
	if !known || c.partner && in.SubMchID == "" {
		return notYours
	}
	return ""
}

func (c weChatCall) info(op Op) Info {
	order := c.in.OutTradeNo
	if p := c.PathValue("order"); p != "" {
		order = p
	}
	amount := c.in.Amount.Total
	if op == Refund {
		amount = c.in.Amount.Refund
	}
	merchant := c.in.MchID + c.in.SpMchID
	return Info{Brand: WeChat, Merchant: merchant, Sub: c.in.SubMchID, Order: order, Amount: amount, Op: op}.ofWeChat(c)
}

// ofWeChat fills in the merchant where only the signature names him.
func (i Info) ofWeChat(c weChatCall) Info {
	if i.Merchant == "" {
		i.Merchant = c.URL.Query().Get("mchid") + c.URL.Query().Get("sp_mchid")
	}
	if i.Merchant == "" {
		i.Merchant = authorization(c.Header.Get("Authorization"))["mchid"]
	}
	return i
}

func (c weChatCall) entry(op Op) Entry {
	i := c.info(op)
	i.Op = ""
	device := c.in.SceneInfo.DeviceID
	if device == "" {
		device = c.in.SceneInfo.StoreInfo.ID
	}
	return Entry{Info: i, Subject: c.in.Description, Attach: c.in.Attach, Terminal: device, Notify: c.in.NotifyURL, Expires: c.in.TimeExpire.UTC()}
}

// mine reports whether an order belongs to the sub-merchant who asks.
func (c weChatCall) mine(o Order) bool { return o.Sub == c.in.SubMchID }

func (s *Simulator) weChatPay(c weChatCall) (any, refusal) {
	if c.in.OutTradeNo == "" || c.in.Payer.AuthCode == "" || c.in.Description == "" || c.in.Amount.Currency != "CNY" && c.in.Amount.Currency != "" {
		return nil, badRequest
	}
	o, no := s.pay(c.entry(Pay), c.in.Payer.AuthCode, behaviourOf(c.Context()))
	if no != "" {
		return nil, no
	}
	return s.transaction(c, o), ""
}

func (s *Simulator) weChatNative(c weChatCall) (any, refusal) {
	if c.in.OutTradeNo == "" || c.in.NotifyURL == "" || c.in.Description == "" {
		return nil, badRequest
	}
	o, no := s.present(c.entry(Present), behaviourOf(c.Context()), "weixin://wxpay/bizpayurl?pr=")
	if no != "" {
		return nil, no
	}
	return map[string]string{"code_url": o.Link}, ""
}

func (s *Simulator) weChatQuery(c weChatCall) (any, refusal) {
	k := c.info(Query).key()
	if n := c.PathValue("number"); n != "" {
		var ok bool
		if k, ok = s.byNumber(WeChat, n); !ok {
			return nil, noOrder
		}
	}
	o, no := s.query(k)
	if no != "" {
		return nil, no
	}
	if !c.mine(o) {
		return nil, noOrder
	}
	return s.transaction(c, o), ""
}

// weChatReverse takes back a payment by the customer's code. WeChat wants 15 s
// after the payment to pass before, and answers USERPAYING while the customer types.
func (s *Simulator) weChatReverse(c weChatCall) (any, refusal) {
	k := c.info(Reverse).key()
	o, no := s.query(k)
	switch {
	case no != "":
		return nil, no
	case !c.mine(o):
		return nil, noOrder
	case !o.Coded:
		return nil, badRequest
	case o.Status != Undone && s.cfg.Clock().Sub(o.Time) < soonest:
		return nil, paying
	}
	if o, no = s.undo(k); no != "" {
		return nil, no
	}
	return s.transaction(c, o), ""
}

// soonest is from a payment to its reversal.
const soonest = 15 * time.Second

func (s *Simulator) weChatClose(c weChatCall) (any, refusal) {
	k := c.info(Close).key()
	if o, no := s.query(k); no != "" || !c.mine(o) {
		return nil, noOrder
	}
	_, no := s.shut(k)
	return nil, no
}

func (s *Simulator) weChatRefund(c weChatCall) (any, refusal) {
	i := c.info(Refund)
	o, no := s.query(i.key())
	if no != "" || !c.mine(o) {
		return nil, noRefund
	}
	if c.in.OutRefundNo == "" {
		return nil, badRequest
	}
	o, r, no := s.giveBack(i.key(), c.in.OutRefundNo, c.in.Amount.Refund, c.in.Amount.Total, refundsApart)
	if no != "" {
		return nil, no
	}
	return weChatReturn(c.d.falsify(o), c.d.falsifyReturn(r)), ""
}

// falsifyReturn is falsify for a refund.
func (d Delivery) falsifyReturn(r Return) Return {
	switch d {
	case WrongAmount:
		r.Amount++
	case Stranger:
		r.Refund += "0"
	case Normal, Late, Cut, Forged, SystemError, Silent, Lost:
	}
	return r
}

func (s *Simulator) weChatRefundQuery(c weChatCall) (any, refusal) {
	o, r, no := s.returned(WeChat, c.info(RefundQuery).Merchant, c.PathValue("refund"))
	if no != "" || !c.mine(o) {
		return nil, noRefund
	}
	return weChatReturn(c.d.falsify(o), c.d.falsifyReturn(r)), ""
}

type weChatAmount struct {
	Total         int64  `json:"total"`
	PayerTotal    int64  `json:"payer_total"`
	Refund        int64  `json:"refund,omitempty"`
	PayerRefund   int64  `json:"payer_refund,omitempty"`
	Settlement    int64  `json:"settlement_refund,omitempty"`
	SettlementAll int64  `json:"settlement_total,omitempty"`
	Currency      string `json:"currency"`
}

// weChatReturn is a refund in WeChat's words.
func weChatReturn(o Order, r Return) any {
	return map[string]any{
		"refund_id": r.Number, "out_refund_no": r.Refund, "transaction_id": o.Number, "out_trade_no": o.Order,
		"channel": "ORIGINAL", "user_received_account": "支付用户零钱", "create_time": chinese(r.At), "success_time": chinese(r.At),
		"status": "SUCCESS", "funds_account": "AVAILABLE",
		"amount": weChatAmount{Total: o.Amount, PayerTotal: o.Amount, Refund: r.Amount, PayerRefund: r.Amount,
			Settlement: r.Amount, SettlementAll: o.Amount, Currency: "CNY"},
	}
}

// chinese is RFC 3339 with the offset of China.
func chinese(t time.Time) string { return t.In(china).Format(time.RFC3339) }

// weChatStates are WeChat's words for the states.
var weChatStates = map[Status]string{
	Open: "NOTPAY", Asking: "USERPAYING", Settled: "SUCCESS", Failed: "PAYERROR", Shut: "CLOSED", Undone: "REVOKED",
}

// transaction is an order in WeChat's words.
func (s *Simulator) transaction(c weChatCall, o Order) any {
	return s.weChatOrder(c.d.falsify(o))
}

func (s *Simulator) weChatOrder(o Order) map[string]any {
	state := weChatStates[o.Status]
	if o.Status == Settled && len(o.Returns) > 0 {
		state = "REFUND"
	}
	kind := "NATIVE"
	if o.Coded {
		kind = "MICROPAY"
	}
	t := map[string]any{
		"out_trade_no": o.Order, "trade_type": kind, "trade_state": state, "trade_state_desc": state, "attach": o.Attach,
		"amount": weChatAmount{Total: o.Amount, PayerTotal: o.Amount, Currency: "CNY"},
	}
	if o.Sub == "" {
		t["appid"], t["mchid"] = s.cfg.Accounts.WeChat.AppID, o.Merchant
	} else {
		t["sp_appid"], t["sp_mchid"], t["sub_mchid"] = s.cfg.Accounts.WeChat.AppID, o.Merchant, o.Sub
	}
	if !o.PaidAt.IsZero() {
		hash := sha256.Sum256([]byte(o.Number))
		t["transaction_id"], t["bank_type"], t["success_time"] = o.Number, "OTHERS", chinese(o.PaidAt)
		t["payer"] = map[string]string{"openid": "o" + hexOf(hash[:14])}
	}
	return t
}

// weChatCertificates gives the platform's certificate, enciphered, for clients that fetch it.
func (s *Simulator) weChatCertificates(weChatCall) (any, refusal) {
	resource, err := s.encipher([]byte(s.keys.certificate), "certificate")
	if err != nil {
		return nil, broken
	}
	return map[string]any{"data": []any{map[string]any{
		"serial_no": s.keys.serial, "effective_time": chinese(s.keys.from), "expire_time": chinese(s.keys.until),
		"encrypt_certificate": resource,
	}}}, ""
}
