package pos

import (
	"errors"
	"testing"

	"hawker/internal/iso8583"
)

func TestSignOn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		r := must(t)(pos.SignOn(t.Context()))
		h.expect(r, Accepted, "00", "0800")
		s, err := pos.Status()
		if err != nil || !s.SignedOn || s.Batch != 7 || s.NextTrace != 2 {
			t.Errorf("status %+v, %v", s, err)
		}
		h.expect(must(t)(pos.Echo(t.Context())), Accepted, "00", "0820")
		h.expect(must(t)(pos.SignOff(t.Context())), Accepted, "00", "0820")
		if s, _ := pos.Status(); s.SignedOn || len(pos.state.Secure.TAK) != 0 {
			t.Error("signed off, but the working keys are still there")
		}
	})
}

func TestSignOnRefusesBadKeys(t *testing.T) {
	flip := func(b []byte) { b[0] ^= 0x10 }
	for name, spoil := range map[string]func(*iso8583.KeyBlock){
		"TPK check value": func(b *iso8583.KeyBlock) { flip(b.TPK.KCV) },
		"TAK check value": func(b *iso8583.KeyBlock) { flip(b.TAK.KCV) },
		"TDK check value": func(b *iso8583.KeyBlock) { flip(b.TDK.KCV) },
		"TAK cipher":      func(b *iso8583.KeyBlock) { flip(b.TAK.Cipher) },
		"two equal halves": func(b *iso8583.KeyBlock) {
			copy(b.TPK.Cipher[8:], b.TPK.Cipher[:8])
			k, _ := secure{TMK: testTMK}.unwrap(b.TPK.Cipher)
			b.TPK.KCV = k.KCV()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				pos := h.open()
				h.once("0800", fault{keys: spoil})
				if _, err := pos.SignOn(t.Context()); !errors.Is(err, ErrKeys) {
					t.Fatalf("got %v", err)
				}
				if s, _ := pos.Status(); s.SignedOn || len(pos.state.Secure.TPK) != 0 {
					t.Error("the terminal kept keys that do not verify")
				}
			})
		})
	}
}

func TestSignOnRefused(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		h.always("0800", fault{code: "97"})
		h.expect(must(t)(pos.SignOn(t.Context())), Declined, "97", "0800")
		if _, err := pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")); !errors.Is(err, ErrSignOn) {
			t.Errorf("a sale of a refused terminal: %v", err)
		}
		h.always("0800", fault{silent: true})
		if _, err := pos.SignOn(t.Context()); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("silence: %v", err)
		}
	})
}

func TestSignOnWithoutTrackKey(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		d := h.device()
		d.Layout = iso8583.LayoutDouble
		if err := Provision(h.path, d); err != nil {
			t.Fatal(err)
		}
		pos := h.open()
		h.expect(must(t)(pos.SignOn(t.Context())), Accepted, "00", "0800")
		if len(pos.state.Secure.TDK) != 0 || len(pos.state.Secure.TPK) != 16 {
			t.Error("layout 003 gives a PIN key and no track key")
		}
	})
}

func TestTraceNumberWraps(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		if err := pos.commit(func(s *state) { s.Trace = 999999 }); err != nil {
			t.Fatal(err)
		}
		first := must(t)(pos.Echo(t.Context()))
		second := must(t)(pos.Echo(t.Context()))
		if first.Trace != 999999 || second.Trace != 1 {
			t.Errorf("traces %d and %d", first.Trace, second.Trace)
		}
	})
}
