package pos

import (
	"context"
	"errors"
)

// ResolvePending sends the pending reversal and repeats the pending refunds,
// each at most Options.Tries times. Items tells what became of each; Accepted
// means that nothing is pending any more, Unknown that something is.
func (t *Terminal) ResolvePending(ctx context.Context) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		pending := s.state.pending()
		err := s.tellIssuers(ctx)
		if err == nil {
			err = s.undo(ctx)
		}
		if err == nil {
			err = s.repeatRefunds(ctx)
		}
		if err != nil && !errors.Is(err, ErrReversalPending) {
			return Result{}, err
		}
		r := Result{Transaction: Transaction{Kind: Resolve, State: Accepted, Batch: s.state.Batch, Time: s.now()}}
		if s.state.Reversal != nil || len(s.state.Refunds) > 0 {
			r.State = Unknown
		}
		r = s.state.report(r.Transaction)
		for _, tx := range pending {
			if now := s.state.row(tx.Batch, tx.Trace); now != nil {
				r.Items = append(r.Items, s.state.report(*now))
			}
		}
		return r, nil
	})
}

// repeatRefunds repeats every pending refund.
func (s *session) repeatRefunds(ctx context.Context) error {
	for _, open := range s.state.Refunds {
		again := true
		for try := 0; again && try < s.tries(); try++ {
			if err := s.ensureSignedOn(ctx); err != nil {
				return err
			}
			var err error
			if again, err = s.repeat(ctx, open); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellIssuers sends the pending script notices, for which the terminal must be signed on.
func (s *session) tellIssuers(ctx context.Context) error {
	if len(s.state.Notices) == 0 {
		return nil
	}
	if err := s.ensureSignedOn(ctx); err != nil {
		return err
	}
	return s.notify(ctx)
}
