package wallet

import (
	"io"
	"net/http"
	"time"
)

// The pauses between tries to deliver a notice; after the last the wallet gives up.
// WeChat's from its documents; Alipay's as its documents are quoted (secondary).
var pauses = map[Brand][]time.Duration{
	WeChat: {
		15 * time.Second, 15 * time.Second, 30 * time.Second, 3 * time.Minute, 10 * time.Minute, 20 * time.Minute,
		30 * time.Minute, 30 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 3 * time.Hour, 3 * time.Hour, 6 * time.Hour, 6 * time.Hour,
	},
	Alipay: {4 * time.Minute, 10 * time.Minute, 10 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 15 * time.Hour},
}

// notify sends notices of a payment until one is acknowledged. The caller holds mu.
// WeChat sends none for a payment by the customer's code (its community's answer).
func (s *Simulator) notify(o *Order) {
	if o.Notify == "" || o.Brand == WeChat && o.Coded {
		return
	}
	told := *o
	s.busy.Go(func() {
		for i := 0; !s.deliver(told); i++ {
			if i == len(pauses[told.Brand]) || !s.wait(s.life, pauses[told.Brand][i]) {
				return
			}
		}
		if told.Behaves == NoticeTwice {
			s.deliver(told)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if o := s.books.byKey[told.key()]; !o.Noticed {
			_ = s.record(s.event(o, Noticed)) // if it is lost, the notice comes again
		}
	})
}

// deliver sends one notice; it reports whether it was acknowledged.
func (s *Simulator) deliver(o Order) bool {
	makes, accepts := s.weChatNotice, func(status int, _ string) bool { return status == http.StatusOK || status == http.StatusNoContent }
	if o.Brand == Alipay {
		makes, accepts = s.alipayNotice, func(status int, body string) bool { return status == http.StatusOK && body == "success" }
	}
	r, err := makes(o)
	if err != nil {
		s.cfg.Log.Error("notice", "order", o.Order, "err", err)
		return false
	}
	answer, err := s.cfg.Client.Do(r.WithContext(s.life))
	if err != nil {
		s.cfg.Log.Info("notice not delivered", "order", o.Order, "err", err)
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<12))
	return err == nil && accepts(answer.StatusCode, string(body))
}

// falsified is what a notice says of an order under its fault, and when it was signed.
func (s *Simulator) falsified(o Order) (Order, time.Time) {
	at := s.cfg.Clock()
	switch o.Behaves {
	case NoticeAmount:
		o.Amount++
	case NoticeMerchant:
		o.Merchant, o.Sub = "1900009999", ""
	case NoticeOrder:
		o.Order = o.Order[:len(o.Order)-1] + "_"
	case NoticeStale:
		at = at.Add(-6 * time.Minute)
	case NoticeRight, NoticeTwice, NoticeForged:
	}
	return o, at
}
