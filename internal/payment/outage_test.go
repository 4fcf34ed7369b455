package payment_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hawker/internal/books"
	"hawker/internal/channel"
	"hawker/internal/feelock/feelocktest"
	"hawker/internal/jobs"
	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/schema"
	"hawker/internal/store"
	"hawker/internal/store/storetest/postgres"
	"hawker/internal/terminal"
)

// outage is a world on a PostgreSQL of its own, which the test kills.
type outage struct {
	*world
	server *postgres.Server
	admin  *sql.DB
}

// newOutage makes a world in a database of its own on a server.
func newOutage(t *testing.T, server *postgres.Server, name string) *outage {
	t.Helper()
	connect := func(url string) *sql.DB {
		db, err := sql.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	if _, err := connect(server.URL).ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	url := strings.Replace(server.URL, "/postgres?", "/"+name+"?", 1)
	db, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context(), schema.Files); err != nil {
		t.Fatal(err)
	}
	return &outage{newWorld(t, db, money.CNY), server, connect(url)}
}

// TestAServerKilledInMidCommit is for a real PostgreSQL, killed and started again.
func TestAServerKilledInMidCommit(t *testing.T) {
	t.Parallel()
	where := "/dev/shm" // what a kill may lose is lost in memory too, and others wait for the disk
	if _, err := os.Stat(where); err != nil {
		where = ""
	}
	server, err := postgres.Start(t.Context(), where, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	t.Run("a commit in doubt is found by its key", func(t *testing.T) { aCommitInDoubt(newOutage(t, server, "doubt"), t) })
	t.Run("under load nothing is lost or doubled", func(t *testing.T) { aStorm(newOutage(t, server, "storm"), t) })
}

func (o *outage) exec(statement string) {
	o.t.Helper()
	if _, err := o.admin.ExecContext(context.Background(), statement); err != nil {
		o.t.Fatal(err)
	}
}

// mute makes every commit wait for ever once it is safe on disk: the server asks for the
// word of a standby that does not exist. Who waits for the commit cannot know that it happened.
func (o *outage) mute() {
	o.t.Helper()
	o.exec(`CREATE TABLE IF NOT EXISTS probe (n BIGINT)`)
	o.exec(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`)
	o.exec(`SELECT pg_reload_conf()`)
	go func() { // until one of its own commits hangs
		for {
			if _, err := o.admin.ExecContext(context.Background(), `INSERT INTO probe VALUES (1)`); err != nil {
				return // killed
			}
		}
	}()
	o.untilMute(1)
}

// untilMute waits until so many commits are on disk and unanswered.
func (o *outage) untilMute(commits int) {
	o.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		var n int
		if err := o.admin.QueryRowContext(context.Background(), `SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`).Scan(&n); err != nil {
			o.t.Fatal(err)
		}
		if n >= commits {
			return
		}
		if time.Now().After(deadline) {
			o.t.Fatalf("%d commits wait, not %d", n, commits)
		}
	}
}

// strike kills the server and starts it again, answering as ever.
func (o *outage) strike() error {
	if err := o.server.Kill(); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.server.Dir(), "data", "postgresql.auto.conf"), nil, 0o600); err != nil {
		return err
	}
	return o.server.Restart(context.Background())
}

func aCommitInDoubt(o *outage, t *testing.T) {
	claim := func() payment.Totals {
		got, err := o.engine.BatchTotals(t.Context(), terminal.Terminal{Merchant: 1, ID: o.tid, Batch: o.batch, BatchDay: o.merchant.Day(o.clock())}, money.CNY)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	sale, void := o.mustSale(2000), o.mustSale(3000)
	for _, c := range []struct {
		name  string
		asked int // how often the bank is asked
		at    int // the database is mute from before the bank is asked (0), or from while it thinks (1)
		do    func() error
	}{
		{"the intent of a sale", 1, 0, func() error { return stands(o.sale(1000)) }},
		{"the outcome of a sale", 1, 1, func() error { return stands(o.sale(1000)) }},
		{"the intent of a refund", 1, 0, func() error { return stands(o.refund(sale, 600)) }},
		{"the outcome of a refund", 1, 1, func() error { return stands(o.refund(sale, 600)) }},
		{"the intent of a void", 1, 0, func() error { return stands(o.void(void)) }},
		{"the batch settlement", 0, 0, func() error {
			src, want := o.source(), claim()
			b, err := o.engine.SettleBatch(context.Background(), src, want)
			if err == nil && (!b.Balanced() || b.Number != src.Batch) {
				err = fmt.Errorf("settled %+v, claimed %+v", b, want)
			}
			o.batch++
			return err
		}},
	} {
		asked := len(o.bank.seen)
		if c.at == 0 {
			o.mute()
		} else {
			o.bank.arrived, o.bank.gate = make(chan channel.Request), make(chan struct{})
		}
		done := make(chan error, 1)
		go func() { done <- c.do() }()
		if c.at == 1 {
			<-o.bank.arrived
			o.mute()
			close(o.bank.gate)
		}
		o.untilMute(2) // the probe's and ours
		if n := len(o.bank.seen) - asked; n != c.at {
			t.Errorf("%s: while its commit was in doubt the bank was asked %d times, want %d", c.name, n, c.at)
		}
		if err := o.strike(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatalf("%s: the payer was told %v", c.name, err)
		}
		o.bank.arrived = nil
		if n := len(o.bank.seen) - asked; n != c.asked {
			t.Errorf("%s: the bank was asked %d times, want %d", c.name, n, c.asked)
		}
		o.agree()
	}
	if n := o.count(`SELECT COUNT(*) FROM attempts`); n != 7 {
		t.Errorf("seven requests made %d attempts", n)
	}
	if n := o.count(`SELECT COUNT(*) FROM ledger_entries`); n != 7 {
		t.Errorf("seven approvals made %d entries", n)
	}
	if n := o.count(`SELECT COUNT(*) FROM batches`); n != 1 {
		t.Errorf("one settlement made %d batches", n)
	}
	if a := o.mustSale(1); a.Batch != 2 {
		t.Errorf("the sale after it is in batch %d", a.Batch)
	}
}

// stands refuses what did not end approved.
func stands(a payment.Attempt, err error) error {
	if err == nil && a.State != payment.Approved {
		err = fmt.Errorf("%s %s", a.State, a.Reason)
	}
	return err
}

// commitCount counts commits and says when a number of them is reached.
type commitCount struct {
	noMetrics
	n      atomic.Int64
	target atomic.Int64
	hit    chan struct{}
}

func (c *commitCount) Commit(int) {
	if c.n.Add(1) == c.target.Load() {
		c.hit <- struct{}{}
	}
}

// storm is how many merchants with how many terminals each pay at once while the
// database is killed so often, after some of least to most commits.
const (
	stormMerchants, stormTerminals = 4, 8
	stormKills                     = 3
	stormLeast, stormMost          = 40, 160
	stormSeed                      = 3
)

func aStorm(o *outage, t *testing.T) {
	o.bank.when(func(r channel.Request) behaviour {
		if r.Kind == channel.Sale && r.Attempt%23 == 0 {
			return mute // some end by reversal
		}
		return approves
	})
	counted := &commitCount{hit: make(chan struct{}, 1)}
	o.jobs = jobs.NewRunner(o.db, o.clock, slog.New(slog.DiscardHandler))
	o.engine = payment.New(payment.Config{DB: o.db, Clock: o.clock, Fees: feelocktest.Open(o.db, o.clock), Card: o.bank, Jobs: o.jobs, Log: discard, Metrics: counted})
	var tills []*till
	for m := range merchant.ID(stormMerchants) {
		tills = append(tills, o.till(m+1)...)
	}
	dice := rand.New(rand.NewPCG(stormSeed, 0))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i, x := range tills {
		wg.Go(func() { x.work(stop, rand.New(rand.NewPCG(stormSeed, uint64(i)+1))) })
	}
	for range stormKills {
		counted.target.Store(counted.n.Load() + stormLeast + dice.Int64N(stormMost-stormLeast))
		<-counted.hit // one writer has just committed; the others are about to
		if err := o.strike(); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	wg.Wait()
	o.heal()

	asked, approved := 0, 0
	for _, x := range tills {
		x.check(t)
		asked, approved = asked+len(x.told), approved+x.approved
	}
	if n := o.count(`SELECT COUNT(*) FROM attempts WHERE kind = 'sale'`); n != asked {
		t.Errorf("%d sales were asked for, %d exist", asked, n)
	}
	if n := o.count(`SELECT COUNT(*) FROM payments WHERE state = 'approved'`); n != approved || n == 0 {
		t.Errorf("%d approvals stand at the terminals, %d in the database", approved, n)
	}
	t.Logf("%d sales, %d stand, %d commits, %d kills", asked, approved, counted.n.Load(), stormKills)
	if err := ledger.Prove(t.Context(), o.db.Read()); err != nil {
		t.Error(err)
	}
	if under, err := payment.UnderWay(t.Context(), o.db.Read()); err != nil || len(under) > 0 {
		t.Errorf("without an end: %v, %v", under, err)
	}
	lines, err := ledger.Trial(t.Context(), o.db.Read(), 0)
	if err != nil {
		t.Fatal(err)
	}
	owed := int64(0)
	for _, l := range lines {
		if l.Account == books.Receivable("bank") {
			owed += l.Balance.Minor()
		}
	}
	if owed != o.bank.owes() {
		t.Errorf("ledger says the bank owes %d, the bank says %d", owed, o.bank.owes())
	}
}

// till is a terminal of a storm and what it was told: by trace, the latest answer.
type till struct {
	*outage
	merchant merchant.Merchant
	tid      terminal.ID
	told     map[int]payment.Attempt
	undone   map[int]bool // it reversed
	approved int          // found by check
}

// till makes a merchant's tills; merchant 1 is there already.
func (o *outage) till(id merchant.ID) (tills []*till) {
	m := o.world.merchant
	m.ID, m.MID = id, fmt.Sprintf("1002900581200%02d", id)
	o.write(func(ctx context.Context, tx *store.Tx) error {
		tills = nil
		if id != 1 {
			if err := merchant.Add(ctx, tx, m, o.clock()); err != nil {
				return err
			}
			p := plan
			p.Min, p.Cap = o.amount(1), o.amount(2000)
			if err := feelocktest.Open(o.db, o.clock).Board(ctx, tx, m, feelocktest.Consent(), o.clock().Add(-time.Hour), cardRates(p, "debit")...); err != nil {
				return err
			}
		}
		for i := range stormTerminals {
			x := &till{outage: o, merchant: m, tid: terminal.ID(fmt.Sprintf("S%03d%04d", id, i)), told: map[int]payment.Attempt{}, undone: map[int]bool{}}
			if err := terminal.Add(ctx, tx, terminal.Terminal{Merchant: id, ID: x.tid, Serial: string(x.tid), Model: "m", Profile: "unionpay-pos", Lang: "en",
				State: terminal.Active, Batch: 1, BatchDay: m.Day(o.clock())}); err != nil {
				return err
			}
			tills = append(tills, x)
		}
		return nil
	})
	return tills
}

// work sells until stop: now and then the same request twice at once, now and then it is
// reversed. A restart of the database is a pause: no call may fail.
func (x *till) work(stop chan struct{}, dice *rand.Rand) {
	for trace := 1; ; trace++ {
		select {
		case <-stop:
			return
		default:
		}
		x.pass(time.Millisecond)
		src := payment.Source{Merchant: x.merchant, Terminal: x.tid, Batch: 1, Trace: trace}
		minor := 1 + dice.Int64N(5000)
		ask := func() payment.Attempt {
			a, err := x.engine.Sale(context.Background(), x.saleRequest(src, minor))
			if err != nil {
				x.t.Errorf("%s/%d: %v", x.tid, trace, err)
			}
			return a
		}
		again := make(chan payment.Attempt, 1)
		twice := dice.IntN(4) == 0
		if twice {
			go func() { again <- ask() }()
		}
		x.told[trace] = ask()
		if twice {
			if b := <-again; b.ID != x.told[trace].ID {
				x.t.Errorf("%s/%d: one request has attempts %d and %d", x.tid, trace, b.ID, x.told[trace].ID)
			}
		}
		if dice.IntN(12) == 0 {
			x.undone[trace] = true
			if _, err := x.engine.Reverse(context.Background(), payment.ReversalRequest{Source: src, Amount: x.amount(minor), Reason: "98"}); err != nil {
				x.t.Errorf("reversal of %s/%d: %v", x.tid, trace, err)
			}
		}
	}
}

// check compares what the till was told with what is stored.
func (x *till) check(t *testing.T) {
	t.Helper()
	for trace := range maps.Keys(x.told) {
		a := x.told[trace]
		p, err := payment.Get(t.Context(), x.db.Read(), x.merchant.ID, a.Payment)
		if err != nil {
			t.Errorf("%s/%d, acknowledged %s: %v", x.tid, trace, a.State, err)
			continue
		}
		want := payment.Approved
		if x.undone[trace] || a.State != payment.Approved {
			want = payment.Reversed
		}
		if p.State != want {
			t.Errorf("%s/%d was acknowledged %s, undone %v, and is %s", x.tid, trace, a.State, x.undone[trace], p.State)
		}
		if want == payment.Approved {
			x.approved++
		}
	}
}
