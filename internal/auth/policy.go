package auth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hawker/internal/audit"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// ErrPolicy refuses rules that are out of bounds.
var ErrPolicy = fault.New(fault.Invalid, "policy_unfit", "请填写合理的数：密码 0–730 天，收款设备 1–720 分钟，退款金额不为负。", "Please give sensible figures: passwords 0 to 730 days, devices 1 to 720 minutes, and an amount that is not negative.")

// Policy is what a merchant (or the institution, for operators) may choose about signing in.
type Policy struct {
	PasswordDays int           // after which a new password is asked for; 0 for never
	POSIdle      time.Duration // after which a person at a paired device must show his PIN again
	RefundFree   int64         // minor units: a refund of more takes a fresh proof
}

// usual is what holds for whoever has chosen nothing.
var usual = Policy{POSIdle: 10 * time.Minute, RefundFree: 20000}

// Policy reads a merchant's rules (0: the operators').
func (g *Guard) Policy(ctx context.Context, m merchant.ID) (Policy, error) {
	return policy(ctx, g.db.Read(), m)
}

func policy(ctx context.Context, q store.Querier, m merchant.ID) (Policy, error) {
	var p Policy
	var minutes int64
	err := q.QueryRow(ctx, `SELECT password_days, pos_idle, refund_free FROM sign_in_policies WHERE merchant_id = $1`, m).Scan(&p.PasswordDays, &minutes, &p.RefundFree)
	if errors.Is(err, sql.ErrNoRows) {
		return usual, nil
	} else if err != nil {
		return Policy{}, fmt.Errorf("sign-in policy: %w", err)
	}
	p.POSIdle = time.Duration(minutes) * time.Minute
	return p, nil
}

// SetPolicy changes the rules of whoever's merchant it is. It takes a fresh proof for
// SettingsWrite on "policy".
func (g *Guard) SetPolicy(ctx context.Context, who Who, proof StepUp, p Policy) error {
	if !Allows(who, SettingsWrite) {
		return ErrForbidden
	}
	if p.PasswordDays < 0 || p.PasswordDays > 730 || p.POSIdle < time.Minute || p.POSIdle > 12*time.Hour || p.RefundFree < 0 {
		return ErrPolicy
	}
	if err := proof.Use(who, SettingsWrite, "policy", g.now()); err != nil {
		return err
	}
	return g.write(ctx, func(tx *store.Tx) ([]audit.Entry, error) {
		before, err := policy(ctx, tx, who.Merchant)
		if err != nil {
			return nil, err
		}
		_, err = tx.Exec(ctx, `INSERT INTO sign_in_policies (merchant_id, password_days, pos_idle, refund_free) VALUES ($1, $2, $3, $4)
			ON CONFLICT (merchant_id) DO UPDATE SET password_days = excluded.password_days, pos_idle = excluded.pos_idle, refund_free = excluded.refund_free`,
			who.Merchant, p.PasswordDays, int64(p.POSIdle/time.Minute), p.RefundFree)
		return []audit.Entry{who.Entry("settings.sign_in", "policy", before.told(), p.told(), g.now())}, err
	})
}

// told is the policy as the trail tells it.
func (p Policy) told() map[string]any {
	return map[string]any{"password_days": p.PasswordDays, "pos_idle_minutes": int64(p.POSIdle / time.Minute), "refund_free_minor": p.RefundFree}
}
