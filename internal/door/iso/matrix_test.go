package iso

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hawker/internal/sandbox/cardnet"
)

// matrixRows are the transactions of docs/transaction-matrix.md: to add one, add its line.
var matrixRows = []struct {
	name     string
	message  func(d *device) message
	reversed bool // a reversal may follow; else the terminal repeats what got no answer
}{
	{"balance inquiry", (*device).inquiry, false},
	{"sale", func(d *device) message { return d.sale(46_50) }, true},
	{"void", func(d *device) message { return d.void(d.take(12_00)) }, true},
	{"refund", func(d *device) message { return d.refund(d.take(20_00), 6_50) }, false},
}

// matrixOutcomes are what can become of each.
var matrixOutcomes = []struct {
	name  string
	fault cardnet.Behaviour // at the bank, to the message itself
	twice bool              // the terminal's message arrives twice
	undo  bool              // the terminal takes it back though it has the answer
}{
	{name: "approve"},
	{name: "decline", fault: cardnet.Behaviour{Code: "51"}},
	{name: "silence", fault: cardnet.Behaviour{Delivery: cardnet.Silent}},
	{name: "late", fault: cardnet.Behaviour{Delivery: cardnet.Late}},
	{name: "duplicate", twice: true},
	{name: "reversal", undo: true},
}

// TestTransactionMatrix plays every row in every profile with every outcome, and holds
// answers and both books to the page.
func TestTransactionMatrix(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bubbled(t)
		var page strings.Builder
		page.WriteString(matrixHead)
		for _, o := range matrixOutcomes {
			fmt.Fprintf(&page, " %s |", o.name)
		}
		page.WriteString("\n|---|---|" + strings.Repeat("---|", len(matrixOutcomes)) + "\n")
		for i, row := range matrixRows {
			for _, p := range everyProfile {
				fmt.Fprintf(&page, "| %s | %s |", row.name, p.name)
				for j := range matrixOutcomes {
					fmt.Fprintf(&page, " %s |", w.cell(i, j, p.name))
				}
				page.WriteByte('\n')
			}
		}
		comparePage(t, "../../../docs/transaction-matrix.md", page.String())
	})
}

// cell plays one transaction of one profile with one outcome.
func (w *world) cell(row, outcome int, profile string) string {
	w.t.Helper()
	r, o := matrixRows[row], matrixOutcomes[outcome]
	if o.undo && !r.reversed {
		return "–"
	}
	d := w.deviceOf(profile)
	m := r.message(d)
	w.network.SetFault(func(i cardnet.Info) cardnet.Behaviour {
		if i.Repeat || i.Kind == cardnet.Reversal {
			return cardnet.Behaviour{}
		}
		return o.fault
	})
	defer w.network.SetFault(nil)
	frame := d.frame(m)
	first := d.exchange(frame)
	codes := []string{first.code()}
	unanswered := first.code() == d.profile().Code(codeUnknown)
	switch {
	case o.twice:
		again := d.exchange(frame)
		if codes = append(codes, again.code()); r.name != "balance inquiry" && !bytes.Equal(first.raw, again.raw) {
			w.t.Errorf("%s, %s: two answers to one message", profile, r.name)
		}
	case o.undo, unanswered && r.reversed:
		codes = append(codes, d.ask(d.reversal(m, "98")).code())
	}
	time.Sleep(3 * patience) // what is late has come
	w.heal()
	if unanswered {
		codes = append(codes, d.ask(m).code())
	}
	e := w.effect(d.shop)
	if e.ledger != e.network {
		w.t.Errorf("%s, %s, %s: the ledger says %d, the network %d", profile, r.name, o.name, e.ledger, e.network)
	}
	return fmt.Sprintf("%s · %d.%02d = %d.%02d", strings.Join(codes, " "), e.ledger/100, e.ledger%100, e.network/100, e.network%100)
}

const matrixHead = `# The transaction matrix

Written by a test (` + "`go test ./internal/door/iso -run Matrix -update`" + `), which plays every cell against the simulated card network.
A cell has the response codes that the terminal got, in order, and what the shop's payments then came to: ledger = network.
*Silence*: the bank books it and does not answer. *Late*: its answer comes when nobody waits any more. In both the terminal sends its
reversal, and asks again when all is over; a refund or an inquiry has no reversal and is only asked again. *Duplicate*: the same bytes arrive twice.
*Reversal*: the terminal takes back what was approved. A void is of an approved sale of 12.00, a refund of 6.50 of one of 20.00.

| transaction | host profile |`

// comparePage holds a page to its file.
func comparePage(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s:\n%s", file, got)
	}
}
