package cardnet

import (
	"testing"

	"hawker/internal/emv"
	"hawker/internal/iso8583"
	"hawker/internal/sandbox/cards"
)

// icc is what the issuer answered to the chip.
func icc(t *testing.T, x exchange) emv.TLV {
	t.Helper()
	data, err := emv.Parse(x.answer.Bytes(55))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// genuine reports whether the answer's tag 91 is the issuer's, and whether that approves.
func genuine(t *testing.T, x exchange, name string) (ours, approves bool) {
	t.Helper()
	c, _ := cards.ByName(name)
	ac, _, err := c.MasterKeys(1)
	if err != nil {
		t.Fatal(err)
	}
	request, err := emv.Parse(x.request.Bytes(55))
	if err != nil {
		t.Fatal(err)
	}
	auth, _ := icc(t, x).Get(emv.IssuerAuth)
	ours, approves, err = c.Chip.Version.Answered(ac, request, auth, func(code string) bool { return code == "00" })
	if err != nil {
		t.Fatal(err)
	}
	return ours, approves
}

func TestIssuersAnswerTheirChips(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"test-chip", "test-chip-debit"} {
		a := newAcquirer(t)
		x := a.want("00", a.sale(name, 100))
		if ours, approves := genuine(t, x, name); !ours || !approves {
			t.Errorf("%s approved: genuine %t, approves %t", name, ours, approves)
		}
		again := a.want("00", a.again(x))
		if ours, approves := genuine(t, again, name); !ours || !approves {
			t.Errorf("%s, the same request again: genuine %t, approves %t", name, ours, approves)
		}
		x = a.want("51", a.sale(name, 9051))
		if ours, approves := genuine(t, x, name); !ours || approves {
			t.Errorf("%s declined: genuine %t, approves %t", name, ours, approves)
		}
	}
}

// tamper changes one byte of a tag in field 55.
func tamper(tag emv.Tag) change {
	return func(m *iso8583.Message) {
		data, _ := emv.Parse(append([]byte(nil), m.Bytes(55)...))
		if value, ok := data.Get(tag); ok {
			value[len(value)-1] ^= 1
		}
		m.SetBytes(55, data.Bytes())
	}
}

func TestAChipMustProveItself(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]change{
		"another cryptogram":                 tamper(emv.Cryptogram),
		"another amount in the chip's data":  tamper(emv.Amount),
		"another unpredictable number":       tamper(emv.Unpredictable),
		"another counter":                    tamper(emv.TransactionCounter),
		"another amount in the message":      set(4, "000000000101"),
		"another copy of the card":           set(23, "002"),
		"no chip data":                       unset(55),
		"data of an unknown cryptogram kind": tamper(emv.IssuerData),
	} {
		a := newAcquirer(t)
		m := a.saleOf("test-chip", 100)
		change(m)
		x := a.want("A7", a.ask(m))
		if x.answer.Has(55) {
			t.Errorf("%s: the issuer answers a chip that it does not know", name)
		}
		a.want("00", a.sale("test-chip", 100)) // and its counter has not moved
	}
}

func TestACounterGoesForwardsForEachCopy(t *testing.T) {
	t.Parallel()
	a := newAcquirer(t)
	first, second := a.saleOf("test-chip", 100), a.saleOf("test-chip", 100)
	a.want("00", a.ask(second))
	a.want("A7", a.ask(first))
	a.stan += 10
	same := a.saleOf("test-chip", 100)
	a.want("00", a.ask(same))
	same.Set(11, "000999")
	a.want("A7", a.ask(same)) // the same cryptogram under another number
}

func TestStripesOfChipCards(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		card, mode, code string
	}{
		"swiped though it has a chip":       {"test-chip", "022", "45"},
		"swiped after the chip had failed":  {"test-chip-broken", "802", "00"},
		"swiped, of a bank that takes both": {"test-credit", "022", "00"},
		"a chip read that is not there":     {"test-chip-broken", "052", "A7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAcquirer(t)
			a.want(c.code, a.sale(c.card, 100, set(22, c.mode)))
		})
	}
}

func TestAnswersToChipsMisbehave(t *testing.T) {
	t.Parallel()
	a := newAcquirer(t)
	x := a.want("00", a.sale("test-chip-forged", 100))
	if ours, _ := genuine(t, x, "test-chip-forged"); ours {
		t.Error("the forged answer is genuine")
	}
	a.n.SetFault(func(Info) Behaviour { return Behaviour{Auth: MissingAuth} })
	if x := a.want("00", a.sale("test-chip", 100)); x.answer.Has(55) {
		t.Error("the missing answer is there")
	}
	a.n.SetFault(nil)
	for name, want := range map[string]struct {
		code string
		tag  emv.Tag
	}{"test-chip-script": {"00", emv.ScriptAfter}, "test-chip-block": {"43", emv.ScriptBefore}} {
		x := a.want(want.code, a.sale(name, 100))
		if list := emv.Scripts(icc(t, x), want.tag); len(list) != 1 || len(list[0].Commands) != 1 {
			t.Errorf("%s: scripts %+v", name, list)
		}
	}
}

func TestNoticesAreWrittenDownOnce(t *testing.T) {
	t.Parallel()
	a := newAcquirer(t)
	x := a.want("00", a.sale("test-chip-script", 100))
	notice := a.followUp(x, "0620", "000000", 100, []change{set(23, "001"), func(m *iso8583.Message) {
		m.SetBytes(55, []byte{0xDF, 0x31, 5, 0x20, 0, 0, 0, 1})
	}})
	a.want("00", a.ask(notice))
	a.want("00", a.ask(notice))
	found := 0
	for _, e := range a.n.Journal() {
		if e.Kind == ScriptNotice && e.Results == "2000000001" {
			found++
		}
	}
	if found != 1 {
		t.Errorf("%d notices in the journal", found)
	}
	stranger := a.followUp(exchange{request: a.saleOf("test-chip-script", 100)}, "0620", "000000", 100, []change{func(m *iso8583.Message) {
		m.SetBytes(55, []byte{0xDF, 0x31, 5, 0x20, 0, 0, 0, 1})
	}})
	a.want("25", a.ask(stranger))
	empty := a.followUp(x, "0620", "000000", 100, []change{func(m *iso8583.Message) { m.SetBytes(55, []byte{0x9F, 0x36, 2, 0, 1}) }})
	a.want("30", a.ask(empty))
	if err := a.n.Check(); err != nil {
		t.Error(err)
	}
}

// An advice that is repeated without what only a chip tells is the same advice.
func TestARepeatNeedsNoChip(t *testing.T) {
	t.Parallel()
	a := newAcquirer(t)
	x := a.want("00", a.sale("test-chip", 100))
	r := a.want("00", a.refund(x, 50, set(23, "001"), func(m *iso8583.Message) { m.SetBytes(55, x.request.Bytes(55)) }))
	r.request.Unset(23)
	r.request.Unset(55)
	a.want("00", a.ask(r.request))
	if got := a.net(); got != "0.50" {
		t.Errorf("merchant is owed %s", got)
	}
}
