package iso

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hawker/internal/emv"
	"hawker/internal/sandbox/cardnet"
)

// matrixRows are the transactions of docs/transaction-matrix.md: to add one, add its line.
var matrixRows = []struct {
	name    string
	message func(d *device) message
	sort    sort
}{
	{"balance inquiry", (*device).inquiry, inquiring},
	{"sale", func(d *device) message { return d.sale(46_50) }, reversible},
	{"sale by chip", func(d *device) message { return d.byChip("052", 46_50) }, reversible},
	{"sale, contactless", func(d *device) message { return d.byChip("072", 46_50) }, reversible},
	{"void", func(d *device) message { return d.void(d.take(12_00)) }, reversible},
	{"refund", func(d *device) message { return d.refund(d.take(20_00), 6_50) }, repeated},
	{"payment by code", func(d *device) message { return d.pays("002", 46_50) }, reversible},
	{"code shown", func(d *device) message { return d.shows("002", 46_50) }, reversible},
	{"void by code, unpaid", func(d *device) message { return d.voidsCode(d.shown(12_00)) }, repeated},
	{"void by code, paid", func(d *device) message { return d.voidsCode(d.told(d.paid(12_00))) }, repeated},
	{"query by code, unpaid", func(d *device) message { return d.asksCode(d.shown(12_00)) }, inquiring},
	{"query by code, paid", func(d *device) message { return d.asksCode(d.paid(12_00)) }, inquiring},
	{"pre-authorization", func(d *device) message { return d.preauth(100_00) }, reversible},
	{"pre-authorization void", func(d *device) message { return d.release(d.hold(100_00), 100_00) }, reversible},
	{"completion, request", func(d *device) message { return d.complete(d.hold(100_00), 90_00) }, reversible},
	{"completion, notice", func(d *device) message { return d.completeNotice(d.hold(100_00), 90_00) }, repeated},
	{"completion void", func(d *device) message {
		return d.uncomplete(d.asked("00", d.complete(d.hold(100_00), 90_00)))
	}, reversible},
	{"offline settlement", func(d *device) message { return d.offline(30_00) }, repeated},
	{"electronic cash sale", func(d *device) message { return d.cash(30_00) }, repeated},
	{"refund of electronic cash", func(d *device) message { return d.cashRefund(d.asked("00", d.cash(20_00)), 6_50) }, repeated},
	{"adjustment", func(d *device) message { return d.more("32", d.take(20_00), 5_00) }, repeated},
	{"tip", func(d *device) message { return d.more("34", d.take(20_00), 3_00) }, repeated},
	{"script result notice", func(d *device) message {
		sale := d.byChip("052", 46_50)
		return d.notice(d.asked("00", sale), "2000000001")
	}, local},
	{"sign-on", func(d *device) message { return d.request("0800", "00", d.layout()).set(63, "001") }, fresh},
	{"sign-off", func(d *device) message { return d.request("0820", "00", "002") }, local},
	{"echo", func(d *device) message { return d.request("0820", "00", "301") }, local},
	{"status upload", func(d *device) message { return d.request("0820", "00", "362").set(62, "010") }, local},
	{"task inquiry", func(d *device) message { return d.fetch("0820", "364", "") }, local},
	{"task inquiry end", func(d *device) message { return d.fetch("0820", "365", "") }, local},
	{"parameter download", func(d *device) message { return d.fetch("0800", "360", "") }, local},
	{"CA public key list", func(d *device) message { return d.fetch("0820", "372", "100") }, local},
	{"CA public key", func(d *device) message { return d.listed("372").fetch("0800", "370", capk) }, local},
	{"AID list", func(d *device) message { return d.fetch("0820", "382", "100") }, local},
	{"AID", func(d *device) message { return d.listed("382").fetch("0800", "380", aid) }, local},
	{"blacklist", func(d *device) message { return d.fetch("0800", "390", "100") }, local},
	{"contactless parameters", func(d *device) message { return d.fetch("0800", "394", "100") }, local},
	{"BIN table B", func(d *device) message { return d.fetch("0800", "396", "100") }, local},
	{"BIN table C", func(d *device) message { return d.fetch("0800", "398", "100") }, local},
	{"signature upload", func(d *device) message { return d.signature(d.unsigned(46_50), "07", picture) }, late},
	{"batch settlement", func(d *device) message { d.take(46_50); return d.settlement(46_50, 1, 0, 0) }, local},
	{"batch upload, magnetic detail", func(d *device) message { return d.upload(detail(d.unbalanced().fields[11], 46_50)) }, local},
	{"batch upload, chip detail", func(d *device) message { return d.uploadChip("205", d.unbalanced(), "40") }, local},
	{"batch upload, refused by the chip", func(d *device) message { return d.uploadChip("206", d.unbalanced(), "00") }, local},
	{"batch upload, notice", func(d *device) message {
		refund := d.refund(d.take(46_50), 6_50)
		d.must(refund)
		d.must(d.settlement(0, 0, 0, 0))
		return d.uploadNotice(refund)
	}, local},
	{"batch upload end", func(d *device) message { d.unbalanced(); return d.endUpload("202", 0) }, local},
}

// sort says what follows a transaction that has no answer.
type sort int

const (
	inquiring  sort = iota // it may be asked again, and is answered anew
	reversible             // a reversal
	repeated               // the same again, until it has an answer
	local                  // the host answers by itself: no bank is asked
	fresh                  // as local, but every answer is its own
	late                   // as local, but a repeat is told that it is one
)

// asksBank says that a bank decides.
func (s sort) asksBank() bool { return s < local }

// byChip is a sale by the credit card's chip, without a PIN.
func (d *device) byChip(mode string, fen int64) message {
	return d.cryptogram(d.chipOf("credit", mode, fen), testCard("credit"), int(chipCounter.Add(1)))
}

// cash is a sale from the purse of the credit card's chip, which has approved it by itself.
func (d *device) cash(fen int64) message {
	m := d.byChip("072", fen)
	return altered(m.set(60, "36"+m.fields[60][2:]), emv.CryptogramInfo, "40")
}

func (d *device) cashRefund(of done, fen int64) message {
	m := d.refund(of, fen)
	return m.set(60, "27"+m.fields[60][2:])
}

// hold is a pre-authorization that was approved.
func (d *device) hold(fen int64) done { return d.asked("00", d.preauth(fen)) }

// unbalanced makes a sale by chip and settles a batch that does not tell it.
func (d *device) unbalanced() done {
	sale := d.byChip("052", 46_50)
	of := d.asked("00", sale)
	d.must(d.settlement(0, 0, 0, 0))
	return of
}

// listed has begun a list, whose bodies may follow.
func (d *device) listed(network string) *device {
	d.must(d.fetch("0820", network, "100"))
	return d
}

// layout is the sign-on of the device's profile.
func (d *device) layout() string {
	for _, p := range everyProfile {
		if p.name == d.name {
			return p.signOn
		}
	}
	return ""
}

// The rows of docs/params-example.json that have bodies.
const (
	capk = "\x9f\x06\x05\xa0\x00\x00\x09\x99\x9f\x22\x01\x01"
	aid  = "\x9f\x06\x07\xa0\x00\x00\x03\x33\x01\x01"
)

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
		w.stock()
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
	if o.undo && r.sort != reversible || o.fault != (cardnet.Behaviour{}) && !r.sort.asksBank() {
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
	w.pocket.fails(o.fault)
	defer w.pocket.fails(cardnet.Behaviour{})
	frame := d.frame(m)
	first := d.exchange(frame)
	codes := []string{first.code()}
	unanswered := first.code() == d.profile().Code(codeUnknown)
	switch {
	case o.twice:
		again := d.exchange(frame)
		if codes = append(codes, again.code()); (r.sort == reversible || r.sort == repeated || r.sort == local) && !bytes.Equal(first.raw, again.raw) {
			w.t.Errorf("%s, %s: two answers to one message", profile, r.name)
		}
	case o.undo, unanswered && r.sort == reversible:
		codes = append(codes, d.ask(d.reversal(m, "98")).code())
	}
	time.Sleep(3 * patience) // what is late has come
	w.pass(3 * patience)
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
*Reversal*: the terminal takes back what was approved. A dash: that cannot be, because no bank is asked, or because nothing may be taken back.
By code: the simulated wallet in the place of the bank, which is asked after what it did not answer; a void and a query are of a code of 12.00.
A void is of an approved sale of 12.00, a refund of 6.50, a tip of 3.00 and an adjustment of 5.00 of one of 20.00, a completion takes 90.00 of 100.00. What is uploaded is of a batch that did not balance.

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
