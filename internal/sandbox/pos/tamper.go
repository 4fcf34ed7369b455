package pos

import (
	"context"
	"errors"

	"hawker/internal/iso8583"
)

// Tamper is what a device does when it notices that it is being opened: it tells the
// host, with a MAC while it still can, and erases its keys whatever the host says.
// Unknown means that the host may not know yet. From then on every operation is
// ErrTampered; only Provision makes the terminal anew. what is up to 20 ASCII characters.
func (t *Terminal) Tamper(ctx context.Context, what string) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		text, err := iso8583.Status62{Tampered: true, Detail: what}.Build()
		if err != nil {
			return Result{}, ErrTamperText.because(err)
		}
		a, err := s.reportTamper(ctx, text)
		erased := s.commit(func(st *state) {
			st.Tampered, st.SignedOn = true, false
			st.Secure = secure{TMK: make(hexBytes, len(st.Secure.TMK)), Memory: make(hexBytes, len(st.Secure.Memory))}
		})
		if erased != nil {
			return Result{}, errors.Join(erased, err)
		}
		if err != nil {
			s.think("the host was not told: %v", err)
			return s.state.report(Transaction{Kind: Tamper, State: Unknown, Batch: s.state.Batch, Trace: s.state.Trace, Time: s.now()}), nil
		}
		return s.state.manage(Tamper, a, s.now()), nil
	})
}

// reportTamper sends the status upload; a terminal that is not signed on tries to be.
func (s *session) reportTamper(ctx context.Context, text string) (*answer, error) {
	if err := s.ensureSignedOn(ctx); err != nil {
		return nil, err
	}
	m := s.state.request(Tamper, s.state.Trace, s.state.Batch).SetBytes(62, []byte(text))
	return s.send(ctx, Tamper, m, nil)
}

// reportsTamper says that m tells the host of a tampering, after which the host has no
// key left to prove its answer with. Nothing depends on that answer.
func reportsTamper(m *iso8583.Message) bool {
	status, err := iso8583.ParseStatus62(m.Text(62))
	return err == nil && status.Tampered
}
