package rest

import (
	"context"
	"net/http"
	"time"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/webhook"
)

// Endpoint is an address that wants events.
type Endpoint struct {
	ID      string    `json:"id" example:"we_3vr1k0q9c8"`
	URL     string    `json:"url" format:"uri" example:"https://shop.example/hooks"`
	Types   []string  `json:"types" nullable:"false" doc:"Of events; empty for all."`
	State   string    `json:"state" example:"enabled" doc:"enabled or disabled."`
	Reason  string    `json:"reason,omitempty" doc:"Why it was disabled."`
	Failing time.Time `json:"failing_since,omitzero" doc:"Since when it has taken nothing."`
	Created time.Time `json:"created_at"`
	Secret  string    `json:"secret,omitempty" example:"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" doc:"Verifies signatures. Shown when it is made, and never again."`
}

// NewEndpoint asks to be told.
type NewEndpoint struct {
	URL   string   `json:"url" minLength:"8" maxLength:"500" example:"https://shop.example/hooks" doc:"https, and not within a private network. The sandbox also takes http://127.0.0.1."`
	Types []string `json:"types,omitempty" maxItems:"50" nullable:"false" example:"[\"payment.approved\",\"refund.*\"]" doc:"Left out: all."`
}

// EndpointChange says what an endpoint is to be.
type EndpointChange struct {
	NewEndpoint
	State string `json:"state" enum:"enabled,disabled" example:"enabled" doc:"Enabled again, it is told what it missed."`
}

// EndpointPath names an endpoint.
type EndpointPath struct {
	ID string `path:"id" maxLength:"32" pattern:"^we_[0-9a-z]+$" example:"we_3vr1k0q9c8" doc:"The endpoint's id."`
}

// DeliveryPath names a delivery.
type DeliveryPath struct {
	ID string `path:"id" maxLength:"32" pattern:"^wd_[0-9a-z]+$" example:"wd_3vr1k0q9c9" doc:"The delivery's id."`
}

type endpointOutput struct{ Body Endpoint }

type endpointsOutput struct {
	Body struct {
		Data []Endpoint `json:"data" nullable:"false"`
	}
}

// Delivery is one event for one endpoint.
type Delivery struct {
	ID       string    `json:"id" example:"wd_3vr1k0q9c9"`
	Endpoint string    `json:"endpoint" example:"we_3vr1k0q9c8"`
	Message  string    `json:"message_id" example:"msg_1_17" doc:"Its webhook-id: the same for each try and each replay of an event."`
	Event    int64     `json:"event" example:"17" doc:"The event's id, as in the stream."`
	Type     string    `json:"type" example:"payment.approved"`
	State    string    `json:"state" example:"delivered" doc:"waiting, delivered or failed."`
	Tries    []Try     `json:"tries" nullable:"false"`
	ReplayOf string    `json:"replay_of,omitempty"`
	Created  time.Time `json:"created_at"`
}

// Try is one request.
type Try struct {
	At      time.Time `json:"at"`
	Status  int       `json:"status,omitempty" example:"204" doc:"What the endpoint answered; left out when it did not."`
	Took    int64     `json:"took_ms" example:"81"`
	Failure string    `json:"failure,omitempty" example:"answered 500"`
}

type deliveryOutput struct{ Body Delivery }

type deliveriesInput struct {
	Endpoint string `query:"endpoint" maxLength:"32" doc:"Only this endpoint's."`
	State    string `query:"state" enum:"waiting,delivered,failed" doc:"Only these."`
	Cursor   string `query:"cursor" maxLength:"32" doc:"next_cursor of the page before."`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"At most so many."`
}

type deliveriesOutput struct {
	Body struct {
		Data []Delivery `json:"data" nullable:"false" doc:"Newest first."`
		Next string     `json:"next_cursor,omitempty"`
	}
}

type rotateInput struct {
	EndpointPath
	Body struct {
		Overlap int64 `json:"overlap_seconds,omitempty" minimum:"0" maximum:"2592000" default:"86400" example:"86400" doc:"How long the former secret signs as well."`
	}
}

func (d *Door) webhooks() {
	const tag = "Webhooks"
	named := []*fault.Fault{webhook.ErrUnknown}
	register(d, op{id: "createWebhook", method: http.MethodPost, path: "/v1/webhooks", action: auth.WebhookWrite, tag: tag, status: http.StatusCreated,
		summary: "Have an address told", refuses: []*fault.Fault{webhook.ErrURL, webhook.ErrTypes, webhook.ErrMany},
		about: "Messages are signed as [Standard Webhooks](https://www.standardwebhooks.com) says, and tried for three days until they are answered with 2xx. Keep the secret: it is shown once."}, d.createWebhook)
	register(d, op{id: "listWebhooks", method: http.MethodGet, path: "/v1/webhooks", action: auth.WebhookRead, tag: tag, summary: "List addresses"}, d.listWebhooks)
	register(d, op{id: "getWebhook", method: http.MethodGet, path: "/v1/webhooks/{id}", action: auth.WebhookRead, tag: tag, summary: "Read an address", refuses: named}, d.getWebhook)
	register(d, op{id: "changeWebhook", method: http.MethodPatch, path: "/v1/webhooks/{id}", action: auth.WebhookWrite, tag: tag, summary: "Change an address, enable or disable it",
		refuses: []*fault.Fault{webhook.ErrUnknown, webhook.ErrURL, webhook.ErrTypes}}, d.changeWebhook)
	register(d, op{id: "removeWebhook", method: http.MethodDelete, path: "/v1/webhooks/{id}", action: auth.WebhookWrite, tag: tag, summary: "Remove an address", status: http.StatusNoContent, refuses: named}, d.removeWebhook)
	register(d, op{id: "rotateWebhookSecret", method: http.MethodPost, path: "/v1/webhooks/{id}/secret", action: auth.WebhookWrite, tag: tag, summary: "Give an address a new secret", refuses: named}, d.rotateSecret)
	register(d, op{id: "listDeliveries", method: http.MethodGet, path: "/v1/deliveries", action: auth.WebhookRead, tag: tag, summary: "List what was sent, and what came of it",
		refuses: []*fault.Fault{webhook.ErrCursor, webhook.ErrUnknown}}, d.listDeliveries)
	register(d, op{id: "replayDelivery", method: http.MethodPost, path: "/v1/deliveries/{id}/replay", action: auth.WebhookWrite, tag: tag, status: http.StatusCreated,
		summary: "Send an event once more", refuses: []*fault.Fault{webhook.ErrUnknown, webhook.ErrState}}, d.replay)
}

// actor is whoever asks, as the trail knows him.
func (c caller) actor() audit.Actor {
	return audit.Actor{Kind: "key", ID: c.key.ID, Name: c.key.Name}
}

func endpointOf(e webhook.Endpoint) Endpoint {
	out := Endpoint{ID: webhook.Ref("we", e.ID), URL: e.URL, Types: e.Types, State: string(e.State), Reason: e.Reason, Failing: e.Failing, Created: e.Created}
	if out.Types == nil {
		out.Types = []string{}
	}
	return out
}

func (d *Door) createWebhook(ctx context.Context, who caller, in *struct{ Body NewEndpoint }) (*endpointOutput, error) {
	e, secret, err := d.Webhooks.Add(ctx, who.merchant.ID, webhook.Wanted{URL: in.Body.URL, Types: in.Body.Types}, who.actor(), who.from)
	if err != nil {
		return nil, err
	}
	out := &endpointOutput{endpointOf(e)}
	out.Body.Secret = secret.Reveal()
	return out, nil
}

func (d *Door) listWebhooks(ctx context.Context, who caller, _ *struct{}) (*endpointsOutput, error) {
	list, err := webhook.Endpoints(ctx, d.DB.Read(), who.merchant.ID)
	out := &endpointsOutput{}
	out.Body.Data = []Endpoint{}
	for _, e := range list {
		out.Body.Data = append(out.Body.Data, endpointOf(e))
	}
	return out, err
}

func (d *Door) endpoint(ctx context.Context, who caller, ref string) (webhook.Endpoint, error) {
	id, err := webhook.ParseRef("we", ref)
	if err != nil {
		return webhook.Endpoint{}, err
	}
	return webhook.ByID(ctx, d.DB.Read(), who.merchant.ID, id)
}

func (d *Door) getWebhook(ctx context.Context, who caller, in *struct{ EndpointPath }) (*endpointOutput, error) {
	e, err := d.endpoint(ctx, who, in.ID)
	return &endpointOutput{endpointOf(e)}, err
}

func (d *Door) changeWebhook(ctx context.Context, who caller, in *struct {
	EndpointPath
	Body EndpointChange
}) (*endpointOutput, error) {
	e, err := d.endpoint(ctx, who, in.ID)
	if err == nil {
		e, err = d.Webhooks.Change(ctx, e.Merchant, e.ID, webhook.Wanted{URL: in.Body.URL, Types: in.Body.Types}, webhook.State(in.Body.State), who.actor(), who.from)
	}
	return &endpointOutput{endpointOf(e)}, err
}

func (d *Door) removeWebhook(ctx context.Context, who caller, in *struct{ EndpointPath }) (*struct{}, error) {
	e, err := d.endpoint(ctx, who, in.ID)
	if err == nil {
		err = d.Webhooks.Remove(ctx, e.Merchant, e.ID, who.actor(), who.from)
	}
	return nil, err
}

func (d *Door) rotateSecret(ctx context.Context, who caller, in *rotateInput) (*endpointOutput, error) {
	e, err := d.endpoint(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	secret, err := d.Webhooks.Rotate(ctx, e.Merchant, e.ID, time.Duration(in.Body.Overlap)*time.Second, who.actor(), who.from)
	out := &endpointOutput{endpointOf(e)}
	out.Body.Secret = secret.Reveal()
	return out, err
}

func (d *Door) deliveryOf(ctx context.Context, v webhook.Delivery) (Delivery, error) {
	out := Delivery{ID: webhook.Ref("wd", v.ID), Endpoint: webhook.Ref("we", v.Endpoint), Message: v.Message(), Event: v.Seq, Type: v.Kind, State: string(v.State), Tries: []Try{}, Created: v.Created}
	if v.ReplayOf != 0 {
		out.ReplayOf = webhook.Ref("wd", v.ReplayOf)
	}
	tries, err := webhook.TriesOf(ctx, d.DB.Read(), v.Merchant, v.ID)
	for _, t := range tries {
		out.Tries = append(out.Tries, Try{At: t.At, Status: t.Status, Took: t.Took.Milliseconds(), Failure: t.Failure})
	}
	return out, err
}

func (d *Door) listDeliveries(ctx context.Context, who caller, in *deliveriesInput) (*deliveriesOutput, error) {
	var endpoint int64
	if in.Endpoint != "" {
		e, err := d.endpoint(ctx, who, in.Endpoint)
		if err != nil {
			return nil, err
		}
		endpoint = e.ID
	}
	list, next, err := webhook.Deliveries(ctx, d.DB.Read(), who.merchant.ID, endpoint, webhook.DeliveryState(in.State), in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &deliveriesOutput{}
	out.Body.Data, out.Body.Next = []Delivery{}, next
	for _, v := range list {
		told, err := d.deliveryOf(ctx, v)
		if err != nil {
			return nil, err
		}
		out.Body.Data = append(out.Body.Data, told)
	}
	return out, nil
}

func (d *Door) replay(ctx context.Context, who caller, in *struct{ DeliveryPath }) (*deliveryOutput, error) {
	id, err := webhook.ParseRef("wd", in.ID)
	if err != nil {
		return nil, err
	}
	v, err := d.Webhooks.Replay(ctx, who.merchant.ID, id, who.actor(), who.from)
	if err != nil {
		return nil, err
	}
	out, err := d.deliveryOf(ctx, v)
	return &deliveryOutput{out}, err
}
