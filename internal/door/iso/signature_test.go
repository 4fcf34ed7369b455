package iso

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hawker/internal/download"
	"hawker/internal/iso8583"
	"hawker/internal/payment"
	"hawker/internal/signature"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// picture is a bitmap of 64 × 24 pixels.
var picture = "P4\n64 24\n" + strings.Repeat("\x3c", 8*24)

// signing tells terminals to have sales without PIN signed on the screen.
func (w *world) signing(more string) {
	w.t.Helper()
	lists, err := download.Read(strings.NewReader(`{"parameters": {"signature": true` + more))
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(func(ctx context.Context, tx *store.Tx) error {
		for k, rows := range lists {
			if _, _, err := download.Put(ctx, tx, download.Institution, k, rows, w.clock); err != nil {
				return err
			}
		}
		return nil
	})
}

// unsigned is a sale without PIN that was approved.
func (d *device) unsigned(fen int64) done {
	d.w.t.Helper()
	m := d.saleBy(fen, "credit").unset(26).unset(52).set(22, "022").set(53, "0610000000000000")
	return done{m, d.must(m)}
}

// signature is the upload for a sale, in one piece, or a segment with its 60.4.
func (d *device) signature(of done, kind, f62 string) message {
	batch := of.fields[60][2:8]
	end := ""
	if len(kind) > 2 {
		kind, end = kind[:2], kind[2:]
	}
	return newMessage("0820").set(4, of.fields[4]).set(11, of.fields[11]).set(25, "00").set(37, of.Text(37)).set(41, d.id).set(42, d.shop.MID).
		set(60, kind+batch+"800"+end).set(62, f62)
}

func TestASignatureIsKeptOnceForItsSale(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		d := w.device("en")
		sale := d.unsigned(46_50)
		up := d.signature(sale, "07", picture)
		first := d.exchange(d.proven(up))
		if first.code() != "00" || !first.proven {
			t.Fatalf("it is answered %s, with a MAC: %v", first.code(), first.proven)
		}
		for _, again := range []string{picture, "P4\n8 1\n\x00"} {
			if a := d.exchange(d.proven(d.signature(sale, "07", again))); a.code() != "94" {
				t.Errorf("a second one is answered %s", a.code())
			}
		}
		id, err := payment.ParseRef(sale.Text(37))
		if err != nil {
			t.Fatal(err)
		}
		g, err := w.server.Signatures.Get(t.Context(), d.shop.ID, id)
		if err != nil || string(g.Picture) != picture || g.Amount.Minor() != 46_50 || !g.Signed.Equal(w.clock()) {
			t.Errorf("kept for %s at %s, %v", g.Amount, g.Signed, err)
		}

		long := d.unsigned(1_00)
		big := "P4\n240 96\n" + strings.Repeat("\x81", 30*96)
		for i := 0; i*900 < len(big); i++ {
			end := "080"
			if (i+1)*900 >= len(big) {
				end = "081"
			}
			part := fmt.Sprintf("%02d", i+1) + big[i*900:min((i+1)*900, len(big))]
			for range 2 { // the answer may be lost
				a := d.exchange(d.proven(d.signature(long, end, part)))
				if want := map[bool]string{false: "00", true: "94"}[a.code() == "94" && end == "081"]; a.code() != want {
					t.Errorf("segment %d is answered %s", i+1, a.code())
				}
			}
		}
		if id, err = payment.ParseRef(long.Text(37)); err != nil {
			t.Fatal(err)
		}
		if g, err = w.server.Signatures.Get(t.Context(), d.shop.ID, id); err != nil || string(g.Picture) != big {
			t.Errorf("the long one has %d bytes, %v", len(g.Picture), err)
		}
	})
}

func TestASignatureThatFitsNoSaleIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	shop := w.shop()
	d, other := shop.device("en"), shop.device("en")
	d.signOn("004")
	other.signOn("004")
	sale, theirs := d.unsigned(46_50), other.unsigned(1_00)
	voided := d.unsigned(2_00)
	d.must(d.void(voided))
	for _, row := range []struct {
		name, code string
		m          message
	}{
		{"another amount", "13", d.signature(sale, "07", picture).set(4, "000000004651")},
		{"another trace", "25", d.signature(sale, "07", picture).set(11, "000999")},
		{"another terminal's sale", "25", d.signature(theirs, "07", picture)},
		{"a sale that was voided", "12", d.signature(voided, "07", picture)},
		{"a reference that is none", "25", d.signature(sale, "07", picture).set(37, "            ")},
		{"no picture", "30", d.signature(sale, "07", "a JPEG, perhaps")},
		{"a segment without a number", "30", d.signature(sale, "080", "xx123")},
		{"a segment that does not say whether more follow", "30", d.signature(sale, "08", "01"+picture)},
		{"a second segment without a first", "12", d.signature(sale, "080", "02abc")},
	} {
		if a := d.exchange(d.proven(row.m)); a.code() != row.code {
			t.Errorf("%s is answered %s", row.name, a.code())
		}
	}
	if a := d.exchange(framed(d.signature(sale, "07", picture).pack())); a.code() != "A0" {
		t.Errorf("without a MAC it is answered %s", a.code())
	}
	id, err := payment.ParseRef(sale.Text(37))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.server.Signatures.Get(t.Context(), shop.ID, id); !errors.Is(err, signature.ErrNone) {
		t.Errorf("one was kept: %v", err)
	}
}

func TestAMissingSignatureIsAskedForUntilItComes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.signing(`, "no_proof_limit_minor": 2000}, "bins": [{"prefix": "625900"}]}`)
		d := w.device("en")
		for _, fetch := range []string{"360", "361"} {
			d.must(d.fetch("0800", fetch, ""))
		}
		d.must(d.fetch("0800", "396", "100"))
		d.must(d.fetch("0800", "397", ""))
		hint := func() int { return d.must(d.request("0820", "00", "301")).header.ProcessingRequest() }
		d.take(50_00)     // with a PIN
		d.unsigned(20_00) // a small amount of a listed card
		d.must(d.chipOf("credit", "072", 500_00))
		d.must(d.complete(d.asked("00", d.preauth(80_00)), 80_00)) // its pre-authorization had a PIN
		d.must(d.offline(30_00))                                   // the cardholder signs the paper
		if n := hint(); n != iso8583.NothingToDo {
			t.Errorf("without a debt the header asks for %d", n)
		}
		sale := d.unsigned(20_01)
		if n := hint(); n != iso8583.AskTasks {
			t.Errorf("with a missing signature the header asks for %d", n)
		}
		tasks := d.must(d.fetch("0820", "364", "")).Bytes(62)
		if want := "800" + six(d.batch) + sale.fields[11]; !bytes.Equal(tasks, []byte(want)) {
			t.Errorf("the tasks are %q, want %q", tasks, want)
		}
		if a := d.exchange(d.proven(d.signature(sale, "07", picture))); a.code() != "00" {
			t.Fatalf("it is answered %s", a.code())
		}
		if n := hint(); n != iso8583.NothingToDo {
			t.Errorf("after it came the header asks for %d", n)
		}
		d.unsigned(30_00)
		w.pass(signatureDays + time.Minute)
		if n := hint(); n != iso8583.NothingToDo {
			t.Errorf("after a week the header asks for %d", n)
		}
	})
}
