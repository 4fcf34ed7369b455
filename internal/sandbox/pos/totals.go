package pos

import (
	"fmt"

	"hawker/internal/iso8583"
	"hawker/internal/money"
)

// Totals are counted as field 48 of a settlement wants them: debit every
// approved sale, completion and tip, one that was voided later included; credit every
// approved void of these, refund and adjustment. What was reversed counts nowhere, and
// neither does a pre-authorization.
type Totals struct {
	DebitCount   int          `json:"debit_count"`
	DebitAmount  money.Amount `json:"debit_amount"`
	CreditCount  int          `json:"credit_count"`
	CreditAmount money.Amount `json:"credit_amount"`
}

// maxCount is what the three digits of field 48 can say.
const maxCount = 999

// counts reports whether a transaction is a part of its batch's totals.
func (tx Transaction) counts() bool {
	return tx.State == Approved && tx.Kind != Preauth && tx.Kind != PreauthVoid && (tx.Kind != CodeVoid || tx.Voucher != "")
}

// takes reports whether a transaction brings the merchant money, if it stands.
func (tx Transaction) takes() bool {
	return tx.sells() || tx.Kind == Tip || tx.Kind == Completion || tx.Kind == CompletionNotice || tx.Kind == CashSale || tx.Kind == CodeShown
}

// refunds reports whether money goes back after a settlement.
func (k Kind) refunds() bool { return k == Refund || k == CashRefund }

// sells reports whether it is a sale, online or offline.
func (tx Transaction) sells() bool { return tx.Kind == Sale || tx.Kind == OfflineSale }

func totalsOf(rows []Transaction) Totals {
	var debit, credit, debits, credits int64
	for _, tx := range rows {
		switch {
		case !tx.counts():
		case tx.takes():
			debits++
			debit += tx.Amount.Minor() // 2,000 rows of twelve digits fit
		default:
			credits++
			credit += tx.Amount.Minor()
		}
	}
	return Totals{int(debits), money.New(debit, currency), int(credits), money.New(credit, currency)}
}

// room refuses a transaction after which field 48 could not hold the totals.
func (s *state) room(tx Transaction) error {
	tx.State, tx.Voucher = Approved, "any"
	t := totalsOf(append(s.Rows[:len(s.Rows):len(s.Rows)], tx))
	if len(s.Rows) >= maxRows || t.DebitCount > maxCount || t.CreditCount > maxCount ||
		t.DebitAmount.Minor() > maxAmount || t.CreditAmount.Minor() > maxAmount {
		return ErrBatchFull.because(fmt.Errorf("%d transactions", len(s.Rows)))
	}
	return nil
}

// field48 is the request's form. Every card counts as domestic: nothing that the
// terminal gets tells a foreign one for certain.
func (t Totals) field48() (string, error) {
	return iso8583.Totals48{Domestic: iso8583.Totals{
		DebitAmount: t.DebitAmount.Minor(), DebitCount: t.DebitCount,
		CreditAmount: t.CreditAmount.Minor(), CreditCount: t.CreditCount,
	}}.Build()
}

// hostTotals reads the answer: both groups together, balanced when the host says so of both.
func hostTotals(f48 string) (t Totals, balanced bool, err error) {
	h, err := iso8583.ParseTotals48(f48)
	if err != nil {
		return Totals{}, false, err
	}
	d, f := h.Domestic, h.Foreign
	return Totals{
		d.DebitCount + f.DebitCount, money.New(d.DebitAmount+f.DebitAmount, currency),
		d.CreditCount + f.CreditCount, money.New(d.CreditAmount+f.CreditAmount, currency),
	}, d.Result == iso8583.Balanced && f.Result == iso8583.Balanced, nil
}
