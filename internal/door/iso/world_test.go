package iso

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hawker/internal/books"
	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/channel/cardhost"
	"hawker/internal/custody"
	"hawker/internal/emv"
	"hawker/internal/feelock"
	"hawker/internal/jobs"
	"hawker/internal/keys"
	"hawker/internal/ledger"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/sandbox/cardnet"
	"hawker/internal/sandbox/cards"
	"hawker/internal/signature"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/tdes"
	"hawker/internal/vault"
)

func TestMain(m *testing.M) { storetest.Main(tight{m}) }

// tight finds goroutines that outlive every world; those of a PostgreSQL are its owner's.
type tight struct{ *testing.M }

func (m tight) Run() int {
	code := m.M.Run()
	if err := goleak.Find(goleak.IgnoreAnyFunction("os/exec.(*Cmd).Start.func2"), goleak.IgnoreAnyFunction("os/exec.(*Cmd).watchCtx.func1")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// world is a door with everything behind it, down to a simulated card network.
type world struct {
	t       testing.TB
	db      *store.DB
	keys    *keys.Keystore
	master  string // the file of its master key
	custody *custody.Keeper
	network *cardnet.Network
	pocket  *pocket // WeChat Pay
	jobs    *jobs.Runner
	server  *Server
	log     *journal
	dial    func() net.Conn // to the terminal port

	mu    sync.Mutex
	now   time.Time
	shops []*shop
	away  bool // the network takes no connection
}

// noon is when every world begins, in Shanghai.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("CST", 8*60*60))

// patience is how long a world's host waits for its bank.
const patience = 20 * time.Second

// newWorld opens a door on loopback.
func newWorld(t testing.TB, db *store.DB, change ...func(*Config)) *world {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := build(t, db, change)
	w.open(l)
	w.dial = func() net.Conn {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return w
}

// build makes all but the listener.
func build(t testing.TB, db *store.DB, change []func(*Config)) *world {
	t.Helper()
	w := &world{t: t, db: db, log: newJournal(), now: noon, master: filepath.Join(t.TempDir(), "master.key")}
	log := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime}))
	var err error
	if w.keys, err = keys.Open(t.Context(), db, w.master, w.clock); err != nil {
		t.Fatal(err)
	}
	signer, err := custody.OpenSigner(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w.custody = &custody.Keeper{DB: db, Keys: w.keys, Clock: w.clock, Signer: signer}
	zpk, zak := w.newKey(keys.ZPK("net"), 16), w.newKey(keys.ZAK("net"), 16)
	if w.network, err = cardnet.New(cardnet.Config{ZPK: zpk, ZAK: zak, Clock: w.clock, Cards: testCards, LateAfter: 2 * patience}); err != nil {
		t.Fatal(err)
	}
	cardVault := vault.Open(db, w.keys, w.clock, log)
	host := cardhost.New(cardhost.Config{
		Name: "net", Acquirer: acquirer, Forwarder: acquirer, Keys: w.keys, Vault: cardVault, PINKey: keys.ZPK("net"), MACKey: keys.ZAK("net"),
		Timeout: patience, Clock: w.clock, Log: log,
		Dial: func(context.Context) (net.Conn, error) {
			if w.isAway() {
				return nil, errors.New("connection refused")
			}
			near, far := net.Pipe()
			go w.network.ServeConn(far)
			return near, nil
		},
	})
	w.jobs = jobs.NewRunner(db, w.clock, log)
	w.pocket = &pocket{name: payment.MethodWeChat, orders: map[string]*order{}}
	engine := payment.New(payment.Config{DB: db, Clock: w.clock, Card: host, Wallets: []channel.Wallet{w.pocket, host.Codes(payment.MethodUnionPay)}, Fees: w.fees(), Jobs: w.jobs, Log: log, Metrics: quiet{},
		Sale: payment.SaleTerms{Floor: money.New(50_00, money.CNY)}})
	host.OnLate(engine.Late)
	c := Config{DB: db, Engine: engine, Keys: w.keys, Custody: w.custody, Vault: cardVault, Clock: w.clock, Log: log, Metrics: quiet{},
		Acquirer: acquirer, Signatures: signature.Open(db, w.keys, w.clock)}
	for _, f := range change {
		f(&c)
	}
	w.server = New(c)
	t.Cleanup(func() {
		host.Close()
		if err := w.network.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

const acquirer = "48029900"

func (w *world) fees() *feelock.Book {
	return feelock.Open(feelock.Config{DB: w.db, Seal: w.keys, Clock: w.clock})
}

// elsewhere is the same keystore as another process has it.
func (w *world) elsewhere() *keys.Keystore {
	w.t.Helper()
	ks, err := keys.Open(w.t.Context(), w.db, w.master, w.clock)
	if err != nil {
		w.t.Fatal(err)
	}
	return ks
}

// open serves until the test ends; then the log must hold no secret and the books must agree.
func (w *world) open(l net.Listener) {
	served := make(chan error, 1)
	go func() { served <- w.server.Serve(l) }()
	w.t.Cleanup(func() {
		_ = l.Close()
		w.server.Shutdown(context.Background())
		if err := <-served; err != nil {
			w.t.Error(err)
		}
		w.agree()
		w.log.keepsSecrets(w.t)
	})
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) isAway() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.away
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) write(do func(context.Context, *store.Tx) error) {
	w.t.Helper()
	ctx := context.Background()
	if err := w.db.Write(ctx, func(tx *store.Tx) error { return do(ctx, tx) }); err != nil {
		w.t.Fatal(err)
	}
}

// newKey draws a key and gives it to the keystore in two components.
func (w *world) newKey(ref keys.Ref, size int) tdes.Key {
	w.t.Helper()
	k, err := tdes.Generate(size, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	w.inject(ref, k)
	return k
}

func (w *world) inject(ref keys.Ref, k tdes.Key) {
	w.t.Helper()
	mask, err := tdes.Generate(k.Size(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	rest, err := tdes.XOR(k.Reveal(), mask.Reveal())
	if err != nil {
		w.t.Fatal(err)
	}
	var parts []keys.Component
	for _, part := range [][]byte{mask.Reveal(), rest} {
		key, err := tdes.NewKey(part)
		if err != nil {
			w.t.Fatal(err)
		}
		c, err := keys.NewComponent(hex.EncodeToString(part), hex.EncodeToString(key.KCV()))
		if err != nil {
			w.t.Fatal(err)
		}
		parts = append(parts, c)
	}
	if _, err := w.keys.Inject(context.Background(), ref, keys.Replace, parts...); err != nil {
		w.t.Fatal(err)
	}
	w.log.secret(hex.EncodeToString(k.Reveal()))
}

// effect is what a shop's payments have come to, on both sides.
type effect struct{ ledger, network int64 }

func (w *world) effect(s *shop) effect {
	w.t.Helper()
	e := effect{network: w.pocket.holds(s.MID)}
	for _, name := range []string{"net", w.pocket.name} {
		a, err := ledger.Balance(context.Background(), w.db.Read(), ledger.Owner(s.ID), books.Receivable(name), s.Currency)
		if err != nil {
			w.t.Fatal(err)
		}
		e.ledger += a.Minor()
	}
	for _, b := range w.network.Books() {
		if b.Merchant == s.MID {
			e.network += b.Net.Minor()
		}
	}
	return e
}

// heal runs what is due until nothing is.
func (w *world) heal() {
	w.t.Helper()
	for range 20 {
		if w.jobs.RunDue(context.Background()) == 0 {
			return
		}
		w.pass(time.Hour)
	}
	w.t.Error("jobs never end")
}

// agree holds the ledger against itself and the network, once jobs are done.
func (w *world) agree() {
	w.t.Helper()
	w.heal()
	if err := ledger.Prove(context.Background(), w.db.Read()); err != nil {
		w.t.Error(err)
	}
	if err := w.network.Check(); err != nil {
		w.t.Error(err)
	}
	w.mu.Lock()
	shops := w.shops
	w.mu.Unlock()
	for _, s := range shops {
		if e := w.effect(s); e.ledger != e.network {
			w.t.Errorf("shop %s: ledger says %d, the network %d", s.MID, e.ledger, e.network)
		}
	}
}

// quiet counts nothing.
type quiet struct{}

func (quiet) Message(string, string, time.Duration) {}
func (quiet) BadMessage(string)                     {}
func (quiet) Connections(int)                       {}

func (quiet) Attempt(channel.Kind, payment.State, string) {}
func (quiet) Commit(int)                                  {}

// The cards of tests: numbers whose every digit would be noticed in a log.
var testCards = []cards.Card{
	newCard("credit", "625900864209753", cards.Credit),
	newCard("debit", "622200197538642086", cards.Debit),
	only(newCard("chip", "622588135790864", cards.Credit)),
}

// only makes a card's chip one that must be used.
func only(c cards.Card) cards.Card {
	c.Chip.Only = true
	return c
}

const testPIN = "73925164"

func newCard(name, digits string, kind cards.Kind) cards.Card {
	pan, err := card.ParsePAN(digits + string(rune('0'+card.CheckDigit(digits))))
	if err != nil {
		panic(err)
	}
	return cards.Card{Name: name, PAN: pan, Expiry: "3512", PIN: testPIN, Kind: kind, Funds: money.New(1_000_000_000_00, money.CNY),
		Chip: cards.Chip{AID: "A000000333010101", Label: "Test", Version: map[cards.Kind]emv.Version{cards.Credit: emv.CVN10, cards.Debit: emv.CVN18}[kind], AIP: "7C00"}}
}
