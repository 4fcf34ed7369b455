package payment

import "fmt"

// State is where a payment, a hold or an attempt stands.
type State string

// The states. Sent, Unknown and those that end in -ing pass; the others last.
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
	Adjusting State = "adjusting" // a tip or an adjustment was sent

	Created    State = "created"    // a code is presented; nobody has paid yet
	Waiting    State = "waiting"    // the customer has not decided: he types the password, or has not scanned
	Cancelling State = "cancelling" // being closed at the wallets, because somebody wants it so
	Cancelled  State = "cancelled"  // closed: nothing is charged
	Closing    State = "closing"    // of an attempt: being closed at its wallet
	Closed     State = "closed"     // of an attempt: nobody can pay it any more

	Held       State = "held"       // a hold stands
	Completing State = "completing" // a completion was sent
	Completed  State = "completed"  // a completion took its money
	Reopening  State = "reopening"  // a completion is being taken back
	Resuming   State = "resuming"   // a completion's approved void is being taken back
	Expiring   State = "expiring"   // nobody completed it: being given back at the channel
	Expired    State = "expired"    // given back
)

// Event is what moves a state.
type Event string

// The events.
const (
	Accept  Event = "accept"   // the channel approved
	Refuse  Event = "refuse"   // the channel declined, or was never reached
	TimeOut Event = "time out" // the channel was silent
	Void    Event = "void"     // a void was sent
	Adjust  Event = "adjust"   // a tip or an adjustment was sent
	Reverse Event = "reverse"  // somebody wants it taken back
	Settle  Event = "settle"   // the channel accepted the reversal

	Complete Event = "complete" // a completion was sent
	Retract  Event = "retract"  // somebody wants a void or completion of a hold taken back
	Reopen   Event = "reopen"   // a completion was voided: the hold stands again
	Resume   Event = "resume"   // somebody wants that void taken back
	Expire   Event = "expire"   // its time is over

	Wait   Event = "wait"   // the wallet says that the customer has not decided
	Cancel Event = "cancel" // somebody wants that nobody pays it any more
	Close  Event = "close"  // an attempt is to be closed at its wallet
)

// Moves is a table of lawful steps. What is absent is refused as a conflict.
type Moves map[State]map[Event]State

// PaymentMoves holds every lawful step of a payment.
var PaymentMoves = Moves{
	Created:    {Accept: Approved, Cancel: Cancelling, Expire: Expiring},
	Sent:       {Accept: Approved, Refuse: Declined, TimeOut: Unknown, Reverse: Reversing, Wait: Waiting, Cancel: Cancelling},
	Waiting:    {Accept: Approved, Refuse: Declined, Reverse: Reversing, Cancel: Cancelling},
	Unknown:    {Accept: Approved, Refuse: Declined, Reverse: Reversing, Wait: Waiting, Cancel: Cancelling}, // asked again: a completion notice's, an offline sale's, a wallet's
	Approved:   {Void: Voiding, Adjust: Adjusting, Reverse: Reversing},
	Adjusting:  {Accept: Approved, Refuse: Approved},
	Voiding:    {Accept: Voided, Refuse: Approved, Reverse: Restoring},
	Voided:     {Reverse: Restoring},
	Restoring:  {Settle: Approved},
	Reversing:  {Settle: Reversed},
	Cancelling: {Accept: Approved, Settle: Cancelled}, // accept: the customer was faster
	Expiring:   {Accept: Approved, Settle: Expired},
}

// HoldMoves holds every lawful step of a hold. A completion is a payment of its own
// beside it; what becomes of that opens and closes the hold.
var HoldMoves = Moves{
	Sent:       {Accept: Held, Refuse: Declined, TimeOut: Unknown, Reverse: Reversing},
	Unknown:    {Reverse: Reversing},
	Held:       {Void: Voiding, Complete: Completing, Reverse: Reversing, Resume: Resuming, Expire: Expiring},
	Voiding:    {Accept: Voided, Refuse: Held, Retract: Restoring},
	Voided:     {Retract: Restoring},
	Restoring:  {Settle: Held},
	Completing: {Accept: Completed, Refuse: Held, Retract: Reopening},
	Completed:  {Retract: Reopening, Reopen: Held},
	Reopening:  {Settle: Held},
	Resuming:   {Settle: Completed},
	Reversing:  {Settle: Reversed},
	Expiring:   {Settle: Expired},
}

// AttemptMoves holds every lawful step of an attempt. A late answer to a refund or
// another notice still counts; a late answer to a sale or void does not,
// because its reversal is under way from the moment it is unknown. Only a wallet's sale
// stays unknown for a while: it is asked for before it is reversed.
var AttemptMoves = Moves{
	Sent:      {Accept: Approved, Refuse: Declined, TimeOut: Unknown, Reverse: Reversing, Wait: Waiting},
	Waiting:   {Accept: Approved, Refuse: Declined, Reverse: Reversing, Close: Closing},
	Unknown:   {Accept: Approved, Refuse: Declined, Reverse: Reversing, Wait: Waiting},
	Closing:   {Accept: Approved, Settle: Closed},
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
