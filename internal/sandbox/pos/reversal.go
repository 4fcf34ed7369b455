package pos

import (
	"context"
	"errors"
	"fmt"

	"hawker/internal/emv"
	"hawker/internal/iso8583"
)

// reversal is what undoes the one transaction that may be in doubt. It is
// written down before that transaction is sent, and holds the whole 0400 but
// for reason and MAC; card data is no part of one.
type reversal struct {
	Batch  int            `json:"batch"`
	Trace  int            `json:"trace"`
	Fields map[int]string `json:"fields"`
	Reason string         `json:"reason"`        // F39
	ICC    hexBytes       `json:"icc,omitempty"` // F55 of a chip's: results, counter, issuer data
	evidence
}

// repeated are the fields that a reversal takes over; F61 is a void's.
var repeated = []int{3, 4, 11, 22, 25, 41, 42, 49, 60, 61}

func newReversal(m *iso8583.Message, tx Transaction) *reversal {
	r := &reversal{Batch: tx.Batch, Trace: tx.Trace, Fields: map[int]string{}, Reason: reasonSilent}
	for _, n := range repeated {
		if m.Has(n) {
			r.Fields[n] = m.Text(n)
		}
	}
	if data, err := emv.Parse(m.Bytes(55)); err == nil && m.Has(55) {
		r.ICC = data.Only(emv.Reversal...).Bytes()
	}
	return r
}

// take adds what a chip said at its end to field 55.
func (r *reversal) take(e ending) {
	if e.last.Elements() == nil {
		return
	}
	elements := e.last.Elements()
	if len(e.results) > 0 {
		elements = append([]emv.Element{{Tag: emv.ScriptResult, Value: e.results}}, elements...)
	}
	if all, err := emv.New(elements...); err == nil { // they come out of such lists
		r.ICC = all.Only(emv.Reversal...).Bytes()
	}
}

func (r *reversal) message() *iso8583.Message {
	m := iso8583.New(shapes[Reversal].mti).Set(39, r.Reason)
	for n, value := range r.Fields {
		m.Set(n, value)
	}
	if len(r.ICC) > 0 {
		m.SetBytes(55, append([]byte(nil), r.ICC...))
	}
	return m
}

// valid says that a stored reversal can be sent.
func (r *reversal) valid() bool {
	for n := range r.Fields {
		if n < 2 || n > 63 {
			return false
		}
	}
	return number(r.Batch) && number(r.Trace) && r.Fields[11] == six(r.Trace)
}

// ends are the answers that end a reversal: done, in no state for it, never seen.
var ends = map[string]bool{"00": true, "12": true, "25": true}

// undo sends the pending reversal, if there is one, until the host has taken it
// over. It gives up with ErrReversalPending after so many tries, or as soon as
// the host answers what another try would not change; the reversal stays.
func (s *session) undo(ctx context.Context) error {
	var last string
	for range s.tries() {
		if s.state.Reversal == nil {
			return nil
		}
		if err := s.ensureSignedOn(ctx); err != nil {
			return err
		}
		again, code, err := s.sendReversal(ctx)
		if err != nil {
			return err
		}
		if last = code; !again {
			break
		}
	}
	if s.state.Reversal == nil {
		return nil
	}
	return ErrReversalPending.because(fmt.Errorf("after %d tries, last answer %q", s.state.Reversal.Count, last))
}

// sendReversal tries once; again says whether another try makes sense now. No
// trace number is spent: a reversal repeats its original's.
func (s *session) sendReversal(ctx context.Context) (again bool, code string, err error) {
	r := s.state.Reversal
	a, err := s.send(ctx, Reversal, r.message(), nil)
	if errors.Is(err, errSilent) {
		return ctx.Err() == nil, "", s.tried("", false)
	}
	if err != nil {
		return false, "", err
	}
	code = a.code()
	signOn := a.mac != macValid || a.signOn || meaningOf(code).signOn
	if a.mac != macValid || !ends[code] {
		return signOn, code, s.tried(code, signOn)
	}
	s.think("the reversal of %06d has ended with %s", r.Trace, code)
	return false, code, s.commit(func(st *state) {
		st.SignedOn = st.SignedOn && !signOn
		st.Reversal = nil
		if tx := st.row(r.Batch, r.Trace); tx != nil {
			tx.Undone = code
			if tx.State == Unknown {
				tx.State = Reversed
				s.note(fmt.Sprintf("已撤回流水 %06d，%s 元", tx.Trace, tx.Amount.Decimal()),
					fmt.Sprintf("Trace %06d of %s was taken back", tx.Trace, tx.Amount))
			}
		}
	})
}

// tried keeps the evidence of a reversal that has not ended.
func (s *session) tried(code string, signOn bool) error {
	return s.commit(func(st *state) {
		st.SignedOn = st.SignedOn && !signOn
		st.Reversal.evidence = st.Reversal.with(code, s.now())
	})
}
