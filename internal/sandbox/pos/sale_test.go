package pos

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"hawker/internal/iso8583"
)

func TestSaleApprovedByEveryEntry(t *testing.T) {
	for _, entry := range []Entry{Swipe, Chip, Manual, Contactless} {
		for _, pin := range []bool{false, true} {
			t.Run(string(entry), func(t *testing.T) {
				inBubble(t, func(t *testing.T) {
					h := newHost(t)
					pos := h.open()
					p := swiped("test-debit")
					p.Entry = entry
					if pin {
						p = withThePIN(p)
					}
					r := must(t)(pos.Sale(t.Context(), yuan("46.50"), p))
					h.expect(r, Approved, "00", "0800 0200")
					if r.RRN != "R00000000002" || r.AuthCode != "654321" || r.Trace != 2 || r.Batch != 7 ||
						r.MaskedPAN != p.Card.PAN.String() || r.Issuer != "01020000" || r.HostText != "交易成功" {
						t.Errorf("got %+v", r)
					}
					if s, _ := pos.Status(); s.Totals.DebitCount != 1 || s.Totals.DebitAmount != yuan("46.50") || len(s.Pending) != 0 {
						t.Errorf("status %+v", s)
					}
				})
			})
		}
	}
}

func TestAnswersToASale(t *testing.T) {
	setCode := func(code string) func(*iso8583.Message) { return func(m *iso8583.Message) { m.Set(39, code) } }
	for name, row := range map[string]struct {
		fault fault
		state State
		code  string
		then  string // what the next echo's operation says first: the reversal, and with it a sign-on
	}{
		"approved":                                     {fault{}, Approved, "00", ""},
		"approved, bank confirms later":                {fault{answer: setCode("A2")}, Approved, "A2", ""},
		"not enough money":                             {fault{code: "51"}, Declined, "51", ""},
		"a code nobody knows":                          {fault{code: "ZZ"}, Declined, "ZZ", ""},
		"bank unreachable: nothing was charged":        {fault{code: "91"}, Declined, "91", ""},
		"the bank did not answer the host":             {fault{code: "98"}, Unknown, "98", "0400/98"},
		"the issuer timed out":                         {fault{code: "68"}, Unknown, "68", "0400/98"},
		"approved for a part":                          {fault{answer: setCode("10")}, Unknown, "10", "0400/06"},
		"no response code":                             {fault{answer: func(m *iso8583.Message) { m.Unset(39) }}, Unknown, "", "0400/06"},
		"silence":                                      {fault{silent: true}, Unknown, "", "0400/98"},
		"the request was lost":                         {fault{lost: true}, Unknown, "", "0400/98"},
		"cut in the middle":                            {fault{cut: true}, Unknown, "", "0400/98"},
		"approved with a wrong MAC":                    {fault{bytes: spoilLast}, Unknown, "A0", "0800 0400/A0"},
		"declined with a wrong MAC":                    {fault{code: "51", bytes: spoilLast}, Unknown, "A0", "0800 0400/A0"},
		"approved, then changed on the way":            {fault{code: "51", bytes: approveAfterMAC}, Unknown, "A0", "0800 0400/A0"},
		"approved without a MAC":                       {fault{noMAC: true}, Unknown, "A0", "0400/A0"},
		"declined without a MAC":                       {fault{code: "51", noMAC: true}, Unknown, "A0", "0400/A0"},
		"MAC refused, which needs no proof of its own": {fault{code: "A0", noMAC: true}, Declined, "A0", "0800 0400/06"},
		"terminal unknown":                             {fault{code: "97", noMAC: true}, Declined, "97", "0400/06"},
		"batch differs":                                {fault{code: "77"}, Declined, "77", "0800"},
		"PIN cannot be translated":                     {fault{code: "99"}, Declined, "99", "0800"},
		"the header asks to sign on":                   {fault{header: iso8583.DefaultHeader.WithProcessingRequest(3)}, Approved, "00", "0800"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				pos := h.open()
				must(t)(pos.SignOn(t.Context()))
				h.said()
				h.once("0200", row.fault)
				r := must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
				h.expect(r, row.state, row.code, "0200")
				if s, _ := pos.Status(); s.Totals.DebitCount > 0 != (r.State == Approved) {
					t.Errorf("%s counts %+v", r.State, s.Totals)
				}
				if (r.State == Declined || r.State == Unknown) && r.Text == (Words{}) {
					t.Error("the merchant is not told why")
				}
				_, err := pos.Balance(t.Context(), swiped("test-credit"))
				if err != nil {
					t.Error(err)
				}
				if got := h.said(); got != strings.TrimSpace(row.then+" 0200") {
					t.Errorf("then the host heard %q, want %q", got, row.then)
				}
				own, host := pos.state, h.totals()
				if totals := totalsOf(own.Rows); totals.DebitCount != host.DebitCount || own.Reversal != nil {
					t.Errorf("terminal counts %d, host %d; pending %v", totals.DebitCount, host.DebitCount, own.Reversal != nil)
				}
			})
		})
	}
}

func spoilLast(b []byte) []byte {
	b[len(b)-1] ^= 1
	return b
}

// approveAfterMAC turns F39 51 into 00 as an attacker would.
func approveAfterMAC(b []byte) []byte {
	return []byte(strings.Replace(string(b), "51", "00", 1))
}

func TestForeignAnswersAreIgnored(t *testing.T) {
	set := func(n int, v string) func(*iso8583.Message) {
		return func(m *iso8583.Message) { m.Set(n, v).Set(39, "51") }
	}
	for name, change := range map[string]func(*iso8583.Message){
		"other trace":           set(11, "999998"),
		"other amount":          set(4, "000000004651"),
		"other processing code": set(3, "200000"),
		"other terminal":        set(41, "10000002"),
		"other merchant":        set(42, "898310054990002"),
		"other MTI":             func(m *iso8583.Message) { m.MTI = "0410" },
		"no trace":              func(m *iso8583.Message) { m.Unset(11) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				pos := h.open()
				h.once("0200", fault{before: []func(*iso8583.Message){change, change}})
				h.expect(must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit"))), Approved, "00", "0800 0200")
				h.once("0200", fault{answer: change})
				h.expect(must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit"))), Unknown, "", "0200")
			})
		})
	}
}

func TestBrokenAnswersAreSilence(t *testing.T) {
	frame := func(body []byte) func(iso8583.Frame) []byte {
		return func(f iso8583.Frame) []byte {
			b, _ := iso8583.UnionPayPOS.AppendFrame(nil, iso8583.Frame{TPDU: f.TPDU.Swap(), Header: f.Header, Body: body})
			return b
		}
	}
	for name, ft := range map[string]fault{
		"too long a frame":      {replace: func(iso8583.Frame) []byte { return []byte{0xFF, 0xFF} }},
		"no message":            {replace: frame(make([]byte, 40))},
		"an unknown field":      {replace: frame(append([]byte{0x02, 0x10, 0x00, 0x00, 0x80, 0, 0, 0, 0, 0}, make([]byte, 9)...))},
		"TPDU not turned round": {straight: true},
		"a letter in a number":  {bytes: func(b []byte) []byte { b[11] = 0xAA; return b }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHost(t)
				pos := h.open()
				h.once("0200", ft)
				h.expect(must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit"))), Unknown, "", "0800 0200")
			})
		})
	}
}

func TestALateAnswerIsNotTheReversals(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		h.once("0200", fault{silent: true})
		sale := must(t)(pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit")))
		h.once("0400", fault{before: []func(*iso8583.Message){func(m *iso8583.Message) { m.MTI = "0210" }}})
		h.said()
		r := must(t)(pos.ResolvePending(t.Context()))
		h.expect(r, Accepted, "", "0400/98")
		if len(r.Items) != 1 || r.Items[0].Trace != sale.Trace || r.Items[0].State != Reversed || r.Items[0].Undone != "00" {
			t.Errorf("items %+v", r.Items)
		}
	})
}

func TestNothingIsSentWithoutAConnection(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open(func(o *Options) {
			o.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errNoHost }
		})
		_, err := pos.Sale(t.Context(), yuan("46.50"), swiped("test-credit"))
		if !errors.Is(err, ErrUnreachable) || !errors.Is(err, errNoHost) {
			t.Errorf("got %v", err)
		}
		if s, _ := pos.Status(); s.NextTrace != 1 || len(s.Pending)+len(s.Transactions) != 0 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestAnInterruptedSaleIsUnknown(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		must(t)(pos.SignOn(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		h.once("0200", fault{silent: true})
		h.said()
		h.expect(must(t)(pos.Sale(ctx, yuan("46.50"), swiped("test-credit"))), Unknown, "", "0200")
		if _, err := pos.Sale(ctx, yuan("1.00"), swiped("test-credit")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a sale that nobody waits for: %v", err)
		}
		if got := h.said(); got != "" {
			t.Errorf("the host heard %q", got)
		}
	})
}

func TestSaleRefusesBeforeSending(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		noCard, noEntry := Presented{Entry: Swipe}, swiped("test-credit")
		noEntry.Entry = "thought"
		for name, row := range map[string]struct {
			amount string
			p      Presented
			want   error
		}{
			"nothing":        {"0", swiped("test-credit"), ErrAmount},
			"less":           {"-1", swiped("test-credit"), ErrAmount},
			"more than F4":   {"10000000000.00", swiped("test-credit"), ErrAmount},
			"no card":        {"1", noCard, ErrCard},
			"no entry known": {"1", noEntry, ErrCard},
		} {
			if _, err := pos.Sale(t.Context(), yuan(row.amount), row.p); !errors.Is(err, row.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := h.said(); got != "" {
			t.Errorf("the host heard %q", got)
		}
	})
}

func TestABatchOf999IsFull(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		must(t)(pos.SignOn(t.Context()))
		row := Transaction{Kind: Sale, State: Approved, Batch: 7, Amount: yuan("1")}
		if err := pos.commit(func(s *state) {
			for i := range 999 {
				row.Trace = i + 1
				s.Rows = append(s.Rows, row)
			}
			s.Trace = 2000
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := pos.Sale(t.Context(), yuan("1"), swiped("test-credit")); !errors.Is(err, ErrBatchFull) {
			t.Errorf("got %v", err)
		}
	})
}

func TestBalance(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		r := must(t)(pos.Balance(t.Context(), withThePIN(swiped("test-debit"))))
		h.expect(r, Approved, "00", "0800 0200")
		if r.Available != yuan("1234.56") || len(pos.state.Rows) != 0 || pos.state.Reversal != nil {
			t.Errorf("available %v, rows %d", r.Available, len(pos.state.Rows))
		}
		h.once("0200", fault{code: "55"})
		h.expect(must(t)(pos.Balance(t.Context(), withThePIN(swiped("test-debit")))), Declined, "55", "0200")
		h.once("0200", fault{code: "98"})
		h.expect(must(t)(pos.Balance(t.Context(), swiped("test-debit"))), Declined, "98", "0200")
		h.once("0200", fault{bytes: spoilLast})
		if _, err := pos.Balance(t.Context(), swiped("test-debit")); !errors.Is(err, ErrAnswer) {
			t.Errorf("a wrong MAC: %v", err)
		}
		h.once("0200", fault{silent: true})
		if _, err := pos.Balance(t.Context(), swiped("test-debit")); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("silence: %v", err)
		}
	})
}
