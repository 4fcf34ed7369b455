package download

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hawker/internal/iso8583"
	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

var one = Terminal{Merchant: 7, ID: "T0000001"}

// shelf is a database with lists.
type shelf struct {
	t  *testing.T
	db *store.DB
}

func (s shelf) write(do func(context.Context, *store.Tx) error) error {
	return s.db.Write(s.t.Context(), func(tx *store.Tx) error { return do(s.t.Context(), tx) })
}

func (s shelf) put(owner merchant.ID, k Kind, heads ...string) (v Version, fresh bool) {
	s.t.Helper()
	var rows []Row
	for _, h := range heads {
		rows = append(rows, Row{Head: []byte(h), Body: []byte("body of " + h)})
	}
	if err := s.write(func(ctx context.Context, tx *store.Tx) (err error) {
		v, fresh, err = Put(ctx, tx, owner, k, rows, now)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return v, fresh
}

func (s shelf) begin(of Terminal, k Kind) (heads []string, err error) {
	err = s.write(func(ctx context.Context, tx *store.Tx) error {
		rows, err := Begin(ctx, tx, of, k, now)
		heads = names(rows)
		return err
	})
	return heads, err
}

func names(rows []Row) (heads []string) {
	for _, r := range rows {
		heads = append(heads, string(r.Head))
	}
	return heads
}

func (s shelf) end(of Terminal, k Kind) error {
	return s.write(func(ctx context.Context, tx *store.Tx) error { return End(ctx, tx, of, k, now) })
}

func (s shelf) wanted(of Terminal) []Kind {
	s.t.Helper()
	list, err := Wanted(s.t.Context(), s.db.Read(), of)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func TestATerminalFetchesOneVersionWhateverIsImportedMeanwhile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := shelf{t, db}
		if _, err := s.begin(one, AIDs); !errors.Is(err, ErrNone) {
			t.Errorf("nothing to fetch: %v", err)
		}
		if err := s.end(one, AIDs); !errors.Is(err, ErrNotOpen) {
			t.Errorf("an end without a beginning: %v", err)
		}
		if _, err := Rows(t.Context(), db.Read(), one, AIDs); !errors.Is(err, ErrNotOpen) {
			t.Errorf("a second page without a first: %v", err)
		}
		s.put(Institution, AIDs, "a", "b", "c")
		if v, fresh := s.put(Institution, AIDs, "a", "b", "c"); fresh || v.Version != 1 {
			t.Errorf("the same again is version %d", v.Version)
		}
		heads, err := s.begin(one, AIDs)
		if err != nil || !slices.Equal(heads, []string{"a", "b", "c"}) {
			t.Fatalf("it begins with %v, %v", heads, err)
		}
		s.put(Institution, AIDs, "d")
		rows, err := Rows(t.Context(), db.Read(), one, AIDs)
		if err != nil || !slices.Equal(names(rows), heads) {
			t.Errorf("it goes on with %v, %v", names(rows), err)
		}
		if body, ok, err := Body(t.Context(), db.Read(), one, AIDs, []byte("b")); string(body) != "body of b" || !ok || err != nil {
			t.Errorf("a body of the former version: %q %v %v", body, ok, err)
		}
		if _, ok, err := Body(t.Context(), db.Read(), one, AIDs, []byte("d")); ok || err != nil {
			t.Errorf("a body of the new version: %v %v", ok, err)
		}
		if _, ok, _ := Body(t.Context(), db.Read(), one, AIDs, nil); ok {
			t.Error("nothing named found a body")
		}
		for range 2 { // the end's answer may be lost
			if err := s.end(one, AIDs); err != nil {
				t.Error(err)
			}
		}
		if list := s.wanted(one); !slices.Equal(list, []Kind{AIDs}) {
			t.Errorf("with the former version it wants %v", list)
		}
		if _, err := s.begin(one, AIDs); err != nil {
			t.Fatal(err)
		}
		if err := s.end(one, AIDs); err != nil || len(s.wanted(one)) != 0 {
			t.Errorf("with the new version it wants %v, %v", s.wanted(one), err)
		}
	})
}

func TestAMerchantsOwnListComesBeforeTheInstitutions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := shelf{t, db}
		s.put(Institution, BINs, "everyone's")
		s.put(Institution, BINs, "everyone's, later")
		s.put(7, BINs, "its own")
		s.put(8, BINs, "another's")
		if heads, err := s.begin(one, BINs); err != nil || !slices.Equal(heads, []string{"its own"}) {
			t.Errorf("it gets %v, %v", heads, err)
		}
		if heads, err := s.begin(Terminal{Merchant: 9, ID: one.ID}, BINs); err != nil || !slices.Equal(heads, []string{"everyone's, later"}) {
			t.Errorf("a merchant without gets %v, %v", heads, err)
		}
		s.put(7, BINs) // an empty list takes away
		if heads, err := s.begin(one, BINs); err != nil || len(heads) != 0 {
			t.Errorf("of an empty list it gets %v, %v", heads, err)
		}
		if err := s.end(one, BINs); err != nil || len(s.wanted(one)) != 0 {
			t.Errorf("after an empty list it wants %v, %v", s.wanted(one), err)
		}
		list, err := List(t.Context(), db.Read())
		if err != nil || len(list) != 5 || list[2].Rows != 1 || list[3].Rows != 0 || !list[0].Created.Time().Equal(now()) {
			t.Errorf("the list is %+v, %v", list, err)
		}
	})
}

func TestTheLastStatusIsKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := shelf{t, db}
		for _, battery := range []int{80, 12} {
			if err := s.write(func(ctx context.Context, tx *store.Tx) error {
				return Report(ctx, tx, one, iso8583.Status62{Version: "1.0", Battery: battery}, now)
			}); err != nil {
				t.Fatal(err)
			}
		}
		var battery int
		if err := db.Read().QueryRow(t.Context(), `SELECT battery FROM terminal_statuses`).Scan(&battery); err != nil || battery != 12 {
			t.Errorf("battery %d, %v", battery, err)
		}
	})
}

const example = "../../docs/params-example.json"

func TestTheExampleCanBeImported(t *testing.T) {
	t.Parallel()
	f, err := os.Open(example)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lists, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range Kinds {
		got = append(got, fmt.Sprint(k, len(lists[k])))
	}
	if want := "[parameters1 ca-public-keys1 aids2 contactless1 blacklist1 bins2 black-bins0]"; fmt.Sprint(got) != want {
		t.Errorf("it has %v", got)
	}
	if head := fmt.Sprintf("%X", lists[CAPKs][0].Head); head != "9F0605A0000009999F220101DF050420301231" {
		t.Errorf("the key's row is %s", head)
	}
	if head := fmt.Sprintf("%X", lists[AIDs][1].Body); head != "9F0607A00000033301029F080200309F1B0400000000DF010100DF180101" {
		t.Errorf("the second AID is %s", head)
	}
}

func TestAnOddFileIsRefusedWithWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, file, want string }{
		{"no JSON", `hello`, "invalid"},
		{"more than one value", `{} {}`, "follows"},
		{"a misspelt name", `{"binz": []}`, "binz"},
		{"a timeout of an hour", `{"parameters": {"timeout_seconds": 3600}}`, "5 to 99"},
		{"three receipt lines", `{"parameters": {"receipt_lines": ["a", "b", "c"]}}`, "at most 2"},
		{"a long receipt line", `{"parameters": {"receipt_lines": ["` + strings.Repeat("长", 21) + `"]}}`, "40 bytes"},
		{"a line with a tab", `{"parameters": {"receipt_lines": ["a\tb"]}}`, "40 bytes"},
		{"a negative limit", `{"parameters": {"payment_limit_minor": -1}}`, "0 to"},
		{"a whole card number in the blacklist", `{"blacklist": [{"prefix": "6228480402564890018"}]}`, "prefix"},
		{"a row twice", `{"bins": [{"prefix": "622848"}, {"prefix": "622848"}]}`, "twice"},
		{"a kind that is none", `{"bins": [{"prefix": "622848", "kind": "gold"}]}`, "gold"},
		{"a key whose check value is wrong", `{"ca_public_keys": [{"rid": "A000000333", "index": "01", "expiry": "20301231", "exponent": "03", "modulus": "` +
			strings.Repeat("AB", 128) + `", "sha1": "` + strings.Repeat("00", 20) + `"}]}`, "check value"},
		{"a key that expires on 31 February", `{"ca_public_keys": [{"rid": "A000000333", "index": "01", "expiry": "20300231", "exponent": "03", "modulus": "` +
			strings.Repeat("AB", 128) + `", "sha1": "` + strings.Repeat("00", 20) + `"}]}`, "expiry"},
		{"an AID of one byte", `{"aids": [{"aid": "A0"}]}`, "5 to 16"},
		{"an object without a value", `{"aids": [{"aid": "A0000003330101", "objects": {"DF01": ""}}]}`, "DF01"},
		{"a tag that is none", `{"aids": [{"aid": "A0000003330101", "objects": {"9F": "00"}}]}`, "9F"},
		{"the aid as its own object", `{"aids": [{"aid": "A0000003330101", "objects": {"9F06": "00"}}]}`, "9F06"},
		{"a book", strings.Repeat(" ", maxFile+1), "bytes"},
	} {
		if _, err := Read(strings.NewReader(row.file)); !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func FuzzFile(f *testing.F) {
	b, err := os.ReadFile(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(b))
	f.Add(`{"bins": [], "aids": [{"aid": "A0000003330101"}]}`)
	f.Add(`{"parameters": {}}`)
	f.Fuzz(func(t *testing.T, text string) {
		lists, err := Read(strings.NewReader(text))
		if err != nil {
			if !errors.Is(err, ErrFile) {
				t.Error(err)
			}
			return
		}
		for k, rows := range lists { // what was taken can travel
			for _, r := range rows {
				if len(r.Head) == 0 || len(r.Head) > maxHead || len(r.Body) > maxBody {
					t.Errorf("%s: a row of %d and %d bytes", k, len(r.Head), len(r.Body))
				}
			}
		}
	})
}
