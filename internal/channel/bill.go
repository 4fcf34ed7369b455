package channel

import (
	"fmt"
	"time"

	"hawker/internal/clock"
	"hawker/internal/money"
)

// Bill is a wallet's statement of one day, whichever wallet.
type Bill struct {
	Channel string
	Day     clock.Day // in the wallet's zone, Asia/Shanghai
	Rows    []BillRow // in the wallet's order
	Sales   money.Amount
	Refunds money.Amount // positive; reversals of paid sales are among them
	Fees    money.Amount // what the wallet kept: negative when it gave back more
}

// BillRow is one line of it.
type BillRow struct {
	At       time.Time // UTC; when it was booked
	Kind     Kind      // Sale, Refund, or Reversal: a sale that was paid and then reversed
	Merchant string    // the wallet's number of the merchant
	Sub      string    // of the sub-merchant; ""
	Terminal string
	Order    string // our number of the sale
	Refund   string // our number of the refund; "" of a sale
	Number   string // the wallet's number of the sale
	Return   string // the wallet's number of the refund; ""
	Amount   money.Amount
	Fee      money.Amount // of a sale what the wallet kept; negative: given back with a refund
	State    string       // the wallet's word
}

// NewBill adds the rows up.
func NewBill(name string, day clock.Day, currency money.Currency, rows []BillRow) (Bill, error) {
	b := Bill{Channel: name, Day: day, Rows: rows, Sales: money.Zero(currency), Refunds: money.Zero(currency), Fees: money.Zero(currency)}
	for i, r := range rows {
		sum := &b.Sales
		if r.Kind != Sale {
			sum = &b.Refunds
		}
		var err error
		if *sum, err = sum.Add(r.Amount); err == nil {
			b.Fees, err = b.Fees.Add(r.Fee)
		}
		if err != nil {
			return Bill{}, ErrBill.With("row %d: %w", i+1, err)
		}
	}
	return b, nil
}

// Agrees compares with the sums that the wallet itself wrote below its rows.
func (b Bill) Agrees(count int, sales, refunds, fees money.Amount) error {
	if count != len(b.Rows) || sales != b.Sales || refunds != b.Refunds || fees != b.Fees {
		return ErrBill.Wrap(fmt.Errorf("it sums up %d rows, %s, %s, %s; they are %d, %s, %s, %s",
			count, sales, refunds, fees, len(b.Rows), b.Sales, b.Refunds, b.Fees))
	}
	return nil
}
