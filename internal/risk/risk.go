// Package risk decides whether a payment may be sent. It knows the facts handed
// to it, its limits and its own counters; it refuses to read anybody else's
// tables. Only it can make an Approval. If it cannot decide, nothing is sent.
package risk

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/money"
	"hawker/internal/store"
)

// Refusals.
var (
	ErrOverPayment = fault.New(fault.Declined, "over_payment_limit", "超过单笔限额。", "The amount is over the limit for one payment.")
	ErrOverDay     = fault.New(fault.Declined, "over_daily_limit", "超过今天的限额，请明天再收或换方式。", "The amount is over today's limit. Try tomorrow or another method.")
	ErrOverMonth   = fault.New(fault.Declined, "over_monthly_limit", "超过本月限额，请联系客服。", "The amount is over this month's limit. Please call support.")
)

// Facts are what a decision is made of.
type Facts struct {
	Merchant int64
	Attempt  int64
	Method   string // "card"
	CardKind string // "debit", "credit", "" when the number does not tell
	Amount   money.Amount
	Day      clock.Day
}

// Approval is the proof that an attempt was assessed and allowed. It is for that
// attempt, for one use. The zero Approval allows nothing.
type Approval struct {
	attempt int64
	used    *atomic.Bool
}

// ErrNoApproval means that code tried to send without a decision: a bug, answered closed.
var ErrNoApproval = errors.New("risk: no approval for this attempt")

// Use spends the approval.
func (a Approval) Use(attempt int64) error {
	if a.used == nil || a.attempt != attempt || a.used.Swap(true) {
		return ErrNoApproval
	}
	return nil
}

// AssessReturn decides about money going back to a payer: a void or a refund. It counts against no limit.
func AssessReturn(f Facts) Approval { return approve(f.Attempt) }

func approve(attempt int64) Approval { return Approval{attempt, new(atomic.Bool)} }

// Limit bounds a merchant's payments of a method. Zero amounts mean no limit.
type Limit struct {
	Method     string
	CardKind   string // "" bounds all kinds together
	PerPayment money.Amount
	Daily      money.Amount
	Monthly    money.Amount
}

// SetLimit stores or replaces a limit.
func SetLimit(ctx context.Context, tx *store.Tx, merchant int64, l Limit) error {
	_, err := tx.Exec(ctx, `INSERT INTO limits (merchant_id, method, card_kind, per_payment_minor, daily_minor, monthly_minor) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (merchant_id, method, card_kind) DO UPDATE SET per_payment_minor = excluded.per_payment_minor,
			daily_minor = excluded.daily_minor, monthly_minor = excluded.monthly_minor`,
		merchant, l.Method, l.CardKind, l.PerPayment.Minor(), l.Daily.Minor(), l.Monthly.Minor())
	if err != nil {
		return fmt.Errorf("set limit: %w", err)
	}
	return nil
}
