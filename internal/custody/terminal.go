package custody

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hawker/internal/cases"
	"hawker/internal/events"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// The cases that a tamper message opens. Their ref is the terminal's number.
const (
	TamperedCase = "terminal tampered"
	ClaimedCase  = "terminal claims tamper"
)

// Rotate destroys the working keys of a terminal, "MID/TID", and has it sign on
// before it does anything else. Whatever a process still remembers of them is
// refused with the terminal's row, which every payment reads.
func (k *Keeper) Rotate(ctx context.Context, name string) error {
	p, err := k.find(ctx, name)
	if err != nil {
		return err
	}
	refs := keys.Working(p.owner())
	defer k.Keys.Forget(refs...)
	return k.write(ctx, func(tx *store.Tx) error {
		if err := terminal.Renew(ctx, tx, p.merchant.ID, p.id); err != nil {
			return err
		}
		if err := k.Keys.Remove(ctx, tx, refs...); err != nil {
			return err
		}
		return k.append(ctx, tx, Record{Act: "rotate", Ref: p.owner(), Detail: "working keys destroyed; the terminal signs on again"})
	})
}

// RotateAll is Rotate for every terminal, and returns how many there are.
func (k *Keeper) RotateAll(ctx context.Context) (n int64, err error) {
	err = k.write(ctx, func(tx *store.Tx) error {
		if n, err = terminal.RenewAll(ctx, tx); err != nil {
			return err
		}
		if err := k.Keys.RemoveWorking(ctx, tx); err != nil {
			return err
		}
		return k.append(ctx, tx, Record{Act: "rotate", Ref: "*", Detail: fmt.Sprintf("working keys of %d terminals destroyed; they sign on again", n)})
	})
	k.Keys.ForgetAll()
	return n, err
}

// tamper is what the events say.
type tamper struct {
	Terminal terminal.ID `json:"terminal"`
	Detail   string      `json:"detail,omitempty"`
}

// Tamper destroys all keys of a terminal that proved to say it was opened, and
// blocks it, at once: the row, the keys, the case, the record and the event are one
// transaction. detail is what tripped, for the operator. Again it does nothing.
func (k *Keeper) Tamper(ctx context.Context, m merchant.Merchant, id terminal.ID, detail string) error {
	p := place{m, id}
	refs := keys.Terminal(p.owner())
	defer k.Keys.Forget(refs...)
	return k.write(ctx, func(tx *store.Tx) error {
		t, err := terminal.Lock(ctx, tx, m.ID, id)
		if err != nil || t.State == terminal.Tampered {
			return err
		}
		if err := terminal.SetState(ctx, tx, m.ID, id, terminal.Tampered); err != nil {
			return err
		}
		if err := k.Keys.Remove(ctx, tx, refs...); err != nil {
			return err
		}
		now := k.Clock()
		if err := cases.Open(ctx, tx, cases.Case{Merchant: int64(m.ID), Kind: TamperedCase, Ref: string(id), Detail: detail, Opened: now}); err != nil {
			return err
		}
		if err := k.append(ctx, tx, Record{Act: "tamper", Ref: p.owner(), Detail: detail}); err != nil {
			return err
		}
		return k.tell(ctx, tx, p, "terminal.tampered", detail, now)
	})
}

// Claim answers a tamper message without proof, which anybody can send: the terminal
// keeps its master key, but it must sign on again, and a person sees an open case.
// However often it comes, there is one case and no record, so that it fills nothing up.
func (k *Keeper) Claim(ctx context.Context, m merchant.Merchant, id terminal.ID, detail string) error {
	p := place{m, id}
	refs := keys.Working(p.owner())
	defer k.Keys.Forget(refs...)
	return k.DB.Write(ctx, func(tx *store.Tx) error {
		t, err := terminal.Lock(ctx, tx, m.ID, id)
		if err != nil || t.State == terminal.Tampered {
			return err
		}
		if err := terminal.Renew(ctx, tx, m.ID, id); err != nil {
			return err
		}
		if err := k.Keys.Remove(ctx, tx, refs...); err != nil {
			return err
		}
		return cases.Open(ctx, tx, cases.Case{Merchant: int64(m.ID), Kind: ClaimedCase, Ref: string(id), Detail: detail, Opened: k.Clock()})
	})
}

// tell is called last: event heads are locked last everywhere.
func (k *Keeper) tell(ctx context.Context, tx *store.Tx, p place, event, detail string, at time.Time) error {
	return events.Append(ctx, tx, events.Event{Merchant: int64(p.merchant.ID), Kind: event, Ref: string(p.id), Body: tamper{p.id, detail}, At: at})
}

// Reinstate lets a terminal, "MID/TID", that was tampered with work again, once two
// people have repaired it and loaded a new master key; without one it is ErrNoKey.
func (k *Keeper) Reinstate(ctx context.Context, name, reason string, names ...string) error {
	names, err := people(names...)
	if err != nil {
		return err
	}
	if strings.TrimSpace(reason) == "" {
		return ErrReason
	}
	p, err := k.find(ctx, name)
	if err != nil {
		return err
	}
	kcv, err := k.Keys.KCV(ctx, keys.TMK(p.owner()))
	if err != nil {
		return err
	}
	return k.write(ctx, func(tx *store.Tx) error {
		t, err := terminal.Lock(ctx, tx, p.merchant.ID, p.id)
		if err != nil {
			return err
		}
		if t.State != terminal.Tampered {
			return ErrSound.With("%s is %s", name, t.State)
		}
		if err := terminal.SetState(ctx, tx, p.merchant.ID, p.id, terminal.Active); err != nil {
			return err
		}
		if err := terminal.Renew(ctx, tx, p.merchant.ID, p.id); err != nil {
			return err
		}
		now := k.Clock()
		for _, kind := range []string{TamperedCase, ClaimedCase} {
			if err := cases.Close(ctx, tx, int64(p.merchant.ID), kind, string(p.id), now); err != nil {
				return err
			}
		}
		if err := k.append(ctx, tx, Record{Act: "reinstate", Ref: p.owner(), KCV: kcv, People: names, Detail: reason}); err != nil {
			return err
		}
		return k.tell(ctx, tx, p, "terminal.reinstated", reason, now)
	})
}
