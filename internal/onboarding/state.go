package onboarding

import "hawker/internal/fault"

// State is where an application stands.
type State string

// The states.
const (
	Draft      State = "draft"      // the applicant writes
	Submitted  State = "submitted"  // it waits for a reviewer
	Endorsed   State = "endorsed"   // one reviewer approves; a second must
	Correcting State = "correcting" // the applicant is asked to correct something
	Approved   State = "approved"   // there is a merchant
	Rejected   State = "rejected"
	ReReview   State = "re-review" // a merchant's change of name, account, address or category waits
	Withdrawn  State = "withdrawn" // by the applicant: everything is erased
)

// Event is what happens to an application.
type Event string

// The events.
const (
	Submit   Event = "submit"
	Ask      Event = "ask"      // for corrections
	Endorse  Event = "endorse"  // the first of two approvals
	Approve  Event = "approve"  // the only one, or the second
	Reject   Event = "reject"   // the application
	Change   Event = "change"   // of what was approved
	Resubmit Event = "resubmit" // a corrected change
	Keep     Event = "keep"     // what was approved, and drop the change
	Reopen   Event = "reopen"   // a rejected one, with the same data
	Withdraw Event = "withdraw"
)

// Moves holds every lawful step of an application. What is absent is refused.
var Moves = map[State]map[Event]State{
	Draft:      {Submit: Submitted, Withdraw: Withdrawn},
	Submitted:  {Ask: Correcting, Endorse: Endorsed, Approve: Approved, Reject: Rejected, Withdraw: Withdrawn},
	Endorsed:   {Ask: Correcting, Approve: Approved, Reject: Rejected, Keep: Approved, Withdraw: Withdrawn},
	Correcting: {Submit: Submitted, Resubmit: ReReview, Keep: Approved, Withdraw: Withdrawn},
	Approved:   {Change: ReReview},
	Rejected:   {Reopen: Draft, Withdraw: Withdrawn},
	ReReview:   {Ask: Correcting, Endorse: Endorsed, Approve: Approved, Keep: Approved},
	Withdrawn:  {},
}

// changed are the events that only an application with an approved revision knows, and
// fresh those that only one without it does; the others both know.
var (
	changed = map[Event]bool{Change: true, Resubmit: true, Keep: true}
	fresh   = map[Event]bool{Submit: true, Reject: true, Withdraw: true, Reopen: true}
)

// ErrState is a step that is not lawful now.
var ErrState = fault.New(fault.Conflict, "application_state", "申请现在的状态不能这样处理，可能别人刚处理过，请刷新。", "The application is not in a state for this. Somebody may have been faster; please reload.")

// Next is the state after an event; ErrState when it is not lawful. stood tells whether a revision was approved before.
func Next(s State, e Event, stood bool) (State, error) {
	to, ok := Moves[s][e]
	if !ok || (changed[e] && !stood) || (fresh[e] && stood) {
		return "", ErrState.With("%s in state %s", e, s)
	}
	return to, nil
}

// Waiting reports whether a reviewer's decision is awaited.
func (s State) Waiting() bool { return s == Submitted || s == Endorsed || s == ReReview }

// Open reports whether the applicant may write.
func (s State) Open() bool { return s == Draft || s == Correcting || s == Approved }
