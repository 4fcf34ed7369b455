package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"hawker/internal/apikey"
	"hawker/internal/auth"
	"hawker/internal/fault"
)

// op is one operation as data: what it is called, who may, and what it refuses.
type op struct {
	id      string
	method  string
	path    string
	action  auth.Action
	tag     string
	summary string
	about   string // more of it; "" for nothing
	status  int    // of success; 0 is 200
	body    int64  // the most bytes it reads; 0 is maxBody
	refuses []*fault.Fault
	gives   string // its media type, where it is not JSON
}

// maxBody is what a request may weigh.
const maxBody = 64 << 10

// everywhere are the refusals of every operation, and of those that read a body or name a thing.
var (
	everywhere = []*fault.Fault{errNoKey, apikey.ErrKey, apikey.ErrMode, errLimited, errInternal}
	withBody   = []*fault.Fault{errNoJSON, errTooLarge, errMediaType, errBody}
)

// register makes an operation of a function. The caller has proved himself and may do it.
func register[I, O any](d *Door, o op, do func(ctx context.Context, who caller, in *I) (*O, error)) {
	if o.body == 0 {
		o.body = maxBody
	}
	about := o.about
	if about != "" {
		about += "\n\n"
	}
	operation := huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Summary: o.summary, Tags: []string{o.tag}, DefaultStatus: o.status, MaxBodyBytes: o.body,
		Description: about + "Scope: " + scopesFor(o.action) + ".", RejectUnknownQueryParameters: true,
		Middlewares: huma.Middlewares{d.admit(o.action)}, Security: []map[string][]string{{"key": {}}},
		Extensions: map[string]any{"x-action": string(o.action)},
		Metadata:   map[string]any{"op": o},
	}
	huma.Register(d.api, operation, func(ctx context.Context, in *I) (*O, error) {
		who := callerOf(ctx)
		out, err := do(ctx, who, in)
		if err != nil {
			d.note(ctx, o.id, err)
			return nil, problemOf(ctx, who.lang, err)
		}
		return out, nil
	})
}

// note logs what is our fault, or what somebody should know.
func (d *Door) note(ctx context.Context, operation string, err error) {
	f := fault.Of(err)
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
	case f.Kind == fault.Internal || f.Kind == fault.Unavailable:
		d.Log.Error("rest: cannot answer", "operation", operation, "request", requestID(ctx), "err", err)
	default:
		d.Log.Debug("rest: refused", "operation", operation, "request", requestID(ctx), "err", err)
	}
}

// scopesFor lists the scopes that open an action.
func scopesFor(action auth.Action) string {
	text := ""
	for _, s := range auth.Scopes() {
		if auth.Allows(auth.Who{Kind: auth.Key, Merchant: 1, Scopes: []auth.Scope{s}}, action) {
			if text != "" {
				text += " or "
			}
			text += "`" + string(s) + "`"
		}
	}
	if text == "" {
		return "any"
	}
	return text
}

// describe is the head of the document.
func describe() huma.Config {
	c := huma.DefaultConfig("Hawker", Version)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil // no $schema links in answers
	strict := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: unmarshal}
	c.Formats = map[string]huma.Format{"application/json": strict, "json": strict}
	c.Info.Description = `Take payments, give refunds and hear of both.

Amounts are whole numbers of minor units (fen) with a currency. Times are RFC 3339 in UTC. Refusals are problems as RFC 9457 writes them, with a stable type.
A request that moves money carries an Idempotency-Key: send it again with the same key after any doubt, and nothing happens twice.`
	c.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	c.Servers = []*huma.Server{{URL: "http://127.0.0.1:8080", Description: "hawker serve on this machine"}}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key": {Type: "http", Scheme: "bearer", Description: "An API key: `hk_test_…` for the sandbox, `hk_live_…` where money is real."},
	}
	c.Tags = []*huma.Tag{
		{Name: "Payments", Description: "Money taken: by the customer's code, by a code that is presented, in cash."},
		{Name: "Refunds", Description: "Money given back."},
		{Name: "Codes", Description: "What customers scan."},
		{Name: "Account", Description: "Balances, terminals, and the key itself."},
		{Name: "Events", Description: "What becomes true, as it becomes true."},
		{Name: "Webhooks", Description: "The same, sent to an address of yours."},
	}
	return c
}

// complete writes the refusals of each operation into the document, with an example each.
func complete(doc *huma.OpenAPI) {
	for _, item := range doc.Paths {
		for _, operation := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Delete} {
			if operation == nil {
				continue
			}
			o := operation.Metadata["op"].(op)
			delete(operation.Responses, "default")
			if o.gives != "" {
				for _, r := range operation.Responses {
					r.Content = map[string]*huma.MediaType{o.gives: {Schema: &huma.Schema{Type: "string"}}}
				}
			}
			for status := range operation.Responses {
				if n, err := strconv.Atoi(status); err != nil || n >= 400 {
					delete(operation.Responses, status)
				}
			}
			for _, f := range o.refusals(operation) {
				status := strconv.Itoa(statusOf(f))
				r := operation.Responses[status]
				if r == nil {
					r = &huma.Response{Description: http.StatusText(statusOf(f)), Content: map[string]*huma.MediaType{
						problemType: {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}, Examples: map[string]*huma.Example{}}}}
					operation.Responses[status] = r
				}
				r.Content[problemType].Examples[f.Name] = &huma.Example{Ref: "#/components/examples/" + f.Name}
				if doc.Components.Examples == nil {
					doc.Components.Examples = map[string]*huma.Example{}
				}
				doc.Components.Examples[f.Name] = &huma.Example{Summary: f.EN, Value: &Problem{Type: typePrefix + f.Name, Title: f.EN, Status: statusOf(f),
					Instance: "urn:hawker:request:0HZX3K7Q2M4N5P6R", TitleZH: f.ZH, TitleEN: f.EN}}
			}
			for _, r := range operation.Responses {
				if r.Headers == nil {
					r.Headers = map[string]*huma.Param{}
				}
				r.Headers["X-Request-Id"] = &huma.Param{Description: "The number of this answer.", Schema: &huma.Schema{Type: "string"}}
			}
		}
	}
}

// refusals are all that an operation may refuse, each once.
func (o op) refusals(operation *huma.Operation) []*fault.Fault {
	list := slices.Concat(everywhere, o.refuses)
	if o.action != anyKey {
		list = append(list, errScope)
	}
	if operation.RequestBody != nil {
		list = append(list, withBody...)
	} else if len(operation.Parameters) > 0 {
		list = append(list, errBody)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(f *fault.Fault) bool {
		if statusOf(f) == 0 {
			panic(fmt.Sprintf("rest: %s has no status", f.Name))
		}
		was := seen[f.Name]
		seen[f.Name] = true
		return was
	})
}
