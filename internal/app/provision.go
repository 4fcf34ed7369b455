package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"hawker/internal/books"
	"hawker/internal/feelock"
	"hawker/internal/keys"
	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/risk"
	"hawker/internal/store"
	"hawker/internal/tdes"
	"hawker/internal/terminal"
)

// Device is what a terminal of Provision must know of itself.
type Device struct {
	Merchant merchant.ID
	MID      string
	TID      string
	TMK      tdes.Key
}

// CardReceivable is the account of what the card network owes for a merchant's payments.
func CardReceivable() ledger.Account { return books.Receivable(networkName) }

// CodesReceivable is the account of what the card network owes for payments by code.
func CodesReceivable() ledger.Account { return books.Receivable(payment.MethodUnionPay) }

// CardHeld is the account of what cards' banks keep ready for pre-authorizations.
func CardHeld() ledger.Account { return books.HeldAt(networkName) }

// SandboxKeys reads the PIN key and the MAC key that the simulated network of a
// data directory shares with its server.
func SandboxKeys(data string) (zpk, zak tdes.Key, err error) {
	k, err := readSimKeys(filepath.Join(data, "sandbox", "network.json"))
	if err != nil {
		return zpk, zak, err
	}
	shared, err := k.keys()
	return shared[0], shared[1], err
}

// FirstProvisioned is Provision's first merchant's number: above what the sandbox seeds.
const FirstProvisioned merchant.ID = 1001

// Provision fills a fresh data directory and database with merchants, each with so
// many terminals of its own, their master keys, and the keys of a simulated network.
// The devices come merchant by merchant, whose numbers follow one another. Every
// merchant has fee plans and limits, as a real one has; no amount here reaches them.
func Provision(ctx context.Context, c Config, merchants, terminals int) (devices []Device, err error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	db, err := OpenStore(ctx, c.Data, c.Database)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ks, closeModule, err := c.openKeys(ctx, db)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeModule()) }()
	s := sandbox{Config: c, db: db, keys: ks}
	if _, err := s.networkKeys(ctx); err != nil {
		return nil, err
	}
	if err := db.Write(ctx, func(tx *store.Tx) error {
		devices = nil // Write may run this again
		for i := range merchants {
			made, err := s.provision(ctx, tx, FirstProvisioned+merchant.ID(i), terminals)
			if err != nil {
				return err
			}
			devices = append(devices, made...)
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("provision: %w", err)
	}
	for i, d := range devices {
		if devices[i].TMK, err = tdes.Generate(16, rand.Reader); err != nil {
			return nil, err
		}
		if err := s.inject(ctx, keys.TMK(d.MID+"/"+d.TID), devices[i].TMK, keys.Keep); err != nil {
			return nil, fmt.Errorf("provision: %w", err)
		}
	}
	return devices, nil
}

// provision adds one merchant and its terminals, still without keys.
func (s sandbox) provision(ctx context.Context, tx *store.Tx, id merchant.ID, terminals int) ([]Device, error) {
	m, err := seedMerchant()
	if err != nil {
		return nil, err
	}
	now := s.Clock()
	m.ID, m.MID = id, fmt.Sprintf("1002900%08d", id)
	if err := merchant.Add(ctx, tx, m, now); err != nil {
		return nil, err
	}
	plenty := money.New(1_000_000_000_000_00, m.Currency)
	if err := s.fees().Board(ctx, tx, m, feelock.Seeded("load generator"), now.Add(-time.Minute),
		feelock.Rate{Line: feelock.Line{Method: "card", CardKind: "credit"}, FeePlan: merchant.FeePlan{Rate: 60}},
		feelock.Rate{Line: feelock.Line{Method: "card", CardKind: "debit"}, FeePlan: merchant.FeePlan{Rate: 60}},
		feelock.Rate{Line: feelock.Line{Method: payment.MethodWeChat}, FeePlan: merchant.FeePlan{Rate: 38}},
		feelock.Rate{Line: feelock.Line{Method: payment.MethodAlipay}, FeePlan: merchant.FeePlan{Rate: 38}},
		feelock.Rate{Line: feelock.Line{Method: payment.MethodUnionPay}, FeePlan: merchant.FeePlan{Rate: 38}}); err != nil {
		return nil, err
	}
	for _, kind := range []string{"", "credit"} {
		if err := risk.SetLimit(ctx, tx, int64(id), risk.Limit{Method: "card", CardKind: kind, PerPayment: plenty, Daily: plenty, Monthly: plenty}); err != nil {
			return nil, err
		}
	}
	var devices []Device
	for i := range terminals {
		d := Device{Merchant: id, MID: m.MID, TID: fmt.Sprintf("B%07d", i+1)}
		if err := terminal.Add(ctx, tx, terminal.Terminal{Merchant: id, ID: terminal.ID(d.TID), Serial: fmt.Sprintf("BENCH-%d-%d", id, i+1), Model: "load generator",
			Profile: "unionpay-pos", Lang: "en", State: terminal.Active, Batch: 1, BatchDay: m.Day(now)}); err != nil {
			return nil, err
		}
		devices = append(devices, d)
	}
	return devices, nil
}
