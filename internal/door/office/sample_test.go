package office

import (
	"time"

	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/web"
)

// Samples are the data of every template, for tests outside.
func Samples() map[string]any {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	cny := func(minor int64) money.Amount { return money.New(minor, "CNY") }
	one := row{Ref: "00ABCDEF1234", At: at, Day: "11-22", Method: "card", Last4: "0013", Amount: cny(4650), Fee: cny(28), Net: cny(4622), State: "partly_refunded", Device: "T0000001", Note: "外带"}
	f := filter{Range: "own", From: "2026-11-01", To: "2026-11-22", Text: "0013", State: "taken", Method: "card", Error: ErrDates, merchant: merchant.Merchant{Currency: "CNY"}}
	c := chart{Title: "x", Bars: []bar{{"9:00", cny(100), cny(200)}}, Names: [2]string{"a", "b"}}
	l := list{Filter: f, Ranges: []web.Option{{Value: "own", Text: "own", Chosen: true}}, Rows: []row{one}, Next: "abc", Today: at, Export: true, Ticket: "t"}
	d := detail{Row: one, Full: at, Refunded: cny(100), Day: "2026-11-22", Steps: []step{{at, "x", "y", "good"}}, Advice: "x", Receipt: "/r/x", Changed: true,
		Form: &refundForm{Form: &web.Form{Errors: map[string]error{"": ErrDates, "amount": ErrMoreThanRest, "reason": ErrReason}}, Ref: one.Ref, Max: cny(4550), Symbol: "¥", Key: "k", Reasons: []web.Option{{Value: "returned", Text: "x", Chosen: true}}}}
	none := l
	none.Rows, none.Next = nil, ""
	figure := []figure{{"a", "b", "+1.0% c", "good"}}
	return map[string]any{
		"payments": none, "payments rows": l, "payments results": l, "payment": d, "payment drawer": d,
		"today":    glance{Now: at, Figures: figure, Chart: c, Meters: []meter{{"wechat", cny(100), 1, 50}}, Uncertain: []row{one}, More: true, Latest: []row{one}, Sees: true},
		"digest":   digestPage{Day: "2026-11-22", Before: "2026-11-21", After: "2026-11-23", Date: at, Figures: figure, Chart: c, Text: "x", Against: []against{{"x", cny(1), cny(1), 1, 1}}, Open: true, Rates: []rated{{"x", "x", "x", []was{{"x", "x"}}}}},
		"analysis": analysisPage{Filter: f, Ranges: l.Ranges, Figures: figure, Days: c, Hours: c, Hints: []string{"x"}, Today: at},
		"settings": settingsPage{Merchant: merchant.Merchant{NameZH: "店", NameEN: "Shop", Zone: time.UTC}, Cutoff: "24:00", Fees: []feeLine{{"card", "x", "0.60%", cny(1), cny(0), "2026-01-01"}}},
	}
}

// Harmless is harmless, for tests outside.
var Harmless = harmless
