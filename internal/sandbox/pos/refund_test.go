package pos

import (
	"errors"
	"strings"
	"testing"

	"hawker/internal/iso8583"
)

// settledSale opens a terminal with one sale of 46.50 in a settled batch.
func settledSale(t *testing.T, h *host) (*Terminal, Result) {
	t.Helper()
	pos := h.open()
	sale := must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
	must(t)(pos.SettleBatch(t.Context()))
	h.said()
	return pos, sale
}

func TestRefund(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos, sale := settledSale(t, h)
		r := must(t)(pos.Refund(t.Context(), Original{Trace: sale.Trace}, yuan("6.50"), swiped("test-credit")))
		m := h.request(0)
		if m.Text(37) != sale.RRN || m.Text(61) != "000007"+six(sale.Trace)+sale.Time.Format("0102") || m.Text(4) != "000000000650" {
			t.Errorf("the refund is %v", m)
		}
		h.expect(r, Approved, "00", "0220")
		s, _ := pos.Status()
		if want := (Totals{0, zero(), 1, yuan("6.50")}); s.Totals != want || s.Batch != 8 {
			t.Errorf("batch %d, totals %+v", s.Batch, s.Totals)
		}
	})
}

func TestRefundByReference(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos, _ := settledSale(t, h)
		r := must(t)(pos.Refund(t.Context(), Original{RRN: "123456789012", Batch: 3, Trace: 17}, yuan("1"), swiped("test-debit")))
		if got := h.request(0).Text(61); got != "0000030000170000" {
			t.Errorf("field 61 is %s", got)
		}
		h.expect(r, Approved, "00", "0220")
	})
}

func TestRefundRefusesBeforeSending(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos, sale := settledSale(t, h)
		for name, row := range map[string]struct {
			of   Original
			p    Presented
			want error
		}{
			"another card":       {Original{Trace: sale.Trace}, swiped("test-debit"), ErrNotRefundable},
			"nothing known":      {Original{Trace: 4711}, swiped("test-credit"), ErrNotFound},
			"a short reference":  {Original{RRN: "123"}, swiped("test-credit"), ErrNotFound},
			"an impossible date": {Original{RRN: "123456789012", Date: "today"}, swiped("test-credit"), ErrNotFound},
			"a negative trace":   {Original{RRN: "123456789012", Trace: -1}, swiped("test-credit"), ErrNotFound},
		} {
			if _, err := pos.Refund(t.Context(), row.of, yuan("1"), row.p); !errors.Is(err, row.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := h.said(); got != "" {
			t.Errorf("the host heard %q", got)
		}
	})
}

func TestAnUnansweredRefundIsRepeatedUnchanged(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos, sale := settledSale(t, h)
		chip := swiped("test-credit")
		chip.Entry = Chip
		h.once("0220", fault{silent: true})
		r := must(t)(pos.Refund(t.Context(), Original{Trace: sale.Trace}, yuan("6.50"), chip))
		first := h.request(0)
		h.expect(r, Unknown, "", "0220")

		if _, err := pos.Refund(t.Context(), Original{Trace: sale.Trace}, yuan("6.50"), chip); !errors.Is(err, ErrRefundPending) {
			t.Errorf("a second refund of the same sale: %v", err)
		}
		h.expect(must(t)(pos.Sale(t.Context(), yuan("5"), swiped("test-debit"))), Approved, "00", "0200")

		pos = h.crash(pos)
		resolved := must(t)(pos.ResolvePending(t.Context()))
		again := h.request(0)
		h.expect(resolved, Accepted, "", "0220")
		if !sameButForMAC(first, again) {
			t.Errorf("first\n%v, then\n%v", first, again)
		}
		if len(resolved.Items) != 1 || resolved.Items[0].State != Approved || resolved.Items[0].Trace != r.Trace {
			t.Errorf("items %+v", resolved.Items)
		}
		if len(h.onDisk().Refunds) != 0 {
			t.Error("the card data outlived the answer")
		}
		if got := h.totals(); got.CreditCount != 1 {
			t.Errorf("the host refunded %d times", got.CreditCount)
		}
	})
}

func sameButForMAC(a, b *iso8583.Message) bool {
	for _, n := range a.Fields() {
		if n != 64 && a.Text(n) != b.Text(n) {
			return false
		}
	}
	return len(a.Fields()) == len(b.Fields())
}

func TestAnswersToARefund(t *testing.T) {
	for name, row := range map[string]struct {
		first fault
		then  fault
		state State
		said  string
	}{
		"the host asks the bank, then knows":      {fault{code: "98"}, fault{}, Approved, "0220"},
		"unknown, then refused":                   {fault{lost: true}, fault{code: "61"}, Declined, "0220"},
		"approved: a repeat is not refused":       {fault{silent: true}, fault{code: "61"}, Approved, "0220"},
		"wrong MAC, then known":                   {fault{bytes: spoilLast}, fault{}, Approved, "0800 0220"},
		"keys out of step, then known":            {fault{code: "A0", noMAC: true}, fault{}, Approved, "0800 0220"},
		"77 to a repeat speaks of the repeat":     {fault{silent: true}, fault{code: "77"}, Approved, "0220 0800 0220"},
		"header asks to sign on: not sent thrice": {fault{silent: true}, fault{header: iso8583.DefaultHeader.WithProcessingRequest(3)}, Approved, "0220"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				pos, sale := settledSale(t, h)
				h.once("0220", row.first)
				r := must(t)(pos.Refund(t.Context(), Original{Trace: sale.Trace}, yuan("6.50"), swiped("test-credit")))
				if r.State != Unknown {
					t.Fatalf("first: %s", r.State)
				}
				h.said()
				h.once("0220", row.then)
				r = must(t)(pos.ResolvePending(t.Context()))
				if got := h.said(); got != row.said || len(r.Items) != 1 || r.Items[0].State != row.state {
					t.Errorf("host heard %q, items %+v", got, r.Items)
				}
			})
		})
	}
}

// The bank gave the money back and the answer was lost. A host that then cannot
// look has not said that nothing was given back.
func TestARefusalOfTheRepeatDoesNotEndARefund(t *testing.T) {
	for _, code := range []string{"03", "58", "77", "94", "96", "97", "99", "A0"} {
		t.Run(code, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				pos, sale := settledSale(t, h)
				h.once("0220", fault{silent: true})
				must(t)(pos.Refund(t.Context(), Original{Trace: sale.Trace}, yuan("6.50"), swiped("test-credit")))
				h.always("0220", fault{code: code})
				if r := must(t)(pos.ResolvePending(t.Context())); r.State != Unknown || len(r.Items) != 1 || r.Items[0].State != Unknown {
					t.Errorf("%s, items %+v", r.State, r.Items)
				}
				if _, err := pos.SettleBatch(t.Context()); !errors.Is(err, ErrRefundPending) {
					t.Errorf("a settlement meanwhile: %v", err)
				}
				pos = h.crash(pos)
				h.set(nil)
				r := must(t)(pos.SettleBatch(t.Context()))
				if want := (Totals{0, zero(), 1, yuan("6.50")}); !r.Settlement.Balanced || r.Settlement.Own != want {
					t.Errorf("settlement %+v", r.Settlement)
				}
			})
		})
	}
}

// Some of those codes are the bank's too: then the answer has the host's reference.
func TestARefusalWithAReferenceEndsARefund(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos, sale := settledSale(t, h)
		h.once("0220", fault{lost: true})
		must(t)(pos.Refund(t.Context(), Original{Trace: sale.Trace}, yuan("6.50"), swiped("test-credit")))
		h.once("0220", fault{code: "58", answer: func(m *iso8583.Message) { m.Set(37, "R00000000005") }})
		if r := must(t)(pos.ResolvePending(t.Context())); r.State != Accepted || r.Items[0].State != Declined || r.Items[0].Code != "58" {
			t.Errorf("%s, items %+v", r.State, r.Items)
		}
	})
}

func TestARefundRefusedAtOnceIsDeclined(t *testing.T) {
	for _, code := range []string{"61", "77", "91", "25"} {
		t.Run(code, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				pos, sale := settledSale(t, h)
				h.once("0220", fault{code: code})
				r := must(t)(pos.Refund(t.Context(), Original{Trace: sale.Trace}, yuan("6.50"), swiped("test-credit")))
				h.expect(r, Declined, code, "0220")
				if len(h.onDisk().Refunds) != 0 {
					t.Error("the card data outlived the answer")
				}
			})
		})
	}
}

func TestRefundIsOnDiskBeforeItLeaves(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos, sale := settledSale(t, h)
		h.seen = func(m *iso8583.Message) {
			s := h.onDisk()
			if len(s.Refunds) != 1 || six(s.Refunds[0].Trace) != m.Text(11) {
				t.Errorf("when %s arrived the file had %+v", m.Text(11), s.Refunds)
			}
		}
		must(t)(pos.Refund(t.Context(), Original{Trace: sale.Trace}, yuan("6.50"), swiped("test-credit")))
	})
}

func TestASealedRefundOpensOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	k := secure{Memory: make([]byte, 32)}
	box, err := k.sealMessage(iso8583.New("0220").Set(2, "6259000000000015"), "refund 000007000001")
	if err != nil || strings.Contains(string(box), "6259000000000015") {
		t.Fatalf("sealed: %v", err)
	}
	if m, err := k.unsealMessage(box, "refund 000007000001"); err != nil || m.Text(2) != "6259000000000015" {
		t.Errorf("unsealed: %v, %v", m, err)
	}
	if _, err := k.unsealMessage(box, "refund 000007000002"); err == nil {
		t.Error("it opens for another transaction")
	}
	box[len(box)-1] ^= 1
	if _, err := k.unsealMessage(box, "refund 000007000001"); err == nil {
		t.Error("it opens after a change")
	}
}
