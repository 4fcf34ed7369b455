package payment

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// ErrBatchAgain refuses to settle a closed batch with other totals.
var ErrBatchAgain = fault.New(fault.Conflict, "batch_settled", "这个批次已经结算。", "This batch is settled already.")

// Totals are the money of a batch: debit counts approved sales, completions and tips, voided
// ones included; credit counts approved voids of these, refunds and adjustments; what was reversed
// counts nowhere, and neither does a pre-authorization.
type Totals struct {
	Debit       money.Amount
	DebitCount  int
	Credit      money.Amount
	CreditCount int
}

// Batch is a settled batch: the host's totals beside the terminal's.
type Batch struct {
	Merchant merchant.ID
	Terminal terminal.ID
	Day      clock.Day
	Number   int
	Host     Totals
	Claimed  Totals
	Settled  time.Time
	State    BatchState
}

// BatchState is how far a settled batch was compared.
type BatchState string

// The states of a settled batch.
const (
	BatchBalanced   BatchState = "balanced"
	BatchUnbalanced BatchState = "unbalanced" // its upload has not ended
	BatchReconciled BatchState = "reconciled" // was unbalanced, and compared payment by payment
)

// Balanced reports whether host and terminal agree.
func (b Batch) Balanced() bool { return b.Host == b.Claimed }

// SettleBatch closes the terminal's open batch, compares totals and opens the next.
// The same batch with the same claim again gives the same answer.
func (e *Engine) SettleBatch(_ context.Context, src Source, claimed Totals) (b Batch, err error) {
	err = e.write(&command{merchant: src.Merchant.ID, source: &src, apply: func(w *work) (err error) {
		b, err = e.settle(w, src, claimed)
		return err
	}})
	return b, err
}

func (e *Engine) settle(w *work, src Source, claimed Totals) (Batch, error) {
	t, err := w.terminal(src.Merchant.ID, src.Terminal)
	if err != nil {
		return Batch{}, err
	}
	if err := w.flush(); err != nil { // the totals are read from the database
		return Batch{}, err
	}
	if t.Batch != src.Batch {
		b, err := SettledBatch(w.ctx, w.tx, t.Merchant, t.ID, src.Batch)
		switch {
		case errors.Is(err, ErrNotFound):
			return b, terminal.ErrBatch
		case err != nil:
			return b, w.failed(err)
		case b.Claimed != claimed:
			return b, ErrBatchAgain
		}
		return b, nil
	}
	if err := t.MayTake(); err != nil {
		return Batch{}, err
	}
	now := e.now()
	b := Batch{Merchant: t.Merchant, Terminal: t.ID, Day: t.BatchDay, Number: t.Batch, Claimed: claimed, Settled: now}
	if b.Host, err = totals(w.ctx, w.tx, t, src.Merchant.Currency); err != nil {
		return b, w.failed(err)
	}
	if b.State = BatchBalanced; !b.Balanced() {
		b.State = BatchUnbalanced
	}
	if err := insertBatch(w.ctx, w.tx, b); err != nil {
		return b, w.failed(err)
	}
	next, err := terminal.NextBatch(w.ctx, w.tx, t, src.Merchant.Day(now))
	if err != nil {
		return b, w.failed(err)
	}
	w.terminals[wordKey{t.Merchant, string(t.ID)}] = next
	return b, nil
}

// BatchTotals computes the open batch's totals as they stand.
func (e *Engine) BatchTotals(ctx context.Context, t terminal.Terminal, c money.Currency) (Totals, error) {
	return totals(ctx, e.db.Read(), t, c)
}

// batchRange bounds the keys of a terminal's batch, which order by day, terminal and batch.
func batchRange(day clock.Day, t terminal.ID, batch int) (from, to string) {
	return key(day, t, batch, 0), key(day, t, batch, 999999)
}

func totals(ctx context.Context, q store.Querier, t terminal.Terminal, c money.Currency) (Totals, error) {
	sums := Totals{Debit: money.Zero(c), Credit: money.Zero(c)}
	from, to := batchRange(t.BatchDay, t.ID, t.Batch)
	rows, err := q.Query(ctx, `SELECT kind, COUNT(*), CAST(SUM(amount_minor) AS BIGINT) FROM attempts
		WHERE merchant_id = $1 AND idem_key BETWEEN $2 AND $3 AND state = 'approved' GROUP BY kind`, t.Merchant, from, to)
	if err != nil {
		return sums, fmt.Errorf("batch totals: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var kind channel.Kind
		var count int
		var minor int64
		if err := rows.Scan(&kind, &count, &minor); err != nil {
			return sums, fmt.Errorf("batch totals: %w", err)
		}
		if ofHold(kind) || kind == channel.Close {
			continue // nothing is owed for it
		}
		if sells(kind) || kind == channel.Present || completes(kind) || kind == channel.Tip {
			sums.DebitCount += count
			if sums.Debit, err = sums.Debit.Add(money.New(minor, c)); err != nil {
				return sums, err
			}
			continue
		}
		sums.CreditCount += count
		if sums.Credit, err = sums.Credit.Add(money.New(minor, c)); err != nil {
			return sums, err
		}
	}
	return sums, rows.Err()
}

func insertBatch(ctx context.Context, tx *store.Tx, b Batch) error {
	_, err := tx.Exec(ctx, `INSERT INTO batches (merchant_id, tid, batch_day, batch, state, currency, debit_minor, debit_count, credit_minor, credit_count,
		claimed_debit_minor, claimed_debit_count, claimed_credit_minor, claimed_credit_count, settled_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		b.Merchant, b.Terminal, b.Day, b.Number, b.State, b.Host.Debit.Currency(), b.Host.Debit.Minor(), b.Host.DebitCount, b.Host.Credit.Minor(), b.Host.CreditCount,
		b.Claimed.Debit.Minor(), b.Claimed.DebitCount, b.Claimed.Credit.Minor(), b.Claimed.CreditCount, store.At(b.Settled))
	if err != nil {
		return fmt.Errorf("settle batch: %w", err)
	}
	return nil
}

const batchColumns = `merchant_id, tid, batch_day, batch, state, currency, debit_minor, debit_count, credit_minor, credit_count,
	claimed_debit_minor, claimed_debit_count, claimed_credit_minor, claimed_credit_count, settled_at`

func scanBatch(scan func(...any) error) (b Batch, err error) {
	var c money.Currency
	var hd, hc, cd, cc int64
	var at store.Time
	err = scan(&b.Merchant, &b.Terminal, &b.Day, &b.Number, &b.State, &c, &hd, &b.Host.DebitCount, &hc, &b.Host.CreditCount,
		&cd, &b.Claimed.DebitCount, &cc, &b.Claimed.CreditCount, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return Batch{}, ErrNotFound
	} else if err != nil {
		return Batch{}, fmt.Errorf("read batch: %w", err)
	}
	b.Host.Debit, b.Host.Credit = money.New(hd, c), money.New(hc, c)
	b.Claimed.Debit, b.Claimed.Credit = money.New(cd, c), money.New(cc, c)
	b.Settled = at.Time()
	return b, nil
}

// SettledBatch finds the terminal's latest settled batch of a number; ErrNotFound when there is none.
func SettledBatch(ctx context.Context, q store.Querier, m merchant.ID, t terminal.ID, number int) (Batch, error) {
	return scanBatch(q.QueryRow(ctx, `SELECT `+batchColumns+` FROM batches WHERE merchant_id = $1 AND tid = $2 AND batch = $3
		ORDER BY batch_day DESC LIMIT 1`, m, t, number).Scan)
}

// SettledBatches lists up to limit settled batches of all merchants, the newest first;
// with unbalanced only those whose totals differed.
func SettledBatches(ctx context.Context, q store.Querier, unbalanced bool, limit int) (list []Batch, err error) {
	where := ""
	if unbalanced {
		where = ` WHERE state <> 'balanced'`
	}
	rows, err := q.Query(ctx, `SELECT `+batchColumns+` FROM batches`+where+` ORDER BY settled_at DESC, merchant_id, tid, batch LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list batches: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		b, err := scanBatch(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, rows.Err()
}

// batchDay is the business day on which a batch was opened: the open one or a settled one; ErrNotFound otherwise.
func (w *work) batchDay(t terminal.Terminal, number int) (clock.Day, error) {
	if number == t.Batch {
		return t.BatchDay, nil
	}
	b, err := SettledBatch(w.ctx, w.tx, t.Merchant, t.ID, number)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return 0, w.failed(err)
	}
	return b.Day, err
}
