package payment_test

import (
	"errors"
	"testing"

	"hawker/internal/payment"
)

// lawful is the table once more, written by hand: the second opinion on every pair.
var lawful = map[string]string{
	"payment sent accept": "approved", "payment sent refuse": "declined", "payment sent time out": "unknown", "payment sent reverse": "reversing",
	"payment created accept": "approved", "payment created cancel": "cancelling", "payment created expire": "expiring",
	"payment sent wait": "waiting", "payment sent cancel": "cancelling", "payment unknown wait": "waiting", "payment unknown cancel": "cancelling",
	"payment waiting accept": "approved", "payment waiting refuse": "declined", "payment waiting reverse": "reversing", "payment waiting cancel": "cancelling",
	"payment cancelling accept": "approved", "payment cancelling settle": "cancelled", "payment expiring accept": "approved", "payment expiring settle": "expired",
	"payment approved adjust": "adjusting", "payment adjusting accept": "approved", "payment adjusting refuse": "approved",
	"attempt sent wait": "waiting", "attempt unknown wait": "waiting", "attempt waiting accept": "approved", "attempt waiting refuse": "declined",
	"attempt waiting reverse": "reversing", "attempt waiting close": "closing", "attempt closing accept": "approved", "attempt closing settle": "closed",
	"payment unknown reverse": "reversing", "payment unknown accept": "approved", "payment unknown refuse": "declined",
	"payment approved void": "voiding", "payment approved reverse": "reversing",
	"payment voiding accept": "voided", "payment voiding refuse": "approved", "payment voiding reverse": "restoring",
	"payment voided reverse": "restoring", "payment restoring settle": "approved", "payment reversing settle": "reversed",
	"attempt sent accept": "approved", "attempt sent refuse": "declined", "attempt sent time out": "unknown", "attempt sent reverse": "reversing",
	"attempt unknown accept": "approved", "attempt unknown refuse": "declined", "attempt unknown reverse": "reversing",
	"hold sent accept": "held", "hold sent refuse": "declined", "hold sent time out": "unknown", "hold sent reverse": "reversing", "hold unknown reverse": "reversing",
	"hold held void": "voiding", "hold held complete": "completing", "hold held reverse": "reversing", "hold held resume": "resuming", "hold held expire": "expiring",
	"hold voiding accept": "voided", "hold voiding refuse": "held", "hold voiding retract": "restoring", "hold voided retract": "restoring",
	"hold restoring settle": "held", "hold completing accept": "completed", "hold completing refuse": "held", "hold completing retract": "reopening",
	"hold completed retract": "reopening", "hold completed reopen": "held", "hold reopening settle": "held", "hold resuming settle": "completed",
	"hold reversing settle": "reversed", "hold expiring settle": "expired",
	"attempt approved reverse": "reversing", "attempt reversing settle": "reversed",
}

func TestEveryStateAndEvent(t *testing.T) {
	t.Parallel()
	states := []payment.State{payment.Sent, payment.Approved, payment.Declined, payment.Unknown, payment.Reversing, payment.Reversed,
		payment.Voiding, payment.Voided, payment.Restoring, payment.Held, payment.Completing, payment.Completed, payment.Reopening, payment.Resuming,
		payment.Expiring, payment.Expired,
		payment.Adjusting, payment.Created, payment.Waiting, payment.Cancelling, payment.Cancelled, payment.Closing, payment.Closed}
	events := []payment.Event{payment.Accept, payment.Refuse, payment.TimeOut, payment.Void, payment.Reverse, payment.Settle,
		payment.Complete, payment.Retract, payment.Reopen, payment.Resume, payment.Expire, payment.Adjust, payment.Wait, payment.Cancel, payment.Close}
	seen := 0
	for subject, moves := range map[string]payment.Moves{"payment": payment.PaymentMoves, "attempt": payment.AttemptMoves, "hold": payment.HoldMoves} {
		for _, s := range states {
			for _, e := range events {
				to, err := moves.Next(s, e)
				want, ok := lawful[subject+" "+string(s)+" "+string(e)]
				switch {
				case ok && (err != nil || string(to) != want):
					t.Errorf("%s %s + %s gives %s, %v; want %s", subject, s, e, to, err, want)
				case !ok && (!errors.Is(err, payment.ErrState) || to != s):
					t.Errorf("%s %s + %s must be refused, gives %s, %v", subject, s, e, to, err)
				}
				if ok {
					seen++
				}
			}
		}
	}
	if seen != len(lawful) {
		t.Errorf("%d of %d lawful moves were met", seen, len(lawful))
	}
}
