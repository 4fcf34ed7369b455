package reconcile

import (
	"context"
	"fmt"
	"time"

	"hawker/internal/clock"
	"hawker/internal/money"
	"hawker/internal/store"
)

// Summary is how a bill compared when it was checked last.
type Summary struct {
	Channel               string
	Day                   clock.Day
	Rows, Matched, Breaks int
	Sales, Refunds, Fees  money.Amount
	Checked               time.Time
}

// Summaries lists up to limit checked bills, the newest day first.
func Summaries(ctx context.Context, q store.Querier, limit int) (list []Summary, err error) {
	rows, err := q.Query(ctx, `SELECT channel, day, row_count, matched_count, break_count, currency, sales_minor, refunds_minor, fees_minor, checked_at
		FROM wallet_bills ORDER BY day DESC, channel LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("checked bills: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s Summary
		var c money.Currency
		var sales, refunds, fees int64
		var at store.Time
		if err := rows.Scan(&s.Channel, &s.Day, &s.Rows, &s.Matched, &s.Breaks, &c, &sales, &refunds, &fees, &at); err != nil {
			return nil, fmt.Errorf("checked bills: %w", err)
		}
		s.Sales, s.Refunds, s.Fees, s.Checked = money.New(sales, c), money.New(refunds, c), money.New(fees, c), at.Time()
		list = append(list, s)
	}
	return list, rows.Err()
}

// Breaks lists the breaks of a checked bill.
func Breaks(ctx context.Context, q store.Querier, channel string, day clock.Day) (list []Line, err error) {
	rows, err := q.Query(ctx, `SELECT merchant_id, verdict, kind, number, there_minor, here_minor, currency FROM wallet_bill_breaks
		WHERE channel = $1 AND day = $2 ORDER BY line`, channel, day)
	if err != nil {
		return nil, fmt.Errorf("breaks of a bill: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var l Line
		var there, here int64
		var c money.Currency
		if err := rows.Scan(&l.Merchant, &l.Verdict, &l.Kind, &l.Number, &there, &here, &c); err != nil {
			return nil, fmt.Errorf("breaks of a bill: %w", err)
		}
		l.There, l.Here = money.New(there, c), money.New(here, c)
		list = append(list, l)
	}
	return list, rows.Err()
}

// write keeps a result in place of an earlier one.
func write(ctx context.Context, tx *store.Tx, r Result, breaks []Line) error {
	c := r.Bill.Sales.Currency()
	if c == "" { // no bill, because nothing happened
		c = money.CNY
	}
	if _, err := tx.Exec(ctx, `DELETE FROM wallet_bill_breaks WHERE channel = $1 AND day = $2`, r.Channel, r.Day); err != nil {
		return fmt.Errorf("keep bill: %w", err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO wallet_bills (channel, day, row_count, matched_count, break_count, currency, sales_minor, refunds_minor, fees_minor, checked_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (channel, day) DO UPDATE SET row_count = excluded.row_count, matched_count = excluded.matched_count,
		break_count = excluded.break_count, sales_minor = excluded.sales_minor, refunds_minor = excluded.refunds_minor, fees_minor = excluded.fees_minor, checked_at = excluded.checked_at`,
		r.Channel, r.Day, len(r.Bill.Rows), len(r.Lines)-len(breaks), len(breaks), c, r.Bill.Sales.Minor(), r.Bill.Refunds.Minor(), r.Bill.Fees.Minor(), store.At(r.Checked)); err != nil {
		return fmt.Errorf("keep bill: %w", err)
	}
	for i, l := range breaks {
		if _, err := tx.Exec(ctx, `INSERT INTO wallet_bill_breaks (channel, day, line, merchant_id, verdict, kind, number, there_minor, here_minor, currency, detail)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, r.Channel, r.Day, i+1, l.Merchant, l.Verdict, l.Kind, l.Number, l.There.Minor(), l.Here.Minor(), c, l.String()); err != nil {
			return fmt.Errorf("keep bill: %w", err)
		}
	}
	return nil
}
