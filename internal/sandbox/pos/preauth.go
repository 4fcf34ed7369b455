package pos

import (
	"context"
	"errors"
	"fmt"

	"hawker/internal/card"
	"hawker/internal/money"
)

// Preauth has the card's bank keep amount ready. Nothing is charged until
// Complete. Unknown and errors are as for Sale.
func (t *Terminal) Preauth(ctx context.Context, amount money.Amount, p Presented) (Result, error) {
	return t.take(ctx, Preauth, amount, p)
}

// PreauthVoid gives a whole pre-authorization back, once. amount is what was
// held; the zero Amount means what the terminal remembers. Unknown and errors are as for Sale.
func (t *Terminal) PreauthVoid(ctx context.Context, of Original, amount money.Amount, p Presented) (Result, error) {
	return t.onHold(ctx, PreauthVoid, of, amount, p)
}

// Complete takes amount of a pre-authorization, once. Unknown and errors are as for Sale.
func (t *Terminal) Complete(ctx context.Context, of Original, amount money.Amount, p Presented) (Result, error) {
	return t.onHold(ctx, Completion, of, amount, p)
}

// CompleteNotice is Complete of what has been concluded already, such as a stay that
// is over: it is never reversed. An Unknown result leaves it pending: ResolvePending repeats it.
func (t *Terminal) CompleteNotice(ctx context.Context, of Original, amount money.Amount, p Presented) (Result, error) {
	return t.onHold(ctx, CompletionNotice, of, amount, p)
}

// CompletionVoid undoes an approved completion of the current batch, whole and once:
// the pre-authorization stands again. trace is the completion's.
func (t *Terminal) CompletionVoid(ctx context.Context, trace int) (Result, error) {
	return t.void(ctx, CompletionVoid, trace, Completion, CompletionNotice)
}

// onHold does something with a pre-authorization; the card must be there.
func (t *Terminal) onHold(ctx context.Context, k Kind, of Original, amount money.Amount, p Presented) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		c, err := s.admit(&p, zero())
		if err != nil {
			return Result{}, err
		}
		c.remove() // its chip is read and makes no cryptogram: the bank has seen one
		if err := s.ready(ctx); err != nil {
			return Result{}, err
		}
		of, held, err := s.state.hold(of, p.Card.PAN.String())
		if err != nil {
			return Result{}, err
		}
		if k == PreauthVoid && amount == (money.Amount{}) {
			amount = held
		}
		if err := checkAmount(amount); err != nil {
			return Result{}, err
		}
		if k == CompletionNotice {
			p.PIN = card.PIN{} // it may have to be kept and repeated, and a PIN may not
		}
		m := s.state.request(k, s.state.Trace, s.state.Batch)
		defer wipe(m)
		putAmount(m, amount)
		if err := s.present(m, p, nil); err != nil {
			return Result{}, err
		}
		m.Set(38, of.AuthCode).Set(61, six(of.Batch)+six(of.Trace)+of.Date)
		tx := Transaction{Kind: k, Amount: amount, MaskedPAN: p.Card.PAN.String(), Entry: p.Entry, PINEntered: !p.PIN.IsZero(), Original: of.Trace, OriginalRRN: of.RRN}
		if k == CompletionNotice {
			return s.refund(ctx, m, tx)
		}
		return s.undoable(ctx, m, nil, tx)
	})
}

// hold completes what points at a pre-authorization, and refuses what the terminal
// knows to be none, or to have ended. held is zero when it does not know the amount.
func (s *state) hold(of Original, maskedPAN string) (Original, money.Amount, error) {
	var held money.Amount
	if of.AuthCode == "" {
		tx := s.rememberedHold(of.Trace)
		switch {
		case tx == nil:
			return of, held, ErrNoHold.because(fmt.Errorf("no pre-authorization %06d in the batches kept", of.Trace))
		case tx.State != Approved || tx.MaskedPAN != maskedPAN || s.ended(*tx):
			return of, held, ErrHoldEnded
		}
		of, held = Original{Trace: tx.Trace, RRN: tx.RRN, Batch: tx.Batch, Date: tx.Time.Format("0102"), AuthCode: tx.AuthCode}, tx.Amount
	}
	if of.Date == "" {
		of.Date = "0000"
	}
	if len(of.AuthCode) != 6 || !ascii(of.AuthCode) || of.Batch < 0 || of.Batch > maxNumber || of.Trace < 0 || of.Trace > maxNumber || !digits(of.Date, 4) {
		return of, held, ErrNoHold.because(errors.New("authorization code, batch, trace or date is out of range"))
	}
	return of, held, nil
}

// rememberedHold finds the newest pre-authorization with a trace; nil when there is none.
func (s *state) rememberedHold(trace int) *Transaction {
	for _, rows := range s.batches() {
		if tx := find(rows, trace); tx != nil && tx.Kind == Preauth {
			return tx
		}
	}
	return nil
}

// ended reports whether a pre-authorization was voided or completed, or may have been,
// as far as the terminal knows: a completion that was voided did not end it.
func (s *state) ended(hold Transaction) bool {
	for _, rows := range s.batches() {
		for _, tx := range rows {
			open := tx.State == Approved || tx.State == Unknown
			if !open || tx.OriginalRRN != hold.RRN {
				continue
			}
			switch tx.Kind {
			case PreauthVoid:
				return true
			case Completion, CompletionNotice:
				if !s.undone(tx) {
					return true
				}
			}
		}
	}
	return false
}

// undone reports whether a completion was voided for certain.
func (s *state) undone(completion Transaction) bool {
	for _, rows := range s.batches() {
		for _, tx := range rows {
			if tx.Kind == CompletionVoid && tx.State == Approved && tx.OriginalRRN == completion.RRN {
				return true
			}
		}
	}
	return false
}
