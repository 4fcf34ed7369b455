package payment

import "fmt"

// State is where a payment or an attempt stands.
type State string

// The states. Sent, Unknown, Voiding, Reversing and Restoring pass; the others last.
const (
	Sent      State = "sent"      // intent is durable; bytes may have left
	Approved  State = "approved"  // the channel said yes
	Declined  State = "declined"  // the channel or a rule said no; nothing was charged
	Unknown   State = "unknown"   // the channel did not answer: neither yes nor no
	Reversing State = "reversing" // being taken back at the channel
	Reversed  State = "reversed"  // taken back: nothing is charged
	Voiding   State = "voiding"   // a void was sent
	Voided    State = "voided"    // the void was approved
	Restoring State = "restoring" // the void is being taken back
)

// Event is what moves a state.
type Event string

// The events.
const (
	Accept  Event = "accept"   // the channel approved
	Refuse  Event = "refuse"   // the channel declined, or was never reached
	TimeOut Event = "time out" // the channel was silent
	Void    Event = "void"     // a void was sent
	Reverse Event = "reverse"  // somebody wants it taken back
	Settle  Event = "settle"   // the channel accepted the reversal
)

// Moves is a table of lawful steps. What is absent is refused as a conflict.
type Moves map[State]map[Event]State

// PaymentMoves holds every lawful step of a payment.
var PaymentMoves = Moves{
	Sent:      {Accept: Approved, Refuse: Declined, TimeOut: Unknown, Reverse: Reversing},
	Unknown:   {Reverse: Reversing},
	Approved:  {Void: Voiding, Reverse: Reversing},
	Voiding:   {Accept: Voided, Refuse: Approved, Reverse: Restoring},
	Voided:    {Reverse: Restoring},
	Restoring: {Settle: Approved},
	Reversing: {Settle: Reversed},
}

// AttemptMoves holds every lawful step of a sale, void or refund attempt. A late
// answer to a refund still counts; a late answer to a sale or void does not,
// because its reversal is under way from the moment it is unknown.
var AttemptMoves = Moves{
	Sent:      {Accept: Approved, Refuse: Declined, TimeOut: Unknown, Reverse: Reversing},
	Unknown:   {Accept: Approved, Refuse: Declined, Reverse: Reversing},
	Approved:  {Reverse: Reversing},
	Reversing: {Settle: Reversed},
}

// Next gives the state after an event, or ErrState.
func (m Moves) Next(from State, e Event) (State, error) {
	if to, ok := m[from][e]; ok {
		return to, nil
	}
	return from, ErrState.Wrap(fmt.Errorf("%s in state %s", e, from))
}
