package iso

import (
	"context"
	"errors"
	"testing"
	"time"

	"hawker/internal/cases"
	"hawker/internal/custody"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/tdes"
)

// status is a status upload.
func (d *device) status(text string) message { return d.request("0820", "00", "362").set(62, text) }

// signed adds a MAC to a message that need not have one.
func (d *device) signed(m message) message {
	d.w.t.Helper()
	m = m.clone().set(64, "--------")
	body := m.pack()
	mac, err := tdes.MAC(tdes.UnionPayECB, d.tak, body[:len(body)-8])
	if err != nil {
		d.w.t.Fatal(err)
	}
	return m.set(64, string(mac))
}

func (w *world) openCases() (kinds []string) {
	w.t.Helper()
	list, err := cases.List(context.Background(), w.db.Read())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range list {
		kinds = append(kinds, c.Kind+" "+c.Ref+": "+c.Detail)
	}
	return kinds
}

func TestAProvenTamperMessageDestroysTheKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, func(c *Config) { c.Remember = 0 })
		d := w.device("en")
		other := d.shop.device("en")
		other.signOn("004")
		d.take(1_00)
		if a := d.must(d.signed(d.status("01102case switch 1       "))); a.proven {
			t.Error("an answer was signed with a key that should be gone")
		}
		owner := d.shop.MID + "/" + d.id
		for _, ref := range keys.Terminal(owner) {
			if _, err := w.keys.KCV(t.Context(), ref); !errors.Is(err, keys.ErrNoKey) {
				t.Errorf("%s outlived the tamper: %v", ref, err)
			}
		}
		for name, m := range map[string]message{"a sale": d.sale(1_00), "a sign-on": d.request("0800", "00", "004").set(63, "001"), "an echo": d.request("0820", "00", "301"),
			"the status again": d.signed(d.status("011"))} {
			if a := d.expect("58", m); a.proven {
				t.Errorf("%s is answered with a MAC", name)
			}
		}
		if got := w.openCases(); len(got) != 1 || got[0] != custody.TamperedCase+" "+d.id+": case switch 1" {
			t.Error(got)
		}
		other.take(2_00) // its neighbour works on
		acts := 0
		if _, err := w.custody.Transcript(t.Context(), nil, func(r custody.Record) error { acts++; return nil }); err != nil || acts != 1 {
			t.Error(acts, err)
		}
	})
}

func TestATamperMessageThatAnybodyCouldSend(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, func(c *Config) { c.Remember = 0 })
		d := w.device("en")
		d.must(d.status("011"))
		d.must(d.status("011"))
		if got := w.openCases(); len(got) != 1 || got[0] != custody.ClaimedCase+" "+d.id+": " {
			t.Error(got)
		}
		if a := d.expect("A0", d.sale(1_00)); a.header.ProcessingRequest() != iso8583.SignOnAgain {
			t.Error("the terminal is not told to sign on")
		}
		d.signOn("004")
		d.take(1_00)

		forged := d.signed(d.status("011"))
		forged.fields[64] = "00000000"
		d.expect("A0", forged)
		d.take(1_00)
	})
}

func TestStatusUploads(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.device("en")
	d.must(d.status("010"))
	if a := d.must(d.signed(d.status("01003" + "3.1.4               "))); !a.proven {
		t.Error("the answer to a signed status has no MAC")
	}
	d.expect("30", d.status("012"))
	d.expect("30", d.status("010").unset(62))
	if got := w.openCases(); len(got) != 0 {
		t.Error(got)
	}
	d.take(1_00)
}

func TestRotationMakesTheTerminalSignOn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, func(c *Config) { c.Remember = 0 })
		d := w.device("en")
		owner := d.shop.MID + "/" + d.id
		// Another process rotates: what this one remembers of the keys is still in its memory.
		elsewhere := &custody.Keeper{DB: db, Keys: w.elsewhere(), Clock: w.clock, Signer: w.custody.Signer}
		sale := d.take(1_00)
		if err := elsewhere.Rotate(t.Context(), owner); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if a := d.expect("A0", d.sale(2_00)); a.header.ProcessingRequest() != iso8583.SignOnAgain {
				t.Error("the terminal is not told to sign on")
			}
		}
		d.expect("A0", d.reversal(sale.message, "98"))
		d.signOn("004")
		d.take(2_00)
		if n, err := elsewhere.RotateAll(t.Context()); err != nil || n != 1 {
			t.Fatal(n, err)
		}
		d.expect("A0", d.sale(3_00))
		d.signOn("003")
		d.take(3_00)
	})
}

func TestOldWorkingKeysAreRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t), func(c *Config) { c.RotateAfter = 24 * time.Hour })
	d := w.device("en")
	asks := func() bool {
		t.Helper()
		return d.must(d.request("0820", "00", "301")).header.ProcessingRequest() == iso8583.SignOnAgain
	}
	w.pass(24*time.Hour - time.Second)
	if asks() {
		t.Error("asked a second too early")
	}
	w.pass(time.Second)
	if !asks() || d.take(1_00).header.ProcessingRequest() != iso8583.SignOnAgain {
		t.Error("keys of a day are not renewed")
	}
	if a := d.signOn("004"); a.header.ProcessingRequest() == iso8583.SignOnAgain {
		t.Error("a sign-on is told to sign on")
	}
	if asks() {
		t.Error("asked again after the sign-on")
	}
	d.must(d.request("0820", "00", "002"))
	w.pass(48 * time.Hour)
	if asks() {
		t.Error("a terminal that signed off is asked")
	}
}
