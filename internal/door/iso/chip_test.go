package iso

import (
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"hawker/internal/emv"
	"hawker/internal/sandbox/cardnet"
	"hawker/internal/sandbox/cards"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// chip is a sale by the credit card's chip, without PIN.
func (d *device) chip(fen int64) message { return d.chipOf("credit", "052", fen) }

// chipOf is a sale by a card's chip; its counter is the trace number.
func (d *device) chipOf(name, mode string, fen int64) message {
	c := testCard(name)
	m := d.swipe(d.saleBy(fen, name).unset(26).unset(52).unset(53), name).set(22, mode).set(2, c.PAN.Reveal()).set(14, c.Expiry).set(23, "001")
	return d.cryptogram(m, c, d.trace)
}

// cryptogram puts what the chip says of m into field 55.
func (d *device) cryptogram(m message, c cards.Card, counter int) message {
	d.w.t.Helper()
	play, err := c.Insert(cards.Memory{Counter: counter - 1}, 1)
	if err != nil {
		d.w.t.Fatal(err)
	}
	defer play.Remove()
	amount := m.fields[4]
	if amount == "" {
		amount = "000000000000"
	}
	told := []emv.Element{
		object(emv.Amount, amount), object(emv.AmountOther, "000000000000"), object(emv.CountryCode, "0156"), object(emv.CurrencyCode, "0156"),
		object(emv.VerificationResult, "0000000000"), object(emv.TransactionDate, "261122"), object(emv.TransactionType, m.fields[3][:2]),
		object(emv.Unpredictable, "01020304"), object(emv.Capabilities, "E0F8C8"),
	}
	t, err := emv.New(told...)
	if err != nil {
		d.w.t.Fatal(err)
	}
	first, err := play.First(play.FirstList().Collect(t))
	if err != nil {
		d.w.t.Fatal(err)
	}
	t, err = emv.New(append(append(told, play.Own().Elements()...), emv.Element{Tag: emv.Cryptogram, Value: first.Cryptogram},
		emv.Element{Tag: emv.CryptogramInfo, Value: []byte{first.Info}}, emv.Element{Tag: emv.IssuerData, Value: first.IssuerData})...)
	if err != nil {
		d.w.t.Fatal(err)
	}
	return m.set(55, string(t.Only(emv.Online...).Bytes()))
}

func object(tag emv.Tag, digits string) emv.Element {
	b, err := hex.DecodeString(digits)
	if err != nil {
		panic(err)
	}
	return emv.Element{Tag: tag, Value: b}
}

// notice tells what became of the scripts that a sale's answer brought.
func (d *device) notice(of done, results string) message {
	t, err := emv.New(object(emv.ScriptResult, results), object(emv.TransactionCounter, "0001"))
	if err != nil {
		d.w.t.Fatal(err)
	}
	m := d.request("0620", "00", "951").set(37, of.Text(37)).set(61, of.fields[60][2:8]+of.fields[11]+"1122").set(55, string(t.Bytes()))
	for _, n := range []int{3, 4, 22, 23, 25, 49} {
		if v, ok := of.fields[n]; ok {
			m.set(n, v)
		}
	}
	return m
}

// altered is field 55 with another value of a tag; none without a value.
func altered(m message, tag emv.Tag, digits string) message {
	data, err := emv.Parse([]byte(m.fields[55]))
	if err != nil {
		panic(err)
	}
	var kept []emv.Element
	for _, e := range data.Elements() {
		if e.Tag != tag {
			kept = append(kept, e)
		} else if digits != "" {
			kept = append(kept, object(tag, digits))
		}
	}
	t, err := emv.New(kept...)
	if err != nil {
		panic(err)
	}
	return m.clone().set(55, string(t.Bytes()))
}

func TestChipsPay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		d := w.shop().device("en")
		d.signOn("004")
		for _, name := range []string{"credit", "debit"} {
			m := d.chipOf(name, "052", 1_00)
			a := d.must(m)
			data, err := emv.Parse(a.Bytes(55))
			auth, _ := data.Get(emv.IssuerAuth)
			if err != nil || len(auth) != map[string]int{"credit": 10, "debit": 8}[name] {
				t.Fatalf("%s: the bank's answer to the chip is %s, %v", name, data, err)
			}
			again := d.must(m)
			if string(again.raw) != string(a.raw) {
				t.Errorf("%s: a repeat got another answer", name)
			}
		}
		d.must(d.chipOf("credit", "072", 1_00))
		d.must(d.cryptogram(d.swipe(d.pin(d.request("0200", "01", "000").set(3, "310000").set(22, "051").set(25, "00").set(49, "156").set(23, "001"), "debit"), "debit"),
			testCard("debit"), d.trace))
	})
}

func TestField55IsReadAtTheDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.shop().device("en")
	d.signOn("004")
	for name, c := range map[string]struct {
		m    func() message
		code string
	}{
		"no chip data":                        {func() message { return d.chip(1_00).unset(55) }, "30"},
		"bytes that are no data":              {func() message { return d.chip(1_00).set(55, "\x9f") }, "30"},
		"no cryptogram":                       {func() message { return altered(d.chip(1_00), emv.Cryptogram, "") }, "30"},
		"no issuer data":                      {func() message { return altered(d.chip(1_00), emv.IssuerData, "") }, "30"},
		"results of four bytes":               {func() message { return altered(d.chip(1_00), emv.VerificationResult, "00000000") }, "30"},
		"a cryptogram that asks nobody":       {func() message { return altered(d.chip(1_00), emv.CryptogramInfo, "40") }, "30"},
		"a counter of zero":                   {func() message { return altered(d.chip(1_00), emv.TransactionCounter, "0000") }, "30"},
		"chip data of a swiped card":          {func() message { return d.chip(1_00).set(22, "022").unset(2).unset(14).unset(23) }, "30"},
		"another amount in the chip's data":   {func() message { return altered(d.chip(1_00), emv.Amount, "000000000101") }, "A7"},
		"another currency in the chip's data": {func() message { return altered(d.chip(1_00), emv.CurrencyCode, "0840") }, "A7"},
		"another kind of transaction":         {func() message { return altered(d.chip(1_00), emv.TransactionType, "20") }, "A7"},
		"a cryptogram that is not the chip's": {func() message { return altered(d.chip(1_00), emv.Cryptogram, "0102030405060708") }, "A7"},
	} {
		t.Log(name)
		d.expect(c.code, c.m())
	}
	// Objects that nobody named go no further: the bank would refuse none, and never sees a number twice.
	m := d.chip(1_00)
	d.must(m.set(55, m.fields[55]+"\x5a\x08\x62\x25\x88\x13\x57\x90\x86\x40"))
}

func TestElectronicCashIsProvenByItsLastCryptogram(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.shop().device("en")
	d.signOn("004")
	early := d.cash(20_00)
	d.must(d.byChip("052", 1_00)) // the card was used online meanwhile
	d.must(early)
	d.must(early)
	for name, c := range map[string]struct {
		m    func() message
		code string
	}{
		"a request cryptogram":            {func() message { return altered(d.cash(1_00), emv.CryptogramInfo, "80") }, "30"},
		"no chip data":                    {func() message { return d.cash(1_00).unset(55) }, "30"},
		"a stripe":                        {func() message { return d.cash(1_00).set(22, "022") }, "30"},
		"a PIN":                           {func() message { return d.pin(d.cash(1_00).set(22, "071"), "credit") }, "30"},
		"another amount":                  {func() message { return altered(d.cash(1_00), emv.Amount, "000000000101") }, "A7"},
		"a cryptogram that is no chip's":  {func() message { return altered(d.cash(1_00), emv.Cryptogram, "0102030405060708") }, "A7"},
		"more than a purse may hold":      {func() message { return d.cash(1_000_01) }, "61"},
		"a refund of more than it":        {func() message { return d.cashRefund(d.asked("00", d.cash(1_00)), 1_01) }, "13"},
		"the conditions of another thing": {func() message { return d.cash(1_00).set(25, "06") }, "40"},
	} {
		t.Log(name)
		d.expect(c.code, c.m())
	}
	m := d.cash(3_00)
	d.must(m)
	d.expect("12", d.reversal(m, "98")) // what a chip has concluded has none
	w.heal()
	if e := w.effect(d.shop); e != (effect{25_00, 25_00}) {
		t.Errorf("%+v", e)
	}
}

func TestACopiedCryptogramPaysNowhere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		first, second := w.shop().device("en"), w.shop().device("en")
		first.signOn("004")
		second.signOn("004")
		paid := first.chip(1_00)
		first.must(paid)
		copied := second.chip(1_00).set(55, paid.fields[55])
		a := second.expect("A7", copied)
		if a.Has(55) {
			t.Error("the copy got an answer for the chip")
		}
		second.expect("A7", copied.clone()) // and its repeat the same
		next := second.chipOf("credit", "052", 1_00)
		second.must(second.cryptogram(next, testCard("credit"), 500))
		first.expect("A7", first.chip(1_00)) // behind what the other shop has seen
		first.expect("A7", first.cryptogram(first.swipe(first.pin(first.request("0200", "01", "000").set(3, "310000").set(22, "051").set(25, "00").set(49, "156").set(23, "001"), "credit"), "credit"),
			testCard("credit"), 500))
	})
}

func TestStripesOfChipCardsAreSentBackToTheChip(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.shop().device("en")
	d.signOn("004")
	swiped := func(name, mode, tail string) message {
		m := d.swipe(d.pin(d.saleBy(1_00, name).set(22, mode), name), name)
		return m.set(60, m.fields[60]+tail)
	}
	for _, c := range []struct{ name, card, mode, tail, code string }{
		{"a chip card's stripe where chips are read", "chip", "021", "60", "45"},
		{"a chip card's stripe where none are: its bank wants the chip", "chip", "021", "20", "45"},
		{"its stripe after the chip failed", "chip", "801", "62", "00"},
		{"a fallback that says nothing of a chip", "chip", "801", "60", "30"},
		{"a fallback of a card without a chip", "credit", "801", "62", "30"},
		{"a card without such a chip", "credit", "021", "60", "00"},
	} {
		t.Log(c.name)
		d.expect(c.code, swiped(c.card, c.mode, c.tail))
	}
}

func TestScriptsAndTheirResults(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.network.SetFault(func(cardnet.Info) cardnet.Behaviour { return cardnet.Behaviour{Script: cardnet.LimitScript} })
		d := w.shop().device("en")
		d.signOn("004")
		m := d.chip(1_00)
		sale := done{m, d.must(m)}
		data, err := emv.Parse(sale.Bytes(55))
		if list := emv.Scripts(data, emv.ScriptAfter); err != nil || len(list) != 1 {
			t.Fatalf("%s, %v", data, err)
		}
		notice := d.notice(sale, "2000000001")
		d.must(notice)
		d.must(notice)
		d.must(d.notice(sale, "2000000001")) // under another number
		d.expect("94", d.notice(sale, "1000000001"))
		d.expect("30", d.notice(sale, "20000000"))
		d.expect("30", d.notice(sale, "2000000001").set(55, "\x9f"))
		d.expect("25", d.notice(sale, "2000000001").set(37, "000000000001"))
		d.expect("25", d.notice(sale, "2000000001").set(61, "0000019999991122"))
		w.heal()
		told := 0
		for _, e := range w.network.Journal() {
			if e.Kind == cardnet.ScriptNotice {
				told++
				if e.Results != "2000000001" || e.Code != "00" {
					t.Errorf("the bank wrote down %s, and answered %s", e.Results, e.Code)
				}
			}
		}
		if told != 1 {
			t.Errorf("the bank was told %d times", told)
		}
	})
}

func TestANoticeWaitsForItsBank(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.shop().device("en")
	d.signOn("004")
	m := d.chip(1_00)
	sale := done{m, d.must(m)}
	w.network.SetFault(func(i cardnet.Info) cardnet.Behaviour {
		if i.Kind == cardnet.ScriptNotice {
			return cardnet.Behaviour{Code: "91"}
		}
		return cardnet.Behaviour{}
	})
	d.must(d.notice(sale, "2000000001"))
	w.jobs.RunDue(t.Context())
	w.network.SetFault(nil)
	w.pass(time.Hour)
	w.heal()
	last := w.network.Journal()
	if e := last[len(last)-1]; e.Kind != cardnet.ScriptNotice || e.Code != "00" {
		t.Errorf("the bank's last entry is %s %s", e.Kind, e.Code)
	}
	if fmt.Sprint(w.effect(d.shop)) != "{100 100}" {
		t.Errorf("%+v", w.effect(d.shop))
	}
}

func TestAReversalOfAChipsPaymentIsTakenWhateverTheChipSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.shop().device("en")
	d.signOn("004")
	for name, icc := range map[string]string{"well formed": "\x95\x05\x00\x00\x00\x00\x20\xdf\x31\x05\x11\x00\x00\x00\x07", "malformed": "\x9f"} {
		m := d.chip(1_00)
		d.must(m)
		t.Log(name)
		d.must(d.reversal(m, "06").set(55, icc))
	}
	w.heal()
	if e := w.effect(d.shop); e != (effect{}) {
		t.Errorf("%+v", e)
	}
}
