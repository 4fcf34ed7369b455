package iso

import (
	"fmt"
	"testing"
	"time"

	"hawker/internal/sandbox/cardnet"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// preauth holds an amount of the credit card, swiped with PIN.
func (d *device) preauth(fen int64) message {
	m := d.request("0100", "10", "000").set(3, "030000").set(4, fmt.Sprintf("%012d", fen)).set(22, "021").set(25, "06").set(49, "156")
	return d.swipe(d.pin(m, "credit"), "credit")
}

// onHold is a request about a pre-authorization: F38 and F61.
func (d *device) onHold(mti, kind, processing string, of done, fen int64) message {
	m := d.request(mti, kind, "000").set(3, processing).set(4, fmt.Sprintf("%012d", fen)).set(22, "022").set(25, "06").set(49, "156")
	return d.swipe(m.set(38, of.Text(38)).set(61, of.fields[60][2:8]+of.fields[11]+"1122"), "credit")
}

func (d *device) complete(of done, fen int64) message {
	return d.onHold("0200", "20", "000000", of, fen)
}
func (d *device) completeNotice(of done, fen int64) message {
	return d.onHold("0220", "24", "000000", of, fen)
}
func (d *device) release(of done, fen int64) message {
	return d.onHold("0100", "11", "200000", of, fen)
}

func (d *device) uncomplete(of done) message {
	return d.of(d.request("0200", "21", "000").set(4, of.fields[4]), of).set(25, "06")
}

// asked is a request and the answer that it must get.
func (d *device) asked(code string, m message) done {
	d.w.t.Helper()
	return done{m, d.expect(code, m)}
}

func TestPreauthorizations(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		d := w.shop().device("en")
		d.signOn("004")
		hold := d.asked("00", d.preauth(100_00))
		if hold.Text(38) == "" || hold.Text(37) == "" {
			t.Fatalf("no authorization code: %v", hold.Message)
		}
		d.asked("61", d.complete(hold, 115_01))
		completion := d.asked("00", d.complete(hold, 115_00))
		if again := d.must(completion.message); string(again.raw) != string(completion.raw) {
			t.Error("a repeat got another answer")
		}
		d.asked("12", d.release(hold, 100_00))
		d.asked("00", d.uncomplete(completion))
		notice := d.asked("00", d.completeNotice(hold, 90_00))
		d.asked("00", d.refund(notice, 40_00))
		other := d.asked("00", d.preauth(30_00))
		d.asked("13", d.release(other, 29_00))
		d.asked("00", d.release(other, 30_00))
		d.asked("25", d.complete(done{other.message, hold.answer}, 1))
		d.asked("25", d.complete(done{hold.message.clone().set(11, "000999"), hold.answer}, 1))
		if got := d.settle(115_00+90_00, 2, 115_00+40_00, 2); got.Text(48)[30:31] != "1" {
			t.Errorf("not balanced: %s", got.Text(48))
		}
		w.agree()
		if e := w.effect(d.shop); e != (effect{50_00, 50_00}) {
			t.Errorf("%+v", e)
		}
	})
}

func TestStepsOfAHoldAreReversed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.shop().device("en")
	d.signOn("004")
	hold := d.asked("00", d.preauth(100_00))
	void := d.release(hold, 100_00)
	d.must(void)
	d.must(d.reversal(void, "98"))
	w.heal()
	completion := d.asked("00", d.complete(hold, 90_00))
	d.expect("12", d.reversal(hold.message, "98")) // it was completed
	cancel := d.uncomplete(completion)
	d.must(cancel)
	d.must(d.reversal(cancel, "A0"))
	w.heal()
	if e := w.effect(d.shop); e != (effect{90_00, 90_00}) {
		t.Errorf("after the void was taken back: %+v", e)
	}
	d.must(d.reversal(completion.message, "98"))
	w.heal()
	notice := d.completeNotice(hold, 80_00)
	d.must(notice)
	d.expect("12", d.reversal(notice, "98")) // a notice has none
	if e := w.effect(d.shop); e != (effect{80_00, 80_00}) {
		t.Errorf("%+v", e)
	}
}

func TestANoticeOfACompletionWaitsForItsBank(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.shop().device("en")
	d.signOn("004")
	hold := d.asked("00", d.preauth(100_00))
	w.network.SetFault(func(i cardnet.Info) cardnet.Behaviour {
		if i.Kind == cardnet.Completion {
			return cardnet.Behaviour{Code: "91"}
		}
		return cardnet.Behaviour{}
	})
	notice := d.completeNotice(hold, 80_00)
	d.expect("98", notice)
	d.expect("98", notice)
	w.network.SetFault(nil)
	w.pass(time.Hour)
	w.heal()
	d.must(notice)
	if e := w.effect(d.shop); e != (effect{80_00, 80_00}) {
		t.Errorf("%+v", e)
	}
}

func TestRequestsAboutHoldsMustBeWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.shop().device("en")
	d.signOn("004")
	hold := d.asked("00", d.preauth(100_00))
	for _, c := range []struct {
		name, code string
		m          func() message
	}{
		{"no authorization code", "30", func() message { return d.complete(hold, 1_00).unset(38) }},
		{"no original", "30", func() message { return d.complete(hold, 1_00).unset(61) }},
		{"no card", "30", func() message { return d.complete(hold, 1_00).unset(35).unset(53) }},
		{"another card", "25", func() message { return d.swipe(d.complete(hold, 1_00), "debit") }},
		{"the condition of a sale", "40", func() message { return d.complete(hold, 1_00).set(25, "00") }},
		{"no amount", "13", func() message { return d.complete(hold, 0) }},
		{"by chip without chip data", "30", func() message { return d.preauth(1_00).set(22, "051") }},
	} {
		t.Log(c.name)
		d.expect(c.code, c.m())
	}
}
