package payment

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/chips"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// jobNotice tells a bank what became of its scripts.
const jobNotice = "script notice"

var insertChipAnswers = store.InsertSet("chip_answers", "ON CONFLICT (merchant_id, attempt_id) DO NOTHING",
	store.Ints("merchant_id", "attempt_id"), store.Byteas("data"))

// chipAnswer reads what the bank told the chip of an attempt; "" when it told nothing.
func chipAnswer(ctx context.Context, q store.Querier, a Attempt) (string, error) {
	var data []byte
	err := q.QueryRow(ctx, `SELECT data FROM chip_answers WHERE merchant_id = $1 AND attempt_id = $2`, a.Merchant, a.ID).Scan(&data)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read answer to a chip: %w", err)
	}
	return string(data), nil
}

// tellChip keeps what the bank told the chip of an attempt.
func (w *work) tellChip(a Attempt) {
	if a.ICC != "" {
		w.answers = append(w.answers, []any{a.Merchant, a.ID, []byte(a.ICC)})
	}
}

// again is an attempt as a repeat of its request gets it: with what the bank told the chip.
func (e *Engine) again(ctx context.Context, a Attempt, err error) (Attempt, error) {
	if err != nil {
		return a, err
	}
	a.ICC, err = chipAnswer(ctx, e.db.Read(), a)
	return a, err
}

// advance takes a chip's transaction counter where no attempt is written down.
func (e *Engine) advance(m merchant.ID, u chips.Use) error {
	if u.IsZero() {
		return nil
	}
	return e.write(&command{merchant: m, chip: u, apply: func(w *work) error { return w.advance(u) }})
}

// advance takes a chip's transaction counter, or refuses it with chips.ErrCounter.
func (w *work) advance(u chips.Use) error {
	err := w.chips.Advance(w.ctx, u)
	if err != nil && !errors.Is(err, chips.ErrCounter) {
		return w.failed(err)
	}
	return err
}

// NoticeRequest is a terminal's notice of what became of a bank's scripts.
type NoticeRequest struct {
	Source
	Ref           string // of the attempt whose answer brought them: its RRN
	OriginalBatch int    // of that attempt
	OriginalTrace int
	ICC           card.ICC // the script results and the chip's last cryptogram, BER-TLV; kept, because it proves nothing and pays nothing
}

// ScriptNotice takes a notice over and returns the attempt that it is about. The
// bank is told by a job. The same notice may come again; another one about the same
// attempt is ErrReused, one about nothing ErrNotFound.
func (e *Engine) ScriptNotice(ctx context.Context, r NoticeRequest) (of Attempt, err error) {
	id, err := ParseRef(r.Ref)
	if err != nil {
		return of, err
	}
	now := e.now()
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		if of, err = attemptByID(ctx, tx, r.Merchant.ID, id); err != nil {
			return err
		}
		if of.Terminal != r.Terminal || of.Batch != r.OriginalBatch || of.Trace != r.OriginalTrace || of.Kind == channel.Reversal {
			return ErrNotFound
		}
		was, err := noticeOf(ctx, tx, of.Merchant, of.ID)
		switch {
		case err == nil && bytes.Equal(was.data, r.ICC.Reveal()):
			return nil
		case err == nil:
			return ErrReused
		case !errors.Is(err, ErrNotFound):
			return err
		}
		stan, err := e.stans.draw(now)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO script_notices (merchant_id, attempt_id, data, notice_id, stan, code, created_at) VALUES ($1, $2, $3, $4, $5, '', $6)`,
			of.Merchant, of.ID, r.ICC.Reveal(), store.NewID(now), stan, store.At(now)); err != nil {
			return fmt.Errorf("keep script notice: %w", err)
		}
		return jobs.Add(ctx, tx, now, jobs.Job{Merchant: int64(of.Merchant), Kind: jobNotice, Ref: of.Ref(), MaxTries: maxTries, Due: now})
	})
	e.jobs.Wake()
	return of, err
}

// notice is a stored script notice.
type notice struct {
	data    []byte
	id      int64
	stan    int
	code    string
	created time.Time
}

func noticeOf(ctx context.Context, q store.Querier, m merchant.ID, attempt int64) (n notice, err error) {
	var created store.Time
	err = q.QueryRow(ctx, `SELECT data, notice_id, stan, code, created_at FROM script_notices WHERE merchant_id = $1 AND attempt_id = $2`, m, attempt).
		Scan(&n.data, &n.id, &n.stan, &n.code, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return n, ErrNotFound
	} else if err != nil {
		return n, fmt.Errorf("read script notice: %w", err)
	}
	n.created = created.Time()
	return n, nil
}

// runNotice tells the bank, unchanged each time, until it has answered.
func (e *Engine) runNotice(ctx context.Context, j jobs.Job) error {
	id, err := ParseRef(j.Ref)
	if err != nil {
		return err
	}
	q := e.db.Read()
	of, err := attemptByID(ctx, q, merchant.ID(j.Merchant), id)
	if err != nil {
		return err
	}
	n, err := noticeOf(ctx, q, of.Merchant, of.ID)
	if err != nil || n.code != "" {
		return err
	}
	facts, err := e.cardOf(ctx, of, of)
	if err != nil {
		return err
	}
	m, err := merchant.ByID(ctx, q, of.Merchant)
	if err != nil {
		return err
	}
	a := of
	a.ID, a.Kind, a.STAN, a.Created = n.id, channel.ScriptNotice, n.stan, n.created
	req := e.request(m, a, channel.Card{Token: facts.Token, Entry: facts.mode(), ICC: card.NewICC(n.data)})
	defer req.Card.Wipe()
	req.Original = original(of)
	o := e.card.Do(ctx, req)
	if o.Result != channel.Approved && o.Result != channel.Declined {
		return unsettled(o)
	}
	return e.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE script_notices SET code = $1 WHERE merchant_id = $2 AND attempt_id = $3`, o.Code, of.Merchant, of.ID)
		return err
	})
}

// cardOf is what is known of the card of an attempt a about another, of; the same when it is about none.
func (e *Engine) cardOf(ctx context.Context, a, of Attempt) (CardFacts, error) {
	if ofHold(of.Kind) && a.Payment == of.Payment {
		h, err := HoldOf(ctx, e.db.Read(), of)
		return h.Card, err
	}
	p, err := Get(ctx, e.db.Read(), a.Merchant, a.Payment)
	return p.Card, err
}
