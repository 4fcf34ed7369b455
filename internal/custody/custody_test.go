package custody_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"hawker/internal/cases"
	"hawker/internal/custody"
	"hawker/internal/events"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/terminal"
)

func TestMain(m *testing.M) { storetest.Main(m) }

const (
	mid      = "100290058120001"
	tid      = terminal.ID("T0000001")
	counter  = mid + "/" + string(tid)
	firstOne = merchant.ID(1)
)

var (
	noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	zmk  = keys.ZMK("cup")
	tmk  = keys.TMK(counter)
)

// newKeeper is one node: a data directory of its own, and the master key of all.
func newKeeper(t testing.TB, db *store.DB, master string) *custody.Keeper {
	t.Helper()
	now := func() time.Time { return noon }
	ks, err := keys.Open(t.Context(), db, master, now)
	if err != nil {
		t.Fatal(err)
	}
	s, err := custody.OpenSigner(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &custody.Keeper{DB: db, Keys: ks, Clock: now, Signer: s}
}

// world is a node with a merchant and two terminals.
func world(t testing.TB, db *store.DB) *custody.Keeper {
	t.Helper()
	k := newKeeper(t, db, filepath.Join(t.TempDir(), "master.key"))
	write(t, db, func(ctx context.Context, tx *store.Tx) error {
		m := merchant.Merchant{ID: firstOne, MID: mid, NameZH: "小满面馆", NameEN: "Xiaoman Noodles", Place: "Shanghai", MCC: "5812",
			Currency: money.CNY, Zone: time.UTC, Cutoff: 24 * time.Hour, State: merchant.Active}
		if err := merchant.Add(ctx, tx, m, noon); err != nil {
			return err
		}
		for _, id := range []terminal.ID{tid, "T0000002"} {
			if err := terminal.Add(ctx, tx, terminal.Terminal{Merchant: firstOne, ID: id, Serial: "SN-" + string(id), Model: "soft", Profile: "unionpay-pos",
				Lang: "en", State: terminal.Active, Batch: 1, BatchDay: 20261122}); err != nil {
				return err
			}
		}
		return nil
	})
	return k
}

func write(t testing.TB, db *store.DB, do func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), func(tx *store.Tx) error { return do(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

var threePeople = [3]string{"Li Ming", "王芳", "Chen Jie"}

// draw makes sheets.
func draw(t testing.TB, ref keys.Ref, size int) [3]custody.Sheet {
	t.Helper()
	sheets, err := custody.NewSheets(ref, size, threePeople)
	if err != nil {
		t.Fatal(err)
	}
	return sheets
}

var (
	line = regexp.MustCompile(`(?m)^([ABC])  ([0-9A-F ]+)\n +校验值 check value  ([0-9A-F ]+)$`)
	name = regexp.MustCompile(`custodian  (.+)`)
)

// typed reads a printed sheet as its custodian does.
func typed(t testing.TB, s custody.Sheet) custody.Share {
	t.Helper()
	var paper bytes.Buffer
	if err := s.Print(&paper, noon); err != nil {
		t.Fatal(err)
	}
	found := line.FindAllStringSubmatch(paper.String(), -1)
	if len(found) != 2 {
		t.Fatalf("the sheet reads\n%s", paper.String())
	}
	share := custody.Share{Custodian: name.FindStringSubmatch(paper.String())[1], Sheet: s.Number}
	first, second, err := custody.Letters(s.Number)
	if err != nil || first != found[0][1] || second != found[1][1] {
		t.Fatal("the sheet's letters are not its own", err)
	}
	for i, f := range found {
		if share.Parts[i], err = keys.NewComponentOf(s.Ref, f[2], f[3]); err != nil {
			t.Fatal(err)
		}
	}
	return share
}

// load brings a fresh key in and returns its check value.
func load(t testing.TB, k *custody.Keeper, ref keys.Ref) string {
	t.Helper()
	sheets := draw(t, ref, 16)
	kcv, err := k.Load(t.Context(), ref, keys.Replace, sheets[0].KCV, typed(t, sheets[0]), typed(t, sheets[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kcv
}

func TestAnyTwoSheetsMakeTheKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k := world(t, db)
		for ref, size := range map[keys.Ref]int{tmk: 16, zmk: 24, keys.KBPK("cup"): 32, keys.TDESKBPK("cup"): 16} {
			sheets := draw(t, ref, size)
			for i := range sheets {
				for j := range sheets {
					kcv, err := k.Load(t.Context(), ref, keys.Keep, sheets[0].KCV, typed(t, sheets[i]), typed(t, sheets[j]))
					if i == j {
						if !errors.Is(err, custody.ErrPeople) {
							t.Errorf("sheet %d alone: %v", i+1, err)
						}
					} else if err != nil || kcv != sheets[0].KCV {
						t.Errorf("%s from sheets %d and %d: %s %v", ref, i+1, j+1, kcv, err)
					}
				}
			}
		}
	})
}

func TestOneSheetLacksAComponent(t *testing.T) {
	t.Parallel()
	sheets := draw(t, zmk, 16)
	var papers [3]string
	for i, s := range sheets {
		var paper bytes.Buffer
		if err := s.Print(&paper, noon); err != nil {
			t.Fatal(err)
		}
		papers[i] = paper.String()
	}
	components := map[string]string{} // letter to digits, from all sheets
	for _, paper := range papers {
		for _, f := range line.FindAllStringSubmatch(paper, -1) {
			if old, ok := components[f[1]]; ok && old != f[2] {
				t.Errorf("component %s differs between sheets", f[1])
			}
			components[f[1]] = f[2]
		}
	}
	for i, paper := range papers {
		held := 0
		for _, digits := range components {
			if strings.Contains(paper, digits) {
				held++
			}
		}
		if held != 2 || len(components) != 3 {
			t.Errorf("sheet %d holds %d of %d components", i+1, held, len(components))
		}
	}
	if shown := fmt.Sprintf("%v %+v %s %x", sheets, sheets[0], sheets[0], &sheets[1]); strings.Contains(shown, components["A"][:4]) || strings.Contains(shown, strings.ReplaceAll(components["B"], " ", "")) {
		t.Error("a sheet shows itself:", shown)
	}
	sheets[0].Wipe()
	if got := sheets[2].Ref; got != zmk {
		t.Error(got)
	}
}

func TestSheetsAreRefused(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		ref   keys.Ref
		size  int
		names [3]string
		want  error
	}{
		"three people":                 {zmk, 16, threePeople, nil},
		"one person twice":             {zmk, 16, [3]string{"Li Ming", "Wang Fang", " li  MING "}, custody.ErrPeople},
		"nobody":                       {zmk, 16, [3]string{"Li Ming", "", "Chen Jie"}, custody.ErrPeople},
		"a single-length master key":   {zmk, 8, threePeople, keys.ErrWeak},
		"a key of a length nobody has": {zmk, 15, threePeople, keys.ErrWeak},
		"a key of our own":             {"vault-seal/v1", 32, threePeople, keys.ErrPurpose},
	} {
		if _, err := custody.NewSheets(c.ref, c.size, c.names); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	k := world(t, storetest.SQLite(t))
	sheets, others := draw(t, zmk, 16), draw(t, zmk, 16)
	share := func(i int, change ...func(*custody.Share)) custody.Share {
		s := typed(t, sheets[i])
		for _, f := range change {
			f(&s)
		}
		return s
	}
	by := func(name string) func(*custody.Share) { return func(s *custody.Share) { s.Custodian = name } }
	for what, c := range map[string]struct {
		one, two custody.Share
		kcv      string
		want     error
	}{
		"one person with two sheets":      {share(0), share(1, by(" LI ming")), sheets[0].KCV, custody.ErrPeople},
		"nobody":                          {share(0, by("")), share(1), sheets[0].KCV, custody.ErrPeople},
		"one sheet twice":                 {share(0), share(0, by("Wang Fang")), sheets[0].KCV, custody.ErrSheet},
		"a sheet that there is not":       {share(0), share(1, func(s *custody.Share) { s.Sheet = 4 }), sheets[0].KCV, custody.ErrSheet},
		"a sheet of another key":          {share(0), typed(t, others[1]), sheets[0].KCV, custody.ErrSheet},
		"a sheet under another's number":  {share(0), share(1, func(s *custody.Share) { s.Sheet = 3 }), sheets[0].KCV, custody.ErrSheet},
		"another check value":             {share(0), share(1), others[0].KCV, keys.ErrComponent},
		"no check value":                  {share(0), share(1), "", custody.ErrSheet},
		"a sheet that nobody typed":       {share(0), custody.Share{Custodian: "Wang Fang", Sheet: 2}, sheets[0].KCV, custody.ErrSheet},
		"all as it should be, six digits": {share(0), share(1), sheets[0].KCV[:6], nil},
	} {
		if _, err := k.Load(t.Context(), zmk, keys.Keep, c.kcv, c.one, c.two); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := k.Load(t.Context(), zmk, keys.Keep, others[0].KCV, typed(t, others[0]), typed(t, others[1])); !errors.Is(err, keys.ErrExists) {
		t.Error("another key over it:", err)
	}
	if acts := transcript(t, k); len(acts) != 1 {
		t.Errorf("what was refused is on record: %v", acts)
	}
}

// transcript verifies it and lists acts and people.
func transcript(t testing.TB, k *custody.Keeper, trusted ...ed25519.PublicKey) (acts []string) {
	t.Helper()
	_, err := k.Transcript(t.Context(), trusted, func(r custody.Record) error {
		acts = append(acts, strings.Join([]string{strconv.FormatInt(r.Seq, 10), r.Act, r.Ref, strings.Join(r.People, " & ")}, " "))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return acts
}

func TestEveryActIsOnRecord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := world(t, db), t.Context()
		kbpk := keys.TDESKBPK("cup")
		load(t, k, kbpk)
		kcv := load(t, k, tmk)
		block, exported, err := k.Export(ctx, tmk, kbpk, keys.Exportable, "Li Ming", "王芳")
		if err != nil || exported != kcv {
			t.Fatal(exported, err)
		}
		if got, err := k.Import(ctx, keys.TMK("copy"), keys.Keep, kbpk, block, kcv, "Li Ming", "Chen Jie"); err != nil || got != kcv {
			t.Fatal(got, err)
		}
		if err := k.Rotate(ctx, counter); err != nil {
			t.Fatal(err)
		}
		if n, err := k.RotateAll(ctx); err != nil || n != 2 {
			t.Fatal(n, err)
		}
		if err := k.Destroy(ctx, "moved to another institution", []keys.Ref{keys.TMK("copy"), kbpk}, "Li Ming", "Chen Jie"); err != nil {
			t.Fatal(err)
		}
		want := []string{"1 load kbpk-tdes/cup Li Ming & 王芳", "2 load tmk/" + counter + " Li Ming & 王芳", "3 export tmk/" + counter + " Li Ming & 王芳",
			"4 import tmk/copy Li Ming & Chen Jie", "5 rotate " + counter + " ", "6 rotate * ", "7 destroy tmk/copy Li Ming & Chen Jie", "8 destroy kbpk-tdes/cup Li Ming & Chen Jie"}
		if acts := transcript(t, k); strings.Join(acts, "\n") != strings.Join(want, "\n") {
			t.Errorf("the transcript says\n%s", strings.Join(acts, "\n"))
		}
		for what, err := range map[string]error{
			"exported by one person":   third(k.Export(ctx, tmk, kbpk, keys.Exportable, "Li Ming", "li ming")),
			"imported by nobody":       second(k.Import(ctx, tmk, keys.Keep, kbpk, block, "")),
			"destroyed by one person":  k.Destroy(ctx, "why", []keys.Ref{tmk}, "Li Ming"),
			"reinstated by one person": k.Reinstate(ctx, counter, "why", "Li Ming"),
		} {
			if !errors.Is(err, custody.ErrPeople) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := k.Destroy(ctx, " ", []keys.Ref{tmk}, "Li Ming", "Chen Jie"); !errors.Is(err, custody.ErrReason) {
			t.Error("destroyed for no reason:", err)
		}
		if err := k.Destroy(ctx, "why", []keys.Ref{tmk, kbpk}, "Li Ming", "Chen Jie"); !errors.Is(err, keys.ErrNoKey) {
			t.Error("a key that is gone was destroyed:", err)
		}
		if _, err := k.Keys.KCV(ctx, tmk); err != nil {
			t.Error("what was refused destroyed a key:", err)
		}
	})
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }

func TestRotationForcesASignOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := world(t, db), t.Context()
		load(t, k, tmk)
		signOn := func() {
			if _, err := k.Keys.WorkingKeys(ctx, tmk, keys.DoubleWithTrack); err != nil {
				t.Fatal(err)
			}
			write(t, db, func(ctx context.Context, tx *store.Tx) error {
				return terminal.SignOn(ctx, tx, terminal.Terminal{Merchant: firstOne, ID: tid}, noon)
			})
			if x := find(t, db); x.MayTake() != nil || !x.SignedOn.Equal(noon) {
				t.Fatalf("after its sign-on the terminal may not work: %+v", x)
			}
		}
		for what, rotate := range map[string]func() error{
			"one": func() error { return k.Rotate(ctx, counter) },
			"all": func() error { _, err := k.RotateAll(ctx); return err },
		} {
			signOn()
			if err := rotate(); err != nil {
				t.Fatal(what, err)
			}
			for _, ref := range keys.Working(counter) {
				if _, err := k.Keys.KCV(ctx, ref); !errors.Is(err, keys.ErrNoKey) {
					t.Errorf("%s: %s still serves: %v", what, ref, err)
				}
			}
			if _, err := k.Keys.KCV(ctx, tmk); err != nil {
				t.Errorf("%s: the master key is gone: %v", what, err)
			}
			if x := find(t, db); !errors.Is(x.MayTake(), terminal.ErrRenew) || x.MaySignOn() != nil {
				t.Errorf("%s: %v, %v", what, x.MayTake(), x.MaySignOn())
			}
		}
		for _, wrong := range []string{"", "T0000001", mid + "/T", "nobody/T0000001", mid + "/T9999999"} {
			if err := k.Rotate(ctx, wrong); !errors.Is(err, custody.ErrTerminal) && !errors.Is(err, merchant.ErrUnknown) && !errors.Is(err, terminal.ErrUnknown) {
				t.Errorf("%q: %v", wrong, err)
			}
		}
	})
}

func find(t testing.TB, db *store.DB) terminal.Terminal {
	t.Helper()
	x, err := terminal.ByID(t.Context(), db.Read(), firstOne, tid)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestTamperDestroysAndBlocks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := world(t, db), t.Context()
		load(t, k, tmk)
		if _, err := k.Keys.WorkingKeys(ctx, tmk, keys.DoubleWithTrack); err != nil {
			t.Fatal(err)
		}
		m, err := merchant.ByMID(ctx, db.Read(), mid)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time there is nothing left to do
			if err := k.Tamper(ctx, m, tid, "case switch"); err != nil {
				t.Fatal(err)
			}
		}
		for _, ref := range keys.Terminal(counter) {
			if _, err := k.Keys.KCV(ctx, ref); !errors.Is(err, keys.ErrNoKey) {
				t.Errorf("%s outlived the tamper: %v", ref, err)
			}
		}
		if x := find(t, db); !errors.Is(x.MayTake(), terminal.ErrTampered) || !errors.Is(x.MaySignOn(), terminal.ErrTampered) {
			t.Errorf("the terminal is %s", x.State)
		}
		open, err := cases.List(ctx, db.Read())
		if err != nil || len(open) != 1 || open[0].Kind != custody.TamperedCase || open[0].Ref != string(tid) || open[0].Detail != "case switch" {
			t.Errorf("cases %+v %v", open, err)
		}
		told, err := events.After(ctx, db.Read(), 1, 0, 10)
		if err != nil || len(told) != 1 || told[0].Kind != "terminal.tampered" || told[0].Ref != string(tid) {
			t.Errorf("events %+v %v", told, err)
		}
		if err := k.Claim(ctx, m, tid, "again"); err != nil {
			t.Error(err)
		}

		two := []string{"Li Ming", "Chen Jie"}
		if err := k.Reinstate(ctx, counter, "repaired", two...); !errors.Is(err, keys.ErrNoKey) {
			t.Error("reinstated without a key:", err)
		}
		load(t, k, tmk)
		if x := find(t, db); x.State != terminal.Tampered {
			t.Error("a new key alone unblocks the terminal")
		}
		if err := k.Reinstate(ctx, counter, "", two...); !errors.Is(err, custody.ErrReason) {
			t.Error("reinstated for no reason:", err)
		}
		if err := k.Reinstate(ctx, counter, "repaired", two...); err != nil {
			t.Fatal(err)
		}
		if err := k.Reinstate(ctx, counter, "repaired", two...); !errors.Is(err, custody.ErrSound) {
			t.Error("reinstated twice:", err)
		}
		if x := find(t, db); x.MaySignOn() != nil || !errors.Is(x.MayTake(), terminal.ErrRenew) {
			t.Errorf("after its repair: %v, %v", x.MaySignOn(), x.MayTake())
		}
		if open, err := cases.List(ctx, db.Read()); err != nil || len(open) != 0 {
			t.Errorf("cases %+v %v", open, err)
		}
		want := "1 load tmk/" + counter + " Li Ming & 王芳\n2 tamper " + counter + " \n3 load tmk/" + counter + " Li Ming & 王芳\n4 reinstate " + counter + " Li Ming & Chen Jie"
		if acts := strings.Join(transcript(t, k), "\n"); acts != want {
			t.Errorf("the transcript says\n%s", acts)
		}
	})
}

func TestAClaimWithoutProofDestroysNoMasterKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		k, ctx := world(t, db), t.Context()
		load(t, k, tmk)
		m, err := merchant.ByMID(ctx, db.Read(), mid)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := k.Claim(ctx, m, tid, "somebody says so"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := k.Keys.KCV(ctx, tmk); err != nil {
			t.Error("the master key is gone:", err)
		}
		if x := find(t, db); x.MaySignOn() != nil || !errors.Is(x.MayTake(), terminal.ErrRenew) {
			t.Errorf("%v, %v", x.MaySignOn(), x.MayTake())
		}
		if open, err := cases.List(ctx, db.Read()); err != nil || len(open) != 1 || open[0].Kind != custody.ClaimedCase {
			t.Errorf("cases %+v %v", open, err)
		}
		if acts := transcript(t, k); len(acts) != 1 {
			t.Errorf("claims fill the transcript: %v", acts)
		}
	})
}
