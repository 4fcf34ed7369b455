package iso

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hawker/internal/iso8583"
)

const page = "../../../docs/terminal-protocol.md"

// TestTheTableIsThePage compares transactions with the table in the terminal
// protocol's page, so that neither changes alone.
func TestTheTableIsThePage(t *testing.T) {
	t.Parallel()
	var ours, theirs []string
	for _, row := range transactions {
		ours = append(ours, fmt.Sprint(row.name, "|", row.mti, "|", row.processing, "|", row.condition, "|", row.msgType, "|", row.network, "|", row.required, "|", row.mac))
	}
	for _, row := range table(t, "Transactions") {
		for _, network := range regexp.MustCompile(`\d{3}`).FindAllString(row[5], -1) {
			theirs = append(theirs, fmt.Sprint(row[0], "|", row[1], "|", value(row[2]), "|", value(row[3]), "|", value(row[4]), "|", network, "|",
				required(t, row[6]), "|", row[7] == "yes"))
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) {
		t.Errorf("transactions:\n%s\nthe page:\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
}

// value is a cell as the table of transactions has it.
func value(cell string) string {
	switch cell {
	case "–":
		return ""
	case "as original":
		return "*"
	}
	return cell
}

// required are the fields a cell names, field 11 included; what stands in brackets
// is optional, and field 60 is everywhere.
func required(t *testing.T, cell string) []int {
	t.Helper()
	fields := []int{11}
	cell = regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(cell, "")
	for _, found := range regexp.MustCompile(`F(\d+)`).FindAllStringSubmatch(cell, -1) {
		n, err := strconv.Atoi(found[1])
		if err != nil {
			t.Fatal(err)
		}
		if n != 60 {
			fields = append(fields, n)
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// TestThePageExplainsEveryCodeOfOurs finds codes that a terminal's maker would not find.
func TestThePageExplainsEveryCodeOfOurs(t *testing.T) {
	t.Parallel()
	explained := map[string]bool{}
	for _, row := range table(t, "Response codes") {
		explained[row[0]] = true
	}
	ours := append(slices.Collect(maps.Values(codes)), codeApproved, codeSystem, codeUnknown)
	for _, code := range ours {
		if !explained[code] {
			t.Errorf("the page does not explain code %s", code)
		}
	}
}

// TestTheProfilesAreThePage holds the page of host profiles to their tables: names, sign-ons and codes.
func TestTheProfilesAreThePage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/host-profiles.md")
	if err != nil {
		t.Fatal(err)
	}
	cells := map[string][]string{} // by the row's first cell
	for line := range strings.Lines(string(text)) {
		if row := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); len(row) > 1 {
			cells[strings.TrimSpace(row[0])] = row[1:]
		}
	}
	before := ""
	for i, p := range iso8583.Terminals() {
		if got := strings.TrimSpace(cells[""][i]); got != "`"+p.Name+"`" {
			t.Errorf("column %d is of %s, not of %s", i+1, got, p.Name)
		}
		var signOns []string
		for _, l := range p.SignOn {
			signOns = append(signOns, string(l))
		}
		slices.Sort(signOns)
		if got := regexp.MustCompile(`\d{3}`).FindAllString(cells["sign-on, F60.3"][i], -1); !slices.Equal(got, signOns) {
			t.Errorf("%s signs on with %v, the page says %v", p.Name, signOns, got)
		}
		var codes []string
		for _, ours := range slices.Sorted(maps.Keys(p.Codes)) {
			codes = append(codes, ours+" → "+p.Codes[ours])
		}
		got := strings.TrimSpace(cells["codes of its own"][i])
		if got == "the same" {
			got = before
		}
		if want := strings.Join(codes, ", "); strings.Trim(got, "–") != want {
			t.Errorf("%s: codes %q, the page says %q", p.Name, want, got)
		}
		before = got
	}
}

// table reads the rows of the first table under a heading of the page.
func table(t *testing.T, heading string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", page, heading)
	}
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			break
		}
		var row []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			row = append(row, strings.TrimSpace(cell))
		}
		rows = append(rows, row)
	}
	if len(rows) < 3 {
		t.Fatalf("no table under %q", heading)
	}
	return rows[2:] // behind the head and its line
}
