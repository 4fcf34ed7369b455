package feelock

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
)

// State is where a proposal stands.
type State string

// The states.
const (
	Proposed  State = "proposed"  // an operator wants it
	Approved  State = "approved"  // a second one too; the channels are told
	Announced State = "announced" // every channel has taken the notice
	Consented State = "consented" // the merchant agreed, or it only benefits him: it will hold
	Refused   State = "refused"   // the merchant said no
	Rejected  State = "rejected"  // the second operator said no
	Withdrawn State = "withdrawn" // the operators took it back
	Lapsed    State = "lapsed"    // no consent by its date, or no notice in time
)

// Event is what happens to a proposal.
type Event string

// The events.
const (
	Approve  Event = "approve"
	Reject   Event = "reject"
	Announce Event = "announce"
	Accept   Event = "accept" // by the merchant's consent, or because it only benefits him
	Refuse   Event = "refuse"
	Withdraw Event = "withdraw"
	Lapse    Event = "lapse"
)

// moves holds every lawful step of a proposal. What is absent is refused: above all, what the
// merchant consented to is not taken back, and nothing that ended begins again.
var moves = map[State]map[Event]State{
	Proposed:  {Approve: Approved, Reject: Rejected, Withdraw: Withdrawn},
	Approved:  {Announce: Announced, Withdraw: Withdrawn, Lapse: Lapsed},
	Announced: {Accept: Consented, Refuse: Refused, Withdraw: Withdrawn, Lapse: Lapsed},
}

// Ended reports whether nothing more can happen to a proposal.
func (s State) Ended() bool { return len(moves[s]) == 0 }

// Otherwise says what becomes of the contract when the merchant does not consent.
type Otherwise string

// The two ways out of no consent. The new rate is neither.
const (
	Keep Otherwise = "keep" // the old rate stays
	End  Otherwise = "end"  // the contract ends on that date; until then the old rate stays
)

// Proposal is a change of one line that operators want.
type Proposal struct {
	Merchant  merchant.ID
	ID        int64
	Currency  money.Currency
	Rate      Rate
	From      time.Time // when the new rate would begin to hold
	Otherwise Otherwise
	Reason    string
	Early     string // why sooner than thirty days; "": not sooner
	State     State
	Proposer  string // "operator/3"
	Approver  string
	Created   time.Time
	Announced time.Time // zero: not every channel has taken the notice
	Ended     time.Time
	EndedBy   string
	Remark    string
}

// Object names the proposal where a proof or an event is about it.
func (p Proposal) Object() string { return fmt.Sprintf("fee/%d", p.ID) }

const selectProposals = `SELECT merchant_id, proposal_id, method, card_kind, currency, basis_points, min_minor, cap_minor, effective_from, otherwise, reason, early,
	state, proposer, approver, created_at, announced_at, ended_at, ended_by, remark FROM fee_proposals `

func scanProposal(scan func(...any) error) (p Proposal, err error) {
	var minimum, limit int64
	var from, created, announced, ended store.Time
	err = scan(&p.Merchant, &p.ID, &p.Rate.Method, &p.Rate.CardKind, &p.Currency, &p.Rate.Rate, &minimum, &limit, &from, &p.Otherwise, &p.Reason, &p.Early,
		&p.State, &p.Proposer, &p.Approver, &created, &announced, &ended, &p.EndedBy, &p.Remark)
	p.Rate.Min, p.Rate.Cap = money.New(minimum, p.Currency), money.New(limit, p.Currency)
	p.From, p.Created, p.Announced, p.Ended = from.Time(), created.Time(), announced.Time(), ended.Time()
	return p, err
}

// ByID finds a merchant's proposal; ErrNone when there is none.
func ByID(ctx context.Context, q store.Querier, m merchant.ID, id int64) (Proposal, error) {
	return one(ctx, q, m, id, "")
}

func one(ctx context.Context, q store.Querier, m merchant.ID, id int64, lock string) (Proposal, error) {
	p, err := scanProposal(q.QueryRow(ctx, selectProposals+`WHERE merchant_id = $1 AND proposal_id = $2`+lock, m, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return p, ErrNone.With("merchant %d, proposal %d", m, id)
	}
	if err != nil {
		return p, fmt.Errorf("proposal %d: %w", id, err)
	}
	return p, nil
}

// Of lists a merchant's proposals, newest first; those that the operators have not agreed
// on among themselves are none of his business.
func Of(ctx context.Context, q store.Querier, m merchant.ID) ([]Proposal, error) {
	return list(ctx, q, `WHERE merchant_id = $1 AND announced_at <> 0 ORDER BY proposal_id DESC LIMIT 200`, m)
}

// InState lists the proposals of every merchant in a state, oldest first.
func InState(ctx context.Context, q store.Querier, s State, limit int) ([]Proposal, error) {
	return list(ctx, q, `WHERE state = $1 ORDER BY created_at LIMIT $2`, string(s), limit)
}

func list(ctx context.Context, q store.Querier, where string, args ...any) ([]Proposal, error) {
	rows, err := q.Query(ctx, selectProposals+where, args...)
	if err != nil {
		return nil, fmt.Errorf("proposals: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var found []Proposal
	for rows.Next() {
		p, err := scanProposal(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("proposals: %w", err)
		}
		found = append(found, p)
	}
	return found, rows.Err()
}

// move takes a proposal along the table; ErrState when it is not in a state for that, or somebody was faster.
func (b *Book) move(ctx context.Context, tx *store.Tx, p *Proposal, e Event, by, remark string) error {
	to, ok := moves[p.State][e]
	if !ok {
		return ErrState.With("%s of proposal %d in %s", e, p.ID, p.State)
	}
	now := store.At(b.now())
	from := p.State
	p.State = to
	switch {
	case to == Approved:
		p.Approver = by
	case to == Announced:
		p.Announced = now.Time()
	}
	if to.Ended() {
		p.Ended, p.EndedBy, p.Remark = now.Time(), by, remark
	}
	n, err := tx.Exec(ctx, `UPDATE fee_proposals SET state = $1, approver = $2, announced_at = $3, ended_at = $4, ended_by = $5, remark = $6
		WHERE merchant_id = $7 AND proposal_id = $8 AND state = $9`, string(to), p.Approver, store.At(p.Announced), store.At(p.Ended), p.EndedBy, p.Remark,
		p.Merchant, p.ID, string(from))
	if err == nil && n == 0 {
		err = ErrState.With("proposal %d is not %s any more", p.ID, from)
	}
	return err
}
