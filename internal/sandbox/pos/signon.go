package pos

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"hawker/internal/iso8583"
)

// SignOn fetches working keys and the current batch. Keys whose check value is
// wrong are ErrKeys, and the terminal is not signed on.
func (t *Terminal) SignOn(ctx context.Context) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		a, err := s.signOn(ctx)
		if err != nil {
			return Result{}, err
		}
		r := s.state.manage(SignOn, a, s.now())
		s.obey(ctx)
		return r, nil
	})
}

// SignOff ends the terminal's day: its working keys are forgotten.
func (t *Terminal) SignOff(ctx context.Context) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		a, err := s.manage(ctx, SignOff)
		if err != nil {
			return Result{}, err
		}
		r := s.state.manage(SignOff, a, s.now())
		if a.code() != approvedCode {
			return r, nil
		}
		return r, s.commit(func(st *state) {
			st.SignedOn = false
			st.Secure.TPK, st.Secure.TAK, st.Secure.TDK = nil, nil, nil
		})
	})
}

// Echo asks the host whether it is there.
func (t *Terminal) Echo(ctx context.Context) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		a, err := s.manage(ctx, Echo)
		if err != nil {
			return Result{}, err
		}
		r := s.state.manage(Echo, a, s.now())
		s.obey(ctx)
		return r, nil
	})
}

// manage sends one network management message.
func (s *session) manage(ctx context.Context, k Kind) (*answer, error) {
	m := s.state.request(k, s.state.Trace, s.state.Batch)
	a, err := s.send(ctx, k, m, nil)
	if errors.Is(err, errSilent) {
		return nil, ErrNoAnswer.because(err)
	}
	return a, err
}

// signOn returns the host's answer; after a good one the keys and the batch are kept.
func (s *session) signOn(ctx context.Context) (*answer, error) {
	a, err := s.manage(ctx, SignOn)
	if err != nil || a.code() != approvedCode {
		return a, err
	}
	f60, err := iso8583.ParseField60(a.Text(60))
	if err != nil {
		return nil, ErrAnswer.because(err)
	}
	batch, _ := strconv.Atoi(f60.Batch) // six digits
	if !number(batch) {
		return nil, ErrAnswer.because(fmt.Errorf("batch %s", f60.Batch))
	}
	keys := s.state.Secure
	if s.profile.KeyBlock != "" {
		err = keys.take(s.profile, s.state.Layout, a.Bytes(62))
	}
	if err != nil {
		return nil, errors.Join(ErrKeys.because(err), s.commit(func(st *state) { st.SignedOn = false }))
	}
	if batch != s.state.Batch && len(s.state.Rows) > 0 && s.state.Settling == nil {
		s.note(fmt.Sprintf("主机的批次是 %06d，终端的批次 %06d 没有结算", batch, s.state.Batch),
			fmt.Sprintf("The host is at batch %06d; the terminal's batch %06d was not settled", batch, s.state.Batch))
	}
	return a, s.commit(func(st *state) {
		st.Secure, st.SignedOn = keys, true
		if batch != st.Batch {
			st.openBatch(batch, true)
		}
	})
}

// ensureSignedOn signs on when the terminal never was, or the host asked for it.
func (s *session) ensureSignedOn(ctx context.Context) error {
	if s.state.SignedOn {
		return nil
	}
	a, err := s.signOn(ctx)
	if err != nil {
		return err
	}
	if code := a.code(); code != approvedCode {
		return ErrSignOn.because(fmt.Errorf("code %q, %s", code, meaningOf(code).text.EN))
	}
	s.note("终端已签到", "The terminal signed on")
	return nil
}

// ready makes an online transaction possible: signed on, with nothing pending
// that must go first.
func (s *session) ready(ctx context.Context) error {
	if p := s.state.Settling; p != nil && !p.Answered {
		return ErrSettling
	}
	if err := s.ensureSignedOn(ctx); err != nil {
		return err
	}
	if err := s.notify(ctx); err != nil {
		return err
	}
	if err := s.undo(ctx); err != nil {
		return err
	}
	return s.ensureSignedOn(ctx) // the reversal's answer may have asked for it
}
