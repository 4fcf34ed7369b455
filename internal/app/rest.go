package app

import (
	"context"
	"fmt"

	"hawker/internal/apikey"
	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/door/rest"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/receipt"
	"hawker/internal/signature"
	"hawker/internal/webhook"
)

// mode is which keys of programs work here: those for tests as long as any network is simulated.
func (c Config) mode() apikey.Mode {
	if c.Network.Addr == "" || c.Wallets.simulated() {
		return apikey.Test
	}
	return apikey.Live
}

// openREST makes the door of programs, what tells them events, and the sandbox's first key.
func (s *Server) openREST(ctx context.Context, ks *keys.Keystore) (err error) {
	c := s.Config
	s.Keys = apikey.New(s.DB, c.Clock, c.mode())
	s.Webhooks = webhook.New(webhook.Config{DB: s.DB, Jobs: s.Jobs, Seal: ks, Clock: c.Clock, Log: c.Log, Loopback: c.mode() == apikey.Test})
	s.programs, err = rest.New(rest.Config{DB: s.DB, Engine: s.Engine, Keys: s.Keys, Hub: s.hub, Webhooks: s.Webhooks, Voucher: ks, Base: s.base(), Clock: c.Clock, Log: c.Log, Rate: c.Rate,
		Receipts: receipt.Open(s.DB, ks, signature.Open(s.DB, ks, c.Clock), s.base())})
	if err != nil {
		return fmt.Errorf("rest: %w", err)
	}
	if c.mode() == apikey.Live {
		return nil
	}
	s.FirstKey, err = firstKey(ctx, s.Keys, s)
	return err
}

// firstKey is the sandbox merchant's, where it has none: it may everything, with simulated money.
func firstKey(ctx context.Context, desk *apikey.Desk, s *Server) (first apikey.Secret, err error) {
	m, err := merchant.ByMID(ctx, s.DB.Read(), seedMID)
	if err != nil {
		return first, err
	}
	list, err := apikey.List(ctx, s.DB.Read(), m.ID)
	if err != nil || len(list) > 0 {
		return first, err
	}
	_, first, err = desk.Create(ctx, apikey.Wanted{Merchant: m.ID, Name: "sandbox", Scopes: auth.Scopes()}, audit.System, "")
	return first, err
}
