package pos

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hawker/internal/iso8583"
)

func TestSettleBalanced(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
		second := must(t)(pos.Sale(t.Context(), yuan("10"), swiped("test-debit")))
		must(t)(pos.Void(t.Context(), second.Trace))
		h.said()
		r := must(t)(pos.SettleBatch(t.Context()))
		h.expect(r, Accepted, "00", "0500 0320")
		want := Totals{2, yuan("56.50"), 1, yuan("10")}
		if s := r.Settlement; s == nil || !s.Balanced || s.Own != want || s.Host != want || s.Uploaded != 0 {
			t.Errorf("settlement %+v", r.Settlement)
		}
		if !slices.Equal(h.uploaded, []string{"end 207 0000"}) {
			t.Errorf("uploaded %v", h.uploaded)
		}
		s, _ := pos.Status()
		if s.Batch != 8 || len(s.Transactions) != 0 || s.Settling != 0 || s.Totals != (Totals{0, zero(), 0, zero()}) {
			t.Errorf("status %+v", s)
		}
		if r.Batch != 7 {
			t.Errorf("the result is of batch %d", r.Batch)
		}
	})
}

func TestSettleUnbalancedUploadsEveryDetail(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		var want []string
		for i := range 11 {
			r := must(t)(pos.Sale(t.Context(), yuan(fmt.Sprintf("%d", i+1)), swiped("test-credit")))
			want = append(want, fmt.Sprintf("%06d %d", r.Trace, r.Amount.Minor()))
		}
		h.once("0200", fault{code: "51"})
		must(t)(pos.Sale(t.Context(), yuan("1"), swiped("test-credit")))
		for _, e := range h.sales { // the host knows more than the terminal
			e.amount++
			break
		}
		h.said()
		r := must(t)(pos.SettleBatch(t.Context()))
		for _, m := range h.heard {
			if m.Text(60)[2:8] != "000007" {
				t.Errorf("%s is for batch %s", m.MTI, m.Text(60)[2:8])
			}
		}
		h.expect(r, Accepted, "00", "0500 0320 0320 0320")
		if s := r.Settlement; s.Balanced || s.Uploaded != 11 || s.Host.DebitAmount.Minor() != s.Own.DebitAmount.Minor()+1 {
			t.Errorf("settlement %+v", s)
		}
		if want = append(want, "end 202 0011"); !slices.Equal(h.uploaded, want) {
			t.Errorf("uploaded %v, want %v", h.uploaded, want)
		}
	})
}

func TestSettlementIsTakenUpWhereItStood(t *testing.T) {
	for name, row := range map[string]struct {
		mti   string
		nth   int
		fault fault
		first string
		then  string
	}{
		"totals lost":              {"0500", 1, fault{lost: true}, "0500", "0500 0320 0320"},
		"answer to totals lost":    {"0500", 1, fault{silent: true}, "0500", "0500 0320 0320"},
		"details lost":             {"0320", 1, fault{lost: true}, "0500 0320", "0320 0320"},
		"answer to details lost":   {"0320", 1, fault{silent: true}, "0500 0320", "0320 0320"},
		"answer to the end lost":   {"0320", 2, fault{silent: true}, "0500 0320 0320", "0320"},
		"totals in half an answer": {"0500", 1, fault{cut: true}, "0500", "0500 0320 0320"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				pos := h.open()
				sale := must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
				for _, e := range h.sales {
					e.amount++ // so that there are details
				}
				h.said()
				seen := 0
				h.set(func(m *iso8583.Message) fault {
					if m.MTI == row.mti {
						if seen++; seen == row.nth {
							return row.fault
						}
					}
					return fault{}
				})
				r := must(t)(pos.SettleBatch(t.Context()))
				if got := h.said(); r.State != Unknown || got != row.first {
					t.Fatalf("first: %s, host heard %q", r.State, got)
				}
				pos = h.crash(pos)
				if _, err := pos.Sale(t.Context(), yuan("1"), swiped("test-credit")); row.mti == "0500" && !errors.Is(err, ErrSettling) {
					t.Errorf("a sale in a batch that may be closed: %v", err)
				}
				h.said()
				r = must(t)(pos.SettleBatch(t.Context()))
				if got := h.said(); r.State != Accepted || got != row.then || r.Batch != 7 {
					t.Errorf("then: %s of batch %d, host heard %q", r.State, r.Batch, got)
				}
				want := []string{fmt.Sprintf("%06d 4650", sale.Trace), "end 202 0001"}
				if !slices.Equal(h.uploaded, want) {
					t.Errorf("uploaded %v, want %v", h.uploaded, want)
				}
				if s, _ := pos.Status(); s.Batch != 8 || s.Settling != 0 || h.batch != 8 {
					t.Errorf("batch %d, settling %d, host at %d", s.Batch, s.Settling, h.batch)
				}
			})
		})
	}
}

func TestASignOnBetweenTotalsAndTheirAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
		h.once("0500", fault{silent: true})
		must(t)(pos.SettleBatch(t.Context()))
		h.jump(12) // and it went on without us
		if r := must(t)(pos.SignOn(t.Context())); r.Batch != 12 || len(r.Notes) != 0 {
			t.Errorf("batch %d, notes %v", r.Batch, r.Notes)
		}
		h.said()
		r := must(t)(pos.SettleBatch(t.Context()))
		h.expect(r, Accepted, "00", "0500 0320")
		if s, _ := pos.Status(); s.Batch != 12 || r.Batch != 7 || !r.Settlement.Balanced {
			t.Errorf("status %+v, settlement %+v", s, r.Settlement)
		}
		if closed := pos.state.Closed; len(closed) != 1 || closed[0].Lost {
			t.Errorf("closed %+v", closed)
		}
	})
}

func TestSettleSendsWhatIsPendingFirst(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos, sale := settledSale(t, h)
		h.once("0220", fault{silent: true})
		must(t)(pos.Refund(t.Context(), Original{Trace: sale.Trace}, yuan("1"), swiped("test-credit")))
		h.once("0200", fault{silent: true})
		must(t)(pos.Sale(t.Context(), yuan("2"), swiped("test-credit")))
		h.said()
		h.always("0220", fault{code: "98"})
		if _, err := pos.SettleBatch(t.Context()); !errors.Is(err, ErrRefundPending) {
			t.Errorf("with a refund in progress: %v", err)
		}
		if got := h.said(); got != "0400/98 0220" {
			t.Errorf("the host heard %q", got)
		}
		h.set(nil)
		r := must(t)(pos.SettleBatch(t.Context()))
		h.expect(r, Accepted, "00", "0220 0500 0320")
		if want := (Totals{0, zero(), 1, yuan("1")}); r.Settlement.Own != want || !r.Settlement.Balanced {
			t.Errorf("settlement %+v", r.Settlement)
		}
	})
}

func TestSettlementRefused(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
		h.said()
		h.once("0500", fault{code: "96"})
		h.expect(must(t)(pos.SettleBatch(t.Context())), Declined, "96", "0500")
		if s, _ := pos.Status(); s.Batch != 7 || s.Settling != 0 || s.Totals.DebitCount != 1 {
			t.Errorf("status %+v", s)
		}
		h.once("0500", fault{code: "77"})
		h.expect(must(t)(pos.SettleBatch(t.Context())), Declined, "77", "0500")
		h.expect(must(t)(pos.SettleBatch(t.Context())), Accepted, "00", "0800 0500 0320")
	})
}

func TestARefusalOfTheRepeatedTotalsIsNoEnd(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
		h.said()
		h.once("0500", fault{silent: true}) // the host has closed the batch
		h.expect(must(t)(pos.SettleBatch(t.Context())), Unknown, "", "0500")
		h.once("0500", fault{code: "96"})
		if r := must(t)(pos.SettleBatch(t.Context())); r.State != Unknown {
			t.Errorf("96 to the repeat: %s", r.State)
		}
		h.said()
		h.expect(must(t)(pos.SettleBatch(t.Context())), Accepted, "00", "0500 0320")
		if s, _ := pos.Status(); s.Batch != 8 || s.Settling != 0 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestRefusedDetailsDoNotStopTheNextBatch(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
		h.sales["000007000002"].amount++
		h.said()
		h.always("0320", fault{code: "40"})
		r := must(t)(pos.SettleBatch(t.Context()))
		h.expect(r, Accepted, "00", "0500 0320 0320")
		if len(r.Notes) != 2 || r.Settlement.Uploaded != 0 {
			t.Errorf("notes %v, settlement %+v", r.Notes, r.Settlement)
		}
		if s, _ := pos.Status(); s.Batch != 8 || s.Settling != 0 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestABatchThatTheHostLeft(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		sale := must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
		h.jump(12)
		h.said()
		h.expect(must(t)(pos.Sale(t.Context(), yuan("1"), swiped("test-credit"))), Declined, "77", "0200")
		r := must(t)(pos.Sale(t.Context(), yuan("1"), swiped("test-credit")))
		h.expect(r, Approved, "00", "0800 0200")
		if r.Batch != 12 || len(r.Notes) != 2 || !strings.Contains(r.Notes[0].EN, "batch 000007 was not settled") {
			t.Errorf("batch %d, notes %v", r.Batch, r.Notes)
		}
		if again, err := pos.Reprint(sale.Trace); err != nil || again.Batch != 7 {
			t.Errorf("the old batch is forgotten: %v", err)
		}
	})
}

func TestTheLastBatchIsFollowedByTheFirst(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		h.batch = 999999
		pos := h.open()
		must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
		must(t)(pos.SettleBatch(t.Context()))
		if s, _ := pos.Status(); s.Batch != 1 {
			t.Errorf("batch %d", s.Batch)
		}
		h.said()
		h.expect(must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit"))), Approved, "00", "0200")
	})
}

func TestSettleTellsWhatChipsSaidAndNoticesOnce(t *testing.T) {
	play := func(t *testing.T, h *host, pos *Terminal) (stripe, chip, refund, near Result) {
		t.Helper()
		stripe = must(t)(pos.Sale(t.Context(), yuan("10"), swiped("test-credit")))
		chip = must(t)(pos.Sale(t.Context(), yuan("5"), inserted("test-chip")))
		refund = must(t)(pos.Refund(t.Context(), Original{Trace: stripe.Trace}, yuan("2"), swiped("test-credit")))
		near = must(t)(pos.Sale(t.Context(), yuan("3"), Presented{Card: inserted("test-chip").Card, Entry: Contactless}))
		return stripe, chip, refund, near
	}
	for name, cut := range map[string]fault{"": {}, ", an answer lost": {silent: true}, ", a detail lost": {lost: true}} {
		t.Run("all of them when the batch does not balance"+name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				pos := h.open()
				stripe, chip, refund, near := play(t, h, pos)
				h.sales[six(stripe.Batch)+six(stripe.Trace)].amount++
				n := 0
				h.set(func(m *iso8583.Message) fault { // the second detail of the upload meets it, once
					if m.MTI == "0320" {
						n++
					}
					if n == 2 && m.MTI == "0320" {
						return cut
					}
					return fault{}
				})
				r := must(t)(pos.SettleBatch(t.Context()))
				if cut.silent || cut.lost {
					if r.State != Unknown {
						t.Fatalf("%s", r.State)
					}
					r = must(t)(pos.SettleBatch(t.Context()))
				}
				want := []string{six(stripe.Trace) + " 1000", "205 40 " + six(chip.Trace) + " 500", "205 80 " + six(near.Trace) + " 300", "type 25 " + six(refund.Trace) + " 200", "end 202 0004"}
				if !slices.Equal(h.uploaded, want) || r.State != Accepted || r.Settlement.Uploaded != 4 {
					t.Errorf("uploaded %v, want %v: %s", h.uploaded, want, r.State)
				}
			})
		})
	}
	t.Run("only chips' when it balances", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h := newHost(t)
			pos := h.open()
			_, chip, _, near := play(t, h, pos)
			must(t)(pos.SettleBatch(t.Context()))
			want := []string{"203 40 " + six(chip.Trace) + " 500", "203 80 " + six(near.Trace) + " 300", "end 207 0002"}
			if !slices.Equal(h.uploaded, want) {
				t.Errorf("uploaded %v, want %v", h.uploaded, want)
			}
		})
	})
	t.Run("what the host has already is not told as refused", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h := newHost(t)
			pos := h.open()
			play(t, h, pos)
			h.once("0320", fault{code: "94"})
			if r := must(t)(pos.SettleBatch(t.Context())); len(r.Notes) != 0 || r.Settlement.Uploaded != 2 {
				t.Errorf("%v, %d uploaded", r.Notes, r.Settlement.Uploaded)
			}
		})
	})
}

func TestSettleTellsWhatAChipRefused(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		h.once("0200", fault{answer: func(m *iso8583.Message) { forge(m) }})
		r := must(t)(pos.Sale(t.Context(), yuan("5"), inserted("test-chip")))
		if !r.Refused || r.State != Reversed {
			t.Fatalf("%+v", r)
		}
		must(t)(pos.SettleBatch(t.Context()))
		if want := []string{"204 00 " + six(r.Trace) + " 500", "end 207 0001"}; !slices.Equal(h.uploaded, want) {
			t.Errorf("uploaded %v, want %v", h.uploaded, want)
		}
	})
}
