package torture

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"hawker/internal/clock"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/sandbox/pos"
	"hawker/internal/schema"
	"hawker/internal/store"
	"hawker/internal/tdes"
	"hawker/internal/terminal"
)

// station is one terminal: who it is, and the files of its worker.
type station struct {
	Merchant merchant.ID
	MID      string // field 42
	TID      string // field 41
	State    string // the terminal's memory
	Slips    string // its journal
}

// merchantOf spreads terminals over merchants, two each, so that some share one and some do not.
func merchantOf(i int) merchant.ID { return merchant.ID(101 + i/2) }

func stations(dir string, count int) []station {
	var list []station
	for i := range count {
		id, tid := merchantOf(i), fmt.Sprintf("T99%05d", i+1)
		list = append(list, station{id, fmt.Sprintf("10029005812%04d", id), tid,
			filepath.Join(dir, tid+".json"), filepath.Join(dir, tid+".slips")})
	}
	return list
}

// provision makes the merchants, without limits, and the terminals with their keys on both sides.
func provision(ctx context.Context, data, target, host string, list []station) (err error) {
	if target == "" {
		target = filepath.Join(data, "hawker.db")
	}
	db, err := store.Open(ctx, target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx, schema.Files); err != nil {
		return err
	}
	ks, err := keys.Open(ctx, db, masterKey(data), clock.System)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return err
	}
	now := clock.System()
	for i, s := range list {
		m := merchant.Merchant{ID: s.Merchant, MID: s.MID, NameZH: "折腾小店", NameEN: "Torture Shop", Place: "Shanghai", MCC: "5812",
			Currency: money.CNY, Zone: zone, Cutoff: 24 * time.Hour, State: merchant.Active}
		if err := db.Write(ctx, func(tx *store.Tx) error {
			if i == 0 || list[i-1].Merchant != s.Merchant {
				if err := addMerchant(ctx, tx, m, now); err != nil {
					return err
				}
			}
			return terminal.Add(ctx, tx, terminal.Terminal{Merchant: m.ID, ID: terminal.ID(s.TID), Serial: "TORTURE-" + s.TID,
				Model: "software terminal", Profile: "unionpay-pos", Lang: "zh-CN", State: terminal.Active, Batch: 1, BatchDay: m.Day(now)})
		}); err != nil {
			return err
		}
		key, err := inject(ctx, ks, keys.TMK(s.MID+"/"+s.TID))
		if err != nil {
			return err
		}
		if err := pos.Provision(s.State, pos.Device{Host: host, TMK: key, Shop: pos.Shop{Name: pos.Words{ZH: m.NameZH, EN: m.NameEN},
			MerchantID: s.MID, TerminalID: s.TID}}); err != nil {
			return err
		}
	}
	return nil
}

// addMerchant stores a merchant with a fee for every kind of card.
func addMerchant(ctx context.Context, tx *store.Tx, m merchant.Merchant, now time.Time) error {
	errs := []error{merchant.Add(ctx, tx, m, now)}
	for _, kind := range []string{"credit", "debit", ""} {
		plan := merchant.FeePlan{Version: 1, Rate: 60, Min: money.Zero(money.CNY), Cap: money.Zero(money.CNY)}
		errs = append(errs, merchant.AddFee(ctx, tx, m.ID, "card", kind, plan, now))
	}
	return errors.Join(errs...)
}

// inject makes a key and gives it to the keystore in two components, as two people would.
func inject(ctx context.Context, ks *keys.Keystore, ref keys.Ref) (tdes.Key, error) {
	var parts []keys.Component
	var raw [][]byte
	for range 2 {
		k, err := tdes.Generate(16, rand.Reader)
		if err != nil {
			return tdes.Key{}, err
		}
		c, err := keys.NewComponent(hex.EncodeToString(k.Reveal()), hex.EncodeToString(k.KCV()))
		if err != nil {
			return tdes.Key{}, err
		}
		parts, raw = append(parts, c), append(raw, k.Reveal())
	}
	if _, err := ks.Inject(ctx, ref, keys.Keep, parts...); err != nil {
		return tdes.Key{}, err
	}
	whole, err := tdes.XOR(raw...)
	if err != nil {
		return tdes.Key{}, err
	}
	return tdes.NewKey(whole)
}

// masterKey is the file of a data directory that wraps all other keys.
func masterKey(data string) string { return filepath.Join(data, "master.key") }
