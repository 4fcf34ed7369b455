package wallet

import (
	"time"
)

// alipayEntry is a new order.
func (s *Simulator) alipayEntry(c alipayCall) (Entry, refusal) {
	i, no := s.alipayInfo(c, "")
	if no != "" || i.Order == "" || c.in.Subject == "" {
		return Entry{}, badRequest
	}
	e := Entry{Info: i, Subject: c.in.Subject, Terminal: c.in.TerminalID, Notify: c.form.Get("notify_url")}
	if c.in.TimeExpire != "" {
		at, err := time.ParseInLocation(time.DateTime, c.in.TimeExpire, china)
		if err != nil {
			return e, badRequest
		}
		e.Expires = at.UTC()
	}
	return e, ""
}

func (s *Simulator) alipayPay(c alipayCall) (map[string]any, refusal) {
	e, no := s.alipayEntry(c)
	if no != "" || c.in.Scene != "bar_code" || c.in.AuthCode == "" {
		return nil, badRequest
	}
	o, no := s.pay(e, c.in.AuthCode, c.b)
	if no != "" && no != paying {
		return nil, no
	}
	return alipayOrder(c.b.Delivery.falsify(o)), no
}

func (s *Simulator) alipayPresent(c alipayCall) (map[string]any, refusal) {
	e, no := s.alipayEntry(c)
	if no != "" {
		return nil, no
	}
	o, no := s.present(e, c.b, "https://qr.alipay.com/")
	if no != "" {
		return nil, no
	}
	return map[string]any{"out_trade_no": c.b.Delivery.falsify(o).Order, "qr_code": o.Link}, ""
}

// alipayState is Alipay's word for where an order stands.
func alipayState(o Order) string {
	switch o.Status {
	case Open, Asking:
		return "WAIT_BUYER_PAY"
	case Settled:
		if o.refunded < o.Amount {
			return "TRADE_SUCCESS"
		}
	case Failed, Shut, Undone, noStatus:
	}
	return "TRADE_CLOSED"
}

// alipayOrder is an order in Alipay's words.
func alipayOrder(o Order) map[string]any {
	t := map[string]any{"trade_no": o.Number, "out_trade_no": o.Order, "trade_status": alipayState(o), "total_amount": yuan(o.Amount),
		"buyer_logon_id": "138****0000"}
	if !o.PaidAt.IsZero() {
		at := o.PaidAt.In(china).Format(time.DateTime)
		t["send_pay_date"], t["gmt_payment"], t["receipt_amount"], t["buyer_pay_amount"] = at, at, yuan(o.Amount), yuan(o.Amount)
	}
	return t
}

// trade finds an order that exists for Alipay: a merchant's code does once it is scanned.
func (s *Simulator) trade(c alipayCall) (Order, key, refusal) {
	i, no := s.alipayInfo(c, "")
	if no != "" {
		return Order{}, key{}, no
	}
	o, no := s.query(i.key())
	if no == "" && !o.Coded && !o.Seen {
		no = noOrder
	}
	return o, i.key(), no
}

func (s *Simulator) alipayQuery(c alipayCall) (map[string]any, refusal) {
	o, _, no := s.trade(c)
	if no != "" {
		return nil, no
	}
	return alipayOrder(c.b.Delivery.falsify(o)), ""
}

func (s *Simulator) alipayCancel(c alipayCall) (map[string]any, refusal) {
	_, k, no := s.trade(c)
	if no != "" {
		return nil, no
	}
	o, no := s.undo(k)
	if no != "" {
		return nil, no
	}
	action := "close"
	if !o.PaidAt.IsZero() {
		action = "refund"
	}
	o = c.b.Delivery.falsify(o)
	return map[string]any{"trade_no": o.Number, "out_trade_no": o.Order, "retry_flag": "N", "action": action}, ""
}

func (s *Simulator) alipayClose(c alipayCall) (map[string]any, refusal) {
	o, k, no := s.trade(c)
	switch {
	case no != "":
		return nil, no
	case o.Status != Open && o.Status != Asking:
		return nil, closed
	}
	if o, no = s.shut(k); no != "" {
		return nil, no
	}
	o = c.b.Delivery.falsify(o)
	return map[string]any{"trade_no": o.Number, "out_trade_no": o.Order}, ""
}

func (s *Simulator) alipayRefund(c alipayCall) (map[string]any, refusal) {
	o, k, no := s.trade(c)
	if no != "" {
		return nil, no
	}
	i, no := s.alipayInfo(c, Refund)
	if no != "" || c.in.OutRequestNo == "" {
		return nil, badRequest
	}
	change := "Y"
	if o.find(c.in.OutRequestNo) != nil {
		change = "N"
	}
	if o, _, no = s.giveBack(k, c.in.OutRequestNo, i.Amount, o.Amount, 0); no != "" {
		return nil, no
	}
	o = c.b.Delivery.falsify(o)
	if c.b.Delivery == WrongAmount {
		o.refunded = o.Amount
	}
	return map[string]any{"trade_no": o.Number, "out_trade_no": o.Order, "fund_change": change, "refund_fee": yuan(o.refunded)}, ""
}

// alipayRefundQuery answers success without a status when there is no such refund.
func (s *Simulator) alipayRefundQuery(c alipayCall) (map[string]any, refusal) {
	o, _, no := s.trade(c)
	if no != "" {
		return nil, no
	}
	o = c.b.Delivery.falsify(o)
	t := map[string]any{"trade_no": o.Number, "out_trade_no": o.Order}
	if r := o.find(c.in.OutRequestNo); r != nil {
		back := c.b.Delivery.falsifyReturn(*r)
		t["out_request_no"], t["refund_amount"], t["total_amount"], t["refund_status"] = back.Refund, yuan(back.Amount), yuan(o.Amount), "REFUND_SUCCESS"
	}
	return t, ""
}
