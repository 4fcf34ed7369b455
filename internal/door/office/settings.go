package office

import (
	"fmt"
	"time"

	"hawker/internal/feelock"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/web"
)

// settingsPage are the merchant's own terms.
type settingsPage struct {
	Merchant merchant.Merchant
	Cutoff   string
	Fees     []feeLine
}

type feeLine struct {
	Method, Kind, Rate string
	Min, Cap           money.Amount
	From               string
}

func (o *Office) settings(r *web.Request) (web.Response, error) {
	m, err := o.merchant(r)
	if err != nil {
		return nil, err
	}
	p := settingsPage{Merchant: m, Cutoff: "24:00"}
	if m.Cutoff > 0 && m.Cutoff < 24*time.Hour {
		p.Cutoff = fmt.Sprintf("%02d:%02d", int(m.Cutoff/time.Hour), int(m.Cutoff/time.Minute)%60)
	}
	for _, method := range methods {
		kinds := []string{""}
		if method == payment.MethodCard {
			kinds = []string{"debit", "credit", ""}
		}
		for _, kind := range kinds {
			plans, err := o.Fees.Plans(r.Context(), m.ID, m.Currency, feelock.Line{Method: method, CardKind: kind})
			if err != nil {
				return nil, err
			}
			if len(plans) == 0 {
				continue
			}
			plan, err := plans.At(o.Clock())
			if err != nil {
				continue // it begins later
			}
			terms := plan.Terms()
			line := feeLine{Method: method, Rate: fmt.Sprintf("%d.%02d%%", terms.Rate/100, terms.Rate%100), Min: terms.Min, Cap: terms.Cap, From: plan.From().In(m.Zone).Format(time.DateOnly)}
			if method == payment.MethodCard {
				line.Kind = r.T("office.card." + kind)
			}
			p.Fees = append(p.Fees, line)
		}
	}
	return web.Page("settings", p), nil
}
