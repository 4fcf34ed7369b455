package feelock

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/events"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// ConsentKind says how a fee came to be agreed.
type ConsentKind string

// The kinds.
const (
	Opening  ConsentKind = "opening"  // put at the first start of a sandbox or a test; it can only begin a line, never change one
	Contract ConsentKind = "contract" // the merchant signed a contract that states it
	Agreed   ConsentKind = "agreed"   // the merchant consented to a proposal
	Benefit  ConsentKind = "benefit"  // it costs the merchant less; he was told thirty days ahead and did not refuse
)

// Consent is recorded agreement to a document. Only this package makes one: Witness, from a
// fresh proof of who agrees, and Seeded, which can begin a line and nothing else.
type Consent struct {
	id       int64
	kind     ConsentKind
	actor    string
	name     string
	document [sha256.Size]byte
	object   string
	at       time.Time
	seal     string
}

// Document is the hash of what was agreed to, and At is when.
func (c Consent) Document() [sha256.Size]byte { return c.document }

// At is when the consent was given.
func (c Consent) At() time.Time { return c.at }

// Witness spends a fresh proof of whoever agrees and gives his consent to a document. action
// and object are what the proof is for: signing "contract/12".
func (b *Book) Witness(who auth.Who, proof auth.StepUp, action auth.Action, object string, document [sha256.Size]byte) (Consent, error) {
	if who.Kind != auth.Staff || !auth.Allows(who, action) {
		return Consent{}, auth.ErrForbidden.With("%s %d agrees to %s", who.Kind, who.ID, object)
	}
	now := store.At(b.now()).Time()
	if err := proof.Use(who, action, object, now); err != nil {
		return Consent{}, err
	}
	kind := Contract
	if action == auth.FeeConsent {
		kind = Agreed
	}
	return Consent{kind: kind, actor: actor(who), name: who.Name, document: document, object: object, at: now}, nil
}

// Seeded stands for consent where there is nobody to give it: the first start of a sandbox,
// the load generator, tests. It begins lines; it never changes one.
func Seeded(why string) Consent {
	return Consent{kind: Opening, actor: "sandbox", name: why, document: sha256.Sum256([]byte(why)), object: "sandbox"}
}

func actor(who auth.Who) string { return fmt.Sprintf("%s/%d", who.Kind, who.ID) }

// Board begins lines of a merchant with the rates that he agreed to, from an instant on. A
// line that has a plan is ErrLocked: what is in force changes by a proposal only.
func (b *Book) Board(ctx context.Context, tx *store.Tx, m merchant.Merchant, c Consent, from time.Time, rates ...Rate) error {
	if c.kind != Opening && c.kind != Contract {
		return ErrLocked.With("board merchant %d with consent %q", m.ID, string(c.kind))
	}
	if c.at.IsZero() {
		c.at = store.At(b.now()).Time()
	}
	c, err := b.record(ctx, tx, m.ID, c)
	if err != nil {
		return err
	}
	for _, r := range rates {
		before, err := b.hold(ctx, tx, m, r.Line)
		if err != nil {
			return err
		}
		if len(before) > 0 {
			return ErrLocked.With("merchant %d has %s %q in %d versions", m.ID, r.Method, r.CardKind, len(before))
		}
		if err := b.put(ctx, tx, m, nil, r, c, from); err != nil {
			return err
		}
	}
	return nil
}

// record writes a consent with its seal.
func (b *Book) record(ctx context.Context, tx *store.Tx, id merchant.ID, c Consent) (Consent, error) {
	c.id = store.NewID(b.now())
	var err error
	if c.seal, err = b.vouch(ctx, useConsent, c.bytes(id)); err != nil {
		return c, err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO fee_consents (merchant_id, consent_id, kind, actor, name, document, object, agreed_at, seal)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, id, c.id, string(c.kind), c.actor, c.name, fmt.Sprintf("%x", c.document), c.object, store.At(c.at), c.seal); err != nil {
		return c, fmt.Errorf("record consent: %w", err)
	}
	return c, nil
}

// hold takes a line for this transaction and reads its verified versions. The head's row is
// what two writers meet at; a line that begins meets at its key.
func (b *Book) hold(ctx context.Context, tx *store.Tx, m merchant.Merchant, l Line) ([]row, error) {
	rows, err := tx.Query(ctx, `SELECT versions FROM fee_heads WHERE merchant_id = $1 AND method = $2 AND card_kind = $3 FOR UPDATE`, m.ID, l.Method, l.CardKind)
	if err != nil {
		return nil, fmt.Errorf("lock fee: %w", err)
	}
	for rows.Next() { // nothing is read: the row is locked
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("lock fee: %w", err)
	}
	return b.verified(ctx, tx, key{m.ID, l}, m.Currency)
}

// put appends a version to a line, whose versions before it are given: every write of a fee is this one.
func (b *Book) put(ctx context.Context, tx *store.Tx, m merchant.Merchant, before []row, rate Rate, c Consent, from time.Time) error {
	if err := lawful(rate.Line, rate.FeePlan, m.Currency); err != nil {
		return err
	}
	r := row{key: key{m.ID, rate.Line}, currency: string(m.Currency), version: len(before) + 1, rate: int64(rate.Rate), min: rate.Min.Minor(), cap: rate.Cap.Minor(),
		from: store.At(from), consent: c}
	last := ""
	if n := len(before); n > 0 {
		last = before[n-1].seal
		if before[n-1].from >= r.from {
			return ErrState.With("version %d would hold from %s, and the one before it from %s", r.version, from, before[n-1].from.Time())
		}
	}
	var err error
	if r.seal, err = b.vouch(ctx, usePlan, r.bytes(last)); err != nil {
		return err
	}
	head, err := b.vouch(ctx, useHead, headBytes(r.key, r.version, r.seal))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO fee_plans (merchant_id, method, card_kind, version, basis_points, min_minor, cap_minor, effective_from, consent_id, seal)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, m.ID, r.Method, r.CardKind, r.version, r.rate, r.min, r.cap, r.from, c.id, r.seal); err != nil {
		return fmt.Errorf("add fee plan: %w", err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO fee_heads (merchant_id, method, card_kind, versions, seal) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (merchant_id, method, card_kind) DO UPDATE SET versions = excluded.versions, seal = excluded.seal`, m.ID, r.Method, r.CardKind, r.version, head); err != nil {
		return fmt.Errorf("add fee plan: %w", err)
	}
	b.log.Info("a fee is agreed", "merchant", int64(m.ID), "line", r.String(), "version", r.version, "basis_points", r.rate, "from", from, "consent", string(c.kind), "object", c.object)
	return nil
}

// trail writes an act about a proposal into the audit trail.
func (b *Book) trail(ctx context.Context, tx *store.Tx, who auth.Who, p Proposal, what string) error {
	_, terms := p.Rate.Words()
	return audit.Append(ctx, tx, audit.Entry{Merchant: int64(p.Merchant), Who: audit.Actor{Kind: string(who.Kind), ID: who.ID, Name: who.Name, Role: string(who.Role), Device: who.Device},
		What: what, Object: p.Object(), From: who.From, At: b.now(), After: map[string]any{"method": p.Rate.Method, "card_kind": p.Rate.CardKind, "terms": terms,
			"from": p.From.Format(time.RFC3339), "state": string(p.State), "remark": p.Remark}})
}

// tell writes an event about a proposal. It takes the merchant's head of events: call it last.
func (b *Book) tell(ctx context.Context, tx *store.Tx, p Proposal, kind string) error {
	return events.Append(ctx, tx, events.Event{Merchant: int64(p.Merchant), Kind: kind, Ref: p.Object(), At: b.now(), Body: map[string]any{
		"proposal": p.ID, "method": p.Rate.Method, "card_kind": p.Rate.CardKind, "basis_points": int64(p.Rate.Rate), "min_minor": p.Rate.Min.Minor(), "cap_minor": p.Rate.Cap.Minor(),
		"currency": string(p.Currency), "from": p.From.Format(time.RFC3339), "state": string(p.State)}})
}
