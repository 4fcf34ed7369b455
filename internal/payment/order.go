package payment

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"hawker/internal/card"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/qr"
)

// Refusals of orders.
var (
	ErrMethod = fault.New(fault.Invalid, "method_not_accepted", "不支持这种付款方式，请换一种。", "This way of paying is not accepted here. Please use another.")
	ErrCode   = fault.New(fault.Invalid, "code_differs", "付款码和所选的付款方式不一致。", "The code is not of the chosen way of paying.")
	ErrOrder  = fault.New(fault.Invalid, "order_invalid", "订单内容不完整或不合规。", "The order is incomplete or not allowed.")
	ErrTaken  = fault.New(fault.Conflict, "order_number_taken", "这个订单号已经有一笔收款，请勿重复收款。", "There is a payment for this order number already. Do not charge again.")
	ErrOver   = fault.New(fault.Declined, "payment_expired", "收款码已过期，没有扣款，请重新出码。", "The code has expired and nothing was charged. Please make a new one.")
	ErrPaid   = fault.New(fault.Conflict, "payment_made", "这笔已经付过了，请勿重复付款。", "This has been paid already. Do not pay again.")
	ErrBusy   = fault.New(fault.Unavailable, "payment_busy", "正在处理，请稍后再试。", "This is under way. Please try again in a moment.")
)

// Methods beside MethodCard. A wallet's method is the name of its channel.
const (
	MethodWeChat   = "wechat"
	MethodAlipay   = "alipay"
	MethodUnionPay = "unionpay"
	MethodCash     = "cash"
)

// Order asks to take money for a device that is no ISO terminal: an API key, a POS
// screen, the checkout page.
type Order struct {
	Merchant merchant.Merchant
	Device   string // who asks, 1 to 32 visible ASCII characters: "pos/…", "key/…", "checkout"
	Key      string // the asker's idempotency key, 1 to 64 characters, its own; remembered to the end of the next business day
	Number   string // the merchant's own order number, at most 64 characters; "" none; never two payments for one
	Amount   money.Amount
	Method   string    // "": recognised from Code, or chosen by the payer of a presented code; else a method beside "card"
	Code     card.Code // what the customer showed (merchant scans); zero: the merchant's code is presented
	Note     string    // at most 200 characters
	Shown    []byte    // JSON of what was shown to the payer before paying, at most 16 KiB: evidence
	Expires  time.Time // of a presented code: nobody can pay after it; zero: in five minutes, at most in two hours
	Plate    int64     // the static plate that led to it; 0 for none
	Payer    string    // who pays by the plate, as the checkout tells payers apart, at most 64 characters; "" unknown
}

// RefundOrder asks to give back a part of a payment of any method, or all that is left of it.
type RefundOrder struct {
	Merchant merchant.Merchant
	Device   string // as Order's
	Key      string
	Payment  int64
	Amount   money.Amount
	Reason   string // why, in the merchant's words, at most 200 characters
}

// The times of presented codes.
const (
	codeLasts   = 5 * time.Minute
	codeLongest = 2 * time.Hour
)

// check refuses an order that says too much, too little or contradicts itself, and completes it.
func (o *Order) check(now time.Time) error {
	if err := checkAsker(o.Device, o.Key); err != nil {
		return err
	}
	switch {
	case !printable(o.Number, 64):
		return ErrOrder.With("an order number of at most 64 visible characters is needed")
	case !printable(o.Note, 200):
		return ErrOrder.With("a note has at most 200 visible characters")
	case len(o.Shown) > 16<<10 || len(o.Shown) > 0 && !json.Valid(o.Shown):
		return ErrOrder.With("what was shown is JSON of at most 16 KiB")
	case !printable(o.Payer, 64) || o.Plate < 0:
		return ErrOrder.With("a plate's number is positive, and a payer has at most 64 visible characters")
	}
	if o.Expires.IsZero() {
		o.Expires = now.Add(codeLasts)
	}
	if o.Expires = o.Expires.UTC().Truncate(time.Second); !o.Expires.After(now) || o.Expires.After(now.Add(codeLongest)) {
		return ErrOrder.With("a code expires in the next two hours")
	}
	return o.recognise()
}

// recognise tells the method from the customer's code.
func (o *Order) recognise() error {
	switch {
	case o.Code.IsZero():
		return nil
	case o.Method == MethodCash:
		return ErrCode
	}
	code, err := qr.Known.Recognise(string(o.Code.Reveal()))
	if err != nil {
		return err
	}
	if o.Method != "" && o.Method != string(code.Scheme()) {
		return ErrCode.With("it is of %s, and %s was chosen", code.Scheme(), o.Method)
	}
	o.Method = string(code.Scheme())
	return nil
}

func checkAsker(device, key string) error {
	switch {
	case device == "" || len(device) > 32 || strings.ContainsFunc(device, func(r rune) bool { return r <= ' ' || r > '~' }):
		return ErrOrder.With("a device of 1 to 32 visible ASCII characters is needed")
	case key == "" || len(key) > 64 || !printable(key, 64):
		return ErrOrder.With("an idempotency key of 1 to 64 characters is needed")
	}
	return nil
}

// printable reports whether s is UTF-8 of at most so many characters, none of which is a control.
func printable(s string, most int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7F })
}

// Reuse is the cause within ErrReused of an order or refund whose key was used for
// other content: both hashes, in hexadecimal.
type Reuse struct{ First, Second string }

// Error names both hashes.
func (r *Reuse) Error() string { return fmt.Sprintf("the first was %s, this is %s", r.First, r.Second) }
