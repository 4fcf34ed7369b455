package feelock

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"hawker/internal/auth"
	"hawker/internal/cases"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// CaseEnding is the kind of case of a contract that ends because a fee was not agreed to.
const CaseEnding = "contract ends"

// Agree is the merchant's consent to an announced proposal, with a fresh proof that it is he
// and the hash of the text that he saw. From its date on the new rate holds.
func (b *Book) Agree(ctx context.Context, who auth.Who, proof auth.StepUp, m merchant.Merchant, id int64, seen [sha256.Size]byte) (Proposal, error) {
	return b.agree(ctx, who, m, id, seen, func(p Proposal) (Consent, error) {
		return b.Witness(who, proof, auth.FeeConsent, p.Object(), seen)
	})
}

// agree looks at everything before witness spends the proof.
func (b *Book) agree(ctx context.Context, who auth.Who, m merchant.Merchant, id int64, seen [sha256.Size]byte, witness func(Proposal) (Consent, error)) (p Proposal, err error) {
	if err := who.Must(m.ID); err != nil {
		return p, err
	}
	if p, err = ByID(ctx, b.db.Read(), m.ID, id); err != nil {
		return p, err
	}
	if _, ok := moves[p.State][Accept]; !ok {
		return p, ErrState.With("accept proposal %d in %s", p.ID, p.State)
	}
	if err := b.asSeen(ctx, m, p, seen); err != nil {
		return p, err
	}
	consent, err := witness(p)
	if err != nil {
		return p, err
	}
	err = b.db.Write(ctx, func(tx *store.Tx) error {
		if p, err = one(ctx, tx, m.ID, id, ` FOR UPDATE`); err != nil {
			return err
		}
		if !consent.at.Before(p.From) { // too late; the job of its date ends it
			return ErrState.With("proposal %d was for %s", p.ID, p.From)
		}
		return b.accept(ctx, tx, m, &p, consent, func() error { return b.trail(ctx, tx, who, p, "fee.agree") })
	})
	return p, err
}

// asSeen refuses consent to another text than the one that was announced.
func (b *Book) asSeen(ctx context.Context, m merchant.Merchant, p Proposal, seen [sha256.Size]byte) error {
	text, err := b.TextOf(ctx, m, p)
	if err != nil {
		return err
	}
	if text.Digest() != seen {
		return ErrOtherText
	}
	told, err := Notices(ctx, b.db.Read(), m.ID, p.ID)
	if err != nil {
		return err
	}
	for _, t := range told {
		if t.Digest != fmt.Sprintf("%x", seen) {
			return ErrOtherText.With("channel %s told another text", t.Channel)
		}
	}
	if len(told) == 0 || (p.Early == "" && p.From.Before(p.Announced.Add(Notice))) {
		return ErrSooner.With("proposal %d was announced %s", p.ID, p.Announced)
	}
	return nil
}

// accept makes the version that was consented to.
func (b *Book) accept(ctx context.Context, tx *store.Tx, m merchant.Merchant, p *Proposal, c Consent, trail func() error) error {
	before, err := b.hold(ctx, tx, m, p.Rate.Line)
	if err != nil {
		return err
	}
	if len(before) == 0 {
		return ErrNone.With("merchant %d has no fee for %s %q", m.ID, p.Rate.Method, p.Rate.CardKind)
	}
	if last := before[len(before)-1]; p.Early != "" && !cheaper(p.Rate.FeePlan, last.terms(m.Currency)) {
		return ErrSooner.With("proposal %d costs more, and comes early", p.ID)
	}
	if err := b.move(ctx, tx, p, Accept, c.actor, ""); err != nil {
		return err
	}
	if c, err = b.record(ctx, tx, m.ID, c); err != nil {
		return err
	}
	if err := b.put(ctx, tx, m, before, p.Rate, c, p.From); err != nil {
		return err
	}
	if err := trail(); err != nil {
		return err
	}
	return b.tell(ctx, tx, *p, "fee.agreed")
}

// Refuse is the merchant's no: the old rate stays, or the contract ends as was announced.
func (b *Book) Refuse(ctx context.Context, who auth.Who, m merchant.Merchant, id int64, why string) (p Proposal, err error) {
	if err := who.Must(m.ID); err != nil {
		return p, err
	}
	if who.Kind != auth.Staff || !auth.Allows(who, auth.FeeConsent) {
		return p, auth.ErrForbidden.With("%s %d refuses a fee", who.Kind, who.ID)
	}
	why = strings.TrimSpace(why)
	if len(why) > 2000 {
		return p, ErrReason
	}
	err = b.db.Write(ctx, func(tx *store.Tx) error {
		if p, err = one(ctx, tx, m.ID, id, ` FOR UPDATE`); err != nil {
			return err
		}
		return b.without(ctx, tx, &p, Refuse, actor(who), why, func() error { return b.trail(ctx, tx, who, p, "fee.refuse") })
	})
	return p, err
}

// without ends an announced proposal that has no consent.
func (b *Book) without(ctx context.Context, tx *store.Tx, p *Proposal, e Event, by, why string, trail func() error) error {
	if err := b.move(ctx, tx, p, e, by, why); err != nil {
		return err
	}
	if p.Otherwise == End {
		if err := cases.Open(ctx, tx, cases.Case{Merchant: int64(p.Merchant), Kind: CaseEnding, Ref: p.Object(), Opened: b.now(),
			Detail: fmt.Sprintf("no consent to %s %s: the contract ends %s, as was announced", p.Rate.Method, p.Rate.CardKind, p.From.Format("2006-01-02"))}); err != nil {
			return err
		}
	}
	if err := trail(); err != nil {
		return err
	}
	kind := "fee.refused"
	if e == Lapse {
		kind = "fee.lapsed"
	}
	return b.tell(ctx, tx, *p, kind)
}

// runDue ends a proposal on its date that nobody answered. Silence is no consent.
func (b *Book) runDue(ctx context.Context, j jobs.Job) error {
	return b.db.Write(ctx, func(tx *store.Tx) error {
		p, err := ofJob(ctx, tx, j)
		if err != nil || p.State.Ended() {
			return err
		}
		if p.State == Approved {
			return b.move(ctx, tx, &p, Lapse, "system", "not every channel took the notice in time")
		}
		return b.without(ctx, tx, &p, Lapse, "system", "", func() error { return nil })
	})
}

func ofJob(ctx context.Context, q store.Querier, j jobs.Job) (Proposal, error) {
	var id int64
	if _, err := fmt.Sscan(j.Ref, &id); err != nil {
		return Proposal{}, fmt.Errorf("job %s %q: %w", j.Kind, j.Ref, err)
	}
	return one(ctx, q, merchant.ID(j.Merchant), id, ` FOR UPDATE`)
}
