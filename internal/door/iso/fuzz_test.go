package iso

import (
	"context"
	"errors"
	"slices"
	"testing"

	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/sandbox/cardnet"
	"hawker/internal/store/storetest"
	"hawker/internal/tdes"
)

// FuzzServer gives the door messages, authentic ones too, that no terminal would send.
// Whatever can be answered gets an answer that a terminal can read.
func FuzzServer(f *testing.F) {
	w := newWorld(f, storetest.SQLite(f))
	w.network.SetFault(func(cardnet.Info) cardnet.Behaviour { return cardnet.Behaviour{Delivery: cardnet.Twice} }) // never slow
	d := w.device("en")
	sale, settles := d.take(1_00), d.shop.device("en") // whose batches go by, while the other's stays open
	for _, m := range []message{
		d.request("0800", "00", "003").set(63, "001"), d.request("0820", "00", "002"), d.request("0820", "00", "301"), d.status("010"), d.inquiry(), d.sale(1_00),
		d.chip(1_00), d.manual(1_00, "debit"), d.void(sale), d.refund(sale, 1), d.reversal(sale.message, "98"), d.reversal(d.sale(1_00), "A0"),
		settles.settlement(1_00, 1, 0, 0), settles.upload(detail("000001", 1_00), detail("000002", 1)), settles.endUpload("202", 2), settles.endUpload("207", 0),
		newMessage("0200").set(41, d.id).set(42, d.shop.MID), newMessage("0100").set(41, "nobody  ").set(42, "nobody's shop  "),
	} {
		f.Add(d.frame(m)[bodyAt:], true)
		f.Add(m.pack(), false)
	}
	tak := keys.TAK(d.shop.MID + "/" + d.id)
	f.Fuzz(func(t *testing.T, body []byte, sign bool) {
		body = slices.Clone(body)
		if covered, mac, ok := iso8583.UnionPayPOS.MACRange(body); ok && sign {
			right, err := w.keys.MAC(t.Context(), tak, tdes.UnionPayECB, covered) // a sign-on among the inputs may have replaced it
			if errors.Is(err, keys.ErrNoKey) {                                    // an authentic report that somebody opened the terminal ended its keys
				w.t = t // F refuses to speak inside
				w.inject(tak, mustKey("MAC key."))
				right, err = w.keys.MAC(t.Context(), tak, tdes.UnionPayECB, covered)
			}
			if err != nil {
				t.Fatal(err)
			}
			copy(mac, right)
		}
		readings, _, err := w.server.open(framed(body))
		if err != nil {
			return
		}
		reading := w.server.choose(context.Background(), readings)
		m := reading.Message
		asked := iso8583.New(m.MTI).SetBytes(41, slices.Clone(m.Bytes(41))).SetBytes(42, slices.Clone(m.Bytes(42)))
		raw := w.server.answer(context.Background(), reading, nil)
		frame, err := iso8583.UnionPayPOS.ParseFrame(raw)
		if err != nil {
			t.Fatalf("%v is answered %x: %v", asked, raw, err)
		}
		a, err := iso8583.UnionPayPOS.Unpack(frame.Body)
		if err == nil {
			err = iso8583.UnionPayPOS.Validate(a)
		}
		if err != nil || a.MTI != answerMTI(asked.MTI) || a.Text(41) != asked.Text(41) || a.Text(42) != asked.Text(42) || len(a.Text(39)) != 2 {
			t.Fatalf("%v is answered %v: %v", asked, a, err)
		}
	})
}
