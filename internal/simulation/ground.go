package simulation

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"hawker/internal/card"
	"hawker/internal/clock"
	"hawker/internal/feelock"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/risk"
	"hawker/internal/sandbox/cards"
	"hawker/internal/schema"
	"hawker/internal/store"
	"hawker/internal/tdes"
	"hawker/internal/terminal"
	"hawker/internal/vault"
)

// bankName names the card channel, its keys and its receivable account.
const bankName = "bank"

// Ground is what every run begins with: a migrated database with merchants, terminals,
// cards and keys. Making it takes a moment, copying it hardly any. It does not change, so
// any number of runs may share it.
type Ground struct {
	dir      string // where runs put their files
	database []byte // its file
	master   []byte // the file of the master key
	zpk, zak tdes.Key
	shops    []shop
	tokens   map[string]card.Token // by the name of the test card
}

// shop is a merchant with its terminals.
type shop struct {
	merchant.Merchant
	terminals []counter
}

// counter is a terminal as it was boarded.
type counter struct {
	id    terminal.ID
	batch int
	tmk   tdes.Key
}

// founded is when the ground was laid: before every run begins.
var founded = time.Date(2026, 1, 1, 4, 0, 0, 0, time.UTC)

func atFounding() time.Time { return founded }

var _ clock.Clock = atFounding

// NewGround lays the ground. Runs will put their files below dir, which is best in memory;
// "" is the system's place for temporary files. It must be called outside of any bubble.
func NewGround(ctx context.Context, dir string) (_ *Ground, err error) {
	g := &Ground{dir: dir, tokens: map[string]card.Token{}}
	if g.shops, err = someShops(); err != nil {
		return nil, err
	}
	site, err := g.site()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(site)) }()
	if err := g.lay(ctx, site); err != nil {
		return nil, err
	}
	if g.database, err = os.ReadFile(databaseIn(site)); err != nil {
		return nil, err
	}
	g.master, err = os.ReadFile(masterIn(site))
	return g, err
}

// site makes a directory for the files of one run.
func (g *Ground) site() (string, error) { return os.MkdirTemp(g.dir, "hawker-simulation-") }

func databaseIn(site string) string { return filepath.Join(site, "hawker.db") }

func masterIn(site string) string { return filepath.Join(site, "master.key") }

// copy puts the ground into a site of its own.
func (g *Ground) copy() (site string, err error) {
	if site, err = g.site(); err != nil {
		return "", err
	}
	return site, errors.Join(os.WriteFile(databaseIn(site), g.database, 0o600), os.WriteFile(masterIn(site), g.master, 0o600))
}

// lay makes the database and the master key.
func (g *Ground) lay(ctx context.Context, site string) error {
	db, err := store.Open(ctx, databaseIn(site))
	if err != nil {
		return err
	}
	return errors.Join(g.board(ctx, db, masterIn(site)), db.Close())
}

func someShops() ([]shop, error) {
	shops := []shop{
		{Merchant: merchant.Merchant{ID: 1, MID: "100290058120001", NameZH: "小满面馆", NameEN: "Xiaoman Noodles", Place: "Shanghai", MCC: "5812", Cutoff: 24 * time.Hour},
			terminals: []counter{{id: "T0000001", batch: 1}, {id: "T0000002", batch: terminal.LastBatch - 1}}},
		{Merchant: merchant.Merchant{ID: 2, MID: "100290058120002", NameZH: "夜市烧烤", NameEN: "Night Market Grill", Place: "New York", MCC: "5814", Cutoff: 23 * time.Hour},
			terminals: []counter{{id: "T0000003", batch: 42}, {id: "T0000004", batch: 7}}},
	}
	for i, zone := range []string{"Asia/Shanghai", "America/New_York"} {
		m := &shops[i].Merchant
		m.Currency, m.State = money.CNY, merchant.Active
		var err error
		if m.Zone, err = time.LoadLocation(zone); err != nil {
			return nil, err
		}
	}
	return shops, nil
}

// board makes keys, merchants, terminals and cards.
func (g *Ground) board(ctx context.Context, db *store.DB, master string) error {
	if err := db.Migrate(ctx, schema.Files); err != nil {
		return err
	}
	ks, err := keys.Open(ctx, db, master, atFounding)
	if err != nil {
		return err
	}
	for ref, key := range map[keys.Ref]*tdes.Key{keys.ZPK(bankName): &g.zpk, keys.ZAK(bankName): &g.zak} {
		if *key, err = inject(ctx, ks, ref); err != nil {
			return err
		}
	}
	fees := feelock.Open(feelock.Config{DB: db, Seal: ks, Clock: atFounding})
	for _, s := range g.shops {
		if err := db.Write(ctx, func(tx *store.Tx) error { return s.board(ctx, tx, fees) }); err != nil {
			return err
		}
		for i := range s.terminals {
			t := &s.terminals[i]
			if t.tmk, err = inject(ctx, ks, keys.TMK(s.MID+"/"+string(t.id))); err != nil {
				return err
			}
		}
	}
	v := vault.Open(db, ks, atFounding, slog.New(slog.DiscardHandler))
	for _, c := range cards.All() {
		if g.tokens[c.Name], err = v.Tokenize(ctx, c.PAN); err != nil {
			return err
		}
	}
	return nil
}

// dailyLimit bounds a merchant's day, in minor units. No run comes near it: the audit
// asks how much room is left.
const dailyLimit = 10_000_000

func (s shop) board(ctx context.Context, tx *store.Tx, fees *feelock.Book) error {
	if err := merchant.Add(ctx, tx, s.Merchant, founded); err != nil {
		return err
	}
	plan := merchant.FeePlan{Rate: 60, Min: money.New(1, s.Currency), Cap: money.New(80, s.Currency)}
	var rates []feelock.Rate
	for _, kind := range []string{"", "debit", "credit"} {
		rates = append(rates, feelock.Rate{Line: feelock.Line{Method: payment.MethodCard, CardKind: kind}, FeePlan: plan})
	}
	if err := fees.Board(ctx, tx, s.Merchant, feelock.Seeded("simulation"), founded.AddDate(0, 0, -3), rates...); err != nil {
		return err
	}
	if err := risk.SetLimit(ctx, tx, int64(s.ID), risk.Limit{Method: payment.MethodCard, Daily: money.New(dailyLimit, s.Currency)}); err != nil {
		return err
	}
	for _, t := range s.terminals {
		if err := terminal.Add(ctx, tx, terminal.Terminal{Merchant: s.ID, ID: t.id, Serial: "SIM-" + string(t.id), Model: "simulated", Profile: "unionpay-pos",
			Lang: "en", State: terminal.Active, Batch: t.batch, BatchDay: s.Day(founded)}); err != nil {
			return err
		}
	}
	return nil
}

// inject gives the keystore a key of 16 bytes in two components, as two people would.
func inject(ctx context.Context, ks *keys.Keystore, ref keys.Ref) (tdes.Key, error) {
	none := tdes.Key{}
	var parts []keys.Component
	whole := make([]byte, 16)
	for range 2 {
		part, err := tdes.Generate(16, rand.Reader)
		if err != nil {
			return none, err
		}
		c, err := keys.NewComponent(hex.EncodeToString(part.Reveal()), hex.EncodeToString(part.KCV()))
		if err != nil {
			return none, err
		}
		parts = append(parts, c)
		if whole, err = tdes.XOR(whole, part.Reveal()); err != nil {
			return none, err
		}
	}
	if _, err := ks.Inject(ctx, ref, keys.Replace, parts...); err != nil {
		return none, err
	}
	return tdes.NewKey(whole)
}
