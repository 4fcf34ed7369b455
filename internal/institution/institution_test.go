package institution_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"hawker/internal/clock"
	"hawker/internal/institution"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)

const (
	licence = "Z0000000000001"
	filing  = "F000000000001"
	today   = clock.Day(20261125)
)

func example(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../../docs/register-example.json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// with is the example with a text replaced, which must be there.
func with(t testing.TB, pairs ...string) []byte {
	t.Helper()
	text := string(example(t))
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the example has no %q", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return []byte(text)
}

func load(t *testing.T, db *store.DB, file []byte) (changed []institution.Record, err error) {
	t.Helper()
	list, err := institution.Read(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	err = db.Write(t.Context(), func(tx *store.Tx) (err error) {
		changed, err = institution.Import(t.Context(), tx, list, "operator/1", noon)
		return err
	})
	return changed, err
}

func TestARegisterFileIsTakenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		old, new string
		says     string
	}{
		{"a field nobody knows", `"complete": true`, `"complete": true, "stamp": 1`, "stamp"},
		{"no source", "示例登记册 / example register", "", "source"},
		{"no day", "2026-11-01", "", "as_of"},
		{"a day that does not exist", "2026-11-01", "2026-02-29", "2026-02-29"},
		{"a state of the other list", `"state": "valid"`, `"state": "filed"`, "state"},
		{"a business of the other list", `"payment_processing_1", "stored_value_1"`, `"merchant_referral"`, "business"},
		{"no business", `["payment_processing_1", "stored_value_1"]`, `[]`, "business"},
		{"a region of five digits", `["000000"]`, `["31000"]`, "regions"},
		{"an end before the beginning", "2029-05-02", "2024-05-02", "issued"},
		{"a licence without an end", "2029-05-02", "", "expires"},
		{"a provider of nobody", `"works_for": "Z0000000000001",`, "", "works_for"},
		{"one number twice", "Z0000000000002", licence, "twice"},
		{"HTML is text, but a control character is not", "示例支付有限公司", `示例\u0007支付`, "name_zh"},
		{"text that turns its direction", "示例支付有限公司", `示例\u202e支付`, "name_zh"},
		{"a page that is not https", "https://pay.example", "javascript:alert(1)", "web"},
		{"a telephone of letters", "021-00000000", "call me", "telephone"},
		{"something behind the list", "\n  ]\n}", "\n  ]\n} {}", "follows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := institution.Read(bytes.NewReader(with(t, c.old, c.new)))
			if !errors.Is(err, institution.ErrFile) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want one that says %q", err, c.says)
			}
		})
	}
	if _, err := institution.Read(bytes.NewReader(bytes.Repeat([]byte(" "), institution.MaxFile+1))); !errors.Is(err, institution.ErrFile) {
		t.Errorf("a huge file: %v", err)
	}
	if _, err := institution.Read(bytes.NewReader(append([]byte("\ufeff"), example(t)...))); err != nil {
		t.Errorf("a byte order mark: %v", err)
	}
}

func TestEveryChangeIsADatedVersionAndNothingIsForgotten(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if changed, err := load(t, db, example(t)); err != nil || len(changed) != 4 {
			t.Fatalf("first import: %v, %v", changed, err)
		}
		if changed, err := load(t, db, example(t)); err != nil || len(changed) != 0 {
			t.Fatalf("the same again: %v, %v", changed, err)
		}
		if _, err := load(t, db, with(t, "2026-11-01", "2026-10-31")); !errors.Is(err, institution.ErrOlder) {
			t.Fatalf("an older list: %v", err)
		}
		changed, err := load(t, db, with(t, "2026-11-01", "2026-11-20", `"state": "valid"`, `"state": "suspended"`))
		if err != nil || len(changed) != 1 || changed[0].Number != licence || changed[0].Version != 2 {
			t.Fatalf("a suspension: %v, %v", changed, err)
		}
		history, err := institution.History(t.Context(), db.Read(), institution.Institution, licence)
		if err != nil || len(history) != 2 || history[0].State != institution.Suspended || history[1].State != institution.Valid ||
			history[0].AsOf != 20261120 || history[1].AsOf != 20261101 {
			t.Fatalf("history %+v, %v", history, err)
		}
		// The list is complete: who is not on it any more is absent, not forgotten.
		shorter := with(t, "2026-11-01", "2026-11-21", "F000000000002", "F000000000003")
		if changed, err = load(t, db, shorter); err != nil || len(changed) != 3 {
			t.Fatalf("a list without one and with another: %+v, %v", changed, err)
		}
		gone, err := institution.ByNumber(t.Context(), db.Read(), institution.Provider, "F000000000002")
		if err != nil || gone.State != institution.Absent || gone.Version != 2 {
			t.Errorf("got %+v, %v", gone, err)
		}
		if changed, err = load(t, db, shorter); err != nil || len(changed) != 0 {
			t.Errorf("absent is told once: %+v, %v", changed, err)
		}
	})
}

func TestAnEntryIsFoundByNumberOrByPartOfItsName(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if _, err := load(t, db, example(t)); err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]int{"示例支付": 1, "z0000000000001": 1, "xiaoman": 1, "服务": 2, "%": 0, "__": 0, "支": 0, "no such": 0, `\%`: 0, "": 0} {
			got, err := institution.Search(t.Context(), db.Read(), text, 10)
			if err != nil || len(got) != want {
				t.Errorf("%q finds %d, want %d (%v)", text, len(got), want, err)
			}
		}
		if _, err := institution.ByNumber(t.Context(), db.Read(), institution.Provider, licence); !errors.Is(err, institution.ErrUnknown) {
			t.Errorf("a licence is no filing: %v", err)
		}
		under, err := institution.Affected(t.Context(), db.Read(), licence)
		if err != nil || len(under) != 2 {
			t.Errorf("got %d providers, %v", len(under), err)
		}
	})
}

func TestBoardingStopsWhenLicenceOrFilingDoesNotAllowIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if _, err := load(t, db, example(t)); err != nil {
			t.Fatal(err)
		}
		both := institution.Boarder{Institution: licence, Provider: filing}
		for _, c := range []struct {
			name   string
			by     institution.Boarder
			region string
			on     clock.Day
			want   error
		}{
			{"both hold and cover the region", both, "310101", today, nil},
			{"the institution by itself", institution.Boarder{Institution: licence}, "650102", today, nil},
			{"the provider does not cover the region", both, "650102", today, institution.ErrRegion},
			{"thirty-one days before the filing ends", both, "310101", 20280129, nil},
			{"thirty days before it", both, "310101", 20280130, nil},
			{"twenty-nine days before it", both, "310101", 20280131, institution.ErrExpiring},
			{"on its last day", both, "310101", 20280229, institution.ErrExpiring},
			{"a day later", both, "310101", 20280301, institution.ErrExpired},
			{"a provider whose filing ends soon", institution.Boarder{Institution: licence, Provider: "F000000000002"}, "310101", today, institution.ErrExpiring},
			{"a revoked licence", institution.Boarder{Institution: "Z0000000000002"}, "310101", today, institution.ErrState},
			{"another institution's provider", institution.Boarder{Institution: "Z0000000000002", Provider: filing}, "310101", today, institution.ErrState},
			{"an unknown institution", institution.Boarder{Institution: "Z9"}, "310101", today, institution.ErrUnknown},
			{"a region that is none", both, "31", today, institution.ErrRegion},
		} {
			if err := c.by.MayBoard(t.Context(), db.Read(), c.region, c.on); !errors.Is(err, c.want) || (c.want == nil && err != nil) {
				t.Errorf("%s: got %v, want %v", c.name, err, c.want)
			}
		}
		if _, err := load(t, db, with(t, "2026-11-01", "2026-11-20", `"works_for": "Z0000000000001"`, `"works_for": "Z0000000000002"`)); err != nil {
			t.Fatal(err)
		}
		if err := both.MayBoard(t.Context(), db.Read(), "310101", today); !errors.Is(err, institution.ErrPrincipal) {
			t.Errorf("a provider that went over to another institution: %v", err)
		}
	})
}

func TestWhatEndsIsToldInTime(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	if _, err := load(t, db, example(t)); err != nil {
		t.Fatal(err)
	}
	all, err := institution.All(t.Context(), db.Read())
	if err != nil {
		t.Fatal(err)
	}
	got := institution.Warnings(all, institution.Terms{}, today)
	if len(got) != 2 || got[0].Number != "F000000000002" || got[0].Days != 24 || !got[0].Stops || got[1].Number != "Z0000000000002" || !got[1].Stops {
		t.Errorf("got %+v", got)
	}
	got = institution.Warnings(all, institution.Terms{Warn: 10, Stop: 5}, today)
	if len(got) != 1 || got[0].State != institution.Revoked {
		t.Errorf("got %+v", got)
	}
}

func TestEveryBusinessHasANameInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, b := range []institution.Business{institution.Stored1, institution.Stored2, institution.Processing1, institution.Processing2,
		institution.Referral, institution.Acceptance, institution.Placement, institution.Aggregation} {
		if zh, en := b.Name(); zh == "" || en == "" {
			t.Errorf("%s is called %q, %q", b, zh, en)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(example(f))
	f.Add([]byte(`{"source":"x","as_of":"2026-11-01","institutions":[{"number":"AAAA"}]}`))
	f.Add([]byte(`{"as_of":20261101}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := institution.Read(bytes.NewReader(b))
		if err != nil {
			return
		}
		for _, e := range append(list.Institutions, list.Providers...) {
			if e.Number == "" || e.NameZH == "" || e.Kind == "" || e.State == "" || e.Issued == 0 {
				t.Errorf("took %+v", e)
			}
		}
	})
}

func TestTheSandboxBeginsWithTheExampleOfTheDocs(t *testing.T) {
	t.Parallel()
	own, err := os.ReadFile("example.json")
	if err != nil || !bytes.Equal(own, example(t)) {
		t.Errorf("example.json is not docs/register-example.json (%v)", err)
	}
	if _, err := institution.Example(); err != nil {
		t.Error(err)
	}
}
