package pos

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"hawker/internal/iso8583"
)

// onDisk reads the state file as a program that starts after a crash would.
func (h *host) onDisk() *state {
	b, err := os.ReadFile(h.path)
	if err != nil {
		h.t.Error(err)
		return &state{}
	}
	s, err := parseState(b)
	if err != nil {
		h.t.Error(err)
		return &state{}
	}
	return s
}

func TestReversalIsOnDiskBeforeTheRequestLeaves(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		looked := 0
		h.seen = func(m *iso8583.Message) {
			if m.MTI != "0200" {
				return
			}
			looked++
			s := h.onDisk()
			if s.Reversal == nil || s.Reversal.Fields[11] != m.Text(11) || s.Reversal.Reason != reasonSilent {
				t.Errorf("when %s arrived the file had the reversal %+v", m.Text(11), s.Reversal)
				return
			}
			if six(s.Trace) == m.Text(11) {
				t.Error("the trace number could be spent twice")
			}
			if tx := find(s.Rows, s.Reversal.Trace); tx == nil || tx.State != Unknown {
				t.Errorf("its row is %+v", tx)
			}
		}
		sale := must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
		must(t)(pos.Void(t.Context(), sale.Trace))
		if looked != 2 {
			t.Errorf("looked %d times", looked)
		}
		if h.onDisk().Reversal != nil {
			t.Error("the reversal outlived the approval")
		}
	})
}

// crash forgets the terminal as a loss of power would, and switches it on again.
func (h *host) crash(pos *Terminal) *Terminal {
	pos.unlock()
	return h.open()
}

func TestReversalIsSentAfterACrash(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		h.once("0200", fault{silent: true})
		must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
		pos = h.crash(pos)
		h.said()
		r := must(t)(pos.Sale(t.Context(), yuan("10"), swiped("test-credit")))
		h.expect(r, Approved, "00", "0400/98 0200")
		if len(r.Notes) != 1 {
			t.Errorf("the merchant is not told of the reversal: %v", r.Notes)
		}
		if t0 := h.totals(); t0.DebitCount != 1 || t0.DebitAmount != 1000 {
			t.Errorf("the host counts %+v", t0)
		}
	})
}

func TestReversalIsRepeatedUntilItEnds(t *testing.T) {
	for _, code := range []string{"00", "12", "25"} {
		t.Run(code, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				pos := h.open(func(o *Options) { o.Tries = 2 })
				h.once("0200", fault{silent: true})
				must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
				h.said()

				h.always("0400", fault{silent: true})
				h.expect(must(t)(pos.ResolvePending(t.Context())), Unknown, "", "0400/98 0400/98")
				if _, err := pos.Sale(t.Context(), yuan("1"), swiped("test-credit")); !errors.Is(err, ErrReversalPending) {
					t.Errorf("a sale while a reversal is pending: %v", err)
				}
				if got := h.said(); got != "0400/98 0400/98" {
					t.Errorf("the host heard %q", got)
				}
				h.always("0400", fault{code: "96"})
				h.expect(must(t)(pos.ResolvePending(t.Context())), Unknown, "", "0400/98")
				if e := h.onDisk().Reversal.evidence; e.Count != 5 || e.Tries[4].Code != "96" || e.Tries[0].Code != "" {
					t.Errorf("evidence %+v", e)
				}
				h.once("0400", fault{answer: func(m *iso8583.Message) { m.Set(39, code) }})
				r := must(t)(pos.ResolvePending(t.Context()))
				h.expect(r, Accepted, "", "0400/98")
				if len(r.Items) != 1 || r.Items[0].State != Reversed || r.Items[0].Undone != code {
					t.Errorf("items %+v", r.Items)
				}
				h.expect(must(t)(pos.ResolvePending(t.Context())), Accepted, "", "")
				h.expect(must(t)(pos.Sale(t.Context(), yuan("1"), swiped("test-credit"))), Approved, "00", "0200")
			})
		})
	}
}

func TestReversalNeedsAnAuthenticAnswer(t *testing.T) {
	for name, row := range map[string]struct {
		fault fault
		said  string
	}{
		"wrong MAC":         {fault{bytes: spoilLast}, "0400/98 0800 0400/98"},
		"no MAC":            {fault{noMAC: true}, "0400/98 0800 0400/98"},
		"keys out of step":  {fault{code: "A0", noMAC: true}, "0400/98 0800 0400/98"},
		"sign on again":     {fault{code: "77"}, "0400/98 0800 0400/98"},
		"cut in the middle": {fault{cut: true}, "0400/98 0400/98"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				pos := h.open()
				h.once("0200", fault{silent: true})
				must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
				h.said()
				h.once("0400", row.fault)
				h.expect(must(t)(pos.ResolvePending(t.Context())), Accepted, "", row.said)
			})
		})
	}
}

func TestReversalRepeatsItsOriginal(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		sale := must(t)(pos.Sale(t.Context(), yuan("46.50"), withThePIN(swiped("test-credit"))))
		h.once("0200", fault{lost: true})
		void := must(t)(pos.Void(t.Context(), sale.Trace))
		h.expect(void, Unknown, "", "0800 0200 0200")
		r := must(t)(pos.ResolvePending(t.Context()))
		want := fmt.Sprintf("3=200000 4=000000004650 11=%06d 22=012 25=00 39=98 41=%s 42=%s 49=156 60=23000007000 61=000007%06d%s ",
			void.Trace, testTerminal, testMerchant, sale.Trace, time.Now().In(beijing).Format("0102"))
		got := ""
		for _, n := range h.request(0).Fields() {
			if n != 64 {
				got += fmt.Sprintf("%d=%s ", n, h.request(0).Text(n))
			}
		}
		if got != want {
			t.Errorf("the reversal is\n%s, want\n%s", got, want)
		}
		if r.Items[0].Undone != "25" || r.Items[0].Kind != Void || r.Items[0].State != Reversed {
			t.Errorf("items %+v", r.Items)
		}
		h.said()
		h.expect(must(t)(pos.Void(t.Context(), sale.Trace)), Approved, "00", "0200")
	})
}

// A success that the terminal cannot keep is no success: after a restart it would be reversed.
func TestAnApprovalThatCannotBeKeptIsUnknown(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		must(t)(pos.SignOn(t.Context()))
		real := pos.path
		h.seen = func(*iso8583.Message) { pos.path = real + "/not a directory" }
		h.said()
		h.expect(must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit"))), Unknown, "", "0200")
		h.seen, pos.path = nil, real
		if s := h.onDisk(); s.Reversal == nil || s.Rows[0].State != Unknown {
			t.Error("the file forgot the reversal")
		}
		must(t)(pos.ResolvePending(t.Context()))
		if got := h.totals(); got.DebitCount != 0 {
			t.Errorf("the host counts %+v", got)
		}
	})
}

func TestEvidenceIsBounded(t *testing.T) {
	t.Parallel()
	var e evidence
	for range 100 {
		e = e.with("96", time.Unix(0, 0))
	}
	b, err := json.Marshal(e)
	if err != nil || e.Count != 100 || len(e.Tries) != keptTries {
		t.Errorf("%s, %v", b, err)
	}
}
