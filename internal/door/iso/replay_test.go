package iso

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"hawker/internal/iso8583"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// replayed is what an old message may be answered: with what it got, or a refusal.
var replayed = map[string]bool{"00": true, "12": true, "77": true, "94": true, "98": true, "A0": true, "A7": true, "63": true, "68": true}

// TestAReplayHasNoSecondEffect sends authentic messages of every profile again: at
// once, after others, from another line, after the batch, on another day, under
// new keys. Only the first moves money.
func TestAReplayHasNoSecondEffect(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for _, p := range everyProfile {
			t.Run(p.name, func(t *testing.T) {
				d := w.deviceOf(p.name)
				other := d.shop.deviceOf(p.name, "en")
				if a := other.signOn(p.signOn); a.code() != "00" {
					t.Fatal(a.code())
				}
				frames := map[string][]byte{}
				play := func(name string, m message) done {
					t.Helper()
					frames[name] = d.frame(m)
					a := d.exchange(frames[name])
					if a.code() != "00" {
						t.Fatalf("%s is answered %s %s", name, a.code(), a.says())
					}
					before := w.effect(d.shop)
					again := d.exchange(frames[name])
					if !bytes.Equal(a.raw, again.raw) || w.effect(d.shop) != before {
						t.Errorf("%s at once: %s, then %s", name, a.code(), again.code())
					}
					return done{m, a}
				}
				first := play("a sale", d.sale(46_50))
				second := play("another sale", d.sale(12_00))
				play("its void", d.void(second))
				third := play("a third sale", d.sale(3_00))
				play("its reversal", d.reversal(third.message, "98"))
				play("a refund", d.refund(first, 6_50))
				w.heal()
				want := w.effect(d.shop)
				if want != (effect{40_00, 40_00}) {
					t.Fatalf("it came to %+v", want)
				}
				replay := func(when string) {
					t.Helper()
					for name, frame := range frames {
						for line, by := range map[string]*device{"its own line": d, "another terminal's line": other} {
							if code := by.raw(frame); !replayed[code] {
								t.Errorf("%s again %s, on %s, is answered %s", name, when, line, code)
							}
						}
						w.heal()
						if e := w.effect(d.shop); e != want {
							t.Errorf("%s again %s moved %+v to %+v", name, when, want, e)
						}
					}
				}
				replay("within the batch")
				for name, frame := range frames { // claimed by another terminal: its name is under the MAC
					forged := bytes.Replace(frame, []byte(d.id), []byte(other.id), 1)
					if code := other.raw(forged); code != "A0" && code != "63" && code != "A7" {
						t.Errorf("%s under another terminal's name is answered %s", name, code)
					}
				}
				d.settle(61_50-3_00, 2, 18_50, 2)
				replay("in another batch")
				w.pass(24 * time.Hour)
				replay("on another day")
				d.signOn(p.signOn)
				replay("under new keys")
				d.must(d.sale(1_00)) // the terminal itself goes on
			})
		}
	})
}

// raw sends bytes on the device's line and gives the answer's code, whatever its MAC.
func (d *device) raw(frame []byte) string {
	d.w.t.Helper()
	d.send(frame)
	raw, err := readRaw(d.conn)
	if err != nil {
		d.w.t.Fatal(err)
	}
	p := d.profile()
	f, err := p.ParseFrame(raw)
	if err != nil {
		d.w.t.Fatal(err)
	}
	m, err := p.Unpack(f.Body)
	if err != nil {
		d.w.t.Fatal(err)
	}
	return m.Text(39)
}

// TestADialectIsItsTerminals sends one profile's message in another's frame.
func TestADialectIsItsTerminals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.deviceOf("unionpay-pos")
	spoken := d.sale(1_00).pack()
	psp := &device{w: w, shop: d.shop, id: d.id, speech: speech{name: "psp"}}
	if code := psp.raw(psp.framed(spoken)); code != "58" {
		t.Errorf("a terminal of another profile is answered %s", code)
	}
	if e := w.effect(d.shop); e != (effect{}) {
		t.Errorf("it came to %+v", e)
	}
	d.must(d.sale(1_00))
}

// TestEnglishIsWhatADialectCanWrite declines a sale in a dialect without Chinese.
func TestEnglishIsWhatADialectCanWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for _, p := range everyProfile {
		d := w.deviceOf(p.name)
		want := "可用余额不足。"
		if d.derives() {
			want = "There is not enough money on the card. "
		}
		if a := d.expect("51", d.sale(90_51)); !strings.HasPrefix(a.says(), want) {
			t.Errorf("%s says %q, want %q", p.name, a.says(), want)
		}
	}
}

// TestWhatADialectHasAndTheHostDoesNot refuses keys in a dialect that has none.
func TestWhatADialectHasAndTheHostDoesNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	psp := w.deviceOf("psp")
	psp.expect("40", psp.request("0800", "00", "001").set(63, "001"))
	derived := w.deviceOf("dukpt")
	derived.expect("40", derived.request("0800", "00", "004").set(63, "001"))
}

// TestADerivedMessageMustProveItself leaves out what proves it.
func TestADerivedMessageMustProveItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	for _, name := range []string{"dukpt", "dukpt-aes"} {
		d := w.deviceOf(name)
		if code := d.raw(d.framed(d.request("0800", "00", "005").set(63, "001").pack())); code != "63" {
			t.Errorf("%s: a sign-on without a MAC is answered %s", name, code)
		}
		other := w.deviceOf(name) // with a reader of its own, under d's name
		frame := other.frame(d.manual(1_00, "credit"))
		if code := other.raw(frame); code != "A7" {
			t.Errorf("%s: another reader's message is answered %s", name, code)
		}
		if e := w.effect(d.shop); e != (effect{}) {
			t.Errorf("%s: it came to %+v", name, e)
		}
		d.must(d.sale(1_00))
	}
}

// TestAPortMayTakeOneDialect gives a listener one profile.
func TestAPortMayTakeOneDialect(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t), func(c *Config) { c.Profile, c.MaxBad = iso8583.PSP, 1 })
	d := w.deviceOf("psp")
	d.must(d.sale(1_00))
	stranger := d.shop.device("en") // of unionpay-pos
	in := &device{w: w, shop: d.shop, id: stranger.id, speech: speech{name: "psp"}}
	if code := in.raw(in.framed(stranger.request("0820", "00", "301").pack())); code != "58" {
		t.Errorf("a terminal of another profile is answered %s", code)
	}
	stranger.send(stranger.frame(stranger.request("0820", "00", "301")))
	if raw, err := readRaw(stranger.conn); err == nil {
		t.Errorf("another dialect is answered %x", raw)
	}
}
