package torture

import (
	"os"
	"path/filepath"
	"testing"

	"hawker/internal/sandbox/pos"
)

func TestAJournalSurvivesALineThatWasCutOff(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "slips")
	open := func() *journal {
		t.Helper()
		j, err := openJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	sale := pos.Transaction{Kind: pos.Sale, State: pos.Unknown, Batch: 1, Trace: 2, Amount: cny(300)}
	if err := open().write(Line{Op: "sale", Told: "unknown"}, []pos.Transaction{sale}); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"op":"sale","to`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	j := open()
	if list := j.latest(9, func(t pos.Transaction) bool { return t.State == pos.Unknown }); len(list) != 1 || list[0].Trace != 2 {
		t.Fatalf("%v", list)
	}
	if err := j.write(Line{Op: "power on", Told: "accepted"}, []pos.Transaction{sale}); err != nil { // nothing new: nothing written
		t.Fatal(err)
	}
	sale.State = pos.Reversed
	if err := j.write(Line{Op: "resolve", Told: "accepted"}, []pos.Transaction{sale}); err != nil {
		t.Fatal(err)
	}
	var lines []Line
	if _, err := readSlips(path, func(l Line) { lines = append(lines, l) }); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 3 || len(lines[1].Slips) != 0 || len(lines[2].Slips) != 1 || lines[2].Slips[0].State != pos.Reversed {
		t.Fatalf("%+v", lines)
	}
}
