// Package office is the merchant's back office in a browser, /app: today at a glance, every
// payment in every state with all that happened to it, refunds where they are asked for,
// exports of any range, the daily digest, how business goes, and the merchant's own terms.
// It shows what payment and report tell; it decides nothing.
package office

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"

	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/feelock"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/web"
)

// Config is what the back office needs.
type Config struct {
	DB     *store.DB
	Engine Engine
	Fees   *feelock.Book
	Clock  clock.Clock
	Log    *slog.Logger
	// Prove refuses a refund of so much that the person must prove once more that it is he, as
	// long as the form holds no right proof; means are the ways in which he can. nil asks never.
	Prove func(r *web.Request, f *web.Form, amount money.Amount, object string) (means []auth.Means, err error)
	// Receipt is the address of a payment's receipt for its payer; nil for none.
	Receipt func(ctx context.Context, p payment.Payment) (string, error)
}

// Engine gives money back.
type Engine interface {
	GiveBack(ctx context.Context, r payment.RefundOrder) (payment.Attempt, error)
}

// Office is the door.
type Office struct {
	Config
	exports *exports
}

// New makes the door.
func New(c Config) *Office {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Office{Config: c, exports: newExports(c.Clock)}
}

//go:embed templates/*.html static
var files embed.FS

func part(dir string) fs.FS {
	sub, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the name is ours
	}
	return sub
}

// Door is what the kit serves.
func (o *Office) Door() web.Door {
	return web.Door{
		Name: "office", Face: web.Shell, Texts: texts, Templates: part("templates"), Assets: part("static"), Routes: o.Routes(),
		Nav: []web.Entry{
			{Text: "office.today", Icon: "home", Path: "/app", Action: auth.ReportRead, Order: 10},
			{Text: "office.payments", Icon: "receipt", Path: "/app/payments", Action: auth.PaymentRead, Order: 20},
			{Text: "office.digest", Icon: "file-text", Path: "/app/digest", Action: auth.ReportRead, Order: 25},
			{Text: "office.analysis", Icon: "chart-bar", Path: "/app/analysis", Action: auth.ReportRead, Order: 60},
			{Text: "office.settings", Icon: "building-store", Path: "/app/settings", Action: auth.SettingsRead, Order: 130},
		},
	}
}

// Routes are the door's addresses.
func (o *Office) Routes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/app", Action: auth.PaymentRead, Handler: o.today},
		{Method: "GET", Pattern: "/app/payments", Action: auth.PaymentRead, Handler: o.payments},
		{Method: "GET", Pattern: "/app/payments/{ref}", Action: auth.PaymentRead, Handler: o.payment},
		{Method: "GET", Pattern: "/app/payments/{ref}/drawer", Action: auth.PaymentRead, Handler: o.drawer},
		{Method: "POST", Pattern: "/app/payments/{ref}/refund", Action: auth.PaymentRefund, Handler: o.refund},
		{Method: "GET", Pattern: "/app/export", Action: auth.PaymentExport, Handler: o.export},
		{Method: "GET", Pattern: "/app/export/{ticket}", Action: auth.PaymentExport, Handler: o.progress},
		{Method: "GET", Pattern: "/app/digest", Action: auth.ReportRead, Handler: o.digest},
		{Method: "GET", Pattern: "/app/analysis", Action: auth.ReportRead, Handler: o.analysis},
		{Method: "GET", Pattern: "/app/settings", Action: auth.SettingsRead, Handler: o.settings},
	}
}

// merchant is whose office this is. Operators have none: their place is the console.
func (o *Office) merchant(r *web.Request) (merchant.Merchant, error) {
	if r.Who.Merchant == 0 {
		return merchant.Merchant{}, auth.ErrForeign.With("%s %d has no merchant", r.Who.Kind, r.Who.ID)
	}
	return merchant.ByID(r.Context(), o.DB.Read(), r.Who.Merchant)
}
