// Package fleet is what people do with terminals: report one lost or stolen, say that it
// was found, suspend, resume or retire it, and make an ordered one a registered one. Every
// act has a reason and is written down with the state before and after; one table says which is
// lawful. It knows no keys: those come by ceremony, and no messages of terminals.
package fleet

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/events"
	"hawker/internal/fault"
	"hawker/internal/identity"
	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// Refusals.
var (
	ErrAct    = fault.New(fault.Conflict, "terminal_act", "终端现在的状态不能这样处理，可能别人刚处理过，请刷新。", "The terminal is not in a state for this. Somebody may have been faster; please reload.")
	ErrReason = fault.New(fault.Invalid, "terminal_reason", "请写明原因（2 到 200 字），不要写卡号或证件号。", "Please say why, in 2 to 200 characters, without numbers of cards or papers.")
)

// Act is what people do with a terminal.
type Act string

// The acts.
const (
	Lose    Act = "lose"    // nobody finds it
	Steal   Act = "steal"   // somebody took it
	Find    Act = "find"    // it is here again
	Suspend Act = "suspend" // for the time being
	Resume  Act = "resume"
	Retire  Act = "retire" // for good
)

// Acts are all there are, in the order in which a page shows them.
var Acts = []Act{Lose, Steal, Find, Suspend, Resume, Retire}

// Moves holds every lawful act on a terminal. What is absent is refused: a retired one stays so, and one that
// was tampered with comes back by the ceremony of its keys only.
var Moves = map[terminal.State]map[Act]terminal.State{
	terminal.Active:    {Lose: terminal.Lost, Steal: terminal.Stolen, Suspend: terminal.Suspended, Retire: terminal.Retired},
	terminal.Suspended: {Lose: terminal.Lost, Steal: terminal.Stolen, Resume: terminal.Active, Retire: terminal.Retired},
	terminal.Lost:      {Steal: terminal.Stolen, Find: terminal.Active, Retire: terminal.Retired},
	terminal.Stolen:    {Find: terminal.Suspended, Retire: terminal.Retired}, // somebody looks at it before it takes money
	terminal.Tampered:  {Retire: terminal.Retired},
	terminal.Retired:   {},
}

// Next is the state after an act; ErrAct when it is not lawful.
func Next(s terminal.State, a Act) (terminal.State, error) {
	to, ok := Moves[s][a]
	if !ok {
		return "", ErrAct.With("%s in state %s", a, s)
	}
	return to, nil
}

// Proven reports whether an act takes a fresh proof: what lets a terminal take money again, and what cannot
// be undone. To block one nobody should have to look for his telephone.
func (a Act) Proven() bool { return a == Find || a == Resume || a == Retire }

// Revoker ends a terminal's certificates.
type Revoker interface {
	RevokeTerminal(ctx context.Context, tx *store.Tx, t identity.Terminal, reason identity.Reason) (int, error)
}

// Desk does it. Any number of goroutines may use it.
type Desk struct {
	DB      *store.DB
	Clock   clock.Clock
	Devices Revoker // nil: terminals have no certificates
}

// Object names a terminal where a proof or the trail is about it.
func Object(m merchant.ID, id terminal.ID) string { return fmt.Sprintf("terminal/%d/%s", m, id) }

// may refuses whoever may not do an act: operators who may change terminals, and of a merchant's people those who
// look after devices, who may report what is gone and nothing else.
func may(w auth.Who, m merchant.ID, a Act) error {
	if err := w.Must(m); err != nil {
		return err
	}
	switch {
	case w.Kind == auth.Operator && auth.Allows(w, auth.TerminalWrite):
		return nil
	case w.Kind == auth.Staff && auth.Allows(w, auth.DeviceWrite) && (a == Lose || a == Steal):
		return nil
	}
	return auth.ErrForbidden.With("%s %d wants to %s a terminal", w.Kind, w.ID, a)
}

// reason is why, as it is written down.
func reason(why string) (string, error) {
	why = strings.Join(strings.Fields(why), " ")
	if n := utf8.RuneCountInString(why); n < 2 || n > 200 || digits(why) >= 12 {
		return "", ErrReason
	}
	return why, nil
}

// digits is the longest run of digits, blanks and strokes between them left out.
func digits(text string) (most int) {
	n := 0
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			n++
			most = max(most, n)
		case r == ' ' || r == '-':
		default:
			n = 0
		}
	}
	return most
}

// Do does an act with a terminal. From the commit on it takes nothing that its new state forbids. A proof is asked
// for by what Proven says, for auth.TerminalWrite on Object; others may be zero.
func (d *Desk) Do(ctx context.Context, w auth.Who, proof auth.StepUp, m merchant.ID, id terminal.ID, a Act, why string) (t terminal.Terminal, err error) {
	if err := may(w, m, a); err != nil {
		return t, err
	}
	if why, err = reason(why); err != nil {
		return t, err
	}
	if t, err = terminal.ByID(ctx, d.DB.Read(), m, id); err != nil {
		return t, err
	}
	if _, err := Next(t.State, a); err != nil { // before the proof is spent
		return t, err
	}
	now := d.Clock()
	if a.Proven() {
		if err := proof.Use(w, auth.TerminalWrite, Object(m, id), now); err != nil {
			return t, err
		}
	}
	err = d.DB.Write(ctx, func(tx *store.Tx) error {
		if t, err = terminal.Lock(ctx, tx, m, id); err != nil {
			return err
		}
		from := t.State
		if t.State, err = Next(from, a); err != nil {
			return err
		}
		if err := terminal.SetState(ctx, tx, m, id, t.State); err != nil {
			return err
		}
		if t.State == terminal.Active { // nobody knows who had it meanwhile: it asks for new working keys
			if err := terminal.Renew(ctx, tx, m, id); err != nil {
				return err
			}
			t.Renew = true
		}
		after := map[string]any{"state": t.State, "why": why}
		if gone, ok := map[terminal.State]identity.Reason{terminal.Stolen: identity.Stolen, terminal.Retired: identity.Retired}[t.State]; ok && d.Devices != nil {
			n, err := d.Devices.RevokeTerminal(ctx, tx, identity.Terminal{Merchant: m, ID: id, Serial: t.Serial}, gone)
			if err != nil {
				return err
			}
			after["certificates"] = n
		}
		entry := w.Entry("terminal."+string(a), Object(m, id), map[string]any{"state": from, "serial": t.Serial}, after, now)
		entry.Merchant = int64(m)
		if err := audit.Append(ctx, tx, entry); err != nil {
			return err
		}
		return events.Append(ctx, tx, events.Event{Merchant: int64(m), Kind: "terminal." + string(t.State), Ref: Object(m, id), At: now,
			Body: map[string]any{"terminal": string(id), "from": string(from), "state": string(t.State)}})
	})
	return t, err
}
