package feelock

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"hawker/internal/auth"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
)

// Draft is what an operator proposes.
type Draft struct {
	Rate      Rate
	From      time.Time
	Otherwise Otherwise
	Reason    string
	Early     string // why sooner than thirty days' notice allows; only for what costs the merchant less
}

// told is what is kept free between approval and the thirty days, for channels that are slow
// to take the notice: a proposal whose notice is not out by then lapses.
const told = 24 * time.Hour

// Propose writes a proposal, which a second operator must approve. The line must have a plan:
// a new line begins with a contract.
func (b *Book) Propose(ctx context.Context, who auth.Who, m merchant.Merchant, d Draft) (Proposal, error) {
	if err := operator(who, auth.FeePropose); err != nil {
		return Proposal{}, err
	}
	if d.Otherwise == "" {
		d.Otherwise = Keep
	}
	d.Reason, d.Early = strings.TrimSpace(d.Reason), strings.TrimSpace(d.Early)
	if err := lawful(d.Rate.Line, d.Rate.FeePlan, m.Currency); err != nil {
		return Proposal{}, err
	}
	if !sensible(d.Reason) || (d.Early != "" && !sensible(d.Early)) || (d.Otherwise != Keep && d.Otherwise != End) {
		return Proposal{}, ErrReason
	}
	now := b.now()
	p := Proposal{Merchant: m.ID, ID: store.NewID(now), Currency: m.Currency, Rate: d.Rate, From: store.At(d.From).Time(), Otherwise: d.Otherwise, Reason: d.Reason,
		Early: d.Early, State: Proposed, Proposer: actor(who), Created: store.At(now).Time()}
	p.Rate.Min, p.Rate.Cap = money.New(d.Rate.Min.Minor(), m.Currency), money.New(d.Rate.Cap.Minor(), m.Currency)
	err := b.db.Write(ctx, func(tx *store.Tx) error {
		before, err := b.hold(ctx, tx, m, d.Rate.Line)
		if err != nil {
			return err
		}
		if len(before) == 0 {
			return ErrNone.With("merchant %d has no fee for %s %q", m.ID, d.Rate.Method, d.Rate.CardKind)
		}
		if same(before[len(before)-1].terms(m.Currency), p.Rate.FeePlan) {
			return ErrSame
		}
		if err := b.timely(p, before, now); err != nil {
			return err
		}
		var open int64
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM fee_proposals WHERE merchant_id = $1 AND method = $2 AND card_kind = $3 AND ended_at = 0`,
			m.ID, p.Rate.Method, p.Rate.CardKind).Scan(&open); err != nil {
			return fmt.Errorf("open proposals: %w", err)
		}
		if open > 0 {
			return ErrOpen
		}
		_, err = tx.Exec(ctx, `INSERT INTO fee_proposals (merchant_id, proposal_id, method, card_kind, currency, basis_points, min_minor, cap_minor, effective_from,
			otherwise, reason, early, state, proposer, approver, created_at, announced_at, ended_at, ended_by, remark)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, '', $15, 0, 0, '', '')`,
			m.ID, p.ID, p.Rate.Method, p.Rate.CardKind, string(p.Currency), int64(p.Rate.Rate), p.Rate.Min.Minor(), p.Rate.Cap.Minor(), store.At(p.From),
			string(p.Otherwise), p.Reason, p.Early, string(p.State), p.Proposer, store.At(p.Created))
		if err != nil {
			return fmt.Errorf("write proposal: %w", err)
		}
		return b.trail(ctx, tx, who, p, "fee.propose")
	})
	return p, err
}

func sensible(text string) bool {
	n := utf8.RuneCountInString(text)
	return n >= 5 && n <= 500
}

func operator(who auth.Who, action auth.Action) error {
	if who.Kind != auth.Operator || !auth.Allows(who, action) {
		return auth.ErrForbidden.With("%s %d (%s) wants %s", who.Kind, who.ID, who.Role, action)
	}
	return nil
}

// timely refuses a date that leaves less than thirty days for the notice, unless the change
// costs the merchant less and says why it comes sooner; that one needs his consent.
func (b *Book) timely(p Proposal, before []row, now time.Time) error {
	last := before[len(before)-1]
	if !p.From.After(last.from.Time()) {
		return ErrSooner.With("the plan before it holds from %s", last.from.Time())
	}
	switch {
	case !p.From.Before(now.Add(Notice + told)):
		return nil
	case p.Early == "" || p.From.Before(now) || !cheaper(p.Rate.FeePlan, last.terms(p.Currency)):
		return ErrSooner.With("from %s, proposed %s", p.From, now)
	}
	return nil
}

// Approve is the second operator's yes: the merchant is told by every channel.
func (b *Book) Approve(ctx context.Context, who auth.Who, m merchant.Merchant, id int64) (Proposal, error) {
	return b.decide(ctx, who, m, id, Approve, "")
}

// Reject is the second operator's no.
func (b *Book) Reject(ctx context.Context, who auth.Who, m merchant.Merchant, id int64, why string) (Proposal, error) {
	return b.decide(ctx, who, m, id, Reject, why)
}

func (b *Book) decide(ctx context.Context, who auth.Who, m merchant.Merchant, id int64, e Event, why string) (p Proposal, err error) {
	if err := operator(who, auth.FeeApprove); err != nil {
		return p, err
	}
	if e == Reject && !sensible(strings.TrimSpace(why)) {
		return p, ErrReason
	}
	err = b.db.Write(ctx, func(tx *store.Tx) error {
		if p, err = one(ctx, tx, m.ID, id, ` FOR UPDATE`); err != nil {
			return err
		}
		if p.Proposer == actor(who) {
			return ErrFourEyes
		}
		if e == Approve {
			before, err := b.hold(ctx, tx, m, p.Rate.Line)
			if err != nil {
				return err
			}
			if err := b.timely(p, before, b.now()); err != nil {
				return err
			}
		}
		if err := b.move(ctx, tx, &p, e, actor(who), strings.TrimSpace(why)); err != nil {
			return err
		}
		if err := b.trail(ctx, tx, who, p, "fee."+string(e)); err != nil || e == Reject {
			return err
		}
		return jobs.Add(ctx, tx, b.now(), jobs.Job{Merchant: int64(m.ID), Kind: jobNotice, Ref: fmt.Sprint(p.ID), MaxTries: noticeTries},
			jobs.Job{Merchant: int64(m.ID), Kind: jobDue, Ref: fmt.Sprint(p.ID), MaxTries: noticeTries, Due: p.From})
	})
	return p, err
}

// Withdraw takes a proposal back, by whoever may propose; the old rate stays.
func (b *Book) Withdraw(ctx context.Context, who auth.Who, m merchant.Merchant, id int64, why string) (p Proposal, err error) {
	if err := operator(who, auth.FeePropose); err != nil {
		return p, err
	}
	why = strings.TrimSpace(why)
	if !sensible(why) {
		return p, ErrReason
	}
	err = b.db.Write(ctx, func(tx *store.Tx) error {
		if p, err = one(ctx, tx, m.ID, id, ` FOR UPDATE`); err != nil {
			return err
		}
		known := !p.Announced.IsZero()
		if err := b.move(ctx, tx, &p, Withdraw, actor(who), why); err != nil {
			return err
		}
		if err := b.trail(ctx, tx, who, p, "fee.withdraw"); err != nil || !known {
			return err
		}
		return b.tell(ctx, tx, p, "fee.withdrawn")
	})
	return p, err
}
