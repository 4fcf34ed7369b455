package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/sandbox/cardnet"
	"hawker/internal/sandbox/pos"
	"hawker/internal/store"
	"hawker/internal/store/storetest/postgres"
)

// backups are the ways of docs/operate.md to make a copy while the server runs, and to put
// it in the place of the database when it does not.
var backups = []struct {
	name   string
	target func(t *testing.T) string // the database; "" for SQLite's file in the data directory
	copy   func(ctx context.Context, data, target, file string) error
	back   func(ctx context.Context, data, target, file string) error
}{
	{"sqlite, hawker backup", func(*testing.T) string { return "" },
		func(ctx context.Context, data, target, file string) error {
			db, err := OpenStore(ctx, data, target) // as the command does, beside the server
			if err != nil {
				return err
			}
			return errors.Join(db.Backup(ctx, file), db.Close())
		},
		func(_ context.Context, data, _, file string) error {
			place := filepath.Join(data, "hawker.db")
			for _, part := range []string{"-wal", "-shm"} {
				if err := os.Remove(place + part); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
			return os.Rename(file, place)
		}},
	{"postgres, pg_dump", func(t *testing.T) string {
		server, err := postgres.Start(t.Context(), "", false)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Stop() })
		return server.URL
	},
		func(ctx context.Context, _, target, file string) error {
			return tool(ctx, "pg_dump", "-Fc", "-f", file, target)
		},
		func(ctx context.Context, _, target, file string) error {
			return tool(ctx, "pg_restore", "--clean", "--if-exists", "--single-transaction", "-d", target, file)
		}},
}

// tool runs one of PostgreSQL's programs.
func tool(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// The sale that is on its way while the copy is made, and the others.
const onItsWay, usual = 7777, 100

func TestABackupTakenWhilePaymentsGoOnIsRestored(t *testing.T) {
	t.Parallel()
	for _, b := range backups {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			data, file, target := t.TempDir(), filepath.Join(t.TempDir(), "copy"), b.target(t)
			devices, err := Provision(t.Context(), Config{Data: data, Database: target}, 2, 2)
			if err != nil {
				t.Fatal(err)
			}
			network, sold, release := busyNetwork(t, data)
			c := Config{Data: data, Database: target, ISO: Listen{Plain: true}, Network: Network{Addr: network.Addr()}}
			s, stop := start(t, c)
			tills := openTills(t, devices, s.ISOAddr())

			one := make(chan pos.Result, 1)
			go func() { one <- tills[0].sell(t, onItsWay) }()
			<-sold
			shop := newTrade(t, tills[1:])
			shop.until(20)
			before := shop.receipts() // acknowledged before the copy
			if err := b.copy(t.Context(), data, target, file); err != nil {
				t.Fatal(err)
			}
			shop.until(len(shop.receipts()) + 20)
			close(release)
			told := <-one
			if told.State != pos.Approved {
				t.Fatalf("the sale on its way ended %s", told.State)
			}
			all := append(shop.close(), told)
			if r, err := tills[1].SettleBatch(t.Context()); err != nil || r.Settlement == nil || !r.Settlement.Balanced {
				t.Fatalf("settlement: %+v, %v", r.Settlement, err)
			}
			stop()

			if err := b.back(t.Context(), data, target, file); err != nil {
				t.Fatal(err)
			}
			if err := proven(t.Context(), c); err != nil {
				t.Fatalf("the restored ledger: %v", err)
			}
			c.ISO = Listen{Addr: s.ISOAddr(), Plain: true} // where the terminals know it
			s, stop = start(t, c)
			defer stop()
			waitNothingUnderWay(t, s)
			if err := ledger.Prove(t.Context(), s.DB.Read()); err != nil {
				t.Error(err)
			}
			for _, r := range before {
				if p, err := shop.find(s.DB, r); err != nil || p.State != payment.Approved {
					t.Errorf("%s was acknowledged before the copy, and is %q, %v", r.RRN, p.State, err)
				}
			}
			if p, err := shop.find(s.DB, told); err != nil || p.State != payment.Reversed {
				t.Errorf("what was on its way is %q, %v", p.State, err)
			}
			// What the copy does not know is what was acknowledged after it; by as much the books differ.
			forgotten := int64(0)
			for _, r := range all {
				_, err := shop.find(s.DB, r)
				if errors.Is(err, payment.ErrNotFound) {
					forgotten += r.Amount.Minor()
				} else if err != nil {
					t.Error(err)
				}
			}
			if forgotten == 0 {
				t.Error("no payment was younger than the copy")
			}
			a, err := (&Server{DB: s.DB, Sandbox: network}).Audit(t.Context())
			if err != nil || a.Cases > 0 {
				t.Fatalf("%+v, %v", a, err)
			}
			missing := int64(0)
			for _, side := range a.Sides {
				missing += side.Network - side.Ledger
			}
			if missing != forgotten {
				t.Errorf("the network owes %d more than the ledger knows; acknowledged after the copy were %d", missing, forgotten)
			}
			if r := tills[0].sell(t, usual); r.State != pos.Approved {
				t.Errorf("a sale after the restoration: %s", r.State)
			}
			if r := tills[1].sell(t, usual); r.State != pos.Declined || r.Code != "77" {
				t.Errorf("a sale in a batch that the copy does not know: %s %s", r.State, r.Code)
			}
			if r := tills[1].sell(t, usual); r.State != pos.Approved {
				t.Errorf("after signing on again: %s", r.State)
			}
		})
	}
}

// proven is hawker verify.
func proven(ctx context.Context, c Config) error {
	db, err := OpenStore(ctx, c.Data, c.Database)
	if err != nil {
		return err
	}
	return errors.Join(ledger.Prove(ctx, db.Read()), db.Close())
}

// busyNetwork is a simulated network that announces the sale on its way and holds it until
// released; the others pass.
func busyNetwork(t *testing.T, data string) (n *cardnet.Network, sold, release chan struct{}) {
	t.Helper()
	sold, release = make(chan struct{}), make(chan struct{})
	zpk, zak, err := SandboxKeys(data)
	if err != nil {
		t.Fatal(err)
	}
	if n, err = cardnet.New(cardnet.Config{ZPK: zpk, ZAK: zak}); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	n.SetFault(func(i cardnet.Info) cardnet.Behaviour {
		if i.Kind == cardnet.Sale && i.Amount.Minor() == onItsWay {
			once.Do(func() { close(sold) })
			<-release
		}
		return cardnet.Behaviour{}
	})
	if err := n.Listen(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n, sold, release
}

// waitNothingUnderWay waits until everything has an end.
func waitNothingUnderWay(t *testing.T, s *Server) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		list, err := payment.UnderWay(t.Context(), s.DB.Read())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("without an end: %+v", list)
		}
	}
}

// till is a terminal that is signed on.
type till struct {
	*pos.Terminal
	merchant merchant.ID
}

func openTills(t *testing.T, devices []Device, host string) (tills []till) {
	t.Helper()
	for _, d := range devices {
		file := filepath.Join(t.TempDir(), d.MID+d.TID+".json")
		if err := pos.Provision(file, pos.Device{Host: host, TMK: d.TMK,
			Shop: pos.Shop{Name: pos.Words{ZH: "小店", EN: "Shop"}, MerchantID: d.MID, TerminalID: d.TID}}); err != nil {
			t.Fatal(err)
		}
		device, err := pos.Open(file, pos.Options{Host: host, Timeout: 20 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = device.Close() })
		if r, err := device.SignOn(t.Context()); err != nil || r.State != pos.Accepted {
			t.Fatalf("%s, %v", r.State, err)
		}
		tills = append(tills, till{device, d.Merchant})
	}
	return tills
}

func (x till) sell(t *testing.T, minor int64) pos.Result {
	p, err := present("test-debit", "123456")
	if err != nil {
		t.Error(err)
		return pos.Result{}
	}
	r, err := x.Sale(context.Background(), money.New(minor, money.CNY), p)
	if err != nil {
		t.Error(err)
	}
	return r
}

// trade is tills that sell until it is closed, and what they were told.
type trade struct {
	mu    sync.Mutex
	slips []pos.Result
	at    map[string]merchant.ID // RRN → whose
	sold  chan struct{}          // one for each slip, as far as somebody counts
	over  atomic.Bool
	busy  sync.WaitGroup
}

func newTrade(t *testing.T, tills []till) *trade {
	d := &trade{at: map[string]merchant.ID{}, sold: make(chan struct{}, 1)}
	for _, x := range tills {
		d.busy.Go(func() {
			for !d.over.Load() {
				r := x.sell(t, usual)
				if r.State != pos.Approved {
					t.Errorf("a sale ended %s", r.State)
					return
				}
				d.mu.Lock()
				d.slips, d.at[r.RRN] = append(d.slips, r), x.merchant
				d.mu.Unlock()
				select {
				case d.sold <- struct{}{}:
				default:
				}
			}
		})
	}
	return d
}

// until waits for so many slips.
func (d *trade) until(n int) {
	for len(d.receipts()) < n {
		<-d.sold
	}
}

func (d *trade) receipts() []pos.Result {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]pos.Result(nil), d.slips...)
}

// close lets the tills end and gives all slips.
func (d *trade) close() []pos.Result {
	d.over.Store(true)
	d.busy.Wait()
	return d.receipts()
}

// find reads the payment of a slip; payment.ErrNotFound when the database has none.
func (d *trade) find(db *store.DB, r pos.Result) (payment.Payment, error) {
	id, err := payment.ParseRef(r.RRN)
	if err != nil {
		return payment.Payment{}, err
	}
	m, ok := d.at[r.RRN]
	if !ok {
		m = FirstProvisioned // the first till's
	}
	ctx := context.Background()
	var of int64
	list, err := db.Read().Query(ctx, `SELECT payment_id FROM attempts WHERE merchant_id = $1 AND attempt_id = $2`, m, id)
	if err != nil {
		return payment.Payment{}, err
	}
	defer func() { _ = list.Close() }()
	if list.Next() {
		err = list.Scan(&of)
	}
	if err = errors.Join(err, list.Err(), list.Close()); err != nil {
		return payment.Payment{}, err
	}
	return payment.Get(ctx, db.Read(), m, of)
}
