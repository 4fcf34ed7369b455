// Package rest is the door for merchants' programs: JSON over HTTP, described by an
// OpenAPI document that is made from the same code that answers. It turns requests into
// orders and refusals into problems, and holds no business rule.
package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"hawker/internal/apikey"
	"hawker/internal/clock"
	"hawker/internal/live"
	"hawker/internal/merchant"
	"hawker/internal/paylink"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/webhook"
)

// Version is the version of the API: it grows when something is added; what is there stays.
const Version = "1.0.0"

// Engine is what the door asks of payment.Engine.
type Engine interface {
	Create(ctx context.Context, o payment.Order) (payment.Payment, error)
	Cancel(ctx context.Context, m merchant.ID, payment int64) (payment.Payment, error)
	Refresh(ctx context.Context, m merchant.ID, payment int64) (payment.Payment, error)
	GiveBack(ctx context.Context, r payment.RefundOrder) (payment.Attempt, error)
	Link(ctx context.Context, m merchant.Merchant, payment int64) (link string, expires time.Time, err error)
}

// Receipts makes the links of receipts.
type Receipts interface {
	Link(ctx context.Context, m merchant.ID, payment int64) (string, error)
}

// Config is what the door needs. Receipts and Voucher may be nil.
type Config struct {
	DB       *store.DB
	Engine   Engine
	Keys     *apikey.Desk
	Hub      *live.Hub
	Webhooks *webhook.Desk
	Receipts Receipts        // nil: receipts are left out
	Voucher  paylink.Voucher // signs static codes; nil: there are none
	Base     string          // address that links begin with, "https://pay.example"
	Clock    clock.Clock
	Log      *slog.Logger
	Rate     Rate
}

// Door answers programs. It is an http.Handler for everything below /v1/.
type Door struct {
	Config
	limits    *limits
	merchants *store.Cache[merchant.ID, merchant.Merchant]
	mux       *http.ServeMux
	api       huma.API
	handler   http.Handler
	document  []byte // the OpenAPI document
}

// remember is how long a merchant's row is taken for true.
const remember = 3 * time.Second

// hooks are huma's, which are one for the process.
var hooks sync.Once

// New makes the door and its document.
func New(c Config) (*Door, error) {
	hooks.Do(hook)
	d := &Door{Config: c, limits: newLimits(c.Rate, c.Clock), mux: http.NewServeMux()}
	d.merchants = store.NewCache(c.Clock, remember, 65536, func(ctx context.Context, id merchant.ID) (merchant.Merchant, error) {
		return merchant.ByID(ctx, c.DB.Read(), id)
	})
	d.api = humago.New(d.mux, describe())
	d.payments()
	d.refunds()
	d.codes()
	d.things()
	d.handovers()
	d.webhooks()
	d.stream()
	if err := d.finish(); err != nil {
		return nil, err
	}
	d.mux.HandleFunc("GET /v1/openapi.json", d.serveDocument)
	d.mux.HandleFunc("GET /v1/docs", d.servePage)
	d.mux.HandleFunc("GET /v1/docs.css", serveStyle)
	d.mux.HandleFunc("/v1/", d.nowhere)
	d.handler = d.identify(d.survive(d.mux))
	return d, nil
}

// ServeHTTP answers one request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// finish checks the document against the table of operations and writes it once.
func (d *Door) finish() error {
	doc := d.api.OpenAPI()
	complete(doc)
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("write the OpenAPI document: %w", err)
	}
	d.document = append(text, '\n')
	return nil
}

// Document is the OpenAPI document as it is served.
func (d *Door) Document() []byte { return d.document }

func (d *Door) serveDocument(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(d.document)
}

// nowhere answers what no operation has.
func (d *Door) nowhere(w http.ResponseWriter, r *http.Request) {
	var allow []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := d.mux.Handler(other); pattern != "/v1/" && pattern != "" {
			allow = append(allow, method)
		}
	}
	if len(allow) > 0 {
		for _, m := range allow {
			w.Header().Add("Allow", m)
		}
		writeProblem(w, r, problemOf(r.Context(), language(r.Header.Get("Accept-Language")), errMethodNotAllowed))
		return
	}
	writeProblem(w, r, problemOf(r.Context(), language(r.Header.Get("Accept-Language")), errNoOperation))
}
