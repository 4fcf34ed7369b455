package iso8583

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDownloadsAreWrittenAsThePageSays(t *testing.T) {
	t.Parallel()
	parameters, err := BuildParameters([]Parameter{{ParamTimeout, []byte("45")}, {ParamResends, []byte("3")}, {"26", []byte{0, 1, 0xFE, 0xFF}}})
	if err != nil {
		t.Fatal(err)
	}
	page, err := BuildPage([][]byte{[]byte("a"), []byte("bcd")}, 0)
	if err != nil {
		t.Fatal(err)
	}
	bin, err := BIN{"622848", 19, 'D'}.Build()
	if err != nil {
		t.Fatal(err)
	}
	status, err := Status62{Version: "1.4", Battery: 78, Printer: 1}.Build()
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct{ got, want string }{
		"parameters":           {hex.EncodeToString(parameters), "313234353233333236" + "0001feff"},
		"a complete page":      {string(page), "1\x01a\x03bcd"},
		"a row of a BIN table": {string(bin), "622848    19D"},
		"a status":             {status, "01003" + "1.4                 " + "04078051"},
		"received, few":        {string(BuildReceived(7)), "107"},
		"received, many":       {string(BuildReceived(120)), "10120"},
		"tasks":                {string(BuildTasks([]Task{{Network: "360"}, {"800", 3, 17}})), "360000000000000" + "800000003000017"},
	} {
		if row.got != row.want {
			t.Errorf("%s: %q, want %q", name, row.got, row.want)
		}
	}
}

func TestAListComesInPagesThatLackNothing(t *testing.T) {
	t.Parallel()
	var rows, got [][]byte
	for i := range 137 {
		rows = append(rows, bytes.Repeat([]byte{byte(i)}, 1+i))
	}
	for asked := 0; ; asked++ {
		b, err := BuildPage(rows, len(got))
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParsePage(b)
		if err != nil || len(b) > maxPage {
			t.Fatalf("a page of %d bytes, %v", len(b), err)
		}
		got = append(got, p.Rows...)
		if p.More == PageLast {
			break
		}
		if p.More != PageMore || asked > len(rows) {
			t.Fatalf("page %d says %c", asked, p.More)
		}
	}
	if diff := cmp.Diff(rows, got); diff != "" {
		t.Error(diff)
	}
	if b, err := BuildPage(rows, len(rows)); err != nil || string(b) != "0" {
		t.Errorf("behind the end there is %q, %v", b, err)
	}
}

func TestOddDownloadsAreRefused(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"an unknown tag":         second(ParseParameters([]byte("9900"))),
		"half a tag":             second(ParseParameters([]byte("1"))),
		"a value cut short":      second(ParseParameters([]byte("124"))),
		"a tag twice":            second(ParseParameters([]byte("12451246"))),
		"a value too long":       second(BuildParameters([]Parameter{{"12", []byte("123")}})),
		"a page of nothing":      second(ParsePage(nil)),
		"a page 4":               second(ParsePage([]byte("4\x01a"))),
		"rows where none is":     second(ParsePage([]byte("0\x01a"))),
		"no rows where some are": second(ParsePage([]byte("1"))),
		"a row cut short":        second(ParsePage([]byte("1\x02a"))),
		"a row of nothing":       second(ParsePage([]byte("1\x00"))),
		"a row too long":         second(BuildPage([][]byte{make([]byte, 256)}, 0)),
		"no count":               second(ParseReceived([]byte("1"))),
		"another request":        second(ParseReceived([]byte("200"))),
		"letters for a count":    second(ParseReceived([]byte("1ab"))),
		"a short prefix":         second(ParseBIN([]byte("62284     19D"))),
		"a hole in the prefix":   second(ParseBIN([]byte("622 848   19D"))),
		"another kind":           second(ParseBIN([]byte("622848    19X"))),
		"a prefix too long":      second(BIN{"62284800000", 19, 'D'}.Build()),
		"a battery of 101":       second(ParseStatus62("01004101")),
		"a broken status":        second(ParseStatus62("010054")),
		"a level of none":        second(ParseStatus62("01004000")),
		"levels in disorder":     second(ParseStatus62("01005104078")),
		"a battery below":        second(Status62{Battery: -1}.Build()),
		"half a task":            second(ParseTasks([]byte("36000000"))),
		"letters for a task":     second(ParseTasks([]byte(strings.Repeat("x", 15)))),
	} {
		if !isFormat(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func isFormat(err error) bool { _, ok := err.(*FormatError); return ok } //nolint:errorlint // never wrapped here

func FuzzDownload62(f *testing.F) {
	for _, seed := range []string{"12452333", "1\x01a\x03bcd", "107", "10120", "622848    19D", "011.4     02078031041", "360000000000000", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		same := func(what string, again []byte, err error) {
			if err != nil || !bytes.Equal(again, b) {
				t.Errorf("%s %q is written as %q, %v", what, b, again, err)
			}
		}
		if list, err := ParseParameters(b); err == nil {
			again, err := BuildParameters(list)
			same("parameters", again, err)
		}
		if p, err := ParsePage(b); err == nil && len(b) <= maxPage && p.More == PageComplete {
			again, err := BuildPage(p.Rows, 0)
			same("page", again, err)
		}
		if n, err := ParseReceived(b); err == nil && (n < 100) == (len(b) == 3) {
			same("count", BuildReceived(n), nil)
		}
		if r, err := ParseBIN(b); err == nil {
			again, err := r.Build()
			same("BIN", again, err)
		}
		if list, err := ParseTasks(b); err == nil && len(list) <= MaxTasks {
			same("tasks", BuildTasks(list), nil)
		}
	})
}
