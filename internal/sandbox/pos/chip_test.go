package pos

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hawker/internal/emv"
	"hawker/internal/iso8583"
)

func inserted(name string) Presented {
	p := swiped(name)
	p.Entry = Chip
	return p
}

// icc takes field 55 of a request apart.
func icc(t *testing.T, m *iso8583.Message) emv.TLV {
	t.Helper()
	data, err := emv.Parse(m.Bytes(55))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAChipSaysWhatThePageWants(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		must(t)(pos.SignOn(t.Context()))
		h.said()
		r := must(t)(pos.Sale(t.Context(), yuan("46.50"), withThePIN(inserted("test-chip"))))
		data := icc(t, h.request(0))
		for tag, want := range map[emv.Tag]string{
			emv.Amount: "000000004650", emv.TransactionType: "00", emv.CurrencyCode: "0156", emv.CountryCode: "0156", emv.CryptogramInfo: "80",
			emv.CardholderMethod: "420300", emv.TransactionCounter: "0001", emv.SequenceCounter: "00000002", emv.DedicatedFile: "A000000333010102",
			emv.InterfaceDevice: fmt.Sprintf("%X", testTerminal), emv.VerificationResult: "0000000000",
		} {
			if got, _ := data.Get(tag); fmt.Sprintf("%X", got) != want {
				t.Errorf("%s is %X, want %s", tag, got, want)
			}
		}
		if len(data.Elements()) != len(emv.Online)-1 { // no product code
			t.Errorf("field 55 has %s", data)
		}
		h.expect(r, Approved, "00", "0200")
		if r.Chip.Kind != "TC" || r.Chip.Counter != "0001" || len(r.Chip.Cryptogram) != 16 {
			t.Errorf("%+v", r.Chip)
		}
		for _, l := range []Language{Chinese, English} {
			if slip := Slip(r, Merchant, l); !strings.Contains(slip, r.Chip.Cryptogram) || !strings.Contains(slip, "A000000333010102") {
				t.Errorf("the slip does not show the chip:\n%s", slip)
			}
		}
	})
}

func TestACountersNumberIsNeverUsedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		h.once("0200", fault{lost: true})
		must(t)(pos.Sale(t.Context(), yuan("1.00"), inserted("test-chip")))
		if err := pos.Close(); err != nil {
			t.Fatal(err)
		}
		pos = h.open() // switched off and on
		h.said()
		must(t)(pos.Balance(t.Context(), inserted("test-chip")))
		r := must(t)(pos.Sale(t.Context(), yuan("1.00"), inserted("test-chip")))
		if r.Chip.Counter != "0003" {
			t.Errorf("counter %s", r.Chip.Counter)
		}
		if r := must(t)(pos.Sale(t.Context(), yuan("1.00"), inserted("test-chip-debit"))); r.Chip.Counter != "0001" {
			t.Errorf("another card's counter: %s", r.Chip.Counter)
		}
	})
}

// forge changes the issuer's answer to a chip.
func forge(m *iso8583.Message) {
	b := append([]byte(nil), m.Bytes(55)...)
	b[3] ^= 1
	m.SetBytes(55, b)
}

func TestAChipThatDoesNotAcceptTheAnswerIsReversed(t *testing.T) {
	for name, c := range map[string]struct {
		card  string
		fault fault
		state State
		said  string
	}{
		"a forged answer, version 10":              {"test-chip", fault{answer: forge}, Reversed, "0200 0400/06"},
		"a forged answer, version 18":              {"test-chip-debit", fault{answer: forge}, Reversed, "0200 0400/06"},
		"no answer to the chip":                    {"test-chip", fault{answer: func(m *iso8583.Message) { m.Unset(55) }}, Reversed, "0200 0400/06"},
		"an answer to the chip that is no data":    {"test-chip", fault{answer: func(m *iso8583.Message) { m.SetBytes(55, []byte{0x91}) }}, Reversed, "0200 0400/06"},
		"no answer to a chip that needs none":      {"test-credit", fault{answer: func(m *iso8583.Message) { m.Unset(55) }}, Approved, "0200"},
		"declined, and the chip declines with it":  {"test-chip", fault{code: "51"}, Declined, "0200"},
		"a wrong MAC says nothing to the chip":     {"test-chip", fault{bytes: spoilLast}, Unknown, "0200"},
		"silence, and the card is taken out again": {"test-chip", fault{silent: true}, Unknown, "0200"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				pos := h.open()
				must(t)(pos.SignOn(t.Context()))
				h.said()
				h.once("0200", c.fault)
				r := must(t)(pos.Sale(t.Context(), yuan("46.50"), inserted(c.card)))
				if got := h.said(); r.State != c.state || got != c.said {
					t.Fatalf("%s %s, the host heard %s", r.State, r.Code, got)
				}
				if r.State == Reversed && (!r.Refused || r.Chip.Kind != "AAC" || r.Text == (Words{})) {
					t.Errorf("%+v", r)
				}
				if host := h.totals(); (host.DebitCount == 1) != (c.state == Approved || c.state == Unknown && c.fault.code == "") && c.state != Declined {
					t.Errorf("the host counts %+v", host)
				}
			})
		})
	}
}

func TestAContactlessCardHasLeftBeforeTheAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		p := inserted("test-chip")
		p.Entry = Contactless
		h.once("0200", fault{answer: forge})
		r := must(t)(pos.Sale(t.Context(), yuan("1000.00"), p))
		if r.State != Approved || r.Chip.Kind != "ARQC" {
			t.Fatalf("%+v", r)
		}
		method, _ := icc(t, h.request(1)).Get(emv.CardholderMethod)
		if fmt.Sprintf("%X", method) != "1F0300" {
			t.Errorf("holder proven by %X", method)
		}
		if slip := Slip(r, Merchant, English); !strings.Contains(slip, "No PIN or signature needed") || strings.Contains(slip, "Cardholder signature") {
			t.Errorf("slip:\n%s", slip)
		}
		h.said()
		if _, err := pos.Sale(t.Context(), yuan("1000.01"), p); !errors.Is(err, ErrNeedPIN) {
			t.Errorf("over the limit without a PIN: %v", err)
		}
		if said := h.said(); said != "" {
			t.Errorf("the host heard %s", said)
		}
		r = must(t)(pos.Sale(t.Context(), yuan("1000.01"), withThePIN(p)))
		h.expect(r, Approved, "00", "0200")
	})
}

func TestAChipCardsStripeIsForWhenItsChipFails(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		must(t)(pos.SignOn(t.Context()))
		h.said()
		for name, want := range map[string]error{"test-chip": ErrUseChip, "test-chip-broken": ErrUseChip} {
			if _, err := pos.Sale(t.Context(), yuan("1.00"), swiped(name)); !errors.Is(err, want) {
				t.Errorf("%s swiped: %v", name, err)
			}
		}
		asked := swiped("test-chip-broken")
		asked.Entry = Fallback
		if _, err := pos.Sale(t.Context(), yuan("1.00"), asked); !errors.Is(err, ErrCard) {
			t.Errorf("a fallback that somebody asked for: %v", err)
		}
		if _, err := pos.Sale(t.Context(), yuan("1.00"), inserted("test-chip-broken")); !errors.Is(err, ErrChipMute) {
			t.Fatalf("a chip that does not answer: %v", err)
		}
		if _, err := pos.Sale(t.Context(), yuan("1.00"), swiped("test-chip")); !errors.Is(err, ErrUseChip) {
			t.Errorf("another card after it: %v", err)
		}
		if said := h.said(); said != "" {
			t.Fatalf("the host heard %s", said)
		}
		r := must(t)(pos.Sale(t.Context(), yuan("1.00"), swiped("test-chip-broken")))
		if f22, f60 := h.request(0).Text(22), h.request(0).Text(60); f22 != "802" || f60[11:] != "62" || r.Entry != Fallback {
			t.Errorf("F22 %s, F60 %s, entry %s", f22, f60, r.Entry)
		}
		h.expect(r, Approved, "00", "0200")
		if _, err := pos.Sale(t.Context(), yuan("1.00"), swiped("test-chip-broken")); !errors.Is(err, ErrUseChip) {
			t.Errorf("a second fallback for one failure: %v", err)
		}
		_, _ = pos.Sale(t.Context(), yuan("1.00"), inserted("test-chip-broken"))
		time.Sleep(fallbackWithin + time.Second)
		if _, err := pos.Sale(t.Context(), yuan("1.00"), swiped("test-chip-broken")); !errors.Is(err, ErrUseChip) {
			t.Errorf("long after the failure: %v", err)
		}
	})
}

func TestScriptsReachTheCardAndTheirResultsTheIssuer(t *testing.T) {
	for name, tag := range map[string]emv.Tag{"before the second cryptogram": emv.ScriptBefore, "after it": emv.ScriptAfter} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				h.script.Tag = tag
				pos := h.open()
				must(t)(pos.SignOn(t.Context()))
				h.said()
				h.expect(must(t)(pos.Sale(t.Context(), yuan("1.00"), inserted("test-chip"))), Approved, "00", "0200")
				if m := pos.state.Chips["test-chip"]; m.Offline != 3 {
					t.Errorf("the chip remembers %+v", m)
				}
				h.once("0620", fault{silent: true})
				h.expect(must(t)(pos.Sale(t.Context(), yuan("1.00"), swiped("test-credit"))), Approved, "00", "0620 0200")
				if len(pos.state.Notices) != 1 || pos.state.Notices[0].Count != 1 {
					t.Fatalf("%+v", pos.state.Notices)
				}
				h.expect(must(t)(pos.ResolvePending(t.Context())), Accepted, "", "0620")
				if len(h.results) != 2 || h.results[0] != h.results[1] || h.results[0] != "0620 2000000007" {
					t.Errorf("results %v", h.results)
				}
				if len(pos.state.Notices) != 0 {
					t.Errorf("still pending: %+v", pos.state.Notices)
				}
			})
		})
	}
}

func TestARefusedScriptIsToldInTheReversalToo(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		h.script.Tag = emv.ScriptBefore
		pos := h.open()
		must(t)(pos.SignOn(t.Context()))
		h.once("0200", fault{answer: func(m *iso8583.Message) {
			forge(m) // the answer to the chip
			b := m.Bytes(55)
			b[len(b)-1] ^= 1 // and the script's MAC
		}})
		r := must(t)(pos.Sale(t.Context(), yuan("1.00"), inserted("test-chip")))
		if r.State != Reversed || r.Chip.Results != "0000000020" {
			t.Errorf("%s, TVR %s", r.State, r.Chip.Results)
		}
		if len(h.results) != 1 || h.results[0] != "0400 1100000007" {
			t.Errorf("results %v", h.results)
		}
		must(t)(pos.ResolvePending(t.Context()))
		if len(h.results) != 2 || h.results[1] != "0620 1100000007" {
			t.Errorf("results %v", h.results)
		}
	})
}

func TestABlockedChipPaysNoMore(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		if err := pos.commit(func(st *state) {
			m := st.Chips["test-chip"]
			m.Blocked = true
			(&chip{card: inserted("test-chip").Card}).keepAs(st, m)
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := pos.Sale(t.Context(), yuan("1.00"), inserted("test-chip")); !errors.Is(err, ErrChip) {
			t.Fatal(err)
		}
		if _, err := pos.Sale(t.Context(), yuan("1.00"), swiped("test-chip")); !errors.Is(err, ErrUseChip) {
			t.Errorf("its stripe: %v", err)
		}
		if said := h.said(); said != "" {
			t.Errorf("the host heard %s", said)
		}
	})
}
