package payment

import (
	"context"
	"fmt"
	"strings"

	"hawker/internal/cases"
	"hawker/internal/channel"
	"hawker/internal/fault"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// ErrDetails refuses an end message whose count differs from the details received.
var ErrDetails = fault.New(fault.Invalid, "details_incomplete", "批上送笔数不符，请重新上送。", "The number of uploaded details differs. Upload them again.")

// ErrDetailDiffers refuses a detail of a transaction that was uploaded otherwise before.
var ErrDetailDiffers = fault.New(fault.Conflict, "detail_differs", "这笔明细已经上送，内容不同。", "This detail was uploaded before, with other content.")

// DetailKind is how a transaction came into a terminal's batch upload.
type DetailKind string

// The kinds of details.
const (
	DetailMagnetic DetailKind = "magnetic"
	DetailChip     DetailKind = "chip"                // with its last cryptogram
	DetailRefused  DetailKind = "refused by the chip" // the bank approved and the chip did not: for the terminal nothing stands
	DetailNotice   DetailKind = "notice"              // of what the terminal had concluded
)

// Detail is one transaction of a terminal's batch upload.
type Detail struct {
	Trace  int
	Amount money.Amount
	Kind   DetailKind
	ICC    string // of a chip, BER-TLV; "" for none
}

// Upload stores details of a settled batch; one that is there already is left as it is,
// and refused with ErrDetailDiffers when it says something else. Of a refusal nothing is stored.
func (e *Engine) Upload(ctx context.Context, src Source, details []Detail) error {
	return e.db.Write(ctx, func(tx *store.Tx) error {
		b, err := batchOf(ctx, tx, src)
		if err != nil {
			return err
		}
		for _, d := range details {
			if err := d.store(ctx, tx, b); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d Detail) store(ctx context.Context, tx *store.Tx, b Batch) error {
	n, err := tx.Exec(ctx, `INSERT INTO batch_details (merchant_id, tid, batch_day, batch, trace, amount_minor, kind, icc) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (merchant_id, tid, batch_day, batch, trace) DO NOTHING`, b.Merchant, b.Terminal, b.Day, b.Number, d.Trace, d.Amount.Minor(), d.Kind, []byte(d.ICC))
	if err != nil {
		return fmt.Errorf("store batch detail: %w", err)
	}
	if n > 0 {
		return nil
	}
	var minor int64
	var kind DetailKind
	err = tx.QueryRow(ctx, `SELECT amount_minor, kind FROM batch_details WHERE merchant_id = $1 AND tid = $2 AND batch_day = $3 AND batch = $4 AND trace = $5`,
		b.Merchant, b.Terminal, b.Day, b.Number, d.Trace).Scan(&minor, &kind)
	switch {
	case err != nil:
		return fmt.Errorf("read batch detail: %w", err)
	case minor != d.Amount.Minor() || kind != d.Kind:
		return ErrDetailDiffers.With("trace %06d was %s of %d, is %s of %d", d.Trace, kind, minor, d.Kind, d.Amount.Minor())
	}
	return nil
}

// batchOf is the settled batch that a message is about.
func batchOf(ctx context.Context, tx *store.Tx, src Source) (Batch, error) {
	t, err := terminal.ByID(ctx, tx, src.Merchant.ID, src.Terminal)
	if err != nil {
		return Batch{}, err
	}
	return SettledBatch(ctx, tx, t.Merchant, t.ID, src.Batch)
}

// Break is a payment on which host and terminal disagree. A zero amount means that side has none.
type Break struct {
	Trace    int
	Ref      string       // of the host's attempt; "" when it has none
	Kind     channel.Kind // of the host's attempt; "" when it has none
	Host     money.Amount
	Terminal money.Amount
}

// String says who has what, for a person.
func (b Break) String() string {
	side := func(a money.Amount) string {
		if a.IsZero() {
			return "nothing"
		}
		return a.String()
	}
	name := "trace " + fmt.Sprintf("%06d", b.Trace)
	if b.Ref != "" {
		name += fmt.Sprintf(" (%s %s)", b.Kind, b.Ref)
	}
	return name + ": host " + side(b.Host) + ", terminal " + side(b.Terminal)
}

// EndUpload checks that count details came. Of an unbalanced batch it compares them,
// trace by trace, with what the host approved, and opens a case for what differs.
// Nothing else changes: a person decides what becomes of a difference.
func (e *Engine) EndUpload(ctx context.Context, src Source, count int) ([]Break, error) {
	var breaks []Break
	err := e.db.Write(ctx, func(tx *store.Tx) error {
		b, err := batchOf(ctx, tx, src)
		if err != nil {
			return err
		}
		var uploaded int
		if breaks, uploaded, err = Compare(ctx, tx, b); err != nil {
			return err
		}
		if uploaded != count {
			return ErrDetails.With("%d announced, %d received", count, uploaded)
		}
		if b.Balanced() {
			breaks = nil
			return nil
		}
		if len(breaks) > 0 {
			if err := cases.Open(ctx, tx, b.caseOf(breaks, e)); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `UPDATE batches SET state = $1 WHERE merchant_id = $2 AND tid = $3 AND batch_day = $4 AND batch = $5`,
			BatchReconciled, b.Merchant, b.Terminal, b.Day, b.Number)
		return err
	})
	return breaks, err
}

// maxShown bounds the differences that a case lists; all are shown with the batch.
const maxShown = 20

// caseOf is what a person reads about a batch's differences.
func (b Batch) caseOf(breaks []Break, e *Engine) cases.Case {
	var lines []string
	for _, one := range breaks[:min(len(breaks), maxShown)] {
		lines = append(lines, one.String())
	}
	return cases.Case{Merchant: int64(b.Merchant), Kind: "batch break", Opened: e.now(), Ref: fmt.Sprintf("%s:%d:%06d", b.Terminal, b.Day, b.Number),
		Detail: fmt.Sprintf("%d differences: %s", len(breaks), strings.Join(lines, "; "))}
}

// Compare lists the traces on which the uploaded details and the approved attempts of a
// settled batch differ as they stand now, and counts the details.
func Compare(ctx context.Context, q store.Querier, b Batch) (breaks []Break, uploaded int, err error) {
	c := b.Host.Debit.Currency()
	at := map[int]int{} // trace → index in breaks
	from, to := batchRange(b.Day, b.Terminal, b.Number)
	list, err := attempts(ctx, q, `merchant_id = $1 AND idem_key BETWEEN $2 AND $3 AND state = 'approved' ORDER BY trace`, b.Merchant, from, to)
	if err != nil {
		return nil, 0, err
	}
	for _, a := range list {
		if ofHold(a.Kind) || a.Kind == channel.Close {
			continue
		}
		at[a.Trace] = len(breaks)
		breaks = append(breaks, Break{Trace: a.Trace, Ref: a.Ref(), Kind: a.Kind, Host: a.Amount, Terminal: money.Zero(c)})
	}
	rows, err := q.Query(ctx, `SELECT trace, amount_minor, kind FROM batch_details WHERE merchant_id = $1 AND tid = $2 AND batch_day = $3 AND batch = $4 ORDER BY trace`,
		b.Merchant, b.Terminal, b.Day, b.Number)
	if err != nil {
		return nil, 0, fmt.Errorf("batch details: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var trace int
		var minor int64
		var kind DetailKind
		if err := rows.Scan(&trace, &minor, &kind); err != nil {
			return nil, 0, fmt.Errorf("batch details: %w", err)
		}
		uploaded++
		if kind == DetailRefused {
			minor = 0
		}
		if i, ok := at[trace]; ok {
			breaks[i].Terminal = money.New(minor, c)
		} else {
			breaks = append(breaks, Break{Trace: trace, Host: money.Zero(c), Terminal: money.New(minor, c)})
		}
	}
	differ := breaks[:0]
	for _, b := range breaks {
		if b.Host != b.Terminal {
			differ = append(differ, b)
		}
	}
	return differ, uploaded, rows.Err()
}
