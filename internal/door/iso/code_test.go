package iso

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"hawker/internal/iso8583"
	"hawker/internal/store/storetest"
)

// coded is a message by code: processing code, and the wallet in field 60.3.
func (d *device) coded(processing, wallet string) message {
	return d.request("0200", "60", wallet).set(3, processing).set(22, "032").set(25, "00").set(49, "156")
}

// pays is a payment by a customer's code, of the wallet that d's shop knows.
func (d *device) pays(wallet string, fen int64) message {
	text := fmt.Sprintf("13%016d", chipCounter.Add(1))
	d.w.log.secret(text)
	return d.coded("700000", wallet).set(4, fmt.Sprintf("%012d", fen)).set(59, iso8583.Build59(iso8583.QRCode, text))
}

// shows is a code that the terminal wants to show.
func (d *device) shows(wallet string, fen int64) message {
	return d.coded("710000", wallet).set(4, fmt.Sprintf("%012d", fen))
}

// aboutCode is a void or query of a payment by code.
func (d *device) aboutCode(processing, wallet string, of done) message {
	return d.coded(processing, wallet).set(37, of.Text(37)).set(61, of.fields[60][2:8]+of.fields[11]+"1122")
}

// voidsCode is a void of it.
func (d *device) voidsCode(of done) message {
	return d.aboutCode("720000", of.fields[60][8:11], of).set(4, of.fields[4])
}

// asksCode is a query of it.
func (d *device) asksCode(of done) message { return d.aboutCode("730000", of.fields[60][8:11], of) }

// shown is a code that was shown.
func (d *device) shown(fen int64) done { return d.asked("00", d.shows("002", fen)) }

// paid is a code that was shown, and paid by its customer.
func (d *device) paid(fen int64) done {
	d.w.t.Helper()
	code := d.shown(fen)
	if !d.w.pocket.pays(code.Text(37)) {
		d.w.t.Error("nobody can pay the code")
	}
	return code
}

// told asks after a code, so that the host knows that it is paid.
func (d *device) told(code done) done {
	d.w.t.Helper()
	d.must(d.asksCode(code))
	return code
}

func TestACodeIsShownAskedAfterAndVoided(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for _, p := range everyProfile {
		d := w.deviceOf(p.name)
		m := d.shows("002", 46_50)
		a := d.must(m)
		code := done{m, a}
		text, err := iso8583.Find59(a.Bytes(59), iso8583.QRCode)
		if err != nil || text != "wechat://pay/"+a.Text(37) || a.Text(4) != "000000004650" || a.Has(38) {
			t.Errorf("%s: the code is %q, %v", p.name, text, err)
		}
		if a := d.expect("09", d.asksCode(code)); a.says() == "" || a.Text(37) != code.Text(37) {
			t.Errorf("%s: unpaid it says %q", p.name, a.says())
		}
		w.pocket.pays(code.Text(37))
		a = d.must(d.asksCode(code))
		if voucher, err := iso8583.Find59(a.Bytes(59), iso8583.QRVoucher); err != nil || voucher != "4200"+code.Text(37) || a.Text(4) != "000000004650" {
			t.Errorf("%s: paid it has voucher %q, %v, and amount %s", p.name, voucher, err, a.Text(4))
		}
		d.must(d.aboutCode("730000", "000", code)) // whose wallet need not be said
		if again := d.ask(m); !bytes.Equal(withoutMAC(again), withoutMAC(code.answer)) {
			t.Errorf("%s: a repeat after the payment is another answer", p.name)
		}
		void := d.voidsCode(code)
		d.must(void)
		d.must(void)
		d.expect("12", d.asksCode(code))
		unpaid := d.shown(10_00)
		d.must(d.voidsCode(unpaid))
		d.expect("12", d.asksCode(unpaid))
		if w.pocket.pays(unpaid.Text(37)) {
			t.Errorf("%s: what was voided can be paid", p.name)
		}
		d.must(d.pays("002", 20_00))
		d.totals("1", d.settle(66_50, 2, 46_50, 1), 66_50, 2, 46_50, 1)
		w.agree()
	}
}

// withoutMAC are the bytes of an answer before its MAC, which has a key of its own in some dialects.
func withoutMAC(a answer) []byte { return a.raw[:len(a.raw)-8] }

func TestWhatIsWrongWithACode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.deviceOf("psp")
	code, sale := d.shown(46_50), d.take(46_50)
	for name, c := range map[string]struct {
		m    func() message
		code string
	}{
		"a wallet that shows none":          {func() message { return d.shows("004", 1_00) }, "40"},
		"no wallet":                         {func() message { return d.shows("000", 1_00) }, "40"},
		"a wallet of nobody":                {func() message { return d.shows("005", 1_00) }, "40"},
		"nothing":                           {func() message { return d.shows("002", 0) }, "13"},
		"another currency":                  {func() message { return d.shows("002", 1_00).set(49, "840") }, "A1"},
		"a card besides":                    {func() message { return d.swipe(d.shows("002", 1_00), "credit") }, "30"},
		"a customer's code of another":      {func() message { return d.pays("003", 1_00) }, "14"},
		"no customer's code":                {func() message { return d.pays("002", 1_00).unset(59) }, "30"},
		"a void of another amount":          {func() message { return d.voidsCode(code).set(4, "000000004649") }, "13"},
		"a void of another wallet's":        {func() message { m := d.aboutCode("720000", "003", code); return m.set(4, code.fields[4]) }, "25"},
		"a void of a card's sale":           {func() message { return d.aboutCode("720000", "000", sale).set(4, sale.fields[4]) }, "25"},
		"a query of a card's sale":          {func() message { return d.aboutCode("730000", "000", sale) }, "25"},
		"a query of another wallet's":       {func() message { return d.aboutCode("730000", "003", code) }, "25"},
		"a query of nothing":                {func() message { return d.asksCode(code).set(37, "000000000001") }, "25"},
		"a query in another batch":          {func() message { m := d.asksCode(code); return m.set(60, "60000009"+m.fields[60][8:]) }, "77"},
		"a void of a code as of a card":     {func() message { return d.void(code) }, "12"},
		"a tip for it":                      {func() message { return d.more("34", code, 1_00) }, "25"},
		"a refund of it, which nobody paid": {func() message { return d.refund(code, 1_00) }, "14"},
		"its own trace with another amount": {func() message { return code.clone().set(4, "000000000001") }, "94"},
	} {
		t.Log(name)
		d.expect(c.code, c.m())
	}
	w.pass(10 * time.Minute)
	w.heal()
	d.expect("54", d.asksCode(code))
	d.expect("12", code.message)
	d.must(d.voidsCode(code))
}

// TestACodeWhoseAnswerWasLostIsTakenBack: the terminal has shown nothing, and reverses.
func TestACodeWhoseAnswerWasLostIsTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.deviceOf("psp")
	code := d.shown(46_50)
	d.must(d.reversal(code.message, "98"))
	w.heal()
	if w.pocket.pays(code.Text(37)) {
		t.Error("what was reversed can be paid")
	}
	d.expect("12", code.message)
	paid := d.paid(20_00)
	d.must(d.asksCode(paid))
	d.must(d.reversal(paid.message, "98"))
	w.heal()
	early := d.shows("002", 30_00)
	d.expect("25", d.reversal(early, "98"))
	d.expect("12", early)
	if e := w.effect(d.shop); e != (effect{}) {
		t.Errorf("it comes to %+v", e)
	}
	d.totals("1", d.settle(0, 0, 0, 0), 0, 0, 0, 0)
}
