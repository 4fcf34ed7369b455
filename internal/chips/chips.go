// Package chips remembers how far the transaction counter of each chip has come,
// whichever terminal and merchant it paid at: a counter that does not grow is a copy
// of an earlier request. It knows tokens, never card numbers, and no cryptogram.
package chips

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"hawker/internal/card"
	"hawker/internal/fault"
	"hawker/internal/store"
)

// ErrCounter refuses a chip whose transaction counter (ATC) is not more than the last one seen.
var ErrCounter = fault.New(fault.Declined, "chip_counter", "芯片数据已经用过，请重新插卡。", "The chip's data were used before. Please insert the card again.")

// MaxCounter is a chip's last transaction counter; the first is 1.
const MaxCounter = 0xFFFF

// Chip is one copy of a card: its token and PAN sequence number (0 when the terminal tells none).
type Chip struct {
	Token    card.Token
	Sequence int
}

// Use is one transaction of a chip: the counter that it told, 1 to MaxCounter. The zero Use is none.
type Use struct {
	Chip
	Counter int
}

// IsZero reports whether no chip is meant.
func (u Use) IsZero() bool { return u.Counter == 0 }

// Desk decides about the chips of one transaction of the database: it reads the
// counters of many at once, decides in memory, and writes them at the end. On
// PostgreSQL the counters it read stay locked, so its decisions are final.
type Desk struct {
	tx     *store.Tx
	last   map[Chip]int
	before map[Chip]int
	log    []Use // what Back restores: the counter before
}

// NewDesk opens a desk in tx.
func NewDesk(tx *store.Tx) *Desk {
	return &Desk{tx: tx, last: map[Chip]int{}, before: map[Chip]int{}}
}

var (
	selectCounters = store.SelectSet("token, sequence, counter", "chip_counters", true, store.Texts("token"), store.Ints("sequence"))
	makeCounters   = store.InsertSet("chip_counters", "ON CONFLICT (token, sequence) DO NOTHING", store.Texts("token"), store.Ints("sequence", "counter"))
	setCounters    = store.InsertSet("chip_counters", "ON CONFLICT (token, sequence) DO UPDATE SET counter = excluded.counter",
		store.Texts("token"), store.Ints("sequence", "counter"))
)

// Load reads the counters of uses that will be asked about, and locks them. What is
// not loaded before is loaded when it is needed.
func (d *Desk) Load(ctx context.Context, uses ...Use) error {
	wanted := map[Chip]bool{}
	for _, u := range uses {
		if _, have := d.last[u.Chip]; !have && !u.IsZero() {
			wanted[u.Chip] = true
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	var rows, zeros [][]any
	for _, c := range ordered(maps.Keys(wanted)) {
		rows = append(rows, []any{c.Token, c.Sequence})
	}
	if err := d.read(ctx, rows); err != nil {
		return err
	}
	// A row is made first, so that there is one to lock: two nodes must not both begin from nothing.
	var missing [][]any
	for _, c := range ordered(maps.Keys(wanted)) {
		if _, have := d.last[c]; !have {
			missing, zeros = append(missing, []any{c.Token, c.Sequence}), append(zeros, []any{c.Token, c.Sequence, 0})
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := makeCounters.Exec(ctx, d.tx, zeros); err != nil {
		return fmt.Errorf("make chip counters: %w", err)
	}
	return d.read(ctx, missing)
}

func (d *Desk) read(ctx context.Context, rows [][]any) error {
	err := selectCounters.Query(ctx, &d.tx.Reader, rows, func(scan func(...any) error) error {
		var c Chip
		var counter int
		err := scan(&c.Token, &c.Sequence, &counter)
		d.last[c], d.before[c] = counter, counter
		return err
	})
	if err != nil {
		return fmt.Errorf("read chip counters: %w", err)
	}
	return nil
}

// Advance takes a use, or refuses it with ErrCounter when the chip's counter has been there before.
func (d *Desk) Advance(ctx context.Context, u Use) error {
	if u.IsZero() {
		return nil
	}
	if u.Counter < 0 || u.Counter > MaxCounter {
		return fmt.Errorf("chips: a counter of %d", u.Counter)
	}
	if err := d.Load(ctx, u); err != nil {
		return err
	}
	was := d.last[u.Chip]
	if u.Counter <= was {
		return ErrCounter.With("counter %d, last seen %d", u.Counter, was)
	}
	d.last[u.Chip] = u.Counter
	d.log = append(d.log, Use{u.Chip, was})
	return nil
}

// Mark names this moment; Back undoes what was taken after it.
func (d *Desk) Mark() int { return len(d.log) }

// Back returns to a mark.
func (d *Desk) Back(mark int) {
	for i := len(d.log) - 1; i >= mark; i-- {
		d.last[d.log[i].Chip] = d.log[i].Counter
	}
	d.log = d.log[:mark]
}

// Write stores the counters that changed, in ascending order of their chips.
func (d *Desk) Write(ctx context.Context) error {
	var rows [][]any
	for _, c := range ordered(maps.Keys(d.last)) {
		if d.last[c] != d.before[c] {
			rows = append(rows, []any{c.Token, c.Sequence, d.last[c]})
			d.before[c] = d.last[c]
		}
	}
	d.log = d.log[:0]
	if len(rows) == 0 {
		return nil
	}
	if _, err := setCounters.Exec(ctx, d.tx, rows); err != nil {
		return fmt.Errorf("write chip counters: %w", err)
	}
	return nil
}

// ordered is the order in which every transaction locks.
func ordered(chips func(func(Chip) bool)) []Chip {
	return slices.SortedFunc(chips, func(a, b Chip) int { return cmp.Or(cmp.Compare(a.Token, b.Token), cmp.Compare(a.Sequence, b.Sequence)) })
}
