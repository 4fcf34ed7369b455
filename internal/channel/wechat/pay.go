package wechat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"hawker/internal/channel"
)

// total is an amount on the wire: fen.
type total struct {
	Total    int64  `json:"total"`
	Currency string `json:"currency"`
}

// order is the body of codepay and native.
type order struct {
	party
	Description string `json:"description"`
	OutTradeNo  string `json:"out_trade_no"`
	NotifyURL   string `json:"notify_url,omitempty"`
	TimeExpire  string `json:"time_expire,omitempty"`
	Amount      total  `json:"amount"`
	Payer       *payer `json:"payer,omitempty"`
	Scene       *scene `json:"scene_info,omitempty"`
}

type payer struct {
	AuthCode string `json:"auth_code"`
}

type scene struct {
	DeviceID  string `json:"device_id,omitempty"`
	StoreInfo struct {
		ID string `json:"id"`
	} `json:"store_info"`
}

// transaction is an order as WeChat tells it.
type transaction struct {
	party
	OutTradeNo    string `json:"out_trade_no"`
	TransactionID string `json:"transaction_id"`
	TradeState    string `json:"trade_state"`
	BankType      string `json:"bank_type"`
	Amount        total  `json:"amount"`
}

// states are WeChat's words for what became of an order.
var states = map[string]channel.Result{
	"SUCCESS": channel.Approved, "REFUND": channel.Approved, // paid; what was refunded is another matter
	"NOTPAY": channel.Waiting, "USERPAYING": channel.Waiting, "ACCEPT": channel.Waiting,
	"CLOSED": channel.Declined, "REVOKED": channel.Declined, "PAYERROR": channel.Declined,
}

// The refusals that decide nothing, in both spellings that WeChat's pages have.
var (
	waits   = []string{"USERPAYING"}
	unknown = []string{"SYSTEM_ERROR", "SYSTEMERROR", "BANK_ERROR", "BANKERROR", "FREQUENCY_LIMITED", "FREQUENCY_LIMIT_EXCEED", "RATELIMIT_EXCEEDED", "SIGN_ERROR"}
	taken   = []string{"OUT_TRADE_NO_USED", "ORDERPAID", "ORDER_PAID"}
	absent  = []string{"ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"}
	ended   = []string{"ORDER_CLOSED", "ORDERCLOSED", "ORDER_REVERSED", "ORDERREVERSED"}
)

// failed is what an error of call says of a request.
func failed(err error) channel.Outcome {
	var no refused
	switch {
	case errors.Is(err, errUnsent):
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	case !errors.As(err, &no):
		return channel.Outcome{Result: channel.Silent, Detail: err.Error()}
	case slices.Contains(waits, no.code):
		return channel.Outcome{Result: channel.Waiting, Code: no.code, Detail: no.message}
	case no.code == "" || no.status >= 500 || no.status == http.StatusTooManyRequests || no.status == http.StatusUnauthorized || slices.Contains(unknown, no.code):
		return channel.Outcome{Result: channel.Silent, Code: no.code, Detail: no.Error()}
	}
	return channel.Outcome{Result: channel.Declined, Code: no.code, Detail: no.message}
}

// silent is an outcome that keeps a code for the log and decides nothing.
func silent(o channel.Outcome, why string) channel.Outcome {
	return channel.Outcome{Result: channel.Silent, Code: o.Code, Detail: why}
}

// judged believes a transaction that is about what was asked, and nothing else.
func (w *Channel) judged(t transaction, number string, r channel.Request) channel.Outcome {
	if err := w.about(t, number, r); err != nil {
		return channel.Outcome{Result: channel.Silent, Detail: err.Error()}
	}
	result, known := states[t.TradeState]
	if !known || result == channel.Approved && t.TransactionID == "" {
		return channel.Outcome{Result: channel.Silent, Detail: fmt.Sprintf("state %.20q of transaction %.32q", t.TradeState, t.TransactionID)}
	}
	o := channel.Outcome{Result: result, Code: t.TradeState, Number: t.TransactionID}
	if result == channel.Approved {
		o.Code, o.Issuer = "SUCCESS", t.BankType // whenever it is asked, and whatever was refunded, one payment has one outcome
	}
	return o
}

// about compares order, merchant and amount.
func (w *Channel) about(t transaction, number string, r channel.Request) error {
	want, err := w.partyOf(r)
	if err != nil {
		return err
	}
	amount := r.Amount.Minor()
	switch {
	case t.OutTradeNo != number:
		return fmt.Errorf("it is about order %.32q", t.OutTradeNo)
	case t.MchID != want.MchID || t.SpMchID != want.SpMchID || t.SubMchID != want.SubMchID:
		return errors.New("it is about another merchant")
	case t.AppID != want.AppID || t.SpAppID != want.SpAppID:
		return errors.New("it is about another app")
	case t.Amount.Total != amount && (t.TransactionID != "" || t.Amount.Total != 0) || t.Amount.Currency != "" && t.Amount.Currency != "CNY":
		return fmt.Errorf("it is about %d fen, not %d", t.Amount.Total, amount)
	}
	return nil
}

// ordered is the body of a new order.
func ordered(r channel.Request, p party, number string) order {
	o := order{party: p, Description: r.Merchant.Name, OutTradeNo: number, Amount: total{r.Amount.Minor(), "CNY"}}
	if o.Description == "" {
		o.Description = r.Merchant.MID
	}
	return o
}

// sale takes the customer's code and stays with it until it is decided. The code is
// sent once and never again: whatever is not known is asked for by the order's number.
func (w *Channel) sale(ctx context.Context, r channel.Request, p party) channel.Outcome {
	number, err := channel.NumberOf(r.Merchant.MID, r.Ref)
	if err != nil || r.Code.IsZero() {
		return channel.Outcome{Result: channel.Unsent, Detail: "no order number, or no customer's code"}
	}
	body := ordered(r, p, number)
	body.Payer, body.Scene = &payer{string(r.Code.Reveal())}, &scene{DeviceID: r.Terminal}
	body.Scene.StoreInfo.ID = r.Merchant.MID
	began := time.Now()
	var t transaction
	first := channel.Outcome{}
	if err := w.call(ctx, http.MethodPost, w.base()+"codepay", body, &t); err != nil {
		first = failed(err)
	} else {
		first = w.judged(t, number, r)
	}
	body.Payer.AuthCode = ""
	if first.Result == channel.Declined && slices.Contains(taken, first.Code) {
		first = silent(first, "the number has an order already")
	}
	if r.Once {
		return first
	}
	told := false
	tell := func(o channel.Outcome) {
		if o.Result == channel.Waiting && !told && w.Waiting != nil {
			told = true
			w.Waiting(ctx, r)
		}
	}
	tell(first)
	return w.Pace.Await(ctx, began, first, func(ctx context.Context) channel.Outcome {
		o := w.ask(ctx, number, r, p)
		tell(o)
		if o.Result == channel.Unsent || o.Result == channel.Declined && slices.Contains(absent, o.Code) {
			return silent(o, "the order is not there, or WeChat is not") // the sale may still be on its way
		}
		return o
	})
}

// ask queries one order.
func (w *Channel) ask(ctx context.Context, number string, r channel.Request, p party) channel.Outcome {
	var t transaction
	if err := w.call(ctx, http.MethodGet, w.base()+"out-trade-no/"+number+p.values(), nil, &t); err != nil {
		return failed(err)
	}
	return w.judged(t, number, r)
}

// original is the number of what a request is about.
func original(r channel.Request) (string, channel.Outcome) {
	number, err := channel.NumberOf(r.Merchant.MID, r.Original.Ref)
	if err != nil {
		return "", channel.Outcome{Result: channel.Unsent, Detail: "no order number of the original"}
	}
	return number, channel.Outcome{}
}

// gone reports whether an order that WeChat does not know can no longer come.
func (w *Channel) gone(o channel.Outcome, r channel.Request) bool {
	return slices.Contains(absent, o.Code) && w.Clock().Sub(r.Original.At) >= settled
}

// query tells what became of the original.
func (w *Channel) query(ctx context.Context, r channel.Request, p party) channel.Outcome {
	number, no := original(r)
	if number == "" {
		return no
	}
	o := w.ask(ctx, number, r, p)
	if o.Result == channel.Declined && slices.Contains(absent, o.Code) && !w.gone(o, r) {
		return silent(o, "the order is not there yet")
	}
	return o
}

// present draws the merchant's code, which is WeChat's link to the order.
func (w *Channel) present(ctx context.Context, r channel.Request, p party) channel.Outcome {
	number, err := channel.NumberOf(r.Merchant.MID, r.Ref)
	if err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	body := ordered(r, p, number)
	body.NotifyURL = w.NotifyURL
	if !r.Expires.IsZero() {
		body.TimeExpire = r.Expires.In(china).Format(time.RFC3339)
	}
	var answer struct {
		CodeURL string `json:"code_url"`
	}
	if err := w.call(ctx, http.MethodPost, w.base()+"native", body, &answer); err != nil {
		o := failed(err)
		if o.Result == channel.Waiting {
			return silent(o, o.Detail)
		}
		return o
	}
	if answer.CodeURL == "" {
		return channel.Outcome{Result: channel.Silent, Detail: "an answer without a link"}
	}
	return channel.Outcome{Result: channel.Waiting, Code: "NOTPAY", Link: answer.CodeURL}
}

// china is WeChat's zone.
var china = time.FixedZone("CST", 8*60*60)
