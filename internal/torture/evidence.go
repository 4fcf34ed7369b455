package torture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"hawker/internal/app"
	"hawker/internal/cases"
	"hawker/internal/events"
	"hawker/internal/jobs"
	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/sandbox/cardnet"
	"hawker/internal/sandbox/pos"
	"hawker/internal/store"
)

// evidence is what everybody left behind, read when nothing runs any more.
type evidence struct {
	At        time.Time // of its gathering
	Terminals []memory
	Payments  []payment.Payment
	Holds     []payment.Hold
	Attempts  []payment.Attempt
	UnderWay  []payment.Attempt
	Jobs      []jobs.Job
	Cases     []cases.Case
	Ledger    error // nil: proven
	Trial     []ledger.Line
	Entries   []cardnet.Entry
	Books     []cardnet.MerchantBook
	Network   error // nil: the network's books follow from its entries
}

// memory is what one terminal wrote down.
type memory struct {
	station
	Lines []Line
}

// gather reads terminals' journals, the host's database and the network's state file.
func (w *world) gather(ctx context.Context) (e evidence, err error) {
	e.At = time.Now()
	for _, s := range w.stations {
		m := memory{station: s}
		if _, err := readSlips(s.Slips, func(l Line) { m.Lines = append(m.Lines, l) }); err != nil {
			return e, err
		}
		e.Terminals = append(e.Terminals, m)
	}
	db, err := app.OpenStore(ctx, w.data(), w.target())
	if err != nil {
		return e, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := e.host(ctx, db.Read()); err != nil {
		return e, err
	}
	return e, e.network(w.data())
}

// host reads the server's side through what its packages let anybody read.
func (e *evidence) host(ctx context.Context, q store.Querier) (err error) {
	e.Ledger = ledger.Prove(ctx, q)
	if e.Trial, err = ledger.Trial(ctx, q, 0); err != nil {
		return err
	}
	if e.UnderWay, err = payment.UnderWay(ctx, q); err != nil {
		return err
	}
	if e.Jobs, err = jobs.List(ctx, q); err != nil {
		return err
	}
	if e.Cases, err = cases.List(ctx, q); err != nil {
		return err
	}
	merchants := map[merchant.ID]bool{}
	for _, t := range e.Terminals {
		if merchants[t.Merchant] {
			continue
		}
		merchants[t.Merchant] = true
		if err := e.payments(ctx, q, t.Merchant); err != nil {
			return err
		}
	}
	return nil
}

// payments reads every payment of a merchant that an event or an open attempt tells of, and its attempts.
func (e *evidence) payments(ctx context.Context, q store.Querier, m merchant.ID) error {
	ids := map[int64]bool{}
	for _, a := range e.UnderWay {
		if a.Merchant == m {
			ids[a.Payment] = true
		}
	}
	const page = 1000
	for seq, more := int64(0), true; more; {
		list, err := events.After(ctx, q, int64(m), seq, page)
		if err != nil {
			return err
		}
		for _, one := range list {
			id, err := payment.ParseRef(one.Ref)
			if err != nil {
				return fmt.Errorf("event %d of merchant %d is about %q: %w", one.Seq, m, one.Ref, err)
			}
			ids[id], seq = true, one.Seq
		}
		more = len(list) == page
	}
	for id := range ids {
		p, err := payment.Get(ctx, q, m, id)
		switch {
		case errors.Is(err, payment.ErrNotFound):
			h, err := payment.HoldOf(ctx, q, payment.Attempt{Merchant: m, Payment: id})
			if err != nil {
				return fmt.Errorf("hold %s: %w", payment.Ref(id), err)
			}
			e.Holds = append(e.Holds, h)
		case err != nil:
			return fmt.Errorf("payment %s: %w", payment.Ref(id), err)
		default:
			e.Payments = append(e.Payments, p)
		}
		attempts, err := payment.Attempts(ctx, q, m, id)
		if err != nil {
			return err
		}
		e.Attempts = append(e.Attempts, attempts...)
	}
	slices.SortFunc(e.Attempts, func(a, b payment.Attempt) int { return cmp.Compare(a.ID, b.ID) })
	return nil
}

// network reads the state file as the simulated network itself would.
func (e *evidence) network(data string) error {
	zpk, zak, err := app.SandboxKeys(data)
	if err != nil {
		return err
	}
	n, err := cardnet.New(cardnet.Config{ZPK: zpk, ZAK: zak, StateFile: filepath.Join(data, "sandbox", "network.jsonl")})
	if err != nil {
		return err
	}
	e.Entries, e.Books, e.Network = n.Journal(), n.Books(), n.Check()
	return n.Close()
}

// slips is how every transaction of a terminal stood in the end, and what was once
// approved and is not any more: which must never be.
func (m memory) slips() (last map[slipID]pos.Transaction, taken []pos.Transaction) {
	last = map[slipID]pos.Transaction{}
	for _, l := range m.Lines {
		for _, t := range l.Slips {
			if was := last[idOf(t)]; was.State == pos.Approved && t.State != pos.Approved {
				taken = append(taken, was)
			}
			last[idOf(t)] = t
		}
	}
	return last, taken
}
