// Package payer is what Hawker shows to people who pay: the checkout behind a merchant's
// code, and the receipt behind its link. Nobody signs in here: a link that we signed is
// all there is, and it opens no more than one payment. It holds no business rules.
package payer

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"hawker/internal/clock"
	"hawker/internal/merchant"
	"hawker/internal/paylink"
	"hawker/internal/payment"
	"hawker/internal/receipt"
	"hawker/internal/store"
	"hawker/internal/web"
)

//go:embed templates/*.html static
var embedded embed.FS

// Engine takes payments, as payment.Engine does.
type Engine interface {
	Create(ctx context.Context, o payment.Order) (payment.Payment, error)
	Choose(ctx context.Context, m merchant.ID, payment int64, method string) (link string, err error)
	Refresh(ctx context.Context, m merchant.ID, payment int64) (payment.Payment, error)
	Link(ctx context.Context, m merchant.Merchant, payment int64) (link string, expires time.Time, err error)
}

// Config is what the door needs.
type Config struct {
	DB       *store.DB
	Engine   Engine
	Receipts *receipt.Desk
	Voucher  paylink.Voucher
	Base     string   // the address that codes lead to, as paylink.ParseBase gives it
	Methods  []string // of the wallets that a payer may choose
	Clock    clock.Clock
	Secure   bool // served by TLS: cookies say so
}

// Payer serves customers' pages.
type Payer struct{ Config }

// New makes the door.
func New(c Config) *Payer { return &Payer{c} }

// Door is its routes and what its pages are made of.
func (p *Payer) Door() web.Door {
	return web.Door{Name: "payer", Face: web.Light, Texts: texts, Templates: sub("templates"), Assets: sub("static"), Routes: []web.Route{
		{Method: "GET", Pattern: "/r/{token}", Action: web.Public, Handler: p.receipt},
		{Method: "GET", Pattern: "/r/{token}/signature.png", Action: web.Public, Handler: p.signature},
		{Method: "GET", Pattern: "/r/{token}/state", Action: web.Public, Handler: p.receiptState},
		{Method: "GET", Pattern: "/r/{token}/complaint", Action: web.Public, Handler: p.complaint},
		{Method: "POST", Pattern: "/r/{token}/complaint", Action: web.Public, Handler: p.complain},
		{Method: "GET", Pattern: "/c/{token}", Action: web.Public, Handler: p.checkout},
		{Method: "POST", Pattern: "/c/{token}", Action: web.Public, Handler: p.order},
		{Method: "POST", Pattern: "/c/{token}/pay", Action: web.Public, Handler: p.choose},
		{Method: "GET", Pattern: "/c/{token}/state", Action: web.Public, Handler: p.checkoutState},
	}}
}

func sub(dir string) fs.FS {
	f, err := fs.Sub(embedded, dir)
	if err != nil {
		panic(err) // a name that the compiler has seen
	}
	return f
}
