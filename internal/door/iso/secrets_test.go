package iso

import (
	"bytes"
	"context"
	"testing"

	"hawker/internal/store/storetest"
)

// TestCardDataInWrongPlacesIsNotLogged sends card data where it does not belong. Every
// world's log is searched for it when the test ends; this one makes the log say much.
func TestCardDataInWrongPlacesIsNotLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.device("zh-CN")
	pan := testCard("credit").PAN.Reveal()
	for _, m := range []message{
		d.sale(1_00), d.saleBy(2_00, "debit"), d.manual(1_00, "credit"), d.chip(1_00), d.inquiry(), d.sale(90_51),
		d.sale(1_00).set(2, pan),
		d.sale(1_00).set(2, pan+"0"),
		d.sale(1_00).set(35, pan+"=3512201F0000000").set(53, "2600000000000000"),
		d.sale(1_00).set(35, pan).set(53, "2600000000000000"),
		d.sale(1_00).set(35, pan+"3512").set(53, "2600000000000000"),
		d.sale(1_00).set(36, pan+"=3512"),
		d.sale(1_00).set(4, pan[:12]),
		d.sale(1_00).set(37, pan[:12]),
		d.sale(1_00).set(38, pan[:6]).set(44, pan),
		d.sale(1_00).set(48, pan).set(54, pan).set(55, pan).set(62, pan).set(63, pan),
		d.sale(1_00).set(60, pan),
		d.sale(1_00).set(61, pan),
		d.sale(1_00).set(49, pan[:3]),
		d.sale(1_00).set(12, pan[:6]).set(53, pan),
	} {
		d.ask(m)
	}
	for _, n := range []int{3, 4, 11, 22, 41, 42, 49, 64} { // shifts what follows into other fields
		d.lonely(framed(d.manual(1_00, "credit").unset(n).pack()))
		d.lonely(framed(d.manual(1_00, "credit").set(n, pan).pack()))
	}
	if !w.log.has("terminal message", "card_invalid") || !w.log.has("bad message dropped") {
		t.Error("nothing was logged")
	}
}

// TestNothingOfAMessageIsLeftInMemory looks at the bytes that came once they are answered.
func TestNothingOfAMessageIsLeftInMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.device("zh-CN")
	for name, sent := range map[string]message{"a sale": d.chip(1_00), "a refusal": d.sale(0)} {
		readings, _, err := w.server.open(d.frame(sent))
		if err != nil {
			t.Fatal(err)
		}
		body, m := readings[0].Frame.Body, readings[0].Message
		var secrets [][]byte
		for _, n := range []int{2, 35, 52, 55} {
			secrets = append(secrets, m.Bytes(n))
		}
		if w.server.answer(context.Background(), readings[0], nil) == nil {
			t.Errorf("%s has no answer", name)
		}
		for _, left := range append(secrets, body) {
			if !bytes.Equal(left, make([]byte, len(left))) {
				t.Errorf("of %s is left %x", name, left)
			}
		}
	}
}
