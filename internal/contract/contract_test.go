package contract

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"hawker/internal/auth"
	"hawker/internal/events"
	"hawker/internal/feelock"
	"hawker/internal/feelock/feelocktest"
	"hawker/internal/jobs"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/subject"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)

type world struct {
	t    testing.TB
	db   *store.DB
	desk *Desk
	ring *subject.Ring
	fees *feelock.Book
	jobs *jobs.Runner
	now  time.Time
	m    merchant.Merchant
}

var (
	owner = auth.Who{Kind: auth.Staff, ID: 5, Merchant: 7, Role: auth.Owner, Name: "王 小明", From: "192.0.2.7"}
	admin = auth.Who{Kind: auth.Operator, ID: 2, Role: auth.Admin, Name: "Op"}
)

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newWorld(t, db)) })
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, now: noon, m: merchant.Merchant{ID: 7, MID: "100290058120007", NameZH: "小满面馆", NameEN: "Xiaoman Noodles", Place: "Shanghai", MCC: "5812",
		Currency: money.CNY, Zone: zone, Cutoff: 24 * time.Hour, State: merchant.Active}}
	clock := func() time.Time { return w.now }
	ks, err := keys.Open(t.Context(), db, filepath.Join(t.TempDir(), "master.key"), clock)
	if err != nil {
		t.Fatal(err)
	}
	w.ring, w.fees = subject.NewRing(ks, clock), feelocktest.Open(db, clock)
	w.jobs = jobs.NewRunner(db, clock, slog.New(slog.DiscardHandler))
	if w.desk, err = Open(Config{DB: db, Keys: ks, Ring: w.ring, Fees: w.fees, Jobs: w.jobs, Clock: clock, Institution: func(context.Context, merchant.Merchant) (Party, error) {
		return Party{"样例支付有限公司", "Sample Payments Ltd", "Z0000000000000"}, nil
	}}); err != nil {
		t.Fatal(err)
	}
	w.write(func(ctx context.Context, tx *store.Tx) error { return merchant.Add(ctx, tx, w.m, noon) })
	return w
}

func (w *world) write(do func(ctx context.Context, tx *store.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), func(tx *store.Tx) error { return do(w.t.Context(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

func rate(kind string, bp money.BasisPoints, limit int64) feelock.Rate {
	return feelock.Rate{Line: feelock.Line{Method: "card", CardKind: kind}, FeePlan: merchant.FeePlan{Rate: bp, Cap: money.New(limit, money.CNY)}}
}

func (w *world) offer(rates ...feelock.Rate) (c Contract) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx *store.Tx) (err error) {
		c, err = w.desk.Offer(ctx, tx, "operator/2", w.m, "merchant", rates...)
		return err
	})
	return c
}

func (w *world) must(c Contract) (list []string) {
	w.t.Helper()
	doc, err := w.desk.Document(w.t.Context(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, clause := range doc.Clauses {
		if clause.Must {
			list = append(list, clause.Key)
		}
	}
	return list
}

func (w *world) acknowledge(c Contract) {
	w.t.Helper()
	for _, k := range w.must(c) {
		if err := w.desk.Acknowledge(w.t.Context(), owner, 7, c.ID, k); err != nil {
			w.t.Fatal(err)
		}
	}
}

// drawing is a wave, as a hand may draw it.
func drawing(t testing.TB, w, h, thick int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h)) // transparent, as a canvas is
	for x := range w {
		for k := range thick {
			img.Set(x, h/2+int(float64(h)/4*math.Sin(float64(x)/9))+k, color.RGBA{0x11, 0x22, 0x88, 0xFF})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (w *world) signing(c Contract) Signing {
	return Signing{Seen: c.Digest, Name: "王小明", Drawing: drawing(w.t, 300, 120, 3)}
}

// sign signs as the owner; how he proves himself is auth's business.
func (w *world) sign(c Contract, s Signing) (Contract, error) {
	return w.desk.sign(w.t.Context(), owner, w.m, c.ID, s, func(Contract) (feelock.Consent, error) { return feelock.Seeded("a test"), nil })
}

func TestTheTemplatesAreWhole(t *testing.T) {
	t.Parallel()
	list, err := Templates()
	if err != nil || len(list) < 2 {
		t.Fatal(len(list), err)
	}
	// A version that was offered once never changes: its hash stands here.
	for version, want := range map[int]string{1: sumOf(t, 1), 2: sumOf(t, 2)} {
		if pinned[version] != want {
			t.Errorf("version %d has the hash %s", version, want)
		}
	}
	latest, ok := Latest(list, "merchant")
	if !ok || latest.Version != 2 {
		t.Error(latest.Version, ok)
	}
	if _, ok := Version(list, "merchant", 3); ok {
		t.Error("there is a version 3")
	}
}

func sumOf(t *testing.T, version int) string {
	t.Helper()
	list, err := Templates()
	if err != nil {
		t.Fatal(err)
	}
	v, ok := Version(list, "merchant", version)
	if !ok {
		t.Fatal("no version", version)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return strings.ToUpper(string(hexa(sum[:8])))
}

func hexa(b []byte) (out []byte) {
	for _, c := range b {
		out = append(out, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
	}
	return out
}

func TestATemplateThatIsNotWholeIsRefused(t *testing.T) {
	t.Parallel()
	good, err := fs.ReadFile(own, "templates/merchant-2.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"an English text is missing":    {`"en": "What we do for you"`, `"en": ""`},
		"a blank that nobody fills":     {"{licence}", "{owner}"},
		"an obligation not highlighted": {`"kind": "obligation", "must": true`, `"kind": "obligation"`},
		"a hold not highlighted":        {`"kind": "hold", "must": true`, `"kind": "hold"`},
		"no clause about termination":   {`"kind": "termination"`, `"kind": "general"`},
		"a key twice":                   {`"key": "service"`, `"key": "parties"`},
		"an unknown kind":               {`"kind": "service"`, `"kind": "surprise"`},
		"no JSON":                       {`{`, `[`},
	} {
		if !bytes.Contains(good, []byte(change[0])) {
			t.Fatal(name)
		}
		if _, err := Read(fstest.MapFS{"a.json": {Data: bytes.Replace(good, []byte(change[0]), []byte(change[1]), 1)}}); err == nil {
			t.Error(name, "was read")
		}
	}
}

func TestVersionsCompareClauseByClause(t *testing.T) {
	t.Parallel()
	list, err := Templates()
	if err != nil {
		t.Fatal(err)
	}
	one, _ := Version(list, "merchant", 1)
	two, _ := Version(list, "merchant", 2)
	got := map[string]Difference{}
	for _, d := range Compare(one, two) {
		got[d.Key] = d
	}
	for key, want := range map[string]Change{"parties": Same, "fees": Same, "holds": Changed, "termination": Changed, "data": Changed, "changes": Added} {
		if got[key].Change != want {
			t.Errorf("%s is %s", key, got[key].Change)
		}
	}
	var old, fresh strings.Builder
	for _, p := range got["holds"].EN {
		if p.Kind != Added {
			old.WriteString(p.Text)
		}
		if p.Kind != Removed {
			fresh.WriteString(p.Text)
		}
	}
	find := func(t Template) string {
		for _, c := range t.Clauses {
			if c.Key == "holds" {
				return c.Text.EN
			}
		}
		return ""
	}
	if old.String() != find(one) || fresh.String() != find(two) {
		t.Error("the pieces are not the two texts")
	}
	back := map[string]Change{}
	for _, d := range Compare(two, one) {
		back[d.Key] = d.Change
	}
	if back["changes"] != Removed {
		t.Error("taken out:", back["changes"])
	}
}

func TestEveryStepOfAContractIsInTheTableOrRefused(t *testing.T) {
	t.Parallel()
	want := map[State]string{Offered: "sign withdraw", Signed: "replace notice", Ending: "finish keep replace"}
	for _, s := range []State{Offered, Signed, Ending, Ended, Replaced, Withdrawn} {
		for _, e := range []Event{Sign, Withdraw, Replace, Notice, Finish, Keep} {
			if _, ok := moves[s][e]; ok != strings.Contains(" "+want[s]+" ", " "+string(e)+" ") {
				t.Errorf("%s in %s: %v", e, s, ok)
			}
		}
	}
}

func TestASignedContractPutsItsFeesInForce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		c := w.offer(rate("debit", 50, 2000), rate("credit", 60, 0))
		if plans, err := w.fees.Plans(ctx, 7, w.m.Currency, feelock.Line{Method: "card", CardKind: "debit"}); err != nil || len(plans) != 0 {
			t.Fatal("fees before the signature", plans, err)
		}
		w.acknowledge(c)
		w.now = noon.Add(time.Hour)
		c, err := w.sign(c, w.signing(c))
		if err != nil || c.State != Signed || !c.Signed.Equal(w.now) && !c.Signed.IsZero() {
			t.Fatalf("%+v, %v", c, err)
		}
		plans, err := w.fees.Plans(ctx, 7, w.m.Currency, feelock.Line{Method: "card", CardKind: "debit"})
		if err != nil || len(plans) != 1 || plans[0].Terms().Rate != 50 || plans[0].Terms().Cap.Minor() != 2000 {
			t.Errorf("%+v, %v", plans, err)
		}
		list, err := w.desk.Signatures(ctx, c)
		if err != nil || len(list) != 2 || list[0].Name != "王小明" || list[0].Address != "192.0.2.7" || list[0].Drawing == nil || list[1].Name != "样例支付有限公司" {
			t.Errorf("%+v, %v", list, err)
		}
		happened, err := events.After(ctx, w.db.Read(), 7, 0, 9)
		if err != nil || len(happened) != 1 || happened[0].Kind != "contract.signed" {
			t.Errorf("%+v, %v", happened, err)
		}
		one, err1 := w.desk.PDF(ctx, w.m, c)
		two, err2 := w.desk.PDF(ctx, w.m, c)
		if err1 != nil || err2 != nil || !bytes.Equal(one, two) || len(one) < 20_000 {
			t.Error("both parties' copies are one file:", len(one), err1, err2)
		}
		if _, err := w.sign(c, w.signing(c)); !errors.Is(err, ErrState) {
			t.Error("signed twice:", err)
		}
		// The next contract may add a line, and states the others as they are in force.
		var other error
		_ = w.db.Write(ctx, func(tx *store.Tx) error {
			_, other = w.desk.Offer(ctx, tx, "operator/2", w.m, "merchant", rate("debit", 55, 2000))
			return other
		})
		if !errors.Is(other, ErrRates) {
			t.Error("a contract changes a live fee:", other)
		}
		next := w.offer(rate("debit", 50, 2000), feelock.Rate{Line: feelock.Line{Method: "wechat"}, FeePlan: merchant.FeePlan{Rate: 38}})
		w.acknowledge(next)
		if _, err := w.sign(next, w.signing(next)); err != nil {
			t.Fatal(err)
		}
		all, err := Of(ctx, w.db.Read(), 7)
		if err != nil || len(all) != 2 || all[0].State != Signed || all[1].State != Replaced {
			t.Errorf("%+v, %v", all, err)
		}
		if plans, err := w.fees.Plans(ctx, 7, w.m.Currency, feelock.Line{Method: "wechat"}); err != nil || len(plans) != 1 {
			t.Error(plans, err)
		}
	})
}

func TestWhatIsNotWholeIsNotSigned(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		c := w.offer(rate("debit", 50, 2000))
		must := w.must(c)
		for _, k := range must[1:] {
			if err := w.desk.Acknowledge(ctx, owner, 7, c.ID, k); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.sign(c, w.signing(c)); !errors.Is(err, ErrUnread) || !strings.Contains(err.Error(), must[0]) {
			t.Error("one clause was not acknowledged:", err)
		}
		// Another person's acknowledgement is not the signer's.
		other := owner
		other.ID = 6
		if err := w.desk.Acknowledge(ctx, other, 7, c.ID, must[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := w.sign(c, w.signing(c)); !errors.Is(err, ErrUnread) {
			t.Error("acknowledged by another:", err)
		}
		w.acknowledge(c)
		for name, change := range map[string]func(*Signing){
			"another text was shown":   func(s *Signing) { s.Seen[0] ^= 1 },
			"another name":             func(s *Signing) { s.Name = "王大明" },
			"no name":                  func(s *Signing) { s.Name = "  " },
			"nothing drawn":            func(s *Signing) { s.Drawing = drawing(t, 300, 120, 0) },
			"no picture":               func(s *Signing) { s.Drawing = []byte("GIF89a") },
			"nothing":                  func(s *Signing) { s.Drawing = nil },
			"a picture that is a wall": func(s *Signing) { s.Drawing = drawing(t, 300, 120, 120) },
			"a picture without end":    func(s *Signing) { s.Drawing = append(s.Drawing, make([]byte, maxDrawing)...) },
			"a huge picture":           func(s *Signing) { s.Drawing = drawing(t, maxSide+1, 30, 3) },
		} {
			s := w.signing(c)
			change(&s)
			asked := false
			_, err := w.desk.sign(ctx, owner, w.m, c.ID, s, func(Contract) (feelock.Consent, error) { asked = true; return feelock.Seeded("a test"), nil })
			if err == nil || asked {
				t.Errorf("%s: signed, or the proof was spent: %v", name, err)
			}
		}
		for name, w2 := range map[string]auth.Who{
			"a cashier":  {Kind: auth.Staff, ID: 9, Merchant: 7, Role: auth.Cashier, Name: owner.Name},
			"a stranger": {Kind: auth.Staff, ID: 5, Merchant: 8, Role: auth.Owner, Name: owner.Name},
			"operator":   admin,
			"nobody":     {},
		} {
			if _, err := w.desk.Sign(ctx, w2, auth.StepUp{}, w.m, c.ID, w.signing(c)); !errors.Is(err, auth.ErrForbidden) && !errors.Is(err, auth.ErrForeign) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.desk.Sign(ctx, owner, auth.StepUp{}, w.m, c.ID, w.signing(c)); !errors.Is(err, auth.ErrStepUp) {
			t.Error("without a second proof:", err)
		}
		if err := w.desk.Acknowledge(ctx, owner, 7, c.ID, "service"); !errors.Is(err, ErrClause) {
			t.Error("a clause that needs none:", err)
		}
		if _, err := ByID(ctx, w.db.Read(), 8, c.ID); !errors.Is(err, ErrNone) {
			t.Error("found under another merchant:", err)
		}
		if c, err := ByID(ctx, w.db.Read(), 7, c.ID); err != nil || c.State != Offered {
			t.Error(c.State, err)
		}
	})
}

func TestAContractThatWasChangedInTheTableIsBroken(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"the signer":       `UPDATE contract_signatures SET actor = 'staff/6' WHERE party = 'merchant'`,
		"the typed name":   `UPDATE contract_signatures SET name = 'Li' WHERE party = 'merchant'`,
		"the time":         `UPDATE contract_signatures SET signed_at = signed_at - 1 WHERE party = 'merchant'`,
		"the address":      `UPDATE contract_signatures SET address = '' WHERE party = 'merchant'`,
		"the drawing":      `UPDATE contract_signatures SET picture = (SELECT sealed FROM contracts) WHERE party = 'merchant'`,
		"no drawing":       `UPDATE contract_signatures SET picture = x'' WHERE party = 'merchant'`,
		"the seal":         `UPDATE contract_signatures SET seal = '00' WHERE party = 'institution'`,
		"one signature":    `DELETE FROM contract_signatures WHERE party = 'institution'`,
		"the document":     `UPDATE contracts SET sealed = (SELECT picture FROM contract_signatures WHERE party = 'merchant')`,
		"the hash":         `UPDATE contracts SET digest = '0000000000000000000000000000000000000000000000000000000000000000'`,
		"signed by nobody": `UPDATE contracts SET state = 'offered'`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, storetest.SQLite(t))
			c := w.offer(rate("debit", 50, 2000))
			w.acknowledge(c)
			if _, err := w.sign(c, w.signing(c)); err != nil {
				t.Fatal(err)
			}
			w.write(func(ctx context.Context, tx *store.Tx) error { _, err := tx.Exec(ctx, change); return err })
			c, err := ByID(t.Context(), w.db.Read(), 7, c.ID)
			if err == nil {
				_, err = w.desk.Signatures(t.Context(), c)
			}
			if !errors.Is(err, ErrBroken) {
				t.Errorf("it verifies: %v", err)
			}
			if _, err := w.desk.PDF(t.Context(), w.m, c); err == nil {
				t.Error("a copy is printed")
			}
		})
	}
}

func TestAContractEndsAsItSays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		c := w.offer(rate("debit", 50, 2000))
		w.acknowledge(c)
		if _, err := w.sign(c, w.signing(c)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.desk.End(ctx, admin, 7, c.ID, noon.Add(TermNotice), "", ""); !errors.Is(err, ErrWhy) {
			t.Error("the institution without a reason:", err)
		}
		if _, err := w.desk.End(ctx, admin, 7, c.ID, noon.Add(TermNotice-time.Second), "we close down", ""); !errors.Is(err, ErrTerm) {
			t.Error("the institution without notice:", err)
		}
		cashier := owner
		cashier.Role = auth.Cashier
		if _, err := w.desk.End(ctx, cashier, 7, c.ID, noon, "", ""); !errors.Is(err, auth.ErrForbidden) {
			t.Error("a cashier:", err)
		}
		ended, err := w.desk.End(ctx, owner, 7, c.ID, noon, "", "")
		if err != nil || ended.State != Ending {
			t.Fatal(ended.State, err)
		}
		if err := w.db.Write(ctx, func(tx *store.Tx) error { return w.ring.Shred(ctx, tx, "merchant/7") }); !errors.Is(err, subject.ErrHeld) {
			t.Error("erased while the contract stands:", err)
		}
		w.jobs.RunDue(ctx)
		if c, err = ByID(ctx, w.db.Read(), 7, c.ID); err != nil || c.State != Ended {
			t.Error(c.State, err)
		}
		if m, err := merchant.ByID(ctx, w.db.Read(), 7); err != nil || m.MayTake() == nil {
			t.Error("payments go on:", err)
		}
		w.now = noon.AddDate(KeepYears, 0, -1)
		if err := w.db.Write(ctx, func(tx *store.Tx) error { return w.ring.Shred(ctx, tx, "merchant/7") }); !errors.Is(err, subject.ErrHeld) {
			t.Error("erased before the term:", err)
		}
		w.now = noon.AddDate(KeepYears, 0, 1)
		w.write(func(ctx context.Context, tx *store.Tx) error { return w.ring.Shred(ctx, tx, "merchant/7") })
		if _, err := w.desk.Document(ctx, c); !errors.Is(err, subject.ErrShredded) {
			t.Error("read after it was erased:", err)
		}
	})
}
