package channel

import (
	"context"
	"net/http"
	"regexp"

	"hawker/internal/clock"
	"hawker/internal/fault"
)

// Wallet is a channel whose customer holds a phone: WeChat Pay, Alipay. Do takes
// Sale (the customer's code), Present (the merchant's code), Query, Refund,
// Reversal and Close.
//
// A sale is asked after until the wallet knows or the wallet's patience ends;
// then it is Silent, and its reversal decides. A caller who asks on by himself
// sends it Once. Refunds, reversals and closings
// may be repeated unchanged and have one effect.
type Wallet interface {
	Channel
	// Patience is how the wallet wants to be asked after a sale, and when that ends.
	Patience() Pace
	// Notices takes what the wallet reports of its own accord. A notice that is
	// not authentic, not of this time, not about an order in b, or not about that
	// order's amount and merchant is refused and told to nobody.
	Notices(b Book) http.Handler
	// Bill fetches the wallet's own statement of one day. ErrNoBill when there is none (yet).
	Bill(ctx context.Context, day clock.Day) (Bill, error)
}

// Book is what a wallet's notices are held against.
type Book interface {
	// Order finds the request that bore the number, or a fault of kind NotFound.
	Order(ctx context.Context, number string) (Request, error)
	// Tell takes what became of the request: durably, before it returns nil. The
	// same notice may come many times, in any order, beside answers and queries.
	Tell(ctx context.Context, r Request, o Outcome) error
	// Doubt takes that a notice was authentic and bore the request's number, but was about
	// another amount, merchant or app. It moves nothing. The notice is refused all the same.
	Doubt(ctx context.Context, r Request, why string) error
}

// The refusals of wallets.
var (
	ErrNoBill = fault.New(fault.NotFound, "wallet_bill_missing",
		"钱包还没有这一天的账单。次日上午十点以后再取。", "The wallet has no bill for this day yet. It comes after 10:00 on the next day.")
	ErrBill = fault.New(fault.Unavailable, "wallet_bill_unreadable",
		"钱包的账单读不懂，没有采用。", "The wallet's bill could not be read and was not used.")
	ErrNotice = fault.New(fault.Invalid, "wallet_notice_refused",
		"这条通知不可信，没有采用。", "This notice is not to be believed and had no effect.")
	ErrNumber = fault.New(fault.Invalid, "wallet_number_invalid",
		"订单号不对。", "This is no order number of ours.")
)

// NumberOf is the order number under which a wallet knows a request: the merchant's
// MID and the Ref, at most 32 letters, digits and underscores (WeChat out_trade_no).
// A Ref is never used twice, so neither is a number.
func NumberOf(mid, ref string) (string, error) {
	if n := mid + ref; len(ref) == refSize && number.MatchString(n) {
		return n, nil
	}
	return "", ErrNumber
}

// ParseNumber is the opposite of NumberOf.
func ParseNumber(s string) (mid, ref string, err error) {
	if !number.MatchString(s) {
		return "", "", ErrNumber
	}
	return s[:len(s)-refSize], s[len(s)-refSize:], nil
}

const refSize = 12

var number = regexp.MustCompile(`^[0-9A-Za-z_]{13,32}$`)
