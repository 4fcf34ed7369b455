package pos

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"hawker/internal/iso8583"
)

func TestATamperedTerminalReportsAndForgets(t *testing.T) {
	for name, c := range map[string]struct {
		signedOn bool
		fault    fault
		want     State
		code     string
		asked    string
	}{
		"the host takes it":               {true, fault{noMAC: true}, Accepted, "00", "0820"},
		"not signed on: it signs on":      {false, fault{}, Accepted, "00", "0800 0820"},
		"the host does not answer":        {true, fault{silent: true}, Unknown, "", "0820"},
		"the host has blocked it already": {true, fault{code: "58", noMAC: true}, Declined, "58", "0820"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				pos := h.open()
				if c.signedOn {
					must(t)(pos.SignOn(t.Context()))
				}
				h.heard = nil
				h.fault = func(m *iso8583.Message) fault {
					if m.MTI == "0820" {
						if s, err := iso8583.ParseStatus62(m.Text(62)); err != nil || !s.Tampered || s.Detail != "case switch" || !m.Has(64) {
							t.Errorf("reported %+v, %v", s, err)
						}
						return c.fault
					}
					return fault{}
				}
				h.expect(must(t)(pos.Tamper(t.Context(), "case switch")), c.want, c.code, c.asked)
				file, err := os.ReadFile(h.path)
				if err != nil || bytes.Contains(file, []byte("30313233")) || len(pos.state.Secure.TAK) != 0 || bytes.ContainsAny(pos.state.Secure.TMK, "0123456789abcdef") {
					t.Error("keys were left", err)
				}
				if _, err := pos.SignOn(t.Context()); !errors.Is(err, ErrTampered) {
					t.Error("it signs on again:", err)
				}
			})
		})
	}
}

func TestATamperWithTooLongAReasonErasesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		if _, err := pos.Tamper(t.Context(), "a reason of more than twenty characters"); !errors.Is(err, ErrTamperText) {
			t.Error(err)
		}
		h.expect(must(t)(pos.SignOn(t.Context())), Accepted, "00", "0800")
	})
}
