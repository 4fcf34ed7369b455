package pos

import (
	"errors"
	"strings"
	"testing"

	"hawker/internal/money"
)

func TestAPreauthorizationIsCompletedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		must(t)(pos.SignOn(t.Context()))
		h.said()
		p := swiped("test-credit")
		hold := must(t)(pos.Preauth(t.Context(), yuan("100.00"), withThePIN(inserted("test-chip"))))
		if !h.request(0).Has(55) || hold.Chip.Kind != "TC" {
			t.Errorf("no chip in it: %+v", hold.Chip)
		}
		h.expect(hold, Approved, "00", "0100")
		hold = must(t)(pos.Preauth(t.Context(), yuan("100.00"), p))
		h.expect(hold, Approved, "00", "0100")
		if _, err := pos.Complete(t.Context(), Original{Trace: hold.Trace}, yuan("90.00"), swiped("test-debit")); !errors.Is(err, ErrHoldEnded) {
			t.Errorf("by another card: %v", err)
		}
		done := must(t)(pos.Complete(t.Context(), Original{Trace: hold.Trace}, yuan("115.00"), p))
		if m := h.request(0); m.Text(38) != hold.AuthCode || m.Text(61) != six(hold.Batch)+six(hold.Trace)+hold.Time.Format("0102") || m.Text(25) != "06" {
			t.Errorf("it points at %v", m)
		}
		h.expect(done, Approved, "00", "0200")
		for name, again := range map[string]func() (Result, error){
			"completed again": func() (Result, error) { return pos.Complete(t.Context(), Original{Trace: hold.Trace}, yuan("1.00"), p) },
			"noticed": func() (Result, error) {
				return pos.CompleteNotice(t.Context(), Original{Trace: hold.Trace}, yuan("1.00"), p)
			},
			"voided": func() (Result, error) {
				return pos.PreauthVoid(t.Context(), Original{Trace: hold.Trace}, money.Amount{}, p)
			},
		} {
			if _, err := again(); !errors.Is(err, ErrHoldEnded) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := pos.Void(t.Context(), done.Trace); !errors.Is(err, ErrNotVoidable) {
			t.Errorf("voided as a sale: %v", err)
		}
		h.expect(must(t)(pos.CompletionVoid(t.Context(), done.Trace)), Approved, "00", "0200")
		if _, err := pos.CompletionVoid(t.Context(), done.Trace); !errors.Is(err, ErrNotVoidable) {
			t.Errorf("voided twice: %v", err)
		}
		notice := must(t)(pos.CompleteNotice(t.Context(), Original{Trace: hold.Trace}, yuan("80.00"), withThePIN(p)))
		h.expect(notice, Approved, "00", "0220")
		h.expect(must(t)(pos.Refund(t.Context(), Original{Trace: notice.Trace}, yuan("5.00"), p)), Approved, "00", "0220")
		other := must(t)(pos.Preauth(t.Context(), yuan("7.00"), p))
		h.said()
		h.expect(must(t)(pos.PreauthVoid(t.Context(), Original{Trace: other.Trace}, money.Amount{}, p)), Approved, "00", "0100")
		s := must(t)(pos.SettleBatch(t.Context()))
		if s.Settlement == nil || !s.Settlement.Balanced || s.Settlement.Own.DebitCount != 2 || s.Settlement.Own.CreditCount != 2 {
			t.Errorf("%+v", s.Settlement)
		}
	})
}

func TestAPreauthorizationOfAnotherTerminalIsFoundByItsCode(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		p := swiped("test-credit")
		must(t)(pos.SignOn(t.Context()))
		if _, err := pos.Complete(t.Context(), Original{Trace: 77}, yuan("1.00"), p); !errors.Is(err, ErrNoHold) {
			t.Errorf("unknown here: %v", err)
		}
		if _, err := pos.Complete(t.Context(), Original{AuthCode: "12"}, yuan("1.00"), p); !errors.Is(err, ErrNoHold) {
			t.Errorf("a short code: %v", err)
		}
		if _, err := pos.PreauthVoid(t.Context(), Original{AuthCode: "123456"}, money.Amount{}, p); !errors.Is(err, ErrAmount) {
			t.Errorf("no amount to void: %v", err)
		}
		h.said()
		r := must(t)(pos.Complete(t.Context(), Original{AuthCode: "123456"}, yuan("1.00"), p))
		if m := h.request(0); m.Text(38) != "123456" || m.Text(61) != "0000000000000000" {
			t.Errorf("it points at F38 %s, F61 %s", m.Text(38), m.Text(61))
		}
		h.expect(r, Declined, "12", "0200")
	})
}

func TestStepsOfAPreauthorizationWithoutAnAnswerAreReversed(t *testing.T) {
	steps := map[Kind]func(t *testing.T, pos *Terminal, hold, done Result) (Result, error){
		Preauth: func(t *testing.T, pos *Terminal, _, _ Result) (Result, error) {
			return pos.Preauth(t.Context(), yuan("100.00"), swiped("test-credit"))
		},
		PreauthVoid: func(t *testing.T, pos *Terminal, hold, _ Result) (Result, error) {
			return pos.PreauthVoid(t.Context(), Original{Trace: hold.Trace}, money.Amount{}, swiped("test-credit"))
		},
		Completion: func(t *testing.T, pos *Terminal, hold, _ Result) (Result, error) {
			return pos.Complete(t.Context(), Original{Trace: hold.Trace}, yuan("90.00"), swiped("test-credit"))
		},
		CompletionVoid: func(t *testing.T, pos *Terminal, _, done Result) (Result, error) {
			return pos.CompletionVoid(t.Context(), done.Trace)
		},
	}
	for k, step := range steps {
		for name, ft := range map[string]fault{"silence": {silent: true}, "the request was lost": {lost: true}, "a wrong MAC": {bytes: spoilLast}} {
			t.Run(string(k)+" "+name, func(t *testing.T) {
				inBubble(t, func(t *testing.T) {
					h := newHost(t)
					pos := h.open()
					hold := must(t)(pos.Preauth(t.Context(), yuan("100.00"), swiped("test-credit")))
					var done Result
					if k == CompletionVoid {
						done = must(t)(pos.Complete(t.Context(), Original{Trace: hold.Trace}, yuan("90.00"), swiped("test-credit")))
					}
					before := h.totals()
					h.once(shapes[k].mti, ft)
					r, err := step(t, pos, hold, done)
					if err != nil || r.State != Unknown || r.Text == (Words{}) || r.Action == (Words{}) {
						t.Fatalf("%+v, %v", r, err)
					}
					h.said()
					again := must(t)(pos.ResolvePending(t.Context()))
					if again.State != Accepted || len(again.Items) != 1 || again.Items[0].State != Reversed {
						t.Errorf("%+v", again)
					}
					if said := h.said(); !strings.HasSuffix(said, "0400/98") && !strings.HasSuffix(said, "0400/A0") {
						t.Errorf("the host heard %s", said)
					}
					if h.totals() != before {
						t.Errorf("the host counts %+v, before %+v", h.totals(), before)
					}
					h.once("", fault{})
					if k != Preauth { // what it was about can still be done
						r, err = step(t, pos, hold, done)
						if err != nil || r.State != Approved {
							t.Errorf("once more: %s, %v", r.State, err)
						}
					}
				})
			})
		}
	}
}

func TestANoticeIsRepeatedUntilItHasAnAnswer(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHost(t)
		pos := h.open()
		p := swiped("test-credit")
		hold := must(t)(pos.Preauth(t.Context(), yuan("100.00"), p))
		h.always("0220", fault{silent: true})
		r := must(t)(pos.CompleteNotice(t.Context(), Original{Trace: hold.Trace}, yuan("90.00"), p))
		if r.State != Unknown {
			t.Fatalf("%+v", r)
		}
		if _, err := pos.Complete(t.Context(), Original{Trace: hold.Trace}, yuan("90.00"), p); !errors.Is(err, ErrHoldEnded) {
			t.Errorf("a completion beside it: %v", err)
		}
		h.set(nil)
		h.said()
		must(t)(pos.ResolvePending(t.Context()))
		if said := h.said(); said != "0220" {
			t.Errorf("the host heard %s", said)
		}
		if host := h.totals(); host.DebitCount != 1 || host.DebitAmount != 9000 || totalsOf(pos.state.Rows).DebitCount != 1 {
			t.Errorf("%+v", host)
		}
	})
}

func TestSlipsOfPreauthorizations(t *testing.T) {
	t.Parallel()
	for k, words := range map[Kind][2]string{
		Preauth: {"预授权不是付款", "PRE-AUTH"}, PreauthVoid: {"预授权撤销", "-100.00"}, Completion: {"预授权完成", "RMB 100.00"},
		CompletionNotice: {"预授权完成通知", "COMPLETION NOTICE"}, CompletionVoid: {"预授权完成撤销", "-100.00"},
	} {
		r := Result{Transaction: Transaction{Kind: k, State: Approved, Batch: 1, Trace: 2, Amount: yuan("100.00"), Entry: Swipe}}
		if zh, en := Slip(r, Merchant, Chinese), Slip(r, Customer, English); !strings.Contains(zh, words[0]) || !strings.Contains(en, words[1]) {
			t.Errorf("%s:\n%s\n%s", k, zh, en)
		}
	}
}
