package wallet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"time"
)

// refusal is why the wallet does not do what a merchant asks. Each protocol has
// words of its own for it.
type refusal string

const (
	noOrder   refusal = "no such order"
	noRefund  refusal = "no such refund"
	used      refusal = "the order number is used"
	badCode   refusal = "the code is not valid"
	oldCode   refusal = "the code has been used or has expired"
	noFunds   refusal = "the customer has not enough"
	overLimit refusal = "over the customer's limit"
	paid      refusal = "the order is paid"
	notPaid   refusal = "the order is not paid"
	closed    refusal = "the order is closed"
	paying    refusal = "the customer is typing the password"
	cancelled refusal = "the customer has cancelled"
	tooMuch   refusal = "more than what is left"
	differs   refusal = "the same refund with another amount, or another total"
	tooSoon   refusal = "too soon after the refund before, or after the payment"
	tooMany   refusal = "fifty refunds of one order"
	tooOld    refusal = "too long after the payment"
	badAmount refusal = "no amount"
	broken    refusal = "system error"
)

// ofReason is the refusal that goes with a customer's or bank's reason.
var ofReason = map[Reason]refusal{NoFunds: noFunds, CodeDead: oldCode, Limit: overLimit, Cancelled: cancelled}

// Limits of refunds (WeChat's documents; Alipay is taken to be alike but for the minute).
const (
	refundsApart = time.Minute
	refundsMost  = 50
	refundable   = 365 * 24 * time.Hour
)

// reversible is how long after its placing an order can be reversed.
var reversible = map[Brand]time.Duration{WeChat: 7 * 24 * time.Hour, Alipay: 24 * time.Hour}

// codes are what a customer's code of a brand looks like.
var codes = map[Brand]*regexp.Regexp{
	WeChat: regexp.MustCompile(`^1[0-5]\d{16}$`),
	Alipay: regexp.MustCompile(`^(2[5-9]|30)\d{14,22}$`),
}

// pay takes a customer's code.
func (s *Simulator) pay(e Entry, code string, b Behaviour) (Order, refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	hash := sha256.Sum256([]byte(code))
	e.Coded, e.Code = true, hex.EncodeToString(hash[:])
	switch {
	case s.books.byKey[e.key()] != nil:
		return Order{}, used
	case !codes[e.Brand].MatchString(code):
		return Order{}, badCode
	case s.books.codes[e.Code]:
		return Order{}, oldCode
	}
	o, no := s.place(e, b)
	if no != "" {
		return Order{}, no
	}
	return s.decide(o, b)
}

// present draws a merchant's code.
func (s *Simulator) present(e Entry, b Behaviour, link string) (Order, refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.books.byKey[e.key()] != nil {
		return Order{}, used
	}
	if now := s.cfg.Clock(); e.Expires.IsZero() {
		e.Expires = now.Add(codeLife).UTC()
	} else if !e.Expires.After(now) {
		return Order{}, closed
	}
	e.Link = link + hashOf(e.key())
	o, no := s.place(e, b)
	if no != "" {
		return Order{}, no
	}
	return *o, ""
}

func hashOf(k key) string {
	h := sha256.Sum256([]byte(string(k.brand) + "\x00" + k.merchant + "\x00" + k.order))
	return hex.EncodeToString(h[:8])
}

// place writes the order down. The caller holds mu.
func (s *Simulator) place(e Entry, b Behaviour) (*Order, refusal) {
	if e.Amount <= 0 {
		return nil, badAmount
	}
	now := s.cfg.Clock().UTC()
	e.Time, e.Event, e.Types, e.Behaves, e.Takes = now, Placed, b.Customer, b.Notice, s.cfg.Types
	e.Reason = b.Reason
	e.Number = s.number(e.Brand, now)
	if err := s.record(e); err != nil {
		return nil, broken
	}
	return s.books.byKey[e.key()], ""
}

// number draws the wallet's own number: 28 digits, the day among them.
func (s *Simulator) number(b Brand, now time.Time) string {
	head := "4200000001"
	if b == Alipay {
		head = "2200000001"
	}
	return fmt.Sprintf("%s%s%010d", head, now.In(china).Format("20060102"), len(s.books.entries)+1)
}

// china is the wallets' zone: their times and days are Chinese.
var china = time.FixedZone("CST", 8*60*60)

// record writes an entry, then books it. The caller holds mu.
func (s *Simulator) record(e Entry) error {
	if s.state != nil {
		if err := s.state.write(e); err != nil {
			s.cfg.Log.Error("state file", "err", err)
			return err
		}
	}
	return s.books.apply(e)
}

// event is an entry about an order, now.
func (s *Simulator) event(o *Order, e Event) Entry {
	return Entry{Time: s.cfg.Clock().UTC(), Event: e, Info: o.Info, Number: o.Number}
}

// decide lets the customer meet what is to be met. The caller holds mu.
func (s *Simulator) decide(o *Order, b Behaviour) (Order, refusal) {
	if b.Reason != "" {
		return s.refuse(o, b.Reason)
	}
	if b.Customer != Free {
		s.customer(o)
		return *o, paying
	}
	return s.settle(o)
}

// settle books the payment and sends the notices. The caller holds mu.
func (s *Simulator) settle(o *Order) (Order, refusal) {
	if err := s.record(s.event(o, Paid)); err != nil {
		return Order{}, broken
	}
	s.notify(o)
	return *o, ""
}

func (s *Simulator) refuse(o *Order, why Reason) (Order, refusal) {
	e := s.event(o, Refused)
	e.Reason = why
	if err := s.record(e); err != nil {
		return Order{}, broken
	}
	return *o, ofReason[why]
}

// order finds an order as it stands now. The caller holds mu.
func (s *Simulator) order(k key) (*Order, refusal) {
	o := s.books.byKey[k]
	if o == nil {
		return nil, noOrder
	}
	if !o.Expires.IsZero() && !s.cfg.Clock().Before(o.Expires) && (o.Status == Open || o.Status == Asking) {
		if err := s.record(s.event(o, Closed)); err != nil {
			return nil, broken
		}
	}
	return o, ""
}

// query copies an order.
func (s *Simulator) query(k key) (Order, refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, no := s.order(k)
	if no != "" {
		return Order{}, no
	}
	return *o, ""
}

// byNumber finds an order by the wallet's own number.
func (s *Simulator) byNumber(b Brand, number string) (key, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.books.numbers[key{b, "", number}]; o != nil {
		return o.key(), true
	}
	return key{}, false
}

// shut closes an order that nobody has paid.
func (s *Simulator) shut(k key) (Order, refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, no := s.order(k)
	switch {
	case no != "":
		return Order{}, no
	case o.Status == Settled || o.Status == Undone && !o.PaidAt.IsZero():
		return *o, paid
	case o.Status == Open || o.Status == Asking:
		if err := s.record(s.event(o, Closed)); err != nil {
			return Order{}, broken
		}
	}
	return *o, ""
}

// undo takes a payment back whole, or lets nobody make it. What was refunded in part is not undone.
func (s *Simulator) undo(k key) (Order, refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, no := s.order(k)
	switch {
	case no != "":
		return Order{}, no
	case o.Status == Undone || o.Status == Shut:
		return *o, ""
	case len(o.Returns) > 0:
		return *o, closed
	case s.cfg.Clock().Sub(o.Time) > reversible[o.Brand]:
		return *o, tooOld
	}
	if err := s.record(s.event(o, Reversed)); err != nil {
		return Order{}, broken
	}
	return *o, ""
}

// giveBack refunds a part. The same number again gives the same answer.
func (s *Simulator) giveBack(k key, refund string, amount, total int64, apart time.Duration) (Order, Return, refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, no := s.order(k)
	if no != "" {
		return Order{}, Return{}, no
	}
	if r := o.find(refund); r != nil {
		if r.Amount != amount || total != o.Amount {
			return *o, Return{}, differs
		}
		return *o, *r, ""
	}
	if o.Brand == WeChat && s.books.returns[key{o.Brand, o.Merchant, refund}] != nil {
		return *o, Return{}, differs // WeChat's refund numbers are the merchant's, Alipay's the order's
	}
	now := s.cfg.Clock().UTC()
	switch {
	case o.Status != Settled:
		return *o, Return{}, notPaid
	case total != o.Amount:
		return *o, Return{}, differs
	case amount <= 0 || amount > o.Amount-o.refunded:
		return *o, Return{}, tooMuch
	case len(o.Returns) == refundsMost:
		return *o, Return{}, tooMany
	case now.Sub(o.PaidAt) > refundable:
		return *o, Return{}, tooOld
	case len(o.Returns) > 0 && now.Sub(o.Returns[len(o.Returns)-1].At) < apart:
		return *o, Return{}, tooSoon
	}
	e := s.event(o, Refunded)
	e.Refund, e.Amount, e.Total, e.Number = refund, amount, o.Amount, s.number(o.Brand, now)
	if err := s.record(e); err != nil {
		return *o, Return{}, broken
	}
	return *o, o.Returns[len(o.Returns)-1], ""
}

// returned finds a refund by the merchant's number.
func (s *Simulator) returned(b Brand, merchant, refund string) (Order, Return, refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.books.returns[key{b, merchant, refund}]; o != nil {
		return *o, *o.find(refund), ""
	}
	return Order{}, Return{}, noRefund
}

// repeated reports whether an order, or this refund of it, exists.
func (s *Simulator) repeated(k key, refund string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.books.byKey[k]
	return o != nil && (refund == "" || o.find(refund) != nil)
}
