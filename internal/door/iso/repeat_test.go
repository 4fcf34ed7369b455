package iso

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"hawker/internal/sandbox/cardnet"
	"hawker/internal/store/storetest"
)

// TestTheSameMessageHasTheSameAnswer asks everything twice, a minute apart.
func TestTheSameMessageHasTheSameAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for name, row := range map[string]struct {
		message func(d *device) message
		code    string
	}{
		"an approved sale":              {func(d *device) message { return d.sale(1_00) }, "00"},
		"a sale that the bank declines": {func(d *device) message { return d.sale(90_51) }, "51"},
		"a sale over a limit":           {func(d *device) message { return d.sale(perPayment + 1) }, "61"},
		"a void":                        {func(d *device) message { return d.void(d.take(1_00)) }, "00"},
		"a void of a part":              {func(d *device) message { return d.void(d.take(1_00)).set(4, "000000000001") }, "13"},
		"a void of nothing":             {func(d *device) message { return d.void(d.take(1_00)).set(37, "NOSUCHREF000") }, "25"},
		"a refund":                      {func(d *device) message { return d.refund(d.take(1_00), 30) }, "00"},
		"a refund over the rest":        {func(d *device) message { return d.refund(d.take(1_00), 1_01) }, "13"},
		"a reversal":                    {func(d *device) message { return d.reversal(d.take(1_00).message, "98") }, "00"},
		"the settlement of a batch":     {func(d *device) message { d.take(1_00); return d.settlement(1_00, 1, 0, 0) }, "00"},
		"a settlement that differs":     {func(d *device) message { d.take(1_00); return d.settlement(0, 0, 0, 0) }, "00"},
	} {
		t.Run(name, func(t *testing.T) {
			d := w.device("zh-CN")
			frame := d.frame(row.message(d))
			first := d.exchange(frame)
			before := w.effect(d.shop)
			w.pass(time.Minute)
			again := d.exchange(frame)
			if first.code() != row.code || !bytes.Equal(first.raw, again.raw) {
				t.Errorf("answered %s\n%x, then %s\n%x", first.code(), first.raw, again.code(), again.raw)
			}
			if after := w.effect(d.shop); after != before {
				t.Errorf("the second moved %+v to %+v", before, after)
			}
		})
	}
}

// TestARefusalOfARepeatTellsNothingOfTheFirst: code 94 must not look like an approval.
func TestARefusalOfARepeatTellsNothingOfTheFirst(t *testing.T) {
	t.Parallel()
	d := newWorld(t, storetest.SQLite(t)).device("zh-CN")
	sale := d.take(1_00)
	a := d.expect("94", sale.message.clone().set(4, "000000000101"))
	for _, n := range []int{15, 37, 38, 44} {
		if a.Has(n) {
			t.Errorf("it has field %d", n)
		}
	}
}

// TestAReversalOvertakesItsSale sends a reversal, on the same line, while the bank thinks about the sale.
func TestAReversalOvertakesItsSale(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bubbled(t)
		d := w.device("zh-CN")
		thinking := make(chan struct{})
		w.network.SetFault(func(i cardnet.Info) cardnet.Behaviour {
			if i.Kind == cardnet.Sale {
				<-thinking
			}
			return cardnet.Behaviour{}
		})
		sale := d.sale(1_00)
		d.send(d.frame(sale))
		synctest.Wait()
		if a := d.ask(d.reversal(sale, "98")); a.MTI != "0410" || a.code() != "00" {
			t.Errorf("the reversal is answered %s %s", a.MTI, a.code())
		}
		close(thinking)
		raw, err := readRaw(d.conn)
		if err != nil {
			t.Fatal(err)
		}
		if a := d.read(raw); a.MTI != "0210" || a.code() != "98" {
			t.Errorf("the sale is answered %s %s", a.MTI, a.code())
		}
		w.heal()
		if e := w.effect(d.shop); e != (effect{}) {
			t.Errorf("a reversed sale came to %+v", e)
		}
		d.expect("12", sale)
	})
}

// TestAReversedSaleShowsNoAuthorization repeats a sale that was approved and taken back.
func TestAReversedSaleShowsNoAuthorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.device("zh-CN")
	sale := d.take(1_00)
	d.must(d.reversal(sale.message, "98"))
	for _, code := range []string{"98", "12"} { // while it is taken back, and then
		if a := d.expect(code, sale.message); a.Has(38) {
			t.Errorf("with code %s it has an authorization", code)
		}
		w.heal()
	}
}

// TestABankOutOfReachChargesNothing has no network to connect to.
func TestABankOutOfReachChargesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.away = true
	d := w.device("en")
	if a := d.expect("91", d.sale(1_00)); a.says() != "The bank cannot be reached. Nothing was charged. Please try again." {
		t.Errorf("it says %q", a.says())
	}
	d.expect("91", d.inquiry())
	if !w.log.has("request not sent", "connection refused") || !w.log.has("terminal message", "channel_unreachable: connection refused") {
		t.Error("the log does not say why")
	}
	if e := w.effect(d.shop); e != (effect{}) {
		t.Errorf("it came to %+v", e)
	}
}

// TestASilentBankLeavesTheSaleUnknownUntilItIsReversed waits out a bank that booked and does not answer.
func TestASilentBankLeavesTheSaleUnknownUntilItIsReversed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bubbled(t)
		d := w.device("zh-CN")
		sale := d.sale(90_99)
		d.expect("98", sale)
		if e := w.effect(d.shop); e != (effect{0, 90_99}) {
			t.Errorf("unknown, it came to %+v", e)
		}
		d.expect("98", sale)
		d.must(d.reversal(sale, "98"))
		w.heal()
		if e := w.effect(d.shop); e != (effect{}) {
			t.Errorf("reversed, it came to %+v", e)
		}
		d.expect("12", sale)
		d.must(d.reversal(sale, "98"))
	})
}
