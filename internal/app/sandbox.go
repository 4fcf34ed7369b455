package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hawker/internal/feelock"
	"hawker/internal/identity"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/risk"
	"hawker/internal/sandbox/cardnet"
	"hawker/internal/store"
	"hawker/internal/tdes"
)

// What the sandbox is seeded with.
const (
	networkName = "cardnet" // the card channel, its keys and its receivable account
	seedMID     = "100290058120001"
)

// seedMerchant is a micro merchant: a noodle shop in Shanghai.
func seedMerchant() (merchant.Merchant, error) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	return merchant.Merchant{ID: 1, MID: seedMID, NameZH: "小满面馆", NameEN: "Xiaoman Noodles", Place: "Shanghai", MCC: "5812",
		Currency: money.CNY, Zone: zone, Cutoff: 24 * time.Hour, State: merchant.Active}, err
}

// sandbox makes what a newcomer needs to take a payment: a merchant with fee plans
// and limits, a terminal with its key, and keys shared with the simulated network.
// Every step may be repeated.
type sandbox struct {
	Config
	db        *store.DB
	keys      *keys.Keystore
	authority *identity.Authority // issues the terminal's certificate; nil where it gets none
	host      string              // the terminal port
}

func (s sandbox) plant(ctx context.Context) error {
	m, err := seedMerchant()
	if err != nil {
		return err
	}
	if _, err := merchant.ByMID(ctx, s.db.Read(), m.MID); errors.Is(err, merchant.ErrUnknown) {
		err = s.db.Write(ctx, func(tx *store.Tx) error { return s.merchant(ctx, tx, m) })
		if err != nil && !store.IsUnique(err) { // another node was faster
			return err
		}
	} else if err != nil {
		return err
	}
	for _, d := range seedTerminals {
		if err := s.terminal(ctx, m, d); err != nil {
			return fmt.Errorf("terminal %s: %w", d.id, err)
		}
	}
	if _, err := os.Stat(s.networkFile()); errors.Is(err, fs.ErrNotExist) {
		if _, err := s.keys.KCV(ctx, keys.ZAK(networkName)); err == nil {
			return nil // another node of this database has the simulated network's copies
		}
	}
	_, err = s.networkKeys(ctx)
	return err
}

// fees is the fee lock, through which a seed goes like everybody.
func (s sandbox) fees() *feelock.Book {
	return feelock.Open(feelock.Config{DB: s.db, Seal: s.keys, Clock: s.Clock})
}

func (s sandbox) merchant(ctx context.Context, tx *store.Tx, m merchant.Merchant) error {
	now := s.Clock()
	if err := merchant.Add(ctx, tx, m, now); err != nil {
		return err
	}
	if err := seedMenu(ctx, tx, m, now); err != nil {
		return err
	}
	cny := func(minor int64) money.Amount { return money.New(minor, money.CNY) }
	if err := s.fees().Board(ctx, tx, m, feelock.Seeded("the sandbox's first start"), now,
		feelock.Rate{Line: feelock.Line{Method: "card", CardKind: "credit"}, FeePlan: merchant.FeePlan{Rate: 60}},
		feelock.Rate{Line: feelock.Line{Method: "card", CardKind: "debit"}, FeePlan: merchant.FeePlan{Rate: 50, Cap: cny(2000)}},
		feelock.Rate{Line: feelock.Line{Method: "card"}, FeePlan: merchant.FeePlan{Rate: 60}},
		feelock.Rate{Line: feelock.Line{Method: payment.MethodWeChat}, FeePlan: merchant.FeePlan{Rate: 38}},
		feelock.Rate{Line: feelock.Line{Method: payment.MethodAlipay}, FeePlan: merchant.FeePlan{Rate: 38}},
		feelock.Rate{Line: feelock.Line{Method: payment.MethodUnionPay}, FeePlan: merchant.FeePlan{Rate: 38}}); err != nil {
		return err
	}
	// A micro merchant's credit card receipts are bounded: 1,000 a day, 10,000 a month (domain rules for micro merchants).
	for _, l := range []risk.Limit{
		{Method: "card", CardKind: "", PerPayment: cny(5_000_000), Daily: cny(20_000_000), Monthly: cny(200_000_000)},
		{Method: "card", CardKind: "credit", Daily: cny(100_000), Monthly: cny(1_000_000)},
		{Method: payment.MethodWeChat, PerPayment: cny(5_000_000), Daily: cny(20_000_000), Monthly: cny(200_000_000)},
		{Method: payment.MethodAlipay, PerPayment: cny(5_000_000), Daily: cny(20_000_000), Monthly: cny(200_000_000)},
		{Method: payment.MethodUnionPay, PerPayment: cny(5_000_000), Daily: cny(20_000_000), Monthly: cny(200_000_000)},
		{Method: payment.MethodCash, PerPayment: cny(5_000_000)}, // what is not owed is bounded against slips of the finger only
	} {
		if err := risk.SetLimit(ctx, tx, int64(m.ID), l); err != nil {
			return err
		}
	}
	return nil
}

// inject gives the keystore a key in two random components, as two people would.
func (s sandbox) inject(ctx context.Context, ref keys.Ref, key tdes.Key, over keys.Overwrite) error {
	mask, err := tdes.Generate(key.Size(), rand.Reader)
	if err != nil {
		return err
	}
	rest, err := tdes.XOR(key.Reveal(), mask.Reveal())
	if err != nil {
		return err
	}
	var parts []keys.Component
	for _, part := range [][]byte{mask.Reveal(), rest} {
		k, err := tdes.NewKey(part)
		if err != nil {
			return err
		}
		c, err := keys.NewComponent(hex.EncodeToString(part), hex.EncodeToString(k.KCV()))
		if err != nil {
			return err
		}
		parts = append(parts, c)
	}
	_, err = s.keys.Inject(ctx, ref, over, parts...)
	return err
}

// simKeys are the simulated network's copies of the shared keys, in its own file.
type simKeys struct {
	Note string `json:"note"`
	ZPK  string `json:"zpk"`
	ZAK  string `json:"zak"`
}

// networkKeys reads the simulated network's keys, or makes them, and sees to it that the keystore has the same.
func (s sandbox) networkKeys(ctx context.Context) (zpkzak [2]tdes.Key, err error) {
	file := s.networkFile()
	k, err := readSimKeys(file)
	if errors.Is(err, fs.ErrNotExist) {
		k, err = writeSimKeys(file)
	}
	if err != nil {
		return zpkzak, err
	}
	if zpkzak, err = k.keys(); err != nil {
		return zpkzak, fmt.Errorf("%s: %w", file, err)
	}
	for i, ref := range []keys.Ref{keys.ZPK(networkName), keys.ZAK(networkName)} {
		if err := s.inject(ctx, ref, zpkzak[i], keys.Keep); err != nil {
			return zpkzak, fmt.Errorf("%s and the keystore disagree: %w", file, err)
		}
	}
	return zpkzak, nil
}

// keys reads the PIN key and the MAC key.
func (k simKeys) keys() (zpkzak [2]tdes.Key, err error) {
	for i, text := range []string{k.ZPK, k.ZAK} {
		raw, err := hex.DecodeString(text)
		if err != nil {
			return zpkzak, errors.New("a key is not hexadecimal")
		}
		if zpkzak[i], err = tdes.NewKey(raw); err != nil {
			return zpkzak, err
		}
	}
	return zpkzak, nil
}

func readSimKeys(file string) (k simKeys, err error) {
	b, err := os.ReadFile(file) //nolint:gosec // a file of our own data directory
	if err != nil {
		return k, err
	}
	if err := json.Unmarshal(b, &k); err != nil {
		return k, fmt.Errorf("%s: %w", file, err)
	}
	return k, nil
}

func writeSimKeys(file string) (simKeys, error) {
	k := simKeys{Note: "keys of the simulated card network: they guard nothing"}
	for _, p := range []*string{&k.ZPK, &k.ZAK} {
		key, err := tdes.Generate(16, rand.Reader)
		if err != nil {
			return k, err
		}
		*p = hex.EncodeToString(key.Reveal())
	}
	b, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return k, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return k, err
	}
	return k, os.WriteFile(file, append(b, '\n'), 0o600)
}

// network starts the simulated card network; what it booked survives in its state file.
func (s sandbox) network(ctx context.Context) (*cardnet.Network, error) {
	shared, err := s.networkKeys(ctx)
	if err != nil {
		return nil, err
	}
	return startNetwork(ctx, s.Config, "", shared)
}

func startNetwork(ctx context.Context, c Config, addr string, shared [2]tdes.Key) (*cardnet.Network, error) {
	n, err := cardnet.New(cardnet.Config{Addr: addr, ZPK: shared[0], ZAK: shared[1], LateAfter: c.Network.LateAfter,
		Clock: c.Clock, Log: c.Log.With("part", "simulated network"), StateFile: filepath.Join(c.Data, "sandbox", "network.jsonl")})
	if err != nil {
		return nil, err
	}
	if err := n.Listen(context.WithoutCancel(ctx)); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// Sandbox runs the simulated card network by itself until ctx ends, with the keys of
// a data directory that a server has seeded.
func Sandbox(ctx context.Context, c Config, addr string) error {
	if err := c.complete(); err != nil {
		return err
	}
	k, err := readSimKeys(c.networkFile())
	if errors.Is(err, fs.ErrNotExist) {
		k, err = writeSimKeys(c.networkFile()) // a server started later takes these
	}
	if err != nil {
		return err
	}
	shared, err := k.keys()
	if err != nil {
		return err
	}
	n, err := startNetwork(ctx, c, addr, shared)
	if err != nil {
		return err
	}
	c.Log.Info("simulated card network serves", "addr", n.Addr())
	<-ctx.Done()
	return n.Close()
}
