package feelock

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hawker/internal/auth"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestThePlanInForceIsTheNewestThatHasBegun(t *testing.T) {
	t.Parallel()
	at := func(hours int) time.Time { return noon.Add(time.Duration(hours) * time.Hour) }
	plans := Plans{{merchant.FeePlan{Version: 2, Rate: 55}, at(24), 1}, {merchant.FeePlan{Version: 1, Rate: 60}, at(0), 1}}
	for _, c := range []struct {
		name    string
		at      time.Time
		version int
	}{
		{"the first, from its very instant", at(0), 1},
		{"the first, a microsecond before the second begins", at(24).Add(-time.Microsecond), 1},
		{"the second, from its very instant", at(24), 2},
		{"the second, long after", at(9999), 2},
	} {
		if p, err := plans.At(c.at); err != nil || p.Version() != c.version {
			t.Errorf("%s: %d, %v", c.name, p.Version(), err)
		}
	}
	if p, err := plans.At(at(0).Add(-time.Microsecond)); !errors.Is(err, ErrNoPlan) {
		t.Error("before the first begins there is", p, err)
	}
}

func TestNobodyElseMakesAPlan(t *testing.T) {
	t.Parallel()
	if fee, err := (Plan{}).Fee(money.New(100, money.CNY)); !errors.Is(err, ErrUncovered) {
		t.Error("the zero plan computes", fee, err)
	}
	for _, v := range []any{Plan{}, Consent{}} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			if f.IsExported() {
				t.Errorf("%T.%s can be set from elsewhere", v, f.Name)
			}
		}
	}
	// What computes a fee of a payment takes a Plan, not the bare arithmetic.
	files, err := filepath.Glob("../payment/*.go")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "FeePlan" {
				t.Errorf("%s names %v.FeePlan: a fee without proof of consent", file, s.X)
			}
			return true
		})
	}
}

// TestASeedIsForSeeds keeps the consent that nobody gave out of what serves merchants.
func TestASeedIsForSeeds(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{"../app": true, "../simulation": true, "../feelock": true, "../feelock/feelocktest": true}
	if err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || allowed[filepath.Dir(path)] {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), "feelock.Seeded(") {
			t.Errorf("%s puts a fee that nobody agreed to", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestALineBeginsOnceAndThenIsLocked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.mustFee(debit, 50)
		w.mustFee(credit, 60)
		for _, c := range []Consent{Seeded("again"), {kind: Contract, actor: "staff/5"}} {
			err := w.db.Write(t.Context(), func(tx *store.Tx) error {
				return w.book.Board(t.Context(), tx, w.m, c, noon, w.rate(debit, 10, 0, 0))
			})
			if !errors.Is(err, ErrLocked) {
				t.Errorf("%s changed a live fee: %v", c.kind, err)
			}
		}
		for _, kind := range []ConsentKind{Agreed, Benefit, ""} {
			if err := w.db.Write(t.Context(), func(tx *store.Tx) error {
				return w.book.Board(t.Context(), tx, w.m, Consent{kind: kind}, noon, w.rate(Line{"wechat", ""}, 38, 0, 0))
			}); !errors.Is(err, ErrLocked) {
				t.Errorf("%q began a line: %v", kind, err)
			}
		}
		w.write(func(ctx context.Context, tx *store.Tx) error {
			return w.book.Board(ctx, tx, w.m, Seeded("a new method"), noon, w.rate(Line{"wechat", ""}, 38, 0, 0))
		})
		w.mustFee(Line{"wechat", ""}, 38)
		w.mustFee(debit, 50)
		if plans, err := w.book.Plans(t.Context(), w.m.ID, w.m.Currency, Line{"alipay", ""}); err != nil || len(plans) != 0 {
			t.Error("no line is no error:", plans, err)
		}
	})
}

func TestTermsThatContradictThemselvesAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		wechat := Line{"wechat", ""}
		for name, r := range map[string]Rate{
			"a rate over 100 %":       w.rate(wechat, 10001, 0, 0),
			"a negative rate":         w.rate(wechat, -1, 0, 0),
			"a negative minimum":      w.rate(wechat, 60, -1, 0),
			"a negative cap":          w.rate(wechat, 60, 0, -1),
			"a cap under the minimum": w.rate(wechat, 60, 10, 9),
			"no method":               w.rate(Line{}, 60, 0, 0),
			"another currency":        {wechat, merchant.FeePlan{Rate: 60, Min: money.New(1, money.JPY)}},
		} {
			if err := w.db.Write(t.Context(), func(tx *store.Tx) error {
				return w.book.Board(t.Context(), tx, w.m, Seeded("a test"), noon, r)
			}); !errors.Is(err, ErrTerms) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestNoFeeChangedBySQLIsCharged plays everything that somebody can do to the tables: each time payments of
// the line are refused, a case is opened, and other lines and merchants go on.
func TestNoFeeChangedBySQLIsCharged(t *testing.T) {
	t.Parallel()
	const plan = `WHERE merchant_id = 7 AND method = 'card' AND card_kind = 'debit'`
	columns := `merchant_id, method, card_kind, version, basis_points, min_minor, cap_minor, effective_from, consent_id, seal`
	for name, do := range map[string]func(w *world){
		"the rate is raised":  func(w *world) { w.sql(`UPDATE fee_plans SET basis_points = 90 ` + plan + ` AND version = 1`) },
		"the rate is lowered": func(w *world) { w.sql(`UPDATE fee_plans SET basis_points = 1 ` + plan + ` AND version = 1`) },
		"a minimum is put":    func(w *world) { w.sql(`UPDATE fee_plans SET min_minor = 100 ` + plan + ` AND version = 1`) },
		"the cap is lifted":   func(w *world) { w.sql(`UPDATE fee_plans SET cap_minor = 0 ` + plan + ` AND version = 1`) },
		"the date is moved": func(w *world) {
			w.sql(`UPDATE fee_plans SET effective_from = effective_from - 1 ` + plan + ` AND version = 2`)
		},
		"the seal is taken off": func(w *world) { w.sql(`UPDATE fee_plans SET seal = '' ` + plan + ` AND version = 1`) },
		"a version is added": func(w *world) {
			w.sql(`INSERT INTO fee_plans (merchant_id, method, card_kind, version, basis_points, min_minor, cap_minor, effective_from) VALUES (7, 'card', 'debit', 3, 99, 0, 0, 1)`)
		},
		"a version is added with the last one's seal": func(w *world) {
			w.sql(`INSERT INTO fee_plans (` + columns + `) SELECT merchant_id, method, card_kind, 3, 99, min_minor, cap_minor, effective_from + 1, consent_id, seal FROM fee_plans ` + plan + ` AND version = 2`)
		},
		"an older version is put again on top": func(w *world) {
			w.sql(`INSERT INTO fee_plans (` + columns + `) SELECT merchant_id, method, card_kind, 3, basis_points, min_minor, cap_minor, effective_from, consent_id, seal FROM fee_plans ` + plan + ` AND version = 1`)
			w.sql(`UPDATE fee_heads SET versions = 3 ` + plan)
		},
		"the newest version is taken away": func(w *world) { w.sql(`DELETE FROM fee_plans ` + plan + ` AND version = 2`) },
		"and the head told so": func(w *world) {
			w.sql(`DELETE FROM fee_plans ` + plan + ` AND version = 2`)
			w.sql(`UPDATE fee_heads SET versions = 1 ` + plan)
		},
		"the oldest version is taken away": func(w *world) { w.sql(`DELETE FROM fee_plans ` + plan + ` AND version = 1`) },
		"two versions change places": func(w *world) {
			w.sql(`UPDATE fee_plans SET version = 9 ` + plan + ` AND version = 1`)
			w.sql(`UPDATE fee_plans SET version = 1 ` + plan + ` AND version = 2`)
			w.sql(`UPDATE fee_plans SET version = 2 ` + plan + ` AND version = 9`)
		},
		"all versions are taken away": func(w *world) { w.sql(`DELETE FROM fee_plans ` + plan) },
		"the head is taken away":      func(w *world) { w.sql(`DELETE FROM fee_heads ` + plan) },
		"another merchant's plan is put in place": func(w *world) {
			w.sql(`DELETE FROM fee_plans ` + plan)
			w.sql(`INSERT INTO fee_plans (` + columns + `) SELECT 7, method, card_kind, version, basis_points, min_minor, cap_minor, effective_from, consent_id, seal FROM fee_plans WHERE merchant_id = 8`)
		},
		"the other line's plan is put in place": func(w *world) {
			w.sql(`DELETE FROM fee_plans ` + plan)
			w.sql(`INSERT INTO fee_plans (` + columns + `) SELECT merchant_id, method, 'debit', version, basis_points, min_minor, cap_minor, effective_from, consent_id, seal FROM fee_plans WHERE merchant_id = 7 AND card_kind = 'credit'`)
		},
		"the consent is taken away": func(w *world) { w.sql(`DELETE FROM fee_consents WHERE merchant_id = 7 AND kind = 'benefit'`) },
		"the consent names another": func(w *world) {
			w.sql(`UPDATE fee_consents SET name = 'Li' WHERE merchant_id = 7 AND kind = 'benefit'`)
		},
		"the consent is another kind": func(w *world) {
			w.sql(`UPDATE fee_consents SET kind = 'agreed' WHERE merchant_id = 7 AND kind = 'benefit'`)
		},
		"the consent's date is moved": func(w *world) {
			w.sql(`UPDATE fee_consents SET agreed_at = agreed_at - 1 WHERE merchant_id = 7 AND kind = 'benefit'`)
		},
		"the document is another one": func(w *world) {
			w.sql(`UPDATE fee_consents SET document = 'ff' WHERE merchant_id = 7 AND kind = 'benefit'`)
		},
		"the plan points at another's consent": func(w *world) {
			w.sql(`UPDATE fee_plans SET consent_id = (SELECT MIN(consent_id) FROM fee_consents WHERE merchant_id = 7 AND kind = 'opening') ` + plan + ` AND version = 2`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, storetest.SQLite(t))
			w.announced(Draft{Rate: w.rate(debit, 40, 0, 2000), From: noon.Add(35 * day)}) // version 2, which benefits him
			w.now = noon.Add(36 * day)
			w.mustFee(debit, 40)
			do(w)
			for range 3 {
				if fee, err := w.fee(debit); !errors.Is(err, ErrUncovered) {
					t.Errorf("the fee is %d, %v", fee, err)
				}
			}
			if n := w.cases(CaseUncovered); n != 1 {
				t.Errorf("%d cases", n)
			}
			if name != "the plan points at another's consent" && !strings.HasPrefix(name, "the consent") && !strings.HasPrefix(name, "the document") {
				w.mustFee(credit, 60)
			}
			if _, err := w.propose(Draft{Rate: w.rate(debit, 70, 0, 0), From: w.now.Add(40 * day)}); !errors.Is(err, ErrUncovered) {
				t.Error("a proposal builds on it:", err)
			}
		})
	}
}

// TestAChangeOnBothDatabases is one of those changes on PostgreSQL too: the query that reads is one.
func TestAChangeOnBothDatabases(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.sql(`UPDATE fee_plans SET basis_points = 90 WHERE merchant_id = 7 AND card_kind = 'debit'`)
		if _, err := w.fee(debit); !errors.Is(err, ErrUncovered) {
			t.Error(err)
		}
		w.mustFee(credit, 60)
		if _, err := w.book.History(t.Context(), w.m.ID, w.m.Currency); !errors.Is(err, ErrUncovered) {
			t.Error("the history shows it as agreed:", err)
		}
	})
}

func TestTheModuleIsAskedOnceForEachSeal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.mustFee(debit, 50)
	before := w.asked
	for range 100 {
		w.mustFee(debit, 50)
	}
	if w.asked != before {
		t.Errorf("asked %d times more", w.asked-before)
	}
}

func TestACheaperPlanNeverCostsMore(t *testing.T) {
	t.Parallel()
	plan := func(r *rapid.T, name string) merchant.FeePlan {
		minimum := rapid.Int64Range(0, 200).Draw(r, name+" min")
		limit := rapid.SampledFrom([]int64{0, minimum, minimum + 1, minimum + 1000}).Draw(r, name+" cap")
		return merchant.FeePlan{Rate: money.BasisPoints(rapid.Int32Range(0, 200).Draw(r, name+" rate")), Min: money.New(minimum, money.CNY), Cap: money.New(limit, money.CNY)}
	}
	rapid.Check(t, func(r *rapid.T) {
		old, fresh := plan(r, "old"), plan(r, "new")
		if !cheaper(fresh, old) {
			return
		}
		a := money.New(rapid.Int64Range(1, 10_000_000).Draw(r, "amount"), money.CNY)
		was, err1 := old.Fee(a)
		is, err2 := fresh.Fee(a)
		if err1 != nil || err2 != nil || is.Minor() > was.Minor() {
			r.Fatalf("%+v instead of %+v costs %v instead of %v of %v", fresh, old, is, was, a)
		}
	})
}

func TestOnlyWhoMayAgreesIsWitnessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	manager := owner
	manager.Role = auth.Manager
	for name, who := range map[string]auth.Who{"a manager": manager, "an operator": finance, "nobody": {}} {
		if _, err := w.book.Witness(who, auth.StepUp{}, auth.FeeConsent, "fee/1", [32]byte{}); !errors.Is(err, auth.ErrForbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.book.Witness(owner, auth.StepUp{}, auth.FeeConsent, "fee/1", [32]byte{}); !errors.Is(err, auth.ErrStepUp) {
		t.Error("without a proof:", err)
	}
}

func BenchmarkPlans(b *testing.B) {
	w := newWorld(b, storetest.SQLite(b))
	for b.Loop() {
		if _, err := w.book.Plans(b.Context(), w.m.ID, w.m.Currency, debit); err != nil {
			b.Fatal(err)
		}
	}
}
