package cardhost

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/iso8583"
)

// Codes is the way to pay by a customer's code over the card network's line: UnionPay's
// codes travel in field 59 instead of a card number, and the voucher that the network
// answers names the payment from then on. The network has no query: what is silent is reversed.
type Codes struct {
	host *Host
	name string
}

var _ channel.Wallet = (*Codes)(nil)

// Codes makes that way; name names its receivable account.
func (h *Host) Codes(name string) *Codes { return &Codes{h, name} }

// entryCode is field 22 of a payment by code: mode 03, without PIN.
const entryCode = "032"

// Name names the channel.
func (c *Codes) Name() string { return c.name }

// Patience is short: nobody can be asked after a sale.
func (c *Codes) Patience() channel.Pace {
	return channel.Pace{Call: c.host.Timeout, First: time.Second, Longest: time.Second, Deadline: time.Second}
}

// Presents says that merchants' codes are not drawn here: the network has no such message.
func (c *Codes) Presents() bool { return false }

// Notices are none: the network reports nothing of its own accord.
func (c *Codes) Notices(channel.Book) http.Handler { return http.NotFoundHandler() }

// Bill is none: what is paid by code is in the card network's own settlement.
func (c *Codes) Bill(context.Context, clock.Day) (channel.Bill, error) {
	return channel.Bill{}, channel.ErrNoBill
}

// Do sends a sale, refund or reversal. A query is Silent, everything else Unsent.
func (c *Codes) Do(ctx context.Context, r channel.Request) channel.Outcome {
	switch r.Kind {
	case channel.Sale, channel.Refund, channel.Reversal:
	case channel.Query:
		return channel.Outcome{Detail: "the network has no query"}
	default:
		return channel.Outcome{Result: channel.Unsent, Detail: fmt.Sprintf("the network has no %q by code", r.Kind)}
	}
	m, err := c.build(r)
	if err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	defer m.Wipe(secrets...)
	l, err := c.host.connected(ctx)
	if err != nil {
		c.host.Log.Warn("request not sent", "kind", r.Kind, "ref", r.Ref, "why", err)
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	return l.exchange(ctx, r, m)
}

// build writes a request as a message: the card's fields are left out.
func (c *Codes) build(r channel.Request) (*iso8583.Message, error) {
	kind := kinds[r.Kind]
	if kind.processing == "" {
		kind.processing, kind.condition = kinds[r.Original.Kind].processing, kinds[r.Original.Kind].condition
	}
	local := r.At.In(r.Merchant.Zone)
	m := iso8583.New(kind.mti).Set(3, kind.processing).Set(4, fmt.Sprintf("%012d", r.Amount.Minor()))
	m.Set(7, transmission(r.At)).Set(11, fmt.Sprintf("%06d", r.STAN)).Set(12, local.Format("150405")).Set(13, local.Format("0102"))
	m.Set(18, r.Merchant.MCC).Set(22, entryCode).Set(25, kind.condition).Set(32, c.host.Acquirer).Set(33, c.host.Forwarder).Set(37, r.Ref)
	m.Set(41, fmt.Sprintf("%-8.8s", r.Terminal)).Set(42, r.Merchant.MID).SetBytes(43, nameAndPlace(r.Merchant)).Set(49, r.Amount.Currency().Numeric())
	switch r.Kind {
	case channel.Sale:
		if r.Code.IsZero() {
			return nil, fmt.Errorf("no customer's code")
		}
		m.Set(59, iso8583.Build59(iso8583.QRCode, string(r.Code.Reveal())))
	case channel.Refund:
		m.Set(59, iso8583.Build59(iso8583.QRVoucher, r.Original.AuthCode)).Set(90, c.host.originalData(r.Original))
	case channel.Reversal: // the code is not kept; field 90 names the sale
		m.Set(39, reasonOf(r)).Set(90, c.host.originalData(r.Original))
	}
	return m, nil
}

// reasonOf is field 39 of a reversal: two characters.
func reasonOf(r channel.Request) string {
	if len(r.Reason) == 2 {
		return r.Reason
	}
	return "06" // somebody cancelled it
}
