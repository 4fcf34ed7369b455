package pos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hawker/internal/iso8583"
	"hawker/internal/money"
)

// Wallet is whose code a terminal shows: its number in field 60.3.
type Wallet string

// The wallets that draw codes for terminals.
const (
	WeChat Wallet = "002"
	Alipay Wallet = "003"
)

// noWallet is field 60.3 where none is named.
const noWallet = "000"

var walletsByName = map[string]Wallet{"wechat": WeChat, "alipay": Alipay}

var walletNames = map[Wallet]Words{WeChat: {"微信支付", "WeChat Pay"}, Alipay: {"支付宝", "Alipay"}}

// between is how long a terminal waits between two queries of a code, unless Options.Pause says otherwise.
const between = 3 * time.Second

// Show asks for a wallet's code over amount, for the customer to scan: Result.Link is what the
// symbol shows, and Waiting says that nobody has paid yet. An Unknown result leaves a reversal
// pending, as a sale's does: no code was shown.
func (t *Terminal) Show(ctx context.Context, amount money.Amount, of Wallet) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		if err := checkAmount(amount); err != nil {
			return Result{}, err
		}
		if walletNames[of] == (Words{}) {
			return Result{}, ErrWallet.because(fmt.Errorf("wallet %q", of))
		}
		if err := s.ready(ctx); err != nil {
			return Result{}, err
		}
		m := s.state.coded(CodeShown, of)
		putAmount(m, amount)
		return s.undoable(ctx, m, nil, Transaction{Kind: CodeShown, Amount: amount, Entry: Scan, Wallet: of, NoProof: true})
	})
}

// coded begins a message by code.
func (s *state) coded(k Kind, of Wallet) *iso8583.Message {
	m := s.request(k, s.Trace, s.Batch)
	return m.Set(60, shapes[k].kind+six(s.Batch)+string(of)).Set(22, entries[Scan].mode+withoutPIN)
}

// about points m at a payment by code.
func (tx Transaction) about(m *iso8583.Message) *iso8583.Message {
	return m.Set(37, tx.RRN).Set(61, six(tx.Batch)+six(tx.Trace)+tx.Time.Format("0102"))
}

// shown reads an approval's code: without one there is nothing to show, and it is taken back.
func (v *verdict) shown(a *answer) (link string) {
	if v.state != Approved {
		return ""
	}
	link, err := iso8583.Find59(a.Bytes(59), iso8583.QRCode)
	if err != nil || link == "" {
		v.state, v.reason, v.why = Unknown, reasonOther, "an approval without a code"
		return ""
	}
	v.state = Waiting
	return link
}

// Ask asks what became of a code: at most so many times, until the customer has paid, nobody can
// pay it any more, or ctx ends. trace is the code's. Waiting means that nobody has paid yet.
func (t *Terminal) Ask(ctx context.Context, trace, times int) (Result, error) {
	return t.run(func(s *session) (Result, error) {
		if err := s.ready(ctx); err != nil {
			return Result{}, err
		}
		code := s.state.remembered(trace)
		if code == nil || code.Kind != CodeShown {
			return Result{}, ErrNotFound.because(fmt.Errorf("no code %06d", trace))
		}
		batch := code.Batch
		for n := 0; s.state.row(batch, trace).State == Waiting && n < times; n++ {
			if n > 0 && !s.pause(ctx) {
				break
			}
			if err := s.query(ctx, *s.state.row(batch, trace)); err != nil {
				return Result{}, err
			}
		}
		return s.state.report(*s.state.row(batch, trace)), nil
	})
}

// pause waits until the next query; false when ctx ends it.
func (s *session) pause(ctx context.Context) bool {
	next := time.NewTimer(s.options.Pause)
	defer next.Stop()
	select {
	case <-next.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// query asks once. Only an authentic answer about this very code ends it.
func (s *session) query(ctx context.Context, code Transaction) error {
	if err := s.ensureSignedOn(ctx); err != nil {
		return err
	}
	a, err := s.send(ctx, CodeQuery, code.about(s.state.coded(CodeQuery, code.Wallet)), nil)
	if errors.Is(err, errSilent) {
		return nil // the next one may be answered
	}
	if err != nil {
		return err
	}
	v := judge(a)
	about := a.mac == macValid && a.Text(37) == code.RRN
	return s.commit(func(st *state) {
		st.SignedOn = st.SignedOn && !v.signOn
		row := st.row(code.Batch, code.Trace)
		switch {
		case !about || v.state == Unknown || v.code == unpaidCode || row.State != Waiting:
		case v.state == Approved:
			row.State, row.Code, row.HostText = Approved, v.code, ""
			row.Voucher, _ = iso8583.Find59(a.Bytes(59), iso8583.QRVoucher)
		default:
			row.State, row.Code, row.HostText = Declined, v.code, a.sentence()
		}
	})
}

// What a query says of a code that nobody has paid: not yet, and never.
const (
	unpaidCode = "09"
	voidedCode = "12"
)

// voidCode ends a payment by code: nobody can pay it any more, or its customer gets his money
// back. It is never reversed: an Unknown result leaves it pending, and ResolvePending repeats it.
func (s *session) voidCode(ctx context.Context, code Transaction) (Result, error) {
	of := code.Wallet
	if of == "" {
		of = noWallet
	}
	m := code.about(s.state.coded(CodeVoid, of))
	putAmount(m, code.Amount)
	return s.refund(ctx, m, Transaction{Kind: CodeVoid, Amount: code.Amount, MaskedPAN: code.MaskedPAN, Entry: Scan, Wallet: code.Wallet, Original: code.Trace, OriginalRRN: code.RRN})
}

// codeEnded writes down what the void of a code, which the host has approved, says of the code: a
// voucher means that it was paid and is given back.
func (st *state) codeEnded(void *Transaction, a *answer) {
	void.Voucher, _ = iso8583.Find59(a.Bytes(59), iso8583.QRVoucher)
	i := slices.IndexFunc(st.Rows, func(tx Transaction) bool { return tx.RRN == void.OriginalRRN && tx.Kind == CodeShown })
	if i < 0 {
		return
	}
	code := &st.Rows[i]
	if void.Voucher != "" {
		code.State, code.Code = Approved, approvedCode
	} else if code.State == Waiting {
		code.State, code.Code = Declined, voidedCode
	}
}

// closeCodes ends every open code, which the totals could not count: one that is not paid is voided.
func (s *session) closeCodes(ctx context.Context) error {
	for _, code := range slices.Clone(s.state.Rows) {
		if code.State != Waiting {
			continue
		}
		if err := s.query(ctx, code); err != nil {
			return err
		}
		if now := s.state.row(code.Batch, code.Trace); now.State != Waiting {
			continue
		}
		if r, err := s.voidCode(ctx, code); err != nil {
			return err
		} else if r.State == Approved {
			s.note(fmt.Sprintf("没有付款的收款码 %06d 已作废", code.Trace), fmt.Sprintf("The code %06d, which nobody had paid, was voided", code.Trace))
		}
	}
	return nil
}
