package pos

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"hawker/internal/card"
	"hawker/internal/iso8583"
	"hawker/internal/money"
)

// Original points at the sale that a refund gives back, or at a pre-authorization. Trace alone is enough
// when the terminal still has the sale; else RRN, with Batch, Trace and Date as
// far as the customer's slip tells them.
type Original struct {
	Trace int
	RRN   string // 12 characters
	Batch int
	Date  string // MMDD

	AuthCode string // of a pre-authorization: 6 characters, instead of the RRN

	kind Kind // of its refund
}

// openRefund is a refund or another notice without an outcome. It is never reversed but repeated
// unchanged, so its card data is kept, sealed, until the answer.
type openRefund struct {
	Kind   Kind   `json:"kind,omitempty"` // Refund when "", or of another notice
	Batch  int    `json:"batch"`
	Trace  int    `json:"trace"`
	Sealed []byte `json:"sealed"`
	evidence
}

// maxOpenRefunds bounds what the terminal keeps sealed.
const maxOpenRefunds = 20

// Refund gives amount, all or a part of what is left of a sale, back to the
// card. An Unknown result leaves the refund pending: ResolvePending repeats it.
// After an error nothing was given back.
func (t *Terminal) Refund(ctx context.Context, of Original, amount money.Amount, p Presented) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		if err := errors.Join(checkAmount(amount), p.check()); err != nil {
			return Result{}, err
		}
		if err := s.ready(ctx); err != nil {
			return Result{}, err
		}
		of, err := s.state.original(of, p.Card.PAN.String())
		if err != nil {
			return Result{}, err
		}
		p.PIN = card.PIN{} // the protocol's refund has none
		c, err := s.admit(&p, amount)
		if err != nil {
			return Result{}, err
		}
		c.remove() // its chip is read and makes no cryptogram: money goes back whatever it thinks
		m := s.state.request(of.kind, s.state.Trace, s.state.Batch)
		defer wipe(m)
		putAmount(m, amount)
		p.put(m, s.state.copyOfCards())
		m.Set(37, of.RRN).Set(61, fmt.Sprintf("%06d%06d%s", of.Batch, of.Trace, of.Date))
		return s.refund(ctx, m, Transaction{
			Kind: of.kind, Amount: amount, MaskedPAN: p.Card.PAN.String(), Entry: p.Entry, Original: of.Trace, OriginalRRN: of.RRN,
		})
	})
}

// original completes what points at a sale, and refuses what the terminal knows to be none.
func (s *state) original(of Original, maskedPAN string) (Original, error) {
	of.kind = Refund
	if of.RRN == "" {
		sale := s.remembered(of.Trace)
		if sale == nil {
			return of, ErrNotFound.because(fmt.Errorf("no transaction %06d in the batches kept", of.Trace))
		}
		if !sale.takes() || sale.Kind == Tip || sale.State != Approved || sale.MaskedPAN != maskedPAN {
			return of, ErrNotRefundable.because(errors.New("it is no approved sale, or of another card"))
		}
		of = Original{Trace: sale.Trace, RRN: sale.RRN, Batch: sale.Batch, Date: sale.Time.Format("0102"), kind: Refund}
		if sale.Kind == CashSale {
			of.kind = CashRefund
		}
	}
	if of.Date == "" {
		of.Date = "0000"
	}
	if len(of.RRN) != 12 || of.Batch < 0 || of.Batch > maxNumber || of.Trace < 0 || of.Trace > maxNumber || !digits(of.Date, 4) {
		return of, ErrNotFound.because(errors.New("RRN, batch, trace or date is out of range"))
	}
	for _, r := range s.Refunds {
		if tx := s.row(r.Batch, r.Trace); tx != nil && tx.OriginalRRN == of.RRN {
			return of, ErrRefundPending
		}
	}
	return of, nil
}

// refund sends a new refund or another notice once; its content is on disk before.
func (s *session) refund(ctx context.Context, m *iso8583.Message, tx Transaction) (Result, error) {
	open, err := s.open(m, &tx)
	if err != nil {
		return Result{}, err
	}
	a, err := s.send(ctx, tx.Kind, m, func(st *state) {
		st.Rows = append(st.Rows, tx)
		st.Refunds = append(st.Refunds, open)
	})
	if err != nil && !errors.Is(err, errSilent) {
		return Result{}, err
	}
	unknown := s.state.report(tx)
	if a == nil {
		a = silence()
	}
	if _, err := s.conclude(open, a, false); err != nil {
		s.think("the outcome could not be kept: %v", err)
		return unknown, nil
	}
	return s.state.report(*s.state.row(tx.Batch, tx.Trace)), nil
}

// open gives a refund or another notice its numbers, and seals its content.
func (s *session) open(m *iso8583.Message, tx *Transaction) (openRefund, error) {
	tx.State, tx.Batch, tx.Trace, tx.Time = Unknown, s.state.Batch, s.state.Trace, s.now()
	if err := s.state.room(*tx); err != nil {
		return openRefund{}, err
	}
	if len(s.state.Refunds) >= maxOpenRefunds {
		return openRefund{}, ErrRefundPending
	}
	open := openRefund{Kind: tx.Kind, Batch: tx.Batch, Trace: tx.Trace}
	var err error
	open.Sealed, err = s.state.Secure.sealMessage(m, open.label())
	return open, err
}

// repeat sends a pending refund again, unchanged but for what the present keys
// encipher. It returns whether another try makes sense now.
func (s *session) repeat(ctx context.Context, open openRefund) (again bool, err error) {
	m, err := s.state.Secure.unsealMessage(open.Sealed, open.label())
	if err != nil {
		return false, ErrDamaged.because(err)
	}
	defer wipe(m)
	a, err := s.send(ctx, open.kind(), m, nil)
	if errors.Is(err, errSilent) {
		_, err = s.conclude(open, silence(), true)
		return ctx.Err() == nil, err
	}
	if err != nil {
		return false, err
	}
	ended, err := s.conclude(open, a, true)
	return !ended && !s.state.SignedOn, err
}

// ofTheMessage are refusals that may speak of the message that got them, or of
// who sent it, before the host has looked for the transaction.
var ofTheMessage = map[string]bool{"03": true, "58": true, "77": true, "94": true, "96": true, "97": true, "99": true, "A0": true}

// conclude writes down what an answer says about a pending refund. Only an
// authentic answer ends it, and a repeat is not ended by a refusal of the
// message that names no transaction of the host's (F37): the first one may have
// been carried out.
func (s *session) conclude(open openRefund, a *answer, repeated bool) (ended bool, err error) {
	v := judge(a)
	if repeated && ofTheMessage[v.code] && !a.Has(37) {
		v.state = Unknown
	}
	ended = a.mac == macValid && v.state != Unknown
	return ended, s.commit(func(st *state) {
		st.SignedOn = st.SignedOn && !v.signOn
		i := slices.IndexFunc(st.Refunds, func(r openRefund) bool { return r.Batch == open.Batch && r.Trace == open.Trace })
		if i < 0 {
			return
		}
		if !ended {
			st.Refunds[i].evidence = st.Refunds[i].with(a.code(), s.now())
			return
		}
		st.Refunds = slices.Delete(st.Refunds, i, i+1)
		if tx := st.row(open.Batch, open.Trace); tx != nil {
			a.fill(tx, s.now())
			if tx.State = v.state; tx.Kind == CodeVoid && v.state == Approved {
				st.codeEnded(tx, a)
			}
		}
	})
}

// silence proves as little as an answer without a MAC.
func silence() *answer { return &answer{Message: iso8583.New("0230")} }

func (r openRefund) kind() Kind { return cmp.Or(r.Kind, Refund) }

func (r openRefund) label() string { return string(r.kind()) + " " + six(r.Batch) + six(r.Trace) }

// sealed is the content of a message on its way through the sealed memory.
type sealed struct {
	MTI    string
	Fields map[int][]byte
}

func (k secure) sealMessage(m *iso8583.Message, label string) ([]byte, error) {
	content := sealed{m.MTI, map[int][]byte{}}
	for _, n := range m.Fields() {
		content.Fields[n] = m.Bytes(n)
	}
	b, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	return k.seal(b, label)
}

func (k secure) unsealMessage(box []byte, label string) (*iso8583.Message, error) {
	b, err := k.unseal(box, label)
	if err != nil {
		return nil, errors.New("a sealed refund does not open")
	}
	defer clear(b)
	var content sealed
	if err := json.Unmarshal(b, &content); err != nil {
		return nil, errors.New("a sealed refund is no message")
	}
	m := iso8583.New(content.MTI)
	for n, value := range content.Fields {
		if n < 2 || n > 63 {
			return nil, errors.New("a sealed refund has an odd field")
		}
		m.SetBytes(n, value)
	}
	return m, nil
}
