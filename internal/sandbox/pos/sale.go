package pos

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hawker/internal/iso8583"
	"hawker/internal/money"
)

// Sale takes amount (more than zero, CNY) from the card. An Unknown result
// leaves a reversal pending, which goes out before the next online transaction
// or with ResolvePending. After an error no money has moved.
func (t *Terminal) Sale(ctx context.Context, amount money.Amount, p Presented) (Result, error) {
	return t.take(ctx, Sale, amount, p)
}

// take is a sale or a pre-authorization.
func (t *Terminal) take(ctx context.Context, k Kind, amount money.Amount, p Presented) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		if err := checkAmount(amount); err != nil {
			return Result{}, err
		}
		c, err := s.admit(&p, amount)
		if err != nil {
			return Result{}, err
		}
		defer c.remove()
		if err := s.ready(ctx); err != nil {
			return Result{}, err
		}
		if err := s.state.permit(amount, p); err != nil {
			return Result{}, err
		}
		kind, noProof := s.state.Loads.card(amount, p)
		m := s.state.request(k, s.state.Trace, s.state.Batch)
		defer wipe(m)
		putAmount(m, amount)
		if err := s.present(m, p, c); err != nil {
			return Result{}, err
		}
		return s.undoable(ctx, m, c, Transaction{
			Kind: k, Amount: amount, MaskedPAN: p.Card.PAN.String(), Entry: p.Entry, PINEntered: !p.PIN.IsZero(), CardKind: kind, NoProof: noProof,
		})
	})
}

// Void undoes an approved sale of the current batch with its tips and adjustments, whole and once, or a
// code, paid or not. trace is the sale's. Unknown and errors are as for Sale; the void of a code is not
// reversed but repeated.
func (t *Terminal) Void(ctx context.Context, trace int) (Result, error) {
	return t.void(ctx, Void, trace, Sale, OfflineSale)
}

// void undoes a transaction of the current batch that is of one of the kinds.
func (t *Terminal) void(ctx context.Context, k Kind, trace int, kinds ...Kind) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		if err := s.ready(ctx); err != nil { // first: it may open another batch
			return Result{}, err
		}
		sale := find(s.state.Rows, trace)
		if sale == nil {
			return Result{}, ErrNotFound.because(fmt.Errorf("no transaction %06d in batch %06d", trace, s.state.Batch))
		}
		if k == Void && !s.state.voided(trace) && s.codeRow(*sale) {
			return s.voidCode(ctx, *sale)
		}
		if !slices.Contains(kinds, sale.Kind) || sale.State != Approved || s.state.voided(trace) {
			return Result{}, ErrNotVoidable
		}
		amount, settled := s.state.captured(*sale)
		if !settled {
			return Result{}, ErrRefundPending
		}
		m := s.state.request(k, s.state.Trace, s.state.Batch)
		putAmount(m, amount)
		m.Set(22, entries[Manual].mode+withoutPIN) // no card is presented
		m.Set(37, sale.RRN).Set(61, six(sale.Batch)+six(trace)+sale.Time.Format("0102"))
		return s.undoable(ctx, m, nil, Transaction{
			Kind: k, Amount: amount, MaskedPAN: sale.MaskedPAN, Entry: sale.Entry, Original: trace, OriginalRRN: sale.RRN,
		})
	})
}

// codeRow reports whether a row of its own voids a transaction: a code that is shown or was paid,
// and in the PSP's dialect a payment by the customer's code.
func (s *session) codeRow(tx Transaction) bool {
	return tx.Kind == CodeShown && (tx.State == Waiting || tx.State == Approved) ||
		tx.Kind == Sale && tx.Entry == Scan && tx.State == Approved && s.profile.Name == iso8583.PSP.Name
}

// voided reports whether a sale or completion of the current batch has been undone, or may have been.
func (s *state) voided(trace int) bool {
	for _, tx := range s.Rows {
		if (tx.Kind == Void || tx.Kind == CompletionVoid || tx.Kind == CodeVoid) && tx.Original == trace && (tx.State == Approved || tx.State == Unknown) {
			return true
		}
	}
	return false
}

// Balance asks what the card's account has available. It moves no money and is not kept.
func (t *Terminal) Balance(ctx context.Context, p Presented) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		c, err := s.admit(&p, zero())
		if err != nil {
			return Result{}, err
		}
		defer c.remove()
		if err := s.ready(ctx); err != nil {
			return Result{}, err
		}
		m := s.state.request(Balance, s.state.Trace, s.state.Batch)
		defer wipe(m)
		if err := s.present(m, p, c); err != nil {
			return Result{}, err
		}
		a, err := s.send(ctx, Balance, m, c.keep)
		if errors.Is(err, errSilent) {
			return Result{}, ErrNoAnswer.because(err)
		}
		if err != nil {
			return Result{}, err
		}
		return s.balance(a, Transaction{Kind: Balance, Batch: s.state.Batch, MaskedPAN: p.Card.PAN.String(), Entry: p.Entry, PINEntered: !p.PIN.IsZero()})
	})
}

func (s *session) balance(a *answer, tx Transaction) (Result, error) {
	verdict := judge(a)
	if verdict.signOn {
		if err := s.commit(func(st *state) { st.SignedOn = false }); err != nil {
			return Result{}, err
		}
	}
	if verdict.state == Unknown && (a.mac != macValid || verdict.code == "") {
		return Result{}, ErrAnswer.because(errors.New(verdict.why))
	}
	a.fill(&tx, s.now())
	tx.State = verdict.state
	if tx.State == Unknown {
		tx.State = Declined // no money is in doubt
	}
	r := s.state.report(tx)
	if tx.State != Approved {
		return r, nil
	}
	balances, err := iso8583.ParseBalance54(a.Text(54))
	if err != nil {
		return Result{}, ErrAnswer.because(err)
	}
	for _, b := range balances {
		if b.Type == availableBalance && b.Currency == currency.Numeric() {
			r.Available = money.New(b.Amount, currency)
			return r, nil
		}
	}
	return Result{}, ErrAnswer.because(errors.New("field 54 has no available balance in CNY"))
}

const availableBalance = "02"

// present writes card and PIN into m, and what its chip says; c is nil when it shows none.
func (s *session) present(m *iso8583.Message, p Presented, c *chip) error {
	p.put(m, s.state.copyOfCards())
	if c != nil {
		if err := c.ask(m, s.now()); err != nil {
			return err
		}
	}
	if s.profile.Protection.Derived() {
		return s.state.Secure.next(s.profile).putPIN(m, p)
	}
	tpk, err := s.state.Secure.unwrap(s.state.Secure.TPK)
	if err != nil {
		return err
	}
	defer tpk.Wipe()
	return p.putPIN(m, tpk)
}

// wipe takes card data out of a message that has been used.
func wipe(m *iso8583.Message) { m.Wipe(2, 14, 23, 35, 52, 55, 59) }

// undoable sends what has a reversal: a sale, void, pre-authorization or completion. Its row says Unknown, and its reversal is
// written down, before the first byte leaves; the answer can only improve on that.
// The card's chip, nil for none, has the last word: what it does not accept is reversed at once.
func (s *session) undoable(ctx context.Context, m *iso8583.Message, c *chip, tx Transaction) (Result, error) {
	tx.State, tx.Batch, tx.Trace, tx.Time = Unknown, s.state.Batch, s.state.Trace, s.now()
	if err := s.state.room(tx); err != nil {
		return Result{}, err
	}
	a, err := s.send(ctx, tx.Kind, m, func(st *state) {
		st.Rows = append(st.Rows, tx)
		st.Reversal = newReversal(m, tx)
		c.keep(st)
	})
	if err != nil && !errors.Is(err, errSilent) {
		return Result{}, err
	}
	unknown := s.state.report(tx)
	if err != nil {
		return unknown, nil
	}
	verdict, link := judge(a), ""
	if tx.Kind == CodeShown {
		link = verdict.shown(a)
	}
	s.think("%s", verdict.why)
	end, err := c.hear(a, &verdict)
	if err != nil {
		s.think("the chip gave no second answer: %v", err)
	}
	err = s.commit(func(st *state) {
		st.SignedOn = st.SignedOn && !verdict.signOn
		row := st.row(tx.Batch, tx.Trace)
		row.State, row.Code = verdict.state, verdict.code
		if a.mac == macValid {
			a.fill(row, s.now())
		}
		row.Link = link
		row.Chip, row.ICC, row.Refused = end.facts, end.keepICC(), end.refused
		c.keep(st)
		if len(end.results) > 0 {
			st.Notices = append(st.Notices[max(0, len(st.Notices)+1-maxNotices):], newNotice(m, *row, end))
		}
		if verdict.reason == "" {
			st.Reversal = nil
		} else {
			st.Reversal.Reason = verdict.reason
			st.Reversal.take(end)
		}
		tx = *row
	})
	if err != nil {
		// The file still says that this is to be reversed, and so it will be: no success may be shown.
		s.think("the outcome could not be kept: %v", err)
		return unknown, nil
	}
	if end.refused {
		if err := s.undo(ctx); err != nil {
			s.think("the reversal waits: %v", err)
		}
		tx = *s.state.row(tx.Batch, tx.Trace)
	}
	if verdict.state != Unknown {
		s.forwardLate(ctx)
	}
	return s.state.report(tx), nil
}
