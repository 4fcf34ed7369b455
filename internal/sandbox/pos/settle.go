package pos

import (
	"context"
	"errors"
	"slices"
	"time"
)

// settling is a settlement on its way. Every message of it is written down, by
// its trace number, before it is sent, so that after a crash the same message
// goes out again and the host gives the same answer again.
type settling struct {
	Batch    int           `json:"batch"` // the batch that it closes
	Trace    int           `json:"trace"` // of the 0500
	Own      Totals        `json:"own"`
	Details  []Transaction `json:"details,omitempty"` // what counts, in the order of upload
	Answered bool          `json:"answered"`          // the host has closed the batch
	Balanced bool          `json:"balanced"`
	Host     Totals        `json:"host,omitzero"`
	Code     string        `json:"code,omitempty"`
	Time     time.Time     `json:"time,omitzero"`
	Uploaded int           `json:"uploaded"`          // details that the host has acknowledged
	Sending  int           `json:"sending,omitempty"` // trace of the upload under way; 0 none
}

func (p *settling) valid() bool {
	return number(p.Batch) && number(p.Trace) && p.Uploaded >= 0 && p.Uploaded <= len(p.Details) && p.Sending >= 0 && p.Sending <= maxNumber
}

func (s *state) settlingRows() []Transaction {
	if s.Settling == nil {
		return nil
	}
	return s.Settling.Details
}

// SettleBatch closes the batch: the pending reversal goes first, then the
// totals; then what chips said and, when the host's totals differ, every other detail. A settlement that was
// interrupted is taken up where it stood. Unknown means that the host may have
// closed the batch: settle again.
func (t *Terminal) SettleBatch(ctx context.Context) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		if s.state.Settling == nil {
			if err := s.tidy(ctx); err != nil {
				return Result{}, err
			}
		}
		if p := s.state.Settling; p == nil || !p.Answered {
			a, err := s.totals(ctx)
			switch {
			case errors.Is(err, errSilent):
				return s.state.settlement(Unknown, s.now()), nil
			case err != nil:
				return Result{}, err
			case !s.state.closed():
				return s.state.manage(Settlement, a, s.now()), nil
			}
		}
		err := s.upload(ctx)
		if errors.Is(err, errSilent) {
			return s.state.settlement(Unknown, s.now()), nil
		}
		if err != nil {
			return Result{}, err
		}
		r := s.state.settlement(Accepted, s.now())
		if err := s.commit(func(st *state) { st.Settling = nil }); err != nil {
			return r, err
		}
		s.obey(ctx)
		return r, nil
	})
}

// tidy ends what would make the totals wrong.
func (s *session) tidy(ctx context.Context) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if err := s.repeatRefunds(ctx); err != nil {
		return err
	}
	if err := s.closeCodes(ctx); err != nil {
		return err
	}
	if len(s.state.Refunds) > 0 {
		return ErrRefundPending
	}
	return s.ensureSignedOn(ctx)
}

func (s *state) closed() bool { return s.Settling != nil && s.Settling.Answered }

// totals sends the 0500, or the same one again.
func (s *session) totals(ctx context.Context) (*answer, error) {
	p := s.state.Settling
	repeated := p != nil
	if p == nil {
		p = &settling{Batch: s.state.Batch, Trace: s.state.Trace, Own: totalsOf(s.state.Rows)}
		p.Details = details(s.state.Rows)
	}
	f48, err := p.Own.field48()
	if err != nil {
		return nil, err
	}
	m := s.state.request(Settlement, p.Trace, p.Batch).Set(48, f48)
	a, err := s.send(ctx, Settlement, m, func(st *state) { st.Settling = p })
	if err != nil {
		return nil, err
	}
	if code := a.code(); repeated && ofTheMessage[code] && code != "77" && code != "94" {
		return nil, errSilent // the host did not look: the first 0500 may have closed the batch
	}
	return a, s.settled(a)
}

// settled writes down what the host said to the totals. The batch is closed
// when it compared them, whatever it found.
func (s *session) settled(a *answer) error {
	if code := a.code(); code != "" && code != approvedCode {
		return s.commit(func(st *state) {
			st.Settling = nil
			st.SignedOn = st.SignedOn && !meaningOf(code).signOn
		})
	}
	host, balanced, err := hostTotals(a.Text(48))
	if err != nil {
		return ErrAnswer.because(err)
	}
	return s.commit(func(st *state) {
		p := st.Settling
		p.Answered, p.Balanced, p.Host, p.Code, p.Time = true, balanced, host, approvedCode, a.time(s.now())
		if balanced {
			p.Details = slices.DeleteFunc(p.Details, func(tx Transaction) bool { return !tx.way().always() })
		}
		if st.Batch == p.Batch {
			st.openBatch(after(p.Batch), false)
		}
		for i := range st.Closed {
			if st.Closed[i].Batch == p.Batch {
				st.Closed[i].Lost = false
			}
		}
	})
}

// settlement is the result of the settlement on its way.
func (s *state) settlement(st State, now time.Time) Result {
	p := s.Settling
	tx := Transaction{Kind: Settlement, State: st, Batch: p.Batch, Trace: p.Trace, Code: p.Code, Time: now}
	if p.Answered {
		tx.Time = p.Time
	}
	r := s.report(tx)
	if !p.Answered {
		return r
	}
	r.Settlement = &SettlementReport{Own: p.Own, Host: p.Host, Balanced: p.Balanced, Uploaded: p.Uploaded}
	switch {
	case st == Unknown:
		r.Text = Words{"明细还没有传完", "The details are not all sent yet"}
	case p.Balanced:
		r.Text = Words{"账平", "Balanced"}
	default:
		r.Text = Words{"账不平，明细已上传，收单机构会核对", "Not balanced: the details were sent, the acquirer compares them"}
	}
	return r
}
