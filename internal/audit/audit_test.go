package audit_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"hawker/internal/audit"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var (
	noon  = time.Date(2026, 11, 25, 4, 0, 0, 123456000, time.UTC)
	owner = audit.Actor{Kind: "staff", ID: 5, Name: "王小满", Role: "owner"}
)

func add(t testing.TB, db *store.DB, list ...audit.Entry) {
	t.Helper()
	for _, e := range list {
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return audit.Append(t.Context(), tx, e) }); err != nil {
			t.Fatal(err)
		}
	}
}

// some are five acts of two merchants.
func some() []audit.Entry {
	act := func(m int64, what, object string, minutes int) audit.Entry {
		return audit.Entry{Merchant: m, Who: owner, What: what, Object: object, Before: map[string]any{"role": "cashier"}, After: map[string]any{"role": "manager"},
			From: "192.0.2.7", At: noon.Add(time.Duration(minutes) * time.Minute)}
	}
	return []audit.Entry{act(7, "staff.invite", "staff/6", 0), act(7, "staff.role", "staff/6", 1), act(8, "staff.invite", "staff/9", 2), act(7, "device.pair", "device/1", 3), act(7, "staff.suspend", "staff/6", 4)}
}

func TestTheTrailIsWholeAndIsReadBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, some()...)
		var seen []string
		heads, err := audit.Verify(t.Context(), db.Read(), nil, func(r audit.Record) error {
			seen = append(seen, fmt.Sprintf("%d/%d %s", r.Merchant, r.Seq, r.What))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(seen, ", "); got != "7/1 staff.invite, 7/2 staff.role, 7/3 device.pair, 7/4 staff.suspend, 8/1 staff.invite" {
			t.Errorf("got %s", got)
		}
		if len(heads) != 2 || heads[0].Seq != 4 || heads[1].Seq != 1 {
			t.Errorf("the trails end at %+v", heads)
		}
		for _, c := range []struct {
			name string
			f    audit.Filter
			want string
		}{
			{"all of a merchant, newest first", audit.Filter{Merchant: 7}, "4 3 2 1"},
			{"one kind of act", audit.Filter{Merchant: 7, What: "staff."}, "4 2 1"},
			{"one act", audit.Filter{Merchant: 7, What: "staff.role"}, "2"},
			{"one object", audit.Filter{Merchant: 7, Object: "device/1"}, "3"},
			{"from an instant, up to another", audit.Filter{Merchant: 7, From: noon.Add(time.Minute), To: noon.Add(4 * time.Minute)}, "3 2"},
			{"a page", audit.Filter{Merchant: 7, Limit: 2}, "4 3"},
			{"the next page", audit.Filter{Merchant: 7, Limit: 2, Before: 3}, "2 1"},
			{"another merchant's", audit.Filter{Merchant: 8}, "1"},
			{"a stranger's", audit.Filter{Merchant: 9}, ""},
		} {
			list, err := audit.List(t.Context(), db.Read(), c.f)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range list {
				got = append(got, fmt.Sprint(r.Seq))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s: got %v", c.name, got)
			}
		}
		list, _ := audit.List(t.Context(), db.Read(), audit.Filter{Merchant: 8})
		r := list[0]
		if r.Who != owner || r.From != "192.0.2.7" || !r.At.Equal(noon.Add(2*time.Minute)) || string(r.Before) != `{"role":"cashier"}` || string(r.After) != `{"role":"manager"}` {
			t.Errorf("a record lost something: %+v", r)
		}
	})
}

func TestWhoeverChangesTheTrailIsCaught(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, change, says string }{
		{"a body is changed", `UPDATE audit_trail SET body = REPLACE(body, 'manager', 'cashier') WHERE merchant_id = 7 AND seq = 2`, "record 2 of merchant 7 was changed"},
		{"a column is changed", `UPDATE audit_trail SET what = 'staff.read' WHERE merchant_id = 7 AND seq = 2`, "record 2 of merchant 7 was changed"},
		{"a time is changed", `UPDATE audit_trail SET at = at + 1 WHERE merchant_id = 7 AND seq = 2`, "record 2 of merchant 7 was changed"},
		{"a record is cut out", `DELETE FROM audit_trail WHERE merchant_id = 7 AND seq = 2`, "after record 1 of merchant 7 comes 3"},
		{"the first is cut out", `DELETE FROM audit_trail WHERE merchant_id = 7 AND seq = 1`, "after record 0 of merchant 7 comes 2"},
		{"the last is cut off", `DELETE FROM audit_trail WHERE merchant_id = 7 AND seq = 4`, "ends at record 3, and 4 were written"},
		{"a whole trail is removed", `DELETE FROM audit_trail WHERE merchant_id = 8`, "ends at record 0, and 1 were written"},
		{"the head is set back", `UPDATE audit_heads SET seq = 3 WHERE merchant_id = 7`, "has 4 records, and its head says 3"},
		{"the head is removed", `DELETE FROM audit_heads WHERE merchant_id = 7`, "has 4 records, and its head says 0"},
		{"the head's hash is changed", `UPDATE audit_heads SET hash = (SELECT hash FROM audit_trail WHERE merchant_id = 8) WHERE merchant_id = 7`, "ends otherwise than its head says"},
		{"a record is moved to another merchant", `UPDATE audit_trail SET merchant_id = 9 WHERE merchant_id = 8`, "record 1 of merchant 9 was changed"},
		{"two records swap their numbers' bodies", `UPDATE audit_trail SET body = (SELECT x.body FROM audit_trail x WHERE x.merchant_id = 7 AND x.seq = 3),
			hash = (SELECT x.hash FROM audit_trail x WHERE x.merchant_id = 7 AND x.seq = 3) WHERE merchant_id = 7 AND seq = 2`, "record 2 of merchant 7 was changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				add(t, db, some()...)
				if _, err := audit.Verify(t.Context(), db.Read(), nil, nil); err != nil {
					t.Fatal(err)
				}
				if err := db.Write(t.Context(), func(tx *store.Tx) error {
					n, err := tx.Exec(t.Context(), c.change)
					if n != 1 {
						t.Errorf("%d rows changed", n)
					}
					return err
				}); err != nil {
					t.Fatal(err)
				}
				_, err := audit.Verify(t.Context(), db.Read(), nil, nil)
				_, one := audit.VerifyOne(t.Context(), db.Read(), 7, nil)
				_, other := audit.VerifyOne(t.Context(), db.Read(), 8, nil)
				if errors.Is(one, audit.ErrBroken) == errors.Is(other, audit.ErrBroken) && !strings.Contains(c.name, "moved") {
					t.Errorf("one trail is broken and the other is not: %v, %v", one, other)
				}
				if !errors.Is(err, audit.ErrBroken) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestWhoeverWritesTheWholeTrailAnewIsCaughtByAHeadThatWasKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		list := some()
		add(t, db, list...)
		kept, err := audit.Verify(t.Context(), db.Read(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		add(t, db, list[0])
		if _, err := audit.Verify(t.Context(), db.Read(), kept, nil); err != nil {
			t.Fatalf("what was appended since does no harm: %v", err)
		}
		forge := func(list []audit.Entry) {
			if err := db.Write(t.Context(), func(tx *store.Tx) error {
				for _, q := range []string{`DELETE FROM audit_trail`, `DELETE FROM audit_heads`} {
					if _, err := tx.Exec(t.Context(), q); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			add(t, db, list...)
		}
		forged := some()
		forged[1].After = map[string]any{"role": "owner"}
		forge(forged)
		if _, err := audit.Verify(t.Context(), db.Read(), nil, nil); err != nil {
			t.Fatalf("by itself it looks whole: %v", err)
		}
		if _, err := audit.Verify(t.Context(), db.Read(), kept, nil); !errors.Is(err, audit.ErrBroken) || !strings.Contains(err.Error(), "not the one that was seen before") {
			t.Errorf("a forged trail: %v", err)
		}
		forge(some()[:3])
		if _, err := audit.Verify(t.Context(), db.Read(), kept, nil); !errors.Is(err, audit.ErrBroken) || !strings.Contains(err.Error(), "was seen before and is gone") {
			t.Errorf("a shorter trail: %v", err)
		}
	})
}

func TestManyWhoActAtOnceMakeOneChain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					if err := db.Write(t.Context(), func(tx *store.Tx) error { return audit.Append(t.Context(), tx, some()[0]) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if heads, err := audit.Verify(t.Context(), db.Read(), nil, nil); err != nil || len(heads) != 1 || heads[0].Seq != 40 {
			t.Errorf("got %+v, %v", heads, err)
		}
	})
}

func TestAnActThatIsUndoneLeavesNoRecord(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		undone := errors.New("undone")
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			return errors.Join(audit.Append(t.Context(), tx, some()[0]), undone)
		}); !errors.Is(err, undone) {
			t.Fatal(err)
		}
		add(t, db, some()[1])
		list, err := audit.List(t.Context(), db.Read(), audit.Filter{Merchant: 7})
		if err != nil || len(list) != 1 || list[0].Seq != 1 || list[0].What != "staff.role" {
			t.Errorf("got %+v, %v", list, err)
		}
	})
}

func TestASecretIsNotWrittenDown(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	for name, c := range map[string]struct {
		v    any
		want bool
	}{
		"a field named password":            {map[string]any{"password": "x"}, false},
		"one that ends so, deeper":          {map[string]any{"a": []any{map[string]any{"old_PIN": 1}}}, false},
		"a card number":                     {map[string]any{"note": "4111 1111 1111 1111"}, false},
		"a card number alone":               {"6222020000000000012"[:16] + "", true}, // its check digit is wrong
		"a long number that is no card":     {map[string]any{"id": "1234567890123456"}, true},
		"a field that only begins like one": {map[string]any{"pinned": true}, true},
		"nothing":                           {nil, true},
	} {
		e := some()[0]
		e.After = c.v
		err := db.Write(t.Context(), func(tx *store.Tx) error { return audit.Append(t.Context(), tx, e) })
		if (err == nil) != c.want || (err != nil && !errors.Is(err, audit.ErrSecret)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	e := some()[0]
	e.Who = audit.Actor{}
	if err := db.Write(t.Context(), func(tx *store.Tx) error { return audit.Append(t.Context(), tx, e) }); err == nil {
		t.Error("an act of nobody was written down")
	}
}

func TestTheTrailIsExported(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	list := some()
	list[2].Who.Name = `=HYPERLINK("x")`
	add(t, db, list...)
	var asCSV, asJSON bytes.Buffer
	sheet, err := audit.CSV(&asCSV)
	if err != nil {
		t.Fatal(err)
	}
	lines := audit.Lines(&asJSON)
	if _, err := audit.Verify(t.Context(), db.Read(), nil, func(r audit.Record) error { return errors.Join(sheet.Write(r), lines.Write(r)) }); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sheet.Flush(), lines.Flush()); err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(asCSV.String(), "\ufeff"))).ReadAll()
	if err != nil || len(table) != 6 || table[0][0] != "merchant" || table[1][5] != "王小满" || table[1][11] != `{"role":"manager"}` {
		t.Errorf("got %v, %v", table, err)
	}
	if table[5][5] != `'=HYPERLINK("x")` {
		t.Errorf("a spreadsheet would compute %q", table[5][5])
	}
	var r audit.Record
	if err := json.Unmarshal([]byte(strings.Split(asJSON.String(), "\n")[4]), &r); err != nil || r.Merchant != 8 || r.Who.Name != `=HYPERLINK("x")` {
		t.Errorf("got %+v, %v", r, err)
	}
}
