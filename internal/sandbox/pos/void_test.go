package pos

import (
	"errors"
	"testing"
)

func TestVoid(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		sale := must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
		h.said()
		void := must(t)(pos.Void(t.Context(), sale.Trace))
		h.expect(void, Approved, "00", "0200")
		if void.Original != sale.Trace || void.MaskedPAN != sale.MaskedPAN || void.Amount != sale.Amount {
			t.Errorf("got %+v", void)
		}
		s, _ := pos.Status()
		if want := (Totals{1, yuan("46.50"), 1, yuan("46.50")}); s.Totals != want {
			t.Errorf("totals %+v, want %+v", s.Totals, want)
		}
	})
}

func TestVoidRefusesBeforeSending(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		sale := must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
		void := must(t)(pos.Void(t.Context(), sale.Trace))
		h.once("0200", fault{code: "51"})
		declined := must(t)(pos.Sale(t.Context(), yuan("1"), swiped("test-credit")))
		h.said()
		for name, row := range map[string]struct {
			trace int
			want  error
		}{
			"a sale already voided": {sale.Trace, ErrNotVoidable},
			"a void":                {void.Trace, ErrNotVoidable},
			"a declined sale":       {declined.Trace, ErrNotVoidable},
			"nothing":               {4711, ErrNotFound},
		} {
			if _, err := pos.Void(t.Context(), row.trace); !errors.Is(err, row.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		must(t)(pos.SettleBatch(t.Context()))
		h.said()
		if _, err := pos.Void(t.Context(), sale.Trace); !errors.Is(err, ErrNotFound) {
			t.Errorf("a settled sale: %v", err)
		}
		if got := h.said(); got != "" {
			t.Errorf("the host heard %q", got)
		}
	})
}

func TestAReversedVoidLeavesTheSale(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		sale := must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
		h.once("0200", fault{silent: true})
		void := must(t)(pos.Void(t.Context(), sale.Trace))
		r := must(t)(pos.ResolvePending(t.Context()))
		if len(r.Items) != 1 || r.Items[0].Trace != void.Trace || r.Items[0].State != Reversed {
			t.Errorf("items %+v", r.Items)
		}
		h.said()
		h.expect(must(t)(pos.Void(t.Context(), sale.Trace)), Approved, "00", "0200")
	})
}
