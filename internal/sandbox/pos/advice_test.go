package pos

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestTipsAndAdjustmentsChangeASaleOfTheBatch(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		must(t)(pos.SignOn(t.Context()))
		sale := must(t)(pos.Sale(t.Context(), yuan("100.00"), swiped("test-credit")))
		h.said()
		tip := must(t)(pos.Tip(t.Context(), sale.Trace, yuan("15.00")))
		if m := h.request(0); m.Text(37) != sale.RRN || m.Text(61)[:12] != six(sale.Batch)+six(sale.Trace) || m.Text(4) != "000000001500" {
			t.Errorf("it points at %v", m)
		}
		h.expect(tip, Approved, "00", "0220")
		less := must(t)(pos.Adjust(t.Context(), sale.Trace, yuan("90.00")))
		if less.Amount != yuan("25.00") {
			t.Errorf("taken off %s", less.Amount)
		}
		h.expect(less, Approved, "00", "0220")
		for l, words := range map[Language][]string{Chinese: {"小费", "15.00"}, English: {"TIP", "15.00"}} {
			for _, want := range words {
				if slip := Slip(tip, Merchant, l); !strings.Contains(slip, want) {
					t.Errorf("no %s in\n%s", want, slip)
				}
			}
		}
		if slip := Slip(less, Customer, English); !strings.Contains(slip, "ADJUSTMENT") || !strings.Contains(slip, "-25.00") {
			t.Errorf("slip\n%s", slip)
		}
		for name, row := range map[string]struct {
			do   func() (Result, error)
			want error
		}{
			"adjusted upwards":         {func() (Result, error) { return pos.Adjust(t.Context(), sale.Trace, yuan("90.00")) }, ErrNotLess},
			"adjusted to nothing":      {func() (Result, error) { return pos.Adjust(t.Context(), sale.Trace, yuan("0")) }, ErrAmount},
			"a tip of nothing":         {func() (Result, error) { return pos.Tip(t.Context(), sale.Trace, yuan("0")) }, ErrAmount},
			"a tip of a tip":           {func() (Result, error) { return pos.Tip(t.Context(), tip.Trace, yuan("1")) }, ErrNotChangeable},
			"a tip of what is unknown": {func() (Result, error) { return pos.Tip(t.Context(), 999, yuan("1")) }, ErrNotFound},
			"a refund of a tip": {func() (Result, error) {
				return pos.Refund(t.Context(), Original{Trace: tip.Trace}, yuan("1"), swiped("test-credit"))
			}, ErrNotRefundable},
		} {
			if _, err := row.do(); !errors.Is(err, row.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		void := must(t)(pos.Void(t.Context(), sale.Trace))
		if void.State != Approved || void.Amount != yuan("90.00") {
			t.Errorf("voided %s: %s", void.Amount, void.State)
		}
		if _, err := pos.Tip(t.Context(), sale.Trace, yuan("1")); !errors.Is(err, ErrNotChangeable) {
			t.Errorf("after the void: %v", err)
		}
		if s := must(t)(pos.SettleBatch(t.Context())); !s.Settlement.Balanced || s.Settlement.Own.DebitCount != 2 || s.Settlement.Own.CreditCount != 2 {
			t.Errorf("%+v", s.Settlement)
		}
	})
}

func TestNoticesWithoutAnAnswerAreRepeated(t *testing.T) {
	for name, ft := range map[string]fault{"silence": {silent: true}, "the request was lost": {lost: true}, "a wrong MAC": {bytes: spoilLast}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				pos := h.open()
				sale := must(t)(pos.Sale(t.Context(), yuan("100.00"), swiped("test-credit")))
				h.once("0220", ft)
				tip := must(t)(pos.Tip(t.Context(), sale.Trace, yuan("10.00")))
				if tip.State != Unknown || tip.Text == (Words{}) || tip.Action == (Words{}) {
					t.Fatalf("%+v", tip)
				}
				if _, err := pos.Void(t.Context(), sale.Trace); !errors.Is(err, ErrRefundPending) {
					t.Errorf("a void meanwhile: %v", err)
				}
				if _, err := pos.Adjust(t.Context(), sale.Trace, yuan("1")); !errors.Is(err, ErrRefundPending) {
					t.Errorf("an adjustment meanwhile: %v", err)
				}
				h.once("0220", ft)
				if off := must(t)(pos.OfflineSale(t.Context(), yuan("20.00"), withThePIN(swiped("test-credit")))); off.State != Unknown {
					t.Fatalf("%+v", off)
				}
				if r := must(t)(pos.ResolvePending(t.Context())); r.State != Accepted || len(r.Items) != 2 || r.Items[0].State != Approved || r.Items[1].State != Approved {
					t.Fatalf("%+v", r)
				}
				if s := must(t)(pos.SettleBatch(t.Context())); !s.Settlement.Balanced || s.Settlement.Own.DebitAmount != yuan("130.00") {
					t.Errorf("%+v", s.Settlement)
				}
			})
		})
	}
}

func TestAnUnbalancedBatchTellsItsNotices(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		sale := must(t)(pos.Sale(t.Context(), yuan("100.00"), swiped("test-credit")))
		tip := must(t)(pos.Tip(t.Context(), sale.Trace, yuan("10.00")))
		less := must(t)(pos.Adjust(t.Context(), sale.Trace, yuan("50.00")))
		off := must(t)(pos.OfflineSale(t.Context(), yuan("20.00"), inserted("test-chip")))
		h.sales[six(sale.Batch)+six(sale.Trace)].amount++
		must(t)(pos.SettleBatch(t.Context()))
		want := []string{six(sale.Trace) + " 10000", "type 34 " + six(tip.Trace) + " 1000", "type 32 " + six(less.Trace) + " 6000", "type 30 " + six(off.Trace) + " 2000", "end 202 0004"}
		if !slices.Equal(h.uploaded, want) {
			t.Errorf("uploaded %v, want %v", h.uploaded, want)
		}
	})
}
