package feelock

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"hawker/internal/auth"
	"hawker/internal/cases"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

type seals struct{ asked *int }

func (s seals) Vouch(_ context.Context, use string, data []byte) ([]byte, error) {
	*s.asked++
	h := hmac.New(sha256.New, []byte("a key of this test"))
	_, _ = h.Write([]byte(use + "\x00"))
	_, _ = h.Write(data)
	return h.Sum(nil), nil
}

// phone is a channel that can be out of order.
type phone struct {
	mu     sync.Mutex
	broken bool
	sent   []Message
}

func (p *phone) Name() string { return "phone" }

func (p *phone) Send(_ context.Context, m Message) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken {
		return "", errors.New("no signal")
	}
	p.sent = append(p.sent, m)
	return "call 1", nil
}

type world struct {
	t     testing.TB
	db    *store.DB
	book  *Book
	jobs  *jobs.Runner
	now   time.Time
	asked int
	phone *phone
	m     merchant.Merchant
}

var (
	debit  = Line{"card", "debit"}
	credit = Line{"card", "credit"}
)

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, now: noon, phone: &phone{}, m: merchant.Merchant{ID: 7, MID: "100290058120007", NameZH: "小满面馆", NameEN: "Xiaoman Noodles", MCC: "5812",
		Currency: money.CNY, Zone: zone, Cutoff: day, State: merchant.Active}}
	clock := func() time.Time { return w.now }
	w.jobs = jobs.NewRunner(db, clock, slog.New(slog.DiscardHandler))
	w.book = Open(Config{DB: db, Seal: seals{&w.asked}, Clock: clock, Jobs: w.jobs, Channels: []Channel{w.phone}})
	t.Cleanup(w.book.Close)
	w.write(func(ctx context.Context, tx *store.Tx) error {
		stranger := w.m
		stranger.ID, stranger.MID = 8, "100290058120008"
		if err := errors.Join(merchant.Add(ctx, tx, w.m, noon), merchant.Add(ctx, tx, stranger, noon)); err != nil {
			return err
		}
		return errors.Join(w.book.Board(ctx, tx, w.m, Seeded("a test"), noon.Add(-day), w.rate(debit, 50, 0, 2000), w.rate(credit, 60, 10, 0)),
			w.book.Board(ctx, tx, stranger, Seeded("a test"), noon.Add(-day), w.rate(debit, 90, 0, 2000)))
	})
	return w
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newWorld(t, db)) })
}

func (w *world) rate(l Line, bp money.BasisPoints, minimum, limit int64) Rate {
	return Rate{l, merchant.FeePlan{Rate: bp, Min: money.New(minimum, w.m.Currency), Cap: money.New(limit, w.m.Currency)}}
}

func (w *world) write(do func(ctx context.Context, tx *store.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), func(tx *store.Tx) error { return do(w.t.Context(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

// sql is what somebody does who has the database and not this package.
func (w *world) sql(statement string, args ...any) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *store.Tx) error {
		n, err := tx.Exec(ctx, statement, args...)
		if err == nil && n == 0 {
			err = errors.New("it touched no row: " + statement)
		}
		return err
	})
}

// fee is the fee of 100.00 on a line now.
func (w *world) fee(l Line) (int64, error) {
	w.t.Helper()
	plans, err := w.book.Plans(w.t.Context(), w.m.ID, w.m.Currency, l)
	if err != nil {
		return 0, err
	}
	p, err := plans.At(w.now)
	if err != nil {
		return 0, err
	}
	fee, err := p.Fee(money.New(10000, w.m.Currency))
	return fee.Minor(), err
}

func (w *world) mustFee(l Line, want int64) {
	w.t.Helper()
	if got, err := w.fee(l); err != nil || got != want {
		w.t.Errorf("the fee of 100.00 is %d, %v; want %d", got, err, want)
	}
}

func (w *world) cases(kind string) (n int) {
	w.t.Helper()
	w.book.Close()
	list, err := cases.List(w.t.Context(), w.db.Read())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range list {
		if c.Kind == kind {
			n++
		}
	}
	return n
}

func op(id int64, r auth.Role) auth.Who {
	return auth.Who{Kind: auth.Operator, ID: id, Role: r, Name: "Op"}
}

var (
	finance = op(1, auth.Finance)
	second  = op(2, auth.Finance)
	owner   = auth.Who{Kind: auth.Staff, ID: 5, Merchant: 7, Role: auth.Owner, Name: "Wang"}
)

func (w *world) propose(d Draft) (Proposal, error) {
	if d.Reason == "" {
		d.Reason = "the network costs more"
	}
	return w.book.Propose(w.t.Context(), finance, w.m, d)
}

// announced is a proposal that has been approved and told.
func (w *world) announced(d Draft) Proposal {
	w.t.Helper()
	p, err := w.propose(d)
	if err == nil {
		_, err = w.book.Approve(w.t.Context(), second, w.m, p.ID)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.jobs.RunDue(w.t.Context())
	return w.proposal(p.ID)
}

func (w *world) proposal(id int64) Proposal {
	w.t.Helper()
	p, err := ByID(w.t.Context(), w.db.Read(), w.m.ID, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) seen(p Proposal) [32]byte {
	w.t.Helper()
	text, err := w.book.TextOf(w.t.Context(), w.m, p)
	if err != nil {
		w.t.Fatal(err)
	}
	return text.Digest()
}

// agree is the owner's consent; how he proves himself is auth's business.
func (w *world) agree(p Proposal, seen [32]byte) (Proposal, error) {
	return w.book.agree(w.t.Context(), owner, w.m, p.ID, seen, func(p Proposal) (Consent, error) {
		return Consent{kind: Agreed, actor: actor(owner), name: owner.Name, document: seen, object: p.Object(), at: store.At(w.now).Time()}, nil
	})
}
