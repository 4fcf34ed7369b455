package office

import (
	"fmt"
	"slices"

	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/web"
)

// Refusals of a refund's form.
var (
	ErrMoreThanRest = fault.New(fault.Invalid, "refund_over_rest", "超过了可退的金额。", "This is more than can be given back.")
	ErrReason       = fault.New(fault.Invalid, "refund_reason", "请选一个退款原因。", "Please choose a reason.")
)

// refund gives back in place: the drawer comes again as the payment now is.
func (o *Office) refund(r *web.Request) (web.Response, error) {
	m, err := o.merchant(r)
	if err != nil {
		return nil, err
	}
	p, err := o.byRef(r, m)
	if err != nil {
		return nil, err
	}
	f, err := r.Form()
	if err != nil {
		return nil, err
	}
	rest := money.New(p.Amount.Minor()-p.Refunded.Minor(), p.Amount.Currency())
	amount := f.Amount("amount", p.Amount.Currency())
	if f.OK() && amount.Sign() <= 0 {
		f.Refuse("amount", payment.ErrAmount)
	}
	if f.OK() && amount.Minor() > rest.Minor() {
		f.Refuse("amount", ErrMoreThanRest)
	}
	reason := f.Value("reason")
	if !slices.Contains(refundReasons, reason) {
		f.Refuse("reason", ErrReason)
	}
	if f.Value("key") == "" {
		f.Refuse("", web.ErrForm)
	}
	var means []auth.Means
	if f.OK() && o.Prove != nil {
		var refusal error
		if means, refusal = o.Prove(r, f, amount, payment.Ref(p.ID)); refusal != nil && fault.Of(refusal).Kind == fault.Internal {
			return nil, refusal
		}
		f.Refuse("proof", refusal)
	}
	var back payment.Attempt
	if f.OK() {
		back, err = o.Engine.GiveBack(r.Context(), payment.RefundOrder{Merchant: m, Device: fmt.Sprintf("office/%d", r.Who.ID), Key: f.Value("key"), Payment: p.ID,
			Amount: amount, Reason: texts["office.reason."+reason][0]})
		f.Refuse("", err)
	}
	if p, err = payment.Get(r.Context(), o.DB.Read(), m.ID, p.ID); err != nil {
		return nil, err
	}
	d, err := o.detailOf(r, m, p)
	if err != nil {
		return nil, err
	}
	d.Changed, d.Whole = true, !r.Part()
	if !f.OK() {
		if err := f.Error(""); err != nil && fault.Of(err).Kind == fault.Internal {
			return nil, err
		}
		if d.Form != nil {
			d.Form = newRefundForm(r, d.Row.Ref, d.Form.Max, f)
			d.Form.Means, d.Form.Object = means, payment.Ref(p.ID)
		}
		if r.Part() {
			return web.InvalidPart("payment", "drawer", d), nil
		}
		return web.Invalid("payment", d), nil
	}
	if !r.Part() {
		return web.Redirect("/app/payments/" + d.Row.Ref), nil
	}
	key, tone := "office.refund.done", "good"
	switch back.State {
	case payment.Approved:
	case payment.Declined:
		key, tone = "office.refund.declined", "bad"
	default:
		key, tone = "office.refund.passing", "warn"
	}
	return web.Toast(r.T(key, web.Money(amount)), tone, web.Part("payment", "drawer", d)), nil
}
