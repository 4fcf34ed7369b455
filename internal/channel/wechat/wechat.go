// Package wechat is the channel to WeChat Pay, API v3, on the official SDK's signed
// client: payment by the customer's code (codepay) and by the merchant's (Native),
// query, reversal, closing, refunds, notices and the trade bill, for a merchant of
// his own or a service provider with sub-merchants. It knows nothing of payments.
//
// Facts are from WeChat Pay's documents 4012382150 (codepay) and chapter 3. Two
// things the SDK leaves to its caller: it believes a refusal without verifying its
// signature, and it asks the machine's clock; both are done here.
package wechat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/validators"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/clock"
)

// Host is WeChat Pay's own.
const Host = "https://api.mch.weixin.qq.com"

// Config is what a Channel needs. Every field without a default is required.
type Config struct {
	Name        string // short and stable: names the receivable account
	BaseURL     string // "" is Host
	AppID       string
	MchID       string
	Serial      string            // of the merchant's API certificate
	PrivateKey  card.Secret       // of that certificate: PEM, PKCS 8
	APIv3Key    card.Secret       // 32 bytes; deciphers notices
	PublicKeys  map[string]string // WeChat's, PEM (PKIX) by id or serial: the present one, and while they change the next
	PublicKeyID string            // which of them answers are to be signed under
	NotifyURL   string            // https; where WeChat tells of merchants' codes that were paid and of refunds
	Transport   http.RoundTripper // nil: http.DefaultTransport
	Pace        channel.Pace      // what is zero is DefaultPace
	Clock       clock.Clock
	Log         *slog.Logger
	Waiting     func(context.Context, channel.Request) // told once when a customer must type the password; nil for nobody
	Numbers     Numbers                                // MchID is a service provider, and every request names a sub-merchant; nil for a merchant
}

// Numbers finds the sub-merchant number (sub_mchid) of a merchant for a sale of that Ref and all
// that follows from it, so that a refund names the number that its sale named. "" is none.
type Numbers func(ctx context.Context, merchant int64, sale string) (string, error)

// DefaultPace are WeChat's own figures: a query about 5 s after no answer, then every
// 5 to 10 s, and after some 30 s the reversal.
var DefaultPace = channel.Pace{Call: 10 * time.Second, First: 5 * time.Second, Longest: 10 * time.Second, Deadline: 32 * time.Second, Soonest: soonest}

// soonest is from a payment to its reversal, at least: WeChat wants it so.
const soonest = 15 * time.Second

// settled is when an order that WeChat does not know will not come any more: a
// customer's code lives a minute, and no call of ours lives as long.
const settled = 2 * time.Minute

// Channel is the channel. Any number of goroutines may use it.
type Channel struct {
	Config
	host   string
	client *core.Client
	bills  *core.Client // believes answers without a signature: a bill has none, but a hash
	trust  verifier
}

var _ channel.Wallet = (*Channel)(nil)

// New makes the channel; it connects when it must. A key that cannot be read is an error that does not show it.
func New(c Config) (*Channel, error) {
	if c.BaseURL == "" {
		c.BaseURL = Host
	}
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Host == "" || u.Path != "" {
		return nil, fmt.Errorf("wechat: base URL %q is not scheme and host", c.BaseURL)
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	c.Pace = c.Pace.Or(DefaultPace)
	w := &Channel{Config: c, host: u.Host}
	if w.trust, err = newVerifier(c); err != nil {
		return nil, fmt.Errorf("wechat: %w", err)
	}
	if n := len(c.APIv3Key.Reveal()); n != 32 {
		return nil, fmt.Errorf("wechat: the API v3 key has %d bytes, not 32", n)
	}
	if w.client, err = newClient(c, w.trust); err != nil {
		return nil, fmt.Errorf("wechat: %w", err)
	}
	w.bills = core.NewClientWithValidator(w.client, &validators.NullValidator{})
	return w, nil
}

// Name names the channel.
func (w *Channel) Name() string { return w.Config.Name }

// Patience is how this wallet wants to be asked.
func (w *Channel) Patience() channel.Pace { return w.Pace }

// String hides what the Config holds.
func (w *Channel) String() string { return "wechat " + w.Config.Name }

// Do asks WeChat for one thing. A sale is asked after until it is decided or Pace's deadline has passed.
func (w *Channel) Do(ctx context.Context, r channel.Request) channel.Outcome {
	o := w.do(ctx, r)
	switch o.Result {
	case channel.Unsent:
		w.Log.Warn("request not sent", "kind", r.Kind, "ref", r.Ref, "why", o.Detail)
	case channel.Silent:
		w.Log.Warn("request not answered", "kind", r.Kind, "ref", r.Ref, "code", o.Code, "why", o.Detail)
	case channel.Approved, channel.Declined, channel.Waiting:
	}
	return o
}

func (w *Channel) do(ctx context.Context, r channel.Request) channel.Outcome {
	r, err := w.named(ctx, r)
	if errors.Is(err, errNoNumber) && (r.Kind == channel.Sale || r.Kind == channel.Present) {
		return channel.Outcome{Result: channel.Declined, Code: NotOpened, Detail: err.Error()}
	} else if err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	p, err := w.partyOf(r)
	if err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	switch r.Kind {
	case channel.Sale:
		return w.sale(ctx, r, p)
	case channel.Present:
		return w.present(ctx, r, p)
	case channel.Query:
		if r.Original.Kind == channel.Refund {
			return w.queryRefund(ctx, r, p)
		}
		return w.query(ctx, r, p)
	case channel.Close:
		return w.close(ctx, r, p)
	case channel.Refund:
		return w.refund(ctx, r, p)
	case channel.Reversal:
		return w.reverse(ctx, r, p)
	case channel.Void, channel.Balance:
	}
	return channel.Outcome{Result: channel.Unsent, Detail: fmt.Sprintf("WeChat Pay has no %q", r.Kind)}
}
