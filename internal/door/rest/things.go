package rest

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"hawker/internal/auth"
	"hawker/internal/payment"
	"hawker/internal/terminal"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// Terminal is one device of the merchant.
type Terminal struct {
	ID     string `json:"id" example:"T0000001" doc:"Field 41."`
	Serial string `json:"serial" example:"SN-0001" doc:"Of the machine."`
	Model  string `json:"model" example:"HK-P1"`
	State  string `json:"state" example:"active" doc:"active, suspended or tampered."`
	Batch  int    `json:"batch" example:"1" doc:"The open one."`
}

// Terminals are all of a merchant.
type Terminals struct {
	Data []Terminal `json:"data" nullable:"false"`
}

type terminalsOutput struct{ Body Terminals }

// Balance is what the merchant is owed in one currency.
type Balance struct {
	Currency  string `json:"currency" example:"CNY"`
	Pending   int64  `json:"pending_minor" example:"4622" doc:"Not yet settled."`
	Available int64  `json:"available_minor" example:"0" doc:"May be paid out."`
	Reserve   int64  `json:"reserve_minor" example:"0" doc:"Held back, always with a reason."`
}

// Balances are by currency.
type Balances struct {
	Data []Balance `json:"data" nullable:"false"`
}

type balancesOutput struct{ Body Balances }

// Key is the key that asks.
type Key struct {
	Key      string    `json:"key" example:"hk_test_1_3vr1k0q9c8_…" doc:"As lists show it."`
	Name     string    `json:"name" example:"web shop"`
	Mode     string    `json:"mode" example:"test" doc:"test or live."`
	Scopes   []string  `json:"scopes" nullable:"false" doc:"What it may do."`
	State    string    `json:"state" example:"active" doc:"active, or rotating while its successor is there and it holds still."`
	Created  time.Time `json:"created_at"`
	Expires  time.Time `json:"expires_at,omitzero"`
	Used     time.Time `json:"last_used_at,omitzero" doc:"Exact to a minute."`
	From     string    `json:"last_used_from,omitempty" doc:"An address."`
	Merchant string    `json:"merchant" example:"100290058120001" doc:"Its merchant's number."`
}

type keyOutput struct{ Body Key }

func (d *Door) things() {
	register(d, op{id: "listTerminals", method: http.MethodGet, path: "/v1/terminals", action: auth.PaymentRead, tag: "Account",
		summary: "List terminals"}, d.listTerminals)
	register(d, op{id: "getBalances", method: http.MethodGet, path: "/v1/balances", action: auth.ReportRead, tag: "Account",
		summary: "Read what the merchant is owed"}, d.balances)
	register(d, op{id: "getKey", method: http.MethodGet, path: "/v1/key", action: anyKey, tag: "Account",
		summary: "Read what this key is"}, d.getKey)
}

// anyKey is the action of what every key may do: know itself.
const anyKey auth.Action = "key.self"

func (d *Door) listTerminals(ctx context.Context, who caller, _ *struct{}) (*terminalsOutput, error) {
	list, err := terminal.List(ctx, d.DB.Read(), who.merchant.ID)
	if err != nil {
		return nil, err
	}
	out := &terminalsOutput{Terminals{Data: []Terminal{}}}
	for _, t := range list {
		out.Body.Data = append(out.Body.Data, Terminal{ID: string(t.ID), Serial: t.Serial, Model: t.Model, State: string(t.State), Batch: t.Batch})
	}
	return out, nil
}

func (d *Door) balances(ctx context.Context, who caller, _ *struct{}) (*balancesOutput, error) {
	list, err := payment.Owed(ctx, d.DB.Read(), who.merchant.ID)
	if err != nil {
		return nil, err
	}
	out := &balancesOutput{Balances{Data: []Balance{}}}
	for _, s := range list {
		out.Body.Data = append(out.Body.Data, Balance{Currency: string(s.Currency), Pending: s.Pending.Minor(), Available: s.Available.Minor(), Reserve: s.Reserve.Minor()})
	}
	return out, nil
}

func (d *Door) getKey(_ context.Context, who caller, _ *struct{}) (*keyOutput, error) {
	k := who.key
	out := Key{Key: k.Label(), Name: k.Name, Mode: string(k.Mode), Scopes: []string{}, State: k.State(d.Clock()), Created: k.Created, Expires: k.Expires, Used: k.Used, From: k.From,
		Merchant: who.merchant.MID}
	for _, s := range k.Scopes {
		out.Scopes = append(out.Scopes, string(s))
	}
	return &keyOutput{out}, nil
}
