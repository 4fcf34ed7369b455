package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"hawker/internal/auth"
	"hawker/internal/events"
	"hawker/internal/fault"
	"hawker/internal/live"
)

type streamInput struct {
	Last   string   `header:"Last-Event-ID" maxLength:"20" pattern:"^[0-9]*$" example:"17" doc:"Begin after this event; without it, with what comes now."`
	After  string   `query:"last_event_id" maxLength:"20" pattern:"^[0-9]*$" doc:"The same, for programs that cannot set headers."`
	Types  []string `query:"types" maxItems:"50" nullable:"false" example:"payment.approved" doc:"Only these types, separated by commas; payment.* takes all of payments."`
	Device string   `query:"device" maxLength:"32" doc:"Only what this device asked for."`
}

func (d *Door) stream() {
	register(d, op{id: "streamEvents", method: http.MethodGet, path: "/v1/events", action: auth.PaymentRead, tag: "Events", gives: "text/event-stream",
		summary: "Hear events as they come", refuses: []*fault.Fault{live.ErrCursor, live.ErrBehind, live.ErrFull},
		about: "Server-sent events: each has an id, a type and JSON. Whoever was away names the last id he has heard and gets what came since, in order and once."},
		d.events)
}

func (d *Door) events(_ context.Context, who caller, in *streamInput) (*huma.StreamResponse, error) {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		if err := live.ServeSSE(w, r, d.Hub, int64(who.merchant.ID), in.picks()); err != nil {
			d.note(r.Context(), "streamEvents", err)
			writeProblem(w, r, problemOf(r.Context(), who.lang, err))
		}
	}}, nil
}

// picks is the filter that a listener asked for; nil for everything.
func (in *streamInput) picks() func(events.Event) bool {
	if len(in.Types) == 0 && in.Device == "" {
		return nil
	}
	return func(e events.Event) bool {
		return ofTypes(in.Types, e.Kind) && (in.Device == "" || deviceOf(e) == in.Device)
	}
}

// ofTypes reports whether a kind is among types; none are all.
func ofTypes(types []string, kind string) bool {
	for _, t := range types {
		if t == kind || t == "*" || strings.HasSuffix(t, ".*") && strings.HasPrefix(kind, strings.TrimSuffix(t, "*")) {
			return true
		}
	}
	return len(types) == 0
}

func deviceOf(e events.Event) string {
	var body struct {
		Device string `json:"device"`
	}
	raw, ok := e.Body.(json.RawMessage)
	if !ok || json.Unmarshal(raw, &body) != nil {
		return ""
	}
	return body.Device
}
