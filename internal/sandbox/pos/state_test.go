package pos

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hawker/internal/sandbox/cards"
	"hawker/internal/tdes"
)

func TestOpenSaysWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	if _, err := Open(filepath.Join(t.TempDir(), "terminal.json"), Options{}); !errors.Is(err, ErrNoState) {
		t.Errorf("no file: %v", err)
	}

	h := newHost(t)
	pos := h.open()
	if _, err := Open(h.path, Options{}); !errors.Is(err, ErrInUse) {
		t.Errorf("a second program: %v", err)
	}
	if err := pos.Close(); err != nil {
		t.Fatal(err)
	}
	if err := pos.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
	if _, err := pos.Echo(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("used when closed: %v", err)
	}

	for _, mode := range []fs.FileMode{0o640, 0o604, 0o666} {
		if err := os.Chmod(h.path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(h.path, Options{}); !errors.Is(err, ErrExposed) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if err := os.Chmod(h.path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.path, []byte(`{"version":1,`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(h.path, Options{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("half a file: %v", err)
	}
}

func TestProvision(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	if err := Provision(h.path, h.device()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(h.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	before, _ := os.ReadFile(h.path)
	if err := Provision(h.path, h.device()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("again: %v", err)
	}
	if now, _ := os.ReadFile(h.path); string(now) != string(before) {
		t.Error("a second provisioning changed the file")
	}

	short, _ := tdes.NewKey(testTMK[:8])
	for name, spoil := range map[string]func(*Device){
		"no TMK":                func(d *Device) { d.TMK = tdes.Key{} },
		"a single-length TMK":   func(d *Device) { d.TMK = short },
		"a short terminal":      func(d *Device) { d.Shop.TerminalID = "1" },
		"a short merchant":      func(d *Device) { d.Shop.MerchantID = "1" },
		"a Chinese terminal":    func(d *Device) { d.Shop.TerminalID = "终端终" },
		"no host":               func(d *Device) { d.Host = "" },
		"another language":      func(d *Device) { d.Language = "fr" },
		"single-length PIN key": func(d *Device) { d.Layout = "001" },
		"a network's profile":   func(d *Device) { d.Profile = "card-network" },
		"a long TPDU":           func(d *Device) { d.TPDU = "6000030000" },
		"an operator's name":    func(d *Device) { d.Shop.Operator = "bob" },
	} {
		d := h.device()
		spoil(&d)
		path := filepath.Join(t.TempDir(), "terminal.json")
		if err := Provision(path, d); err == nil {
			t.Errorf("%s was provisioned", name)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s left a file", name)
		}
	}
}

// secrets are what may never be seen outside an operation.
func secrets() []string {
	var all []string
	for _, c := range cards.All() {
		all = append(all, c.PAN.Reveal(), string(c.Track2().Reveal()), c.Expiry+"201", c.Expiry+"220")
	}
	return append(all, "123456")
}

func TestNoCardDataIsKeptOrTraced(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		var trace, disk, shown strings.Builder
		pos := h.open(func(o *Options) {
			o.Trace = func(d Direction, text string) {
				fmt.Fprintln(&trace, d, text)
				b, _ := os.ReadFile(h.path) // whatever there is at this moment
				disk.Write(b)
			}
		})
		for i, entry := range []Entry{Swipe, Chip, Manual, Contactless} {
			p := withThePIN(swiped("test-debit"))
			p.Entry = entry
			sale := must(t)(pos.Sale(t.Context(), yuan("46.50"), p))
			if i%2 == 0 {
				must(t)(pos.Void(t.Context(), sale.Trace))
			}
			h.once("0200", fault{silent: true})
			unknown := must(t)(pos.Sale(t.Context(), yuan("1"), p))
			h.once("0220", fault{silent: true})
			refund := must(t)(pos.Refund(t.Context(), Original{RRN: fmt.Sprintf("%012d", i)}, yuan("1"), p))
			h.once("0200", fault{bytes: spoilLast})
			must(t)(pos.Sale(t.Context(), yuan("1"), p))
			for _, r := range []Result{sale, unknown, refund} {
				b, _ := json.Marshal(r)
				shown.Write(b)
				fmt.Fprintf(&shown, "%+v %s %s", r, Slip(r, Merchant, Chinese), Slip(r, Customer, English))
			}
		}
		must(t)(pos.ResolvePending(t.Context()))
		must(t)(pos.SettleBatch(t.Context()))
		fmt.Fprintf(&shown, "%+v %#v %v %s", pos.state, pos.state, pos.state.Device, pos.state.Secure)
		mask := swiped("test-debit").Card.PAN.String()
		if !strings.Contains(trace.String(), "2="+mask) || !strings.Contains(disk.String(), `"sealed"`) {
			t.Error("this test looks in the wrong place")
		}
		for place, text := range map[string]string{"trace": trace.String(), "state": disk.String(), "results": shown.String()} {
			for _, secret := range secrets() {
				if strings.Contains(text, secret) {
					t.Errorf("%s shows %s", place, secret)
				}
			}
		}
		if text := trace.String() + shown.String(); strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", testTMK)) {
			t.Error("the master key is shown")
		}
	})
}

func TestATerminalDoesOneThingAtATime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := pos.Sale(t.Context(), yuan("1"), swiped("test-credit")); err != nil {
					t.Error(err)
				}
				if _, err := pos.Status(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := h.totals(); got.DebitCount != 20 {
			t.Errorf("the host counts %+v", got)
		}
	})
}

func TestOldBatchesAreForgotten(t *testing.T) {
	t.Parallel()
	s := &state{Batch: 1}
	for i := range 2 * keptBatches {
		s.Rows = []Transaction{{Trace: i + 1, Batch: s.Batch}}
		s.openBatch(after(s.Batch), false)
	}
	if len(s.Closed) != keptBatches || s.remembered(1) != nil || s.remembered(2*keptBatches) == nil {
		t.Errorf("%d batches kept", len(s.Closed))
	}
}

func TestEveryStateHasWords(t *testing.T) {
	t.Parallel()
	both := func(what string, w Words) {
		if (w.ZH == "") != (w.EN == "") {
			t.Errorf("%s: one language is missing: %+v", what, w)
		}
	}
	for k, states := range titles {
		for st, w := range states {
			both(string(k)+" "+string(st), w)
			if st == Unknown && (warnings[k].text == Words{} || warnings[k].action == Words{}) {
				t.Errorf("%s: nobody is told what to do while it is unknown", k)
			}
		}
	}
	for k, w := range warnings {
		both(string(k), w.text)
		both(string(k), w.action)
	}
	for code, m := range meanings {
		both(code, m.text)
		both(code, m.action)
		if m.text == (Words{}) || m.effect == refuse && m.action == (Words{}) {
			t.Errorf("%s has no text or action", code)
		}
	}
}

func FuzzState(f *testing.F) {
	h := newHost(f)
	if err := Provision(h.path, h.device()); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(h.path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseState(b)
		if err != nil {
			return
		}
		s = s.clone()
		_ = s.pending()
		_ = totalsOf(s.Rows)
		for _, rows := range s.batches() {
			for _, tx := range rows {
				_ = Slip(s.report(tx), Merchant, Chinese)
			}
		}
		if s.Reversal != nil {
			_ = s.Reversal.message()
		}
		for _, r := range s.Refunds {
			_, _ = s.Secure.unsealMessage(r.Sealed, r.label())
		}
	})
}
