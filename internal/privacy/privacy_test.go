package privacy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/schema"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/subject"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)

type world struct {
	*Office
	t    *testing.T
	ring *subject.Ring
	db   *store.DB
	now  time.Time
}

// stuck is a subject whose rows cannot be destroyed.
const stuck subject.ID = "application/13"

func (w *world) beside(m merchant.ID) subject.ID {
	return subject.ID("application/" + strconv.FormatInt(int64(m), 10))
}

var errSource = errors.New("no power")

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &world{t: t, db: db, now: noon}
		clock := func() time.Time { return w.now }
		ks, err := keys.Open(t.Context(), db, filepath.Join(t.TempDir(), "master.key"), clock)
		if err != nil {
			t.Fatal(err)
		}
		w.ring = subject.NewRing(ks, clock)
		w.Office = Open(Config{DB: db, Ring: w.ring, Clock: clock, Sources: []Source{func(_ context.Context, m merchant.Merchant) ([]Section, error) {
			return []Section{{"merchant", Words{"商户", "Merchant"}, []Field{{Words{"名称", "Name"}, m.NameZH}}}}, nil
		}}, Purges: []Purge{{Table: "privacy_looks", Keep: Term{3, "creation"}, Do: PurgeLooks}, {Table: "privacy_requests", Keep: Term{3, "creation"}, Do: PurgeRequests},
			{Table: "nowhere", Keep: Term{1, "creation"}, Do: func(context.Context, *store.Tx, time.Time) (int64, error) { return 0, errSource }},
			{Table: "clear", Keep: Term{10, "relation"}, Of: func(_ context.Context, _ *store.Tx, id subject.ID) (int64, error) {
				if id == stuck {
					return 0, errSource
				}
				return 2, nil
			}}},
			Beside: func(_ context.Context, _ store.Querier, m merchant.ID) ([]subject.ID, error) {
				return []subject.ID{w.beside(m)}, nil
			},
			Watched: func(_ context.Context, m merchant.ID, _ int) ([]Look, error) {
				if m != 7 {
					return nil, nil
				}
				return []Look{{Actor: "operator/3", What: "fields", Named: Words{"申请", "Application"}, Purpose: "review", At: noon.Add(time.Hour)}, {Actor: "operator/4", What: "fields", Purpose: "review", At: noon.Add(-time.Hour)}}, nil
			}})
		test(t, w)
	})
}

var (
	owner = auth.Who{Kind: auth.Staff, ID: 5, Merchant: 7, Role: auth.Owner, Name: "Wang"}
	admin = auth.Who{Kind: auth.Operator, ID: 2, Role: auth.Admin, Name: "Op"}
	shop  = merchant.Merchant{ID: 7, MID: "100290058120007", NameZH: "小满面馆", NameEN: "Xiaoman Noodles", Zone: time.UTC}
)

func (w *world) write(do func(ctx context.Context, tx *store.Tx) error) error {
	w.t.Helper()
	return w.db.Write(w.t.Context(), func(tx *store.Tx) error { return do(w.t.Context(), tx) })
}

func TestTheMapIsWholeAndNamesTablesThatAreThere(t *testing.T) {
	t.Parallel()
	list, err := Map()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	names, err := schema.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		b, err := schema.Files.ReadFile(n.Name())
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	mapped := map[string]bool{}
	for _, e := range list {
		mapped[e.Table] = true
		if !strings.Contains(all.String(), "CREATE TABLE "+e.Table+" (") {
			t.Errorf("there is no table %s", e.Table)
		}
	}
	for _, table := range []string{"contracts", "contract_signatures", "fee_consents", "training_certificates", "reviews", "privacy_looks", "payments", "cards", "signatures"} {
		if !mapped[table] {
			t.Errorf("%s keeps data of people, and the map does not say so", table)
		}
	}
}

func TestASubjectSeesWhoLookedAndWhatIsKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for _, purpose := range []string{"", "  ", strings.Repeat("长", 201)} {
			if err := w.write(func(ctx context.Context, tx *store.Tx) error {
				return w.Note(ctx, tx, admin, Of(7), "contract", purpose)
			}); !errors.Is(err, ErrPurpose) {
				t.Errorf("purpose %.10q: %v", purpose, err)
			}
		}
		if err := w.write(func(ctx context.Context, tx *store.Tx) error {
			return w.Note(ctx, tx, admin, Of(7), "contract", "complaint 12")
		}); err != nil {
			t.Fatal(err)
		}
		if err := w.write(func(ctx context.Context, tx *store.Tx) error {
			return w.Note(ctx, tx, admin, Of(8), "contract", "complaint 13")
		}); err != nil {
			t.Fatal(err)
		}
		c, err := w.Copy(ctx, shop)
		if err != nil || len(c.Looks) != 3 || c.Looks[0].Actor != "operator/3" || c.Looks[1].Purpose != "complaint 12" || c.Looks[1].Named.EN != "Contract" || len(c.Sections) != 1 || len(c.Map) == 0 {
			t.Fatalf("%+v, %v", c, err)
		}
		text, err := c.JSON()
		var back Copy
		if err != nil || json.Unmarshal(text, &back) != nil || back.Sections[0].Fields[0].Value != "小满面馆" {
			t.Error(string(text), err)
		}
		one, err1 := c.PDF(shop)
		two, err2 := c.PDF(shop)
		if err1 != nil || err2 != nil || !bytes.Equal(one, two) {
			t.Error(err1, err2)
		}
	})
}

func TestRequestsAreAskedAndDecided(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for name, c := range map[string]struct {
			who  auth.Who
			kind Kind
			body string
			want *fault.Fault
		}{
			"a correction without words": {owner, Correction, "", ErrBody},
			"the number of a document":   {owner, Correction, "证件号应为 110101 19900101 0011", ErrBody},
			"another kind":               {owner, "sell", "please do", ErrKind},
			"an operator":                {admin, Erasure, "", auth.ErrForbidden},
			"a cashier":                  {auth.Who{Kind: auth.Staff, ID: 9, Merchant: 7, Role: auth.Cashier}, Erasure, "", auth.ErrForbidden},
		} {
			if _, err := w.Ask(ctx, c.who, c.kind, c.body); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		r, err := w.Ask(ctx, owner, Correction, "英文名称应为 Xiaoman Noodle House")
		if err != nil || !r.Due.Equal(noon.Add(answerIn)) {
			t.Fatal(r, err)
		}
		if _, err := w.Ask(ctx, owner, Correction, "again and again"); !errors.Is(err, ErrOpen) {
			t.Error("twice:", err)
		}
		if _, err := w.Decide(ctx, owner, 7, r.ID, true, "done myself"); !errors.Is(err, auth.ErrForbidden) {
			t.Error("decided by himself:", err)
		}
		if _, err := w.Decide(ctx, admin, 7, r.ID, true, "ok"); !errors.Is(err, ErrReason) {
			t.Error("without an outcome:", err)
		}
		if _, err := w.Decide(ctx, admin, 8, r.ID, true, "corrected"); !errors.Is(err, ErrNone) {
			t.Error("under another merchant:", err)
		}
		if r, err := w.Decide(ctx, admin, 7, r.ID, true, "corrected"); err != nil || r.State != "done" {
			t.Error(r, err)
		}
		if _, err := w.Decide(ctx, admin, 7, r.ID, false, "no, after all"); !errors.Is(err, ErrState) {
			t.Error("decided twice:", err)
		}
		if queue, err := w.Queue(ctx, 9); err != nil || len(queue) != 0 {
			t.Error(queue, err)
		}
	})
}

func TestErasureWaitsForTheLawAndThenIsForEver(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		place := subject.Place{Table: "t", Field: "f", Row: "1"}
		var sealed []byte
		if err := w.write(func(ctx context.Context, tx *store.Tx) error {
			k, err := w.ring.Make(ctx, tx, Of(7))
			if err != nil {
				return err
			}
			if sealed, err = k.Seal(place, []byte("secret")); err != nil {
				return err
			}
			return w.ring.PlaceHold(ctx, tx, Of(7), "identity", noon.AddDate(10, 0, 0))
		}); err != nil {
			t.Fatal(err)
		}
		r, err := w.Ask(ctx, owner, Erasure, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Decide(ctx, admin, 7, r.ID, true, "granted"); !errors.Is(err, subject.ErrHeld) {
			t.Error("erased before the term:", err)
		}
		if list, err := w.Requests(ctx, 7); err != nil || list[0].State != "open" {
			t.Error("it must stay open:", list, err)
		}
		if _, err := w.Decide(ctx, admin, 7, r.ID, false, "kept until 2036-11-25"); err != nil {
			t.Error(err)
		}
		report, err := w.Run(ctx)
		if err != nil || len(report.Shredded) != 0 {
			t.Error(report, err)
		}
		w.now = noon.AddDate(10, 0, 0)
		report, err = w.Run(ctx)
		if err != nil || len(report.Shredded) != 1 || report.Shredded[0] != Of(7) {
			t.Error(report, err)
		}
		if _, err := w.ring.Key(ctx, w.db.Read(), Of(7)); !errors.Is(err, subject.ErrShredded) || len(sealed) == 0 {
			t.Error("the key is still there:", err)
		}
		if report, err = w.Run(ctx); err != nil || len(report.Shredded) != 0 {
			t.Error("shredded again:", report, err)
		}
		runs, err := w.Runs(ctx, 9)
		if err != nil || len(runs) != 3 || len(runs[1].Shredded) != 1 || len(runs[1].Failed) != 1 || runs[1].Failed[0] != "nowhere" {
			t.Error("the report:", runs, err)
		}
	})
}

func TestWhatIsInClearGoesWithTheKeyOrNeitherDoes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		held := func(id subject.ID) {
			if err := w.write(func(ctx context.Context, tx *store.Tx) error {
				if _, err := w.ring.Make(ctx, tx, id); err != nil {
					return err
				}
				return w.ring.PlaceHold(ctx, tx, id, "identity", noon.AddDate(10, 0, 0))
			}); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range []subject.ID{Of(7), w.beside(7), stuck} {
			held(id)
		}
		w.now = noon.AddDate(10, 0, 0)
		r, err := w.Run(t.Context())
		if err != nil || len(r.Shredded) != 2 || r.Purged["clear"] != 4 || !slices.Contains(r.Failed, string(stuck)) || len(r.Kept) != len(Kept) {
			t.Errorf("%+v, %v", r, err)
		}
		if n, ok := r.Purged["privacy_requests"]; n != 0 || !ok {
			t.Error("a table with nothing to purge is named too:", r.Purged)
		}
		if _, err := w.ring.Key(t.Context(), w.db.Read(), stuck); err != nil {
			t.Error("the key went, and what is in clear did not:", err)
		}
	})
}

func TestAnErasureReachesAllThatASubjectIs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		if err := w.write(func(ctx context.Context, tx *store.Tx) error {
			for _, id := range []subject.ID{Of(7), w.beside(7)} {
				if _, err := w.ring.Make(ctx, tx, id); err != nil {
					return err
				}
			}
			return w.ring.PlaceHold(ctx, tx, w.beside(7), "relation", time.Time{})
		}); err != nil {
			t.Fatal(err)
		}
		r, err := w.Ask(ctx, owner, Erasure, "")
		if err != nil {
			t.Fatal(err)
		}
		if holds, err := w.Holds(ctx, 7); err != nil || len(holds) != 1 || holds[0].Reason != "relation" {
			t.Error("why his application is kept:", holds, err)
		}
		if _, err := w.Decide(ctx, admin, 7, r.ID, true, "granted"); !errors.Is(err, subject.ErrHeld) {
			t.Error("his application is held:", err)
		}
		if _, err := w.ring.Key(ctx, w.db.Read(), Of(7)); err != nil {
			t.Error("half of him was erased:", err)
		}
		if err := w.write(func(ctx context.Context, tx *store.Tx) error { return w.ring.Release(ctx, tx, w.beside(7), "relation") }); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Decide(ctx, admin, 7, r.ID, true, "granted"); err != nil {
			t.Fatal(err)
		}
		for _, id := range []subject.ID{Of(7), w.beside(7)} {
			if _, err := w.ring.Key(ctx, w.db.Read(), id); !errors.Is(err, subject.ErrShredded) {
				t.Errorf("%s can still be read: %v", id, err)
			}
		}
		w.now = noon.AddDate(3, 0, 1)
		if r, err := w.Run(ctx); err != nil || r.Purged["privacy_requests"] != 1 {
			t.Error("the request outlives its term:", r, err)
		}
	})
}

func TestOldLooksArePurged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		look := func() {
			if err := w.write(func(ctx context.Context, tx *store.Tx) error {
				return w.Note(ctx, tx, admin, Of(7), "contract", "complaint 12")
			}); err != nil {
				t.Fatal(err)
			}
		}
		look()
		w.now = noon.AddDate(2, 0, 0)
		look()
		w.now = noon.AddDate(3, 0, 1)
		r, err := w.Run(t.Context())
		if err != nil || r.Purged["privacy_looks"] != 1 {
			t.Error(r, err)
		}
		if list, err := w.Looks(t.Context(), Of(7), 9); err != nil || len(list) != 1 {
			t.Error(list, err)
		}
	})
}
