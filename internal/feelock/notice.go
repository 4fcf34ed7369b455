package feelock

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

const (
	jobNotice   = "fee notice"
	jobDue      = "fee due"
	noticeTries = 40 // with back-off, beyond the day that is kept free for it
)

// OwnPages is the channel that always tells: the merchant's own pages and events.
const OwnPages = "app"

// Told is one channel's notice of a proposal.
type Told struct {
	Channel   string
	Digest    string // SHA-256 of the text, hexadecimal
	Reference string
	At        time.Time
}

// Notices lists by which channels a proposal was told, in the order of time.
func Notices(ctx context.Context, q store.Querier, m merchant.ID, id int64) ([]Told, error) {
	rows, err := q.Query(ctx, `SELECT channel, digest, reference, sent_at FROM fee_notices WHERE merchant_id = $1 AND proposal_id = $2 ORDER BY sent_at, channel`, m, id)
	if err != nil {
		return nil, fmt.Errorf("notices: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Told
	for rows.Next() {
		var t Told
		var at store.Time
		if err := rows.Scan(&t.Channel, &t.Digest, &t.Reference, &at); err != nil {
			return nil, fmt.Errorf("notices: %w", err)
		}
		t.At = at.Time()
		list = append(list, t)
	}
	return list, rows.Err()
}

// runNotice tells a merchant by every channel that has not told him yet, and announces the
// proposal when all have. The thirty days run from the last one.
func (b *Book) runNotice(ctx context.Context, j jobs.Job) error {
	p, err := ofJob(ctx, b.db.Read(), j)
	if err != nil || p.State != Approved {
		return err
	}
	m, err := merchant.ByID(ctx, b.db.Read(), p.Merchant)
	if err != nil {
		return err
	}
	text, err := b.TextOf(ctx, m, p)
	if err != nil {
		return err
	}
	sent, err := Notices(ctx, b.db.Read(), p.Merchant, p.ID)
	if err != nil {
		return err
	}
	done := map[string]bool{}
	for _, t := range sent {
		done[t.Channel] = true
	}
	var failed error
	for _, c := range b.channels {
		if done[c.Name()] {
			continue
		}
		reference, err := c.Send(ctx, Message{m, p, text})
		if err == nil {
			err = b.db.Write(ctx, func(tx *store.Tx) error { return b.note(ctx, tx, p, c.Name(), reference, text) })
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("channel %s: %w", c.Name(), err))
		}
	}
	if failed != nil {
		return failed
	}
	return b.db.Write(ctx, func(tx *store.Tx) error { return b.announce(ctx, tx, m, p.ID, text) })
}

func (b *Book) note(ctx context.Context, tx *store.Tx, p Proposal, channel, reference string, text Text) error {
	if _, err := tx.Exec(ctx, `INSERT INTO fee_notices (merchant_id, proposal_id, channel, digest, reference, sent_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (merchant_id, proposal_id, channel) DO NOTHING`, p.Merchant, p.ID, channel, fmt.Sprintf("%x", text.Digest()), reference, store.At(b.now())); err != nil {
		return fmt.Errorf("note a notice: %w", err)
	}
	return nil
}

// announce opens a proposal to the merchant. One that has become too late lapses. One that
// costs him less, thirty days ahead, needs no answer.
func (b *Book) announce(ctx context.Context, tx *store.Tx, m merchant.Merchant, id int64, text Text) error {
	p, err := one(ctx, tx, m.ID, id, ` FOR UPDATE`)
	if err != nil || p.State != Approved {
		return err
	}
	now := b.now()
	inTime := !p.From.Before(now.Add(Notice))
	if !inTime && (p.Early == "" || !p.From.After(now)) {
		return b.move(ctx, tx, &p, Lapse, "system", "not every channel took the notice in time")
	}
	if err := b.note(ctx, tx, p, OwnPages, p.Object(), text); err != nil {
		return err
	}
	if err := b.move(ctx, tx, &p, Announce, "system", ""); err != nil {
		return err
	}
	before, err := b.hold(ctx, tx, m, p.Rate.Line)
	if err != nil {
		return err
	}
	if n := len(before); inTime && n > 0 && cheaper(p.Rate.FeePlan, before[n-1].terms(m.Currency)) {
		return b.accept(ctx, tx, m, &p, Consent{kind: Benefit, actor: "system", name: "", document: text.Digest(), object: p.Object(), at: store.At(now).Time()}, func() error { return nil })
	}
	return b.tell(ctx, tx, p, "fee.proposed")
}

// Text is a notice in both languages.
type Text struct{ ZH, EN string }

// Digest is the SHA-256 of both texts together: what consent is given to.
func (t Text) Digest() [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%q|%q", t.ZH, t.EN))
}
