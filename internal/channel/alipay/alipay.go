// Package alipay is the channel to Alipay's open platform, on the SDK
// smartwalle/alipay: payment by the customer's code (trade.pay) and by the
// merchant's (precreate), query, cancel, close, refunds, notices and the trade bill.
// It knows nothing of payments.
//
// Three things are done here that the SDK leaves to its caller: an answer without a
// signature is no answer, whatever it says; the SDK would take it for a refusal. The
// zone of timestamps is China's, not the machine's. And fields that were not set are
// not sent, which the SDK's own types do.
package alipay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	sdk "github.com/smartwalle/alipay/v3"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/money"
)

// Gateway is Alipay's own.
const Gateway = "https://openapi.alipay.com/gateway.do"

// Config is what a Channel needs. Every field without a default is required.
type Config struct {
	Name         string // short and stable: names the receivable account
	Gateway      string // "" is Gateway
	AppID        string
	SellerID     string            // the merchant's own number, 2088…: notices must name it
	AppAuthToken card.Secret       // of a merchant who has authorised this app to act for him; zero for the app's own merchant
	PrivateKey   card.Secret       // the app's: PEM, PKCS 8
	PublicKey    string            // Alipay's: PEM, PKIX
	NotifyURL    string            // https; where Alipay tells of payments
	Transport    http.RoundTripper // nil: http.DefaultTransport
	Pace         channel.Pace      // what is zero is DefaultPace
	Clock        clock.Clock
	Log          *slog.Logger
	Waiting      func(context.Context, channel.Request) // told once when a customer must type the password; nil for nobody
}

// DefaultPace are Alipay's figures: a query every 3 to 5 s, then the cancelling.
var DefaultPace = channel.Pace{Call: 10 * time.Second, First: 3 * time.Second, Longest: 5 * time.Second, Deadline: 32 * time.Second}

// settled is when an order that Alipay does not know will not come any more: a
// customer's code lives a minute, and no call of ours lives as long.
const settled = 2 * time.Minute

// codeLife is how long a merchant's code can be scanned unless it says otherwise.
const codeLife = 2 * time.Hour

// china is Alipay's zone.
var china = time.FixedZone("CST", 8*60*60)

// Channel is the channel. Any number of goroutines may use it.
type Channel struct {
	Config
	host   string
	client *sdk.Client
	http   *http.Client
}

var _ channel.Wallet = (*Channel)(nil)

// New makes the channel; it connects when it must. A key that cannot be read is an error that does not show it.
func New(c Config) (*Channel, error) {
	if c.Gateway == "" {
		c.Gateway = Gateway
	}
	u, err := url.Parse(c.Gateway)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("alipay: gateway %q is no address", c.Gateway)
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	c.Pace = c.Pace.Or(DefaultPace)
	a := &Channel{Config: c, host: u.Host, http: &http.Client{
		Transport:     bounded{c.Transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	// "Not production" only keeps the SDK from fetching keys by itself; the gateway is ours to say.
	a.client, err = sdk.New(c.AppID, string(c.PrivateKey.Reveal()), false,
		sdk.WithSandboxGateway(c.Gateway), sdk.WithHTTPClient(a.http), sdk.WithTimeLocation(china))
	if err != nil {
		return nil, errors.New("alipay: the private key cannot be read") // the cause might repeat it
	}
	if err := a.client.LoadAliPayPublicKey(c.PublicKey); err != nil {
		return nil, fmt.Errorf("alipay: public key: %w", err)
	}
	return a, nil
}

// Name names the channel.
func (a *Channel) Name() string { return a.Config.Name }

// Patience is how this wallet wants to be asked.
func (a *Channel) Patience() channel.Pace { return a.Pace }

// String hides what the Config holds.
func (a *Channel) String() string { return "alipay " + a.Config.Name }

// Do asks Alipay for one thing. A sale is asked after until it is decided or Pace's deadline has passed.
func (a *Channel) Do(ctx context.Context, r channel.Request) channel.Outcome {
	o := a.do(ctx, r)
	switch o.Result {
	case channel.Unsent:
		a.Log.Warn("request not sent", "kind", r.Kind, "ref", r.Ref, "why", o.Detail)
	case channel.Silent:
		a.Log.Warn("request not answered", "kind", r.Kind, "ref", r.Ref, "code", o.Code, "why", o.Detail)
	case channel.Approved, channel.Declined, channel.Waiting:
	}
	return o
}

func (a *Channel) do(ctx context.Context, r channel.Request) channel.Outcome {
	if r.Amount.Currency() != money.CNY || r.Merchant.Sub != "" {
		return channel.Outcome{Result: channel.Unsent, Detail: "Alipay takes CNY only, and has no sub-merchants here"}
	}
	switch r.Kind {
	case channel.Sale:
		return a.sale(ctx, r)
	case channel.Present:
		return a.present(ctx, r)
	case channel.Query:
		if r.Original.Kind == channel.Refund {
			return a.queryRefund(ctx, r)
		}
		return a.query(ctx, r)
	case channel.Close:
		return a.close(ctx, r)
	case channel.Refund:
		return a.refund(ctx, r)
	case channel.Reversal:
		return a.cancel(ctx, r)
	case channel.Void, channel.Balance:
	}
	return channel.Outcome{Result: channel.Unsent, Detail: fmt.Sprintf("Alipay has no %q", r.Kind)}
}
