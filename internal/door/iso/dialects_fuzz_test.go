package iso

import (
	"context"
	"slices"
	"testing"

	"hawker/internal/dukpt"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/sandbox/cardnet"
	"hawker/internal/store/storetest"
)

// FuzzDialects is FuzzServer for every host profile: a terminal's message, right but for
// what the fuzzer changed, authenticated or not, is answered in its dialect.
func FuzzDialects(f *testing.F) {
	w := newWorld(f, storetest.SQLite(f))
	w.network.SetFault(func(cardnet.Info) cardnet.Behaviour { return cardnet.Behaviour{Delivery: cardnet.Twice} }) // never slow
	var devices []*device
	for i, p := range everyProfile {
		d := w.deviceOf(p.name)
		devices = append(devices, d)
		sale := d.take(1_00)
		head := len(d.framed(nil))
		for _, m := range []message{d.request("0800", "00", p.signOn).set(63, "001"), d.request("0820", "00", "301"), d.inquiry(), d.sale(1_00),
			d.manual(1_00, "debit"), d.void(sale), d.refund(sale, 1), d.reversal(sale.message, "98")} {
			body := d.frame(m)[head:]
			f.Add(i, body, true)
			f.Add(i, body, false)
		}
	}
	f.Fuzz(func(t *testing.T, i int, body []byte, sign bool) {
		d := devices[uint(i)%uint(len(devices))]
		body = slices.Clone(body)
		if sign {
			d.sign(t, body)
		}
		readings, _, err := w.server.open(d.framed(body))
		if err != nil {
			return
		}
		r := w.server.choose(context.Background(), readings)
		mti := answerMTI(r.Message.MTI)
		raw := w.server.answer(context.Background(), r, nil)
		out, err := r.Profile.ParseFrame(raw)
		if err != nil {
			t.Fatalf("answered %x: %v", raw, err)
		}
		a, err := r.Profile.Unpack(out.Body)
		if err == nil {
			err = r.Profile.Validate(a)
		}
		if err != nil || a.MTI != mti || len(a.Text(39)) != 2 {
			t.Fatalf("answered %v: %v", a, err)
		}
	})
}

// sign puts the right MAC into a packed message that has a place for one.
func (d *device) sign(t *testing.T, body []byte) {
	p := d.profile()
	covered, mac, ok := p.MACRange(body)
	if !ok {
		return
	}
	if !d.derives() {
		right, err := d.w.keys.MAC(t.Context(), keys.TAK(d.shop.MID+"/"+d.id), d.algorithm(), covered)
		if err != nil {
			t.Fatal(err)
		}
		copy(mac, right)
		return
	}
	m, err := p.Unpack(body)
	if err != nil {
		return
	}
	var s session
	if serial := m.Bytes(iso8583.SerialNumber); d.name == "dukpt" && len(serial) == 10 {
		s, err = dukpt.NewSession(d.initial, dukpt.KSN(serial))
	} else if len(serial) == 12 {
		s, err = dukpt.NewAESSession(d.initial, dukpt.AESKSN(serial))
	}
	if err != nil || s == nil {
		return // a number that no reader sends
	}
	right, err := s.RequestMAC(covered)
	if err != nil {
		t.Fatal(err)
	}
	copy(mac, right)
}
