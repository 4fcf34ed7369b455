package risk

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"hawker/internal/fault"
	"hawker/internal/money"
	"hawker/internal/store"
)

// Desk decides about the payments of one transaction. It reads limits and counters
// of many merchants at once, decides in memory, and writes the counters at the end.
// On PostgreSQL the counters it read stay locked, so its decisions are final.
type Desk struct {
	tx     *store.Tx
	limits map[holder][]Limit // what bounds a merchant's method; loaded, perhaps empty
	used   map[counter]int64
	before map[counter]int64
	log    []change
}

type holder struct {
	merchant int64
	method   string
}

// counter is one row of limit_usage.
type counter struct {
	merchant int64
	method   string
	cardKind string
	period   int64
}

type change struct {
	counter counter
	delta   int64
}

// NewDesk opens a desk in tx.
func NewDesk(tx *store.Tx) *Desk {
	return &Desk{tx: tx, limits: map[holder][]Limit{}, used: map[counter]int64{}, before: map[counter]int64{}}
}

var (
	selectLimits = store.SelectSet("merchant_id, method, card_kind, per_payment_minor, daily_minor, monthly_minor", "limits", false,
		store.Ints("merchant_id"), store.Texts("method"))
	selectUsage = store.SelectSet("merchant_id, method, card_kind, period, used_minor", "limit_usage", true,
		store.Ints("merchant_id"), store.Texts("method", "card_kind"), store.Ints("period"))
	makeUsage = store.InsertSet("limit_usage", "ON CONFLICT (merchant_id, method, card_kind, period) DO NOTHING",
		store.Ints("merchant_id"), store.Texts("method", "card_kind"), store.Ints("period", "used_minor"))
	addUsage = store.InsertSet("limit_usage", "ON CONFLICT (merchant_id, method, card_kind, period) DO UPDATE SET used_minor = limit_usage.used_minor + excluded.used_minor",
		store.Ints("merchant_id"), store.Texts("method", "card_kind"), store.Ints("period", "used_minor"))
)

// Load reads limits and counters for facts that will be assessed or released. What is
// not loaded before is loaded when it is needed.
func (d *Desk) Load(ctx context.Context, facts ...Facts) error {
	var holders [][]any
	for _, f := range facts {
		h := holder{f.Merchant, f.Method}
		if _, ok := d.limits[h]; !ok {
			d.limits[h] = nil
			holders = append(holders, []any{h.merchant, h.method})
		}
	}
	slices.SortFunc(holders, func(a, b []any) int { return cmp.Compare(a[0].(int64), b[0].(int64)) })
	err := selectLimits.Query(ctx, &d.tx.Reader, holders, func(scan func(...any) error) error {
		var h holder
		var l limitRow
		err := scan(&h.merchant, &h.method, &l.cardKind, &l.each, &l.daily, &l.monthly)
		d.limits[h] = append(d.limits[h], l.limit(h.method))
		return err
	})
	if err != nil {
		return fmt.Errorf("read limits: %w", err)
	}
	var counters [][]any
	for _, f := range facts {
		for _, l := range d.of(f) {
			for _, c := range l.counters(f) {
				if _, ok := d.used[c.counter]; !ok {
					d.used[c.counter], d.before[c.counter] = 0, 0
					counters = append(counters, []any{c.merchant, c.method, c.cardKind, c.period})
				}
			}
		}
	}
	return d.count(ctx, counters)
}

// count reads counters and locks them. One that is not there yet is made first, so
// that there is a row to lock: two nodes must not both count from nothing.
func (d *Desk) count(ctx context.Context, rows [][]any) error {
	seen := map[counter]bool{}
	read := func(rows [][]any) error {
		return selectUsage.Query(ctx, &d.tx.Reader, rows, func(scan func(...any) error) error {
			var c counter
			var used int64
			err := scan(&c.merchant, &c.method, &c.cardKind, &c.period, &used)
			d.used[c], d.before[c], seen[c] = used, used, true
			return err
		})
	}
	if err := read(rows); err != nil {
		return fmt.Errorf("read limit counters: %w", err)
	}
	var missing, zeros [][]any
	for _, r := range rows {
		if !seen[counter{r[0].(int64), r[1].(string), r[2].(string), r[3].(int64)}] {
			missing, zeros = append(missing, r), append(zeros, append(slices.Clone(r), int64(0)))
		}
	}
	if _, err := makeUsage.Exec(ctx, d.tx, zeros); err != nil {
		return fmt.Errorf("make limit counters: %w", err)
	}
	if err := read(missing); err != nil {
		return fmt.Errorf("read limit counters: %w", err)
	}
	return nil
}

type limitRow struct {
	cardKind             string
	each, daily, monthly int64
}

func (r limitRow) limit(method string) Limit {
	// Limits are stored without a currency: they are in the merchant's, like its payments.
	return Limit{Method: method, CardKind: r.cardKind, PerPayment: money.New(r.each, ""), Daily: money.New(r.daily, ""), Monthly: money.New(r.monthly, "")}
}

// of lists the limits that bound a payment: those of its card kind and of all kinds.
func (d *Desk) of(f Facts) []Limit {
	var list []Limit
	for _, l := range d.limits[holder{f.Merchant, f.Method}] {
		if l.CardKind == "" || l.CardKind == f.CardKind {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b Limit) int { return cmp.Compare(a.CardKind, b.CardKind) })
	return list
}

// bound is a counter and what it may reach.
type bound struct {
	counter
	limit   int64
	refusal *fault.Fault
}

func (l Limit) counters(f Facts) []bound {
	var list []bound
	at := counter{f.Merchant, f.Method, l.CardKind, int64(f.Day)}
	if l.Daily.Sign() > 0 {
		list = append(list, bound{at, l.Daily.Minor(), ErrOverDay})
	}
	if at.period = int64(f.Day.Month()); l.Monthly.Sign() > 0 {
		list = append(list, bound{at, l.Monthly.Minor(), ErrOverMonth})
	}
	return list
}

// Assess decides about a payment and counts it against every limit that applies. A
// refusal is a fault of kind Declined and counts nothing.
func (d *Desk) Assess(ctx context.Context, f Facts) (Approval, error) {
	if f.Amount.Sign() <= 0 { // it would make room in the limits
		return Approval{}, fmt.Errorf("risk: a payment of %s cannot be assessed", f.Amount)
	}
	if err := d.Load(ctx, f); err != nil {
		return Approval{}, err
	}
	minor := f.Amount.Minor()
	var counters []bound
	for _, l := range d.of(f) {
		if l.PerPayment.Sign() > 0 && minor > l.PerPayment.Minor() {
			return Approval{}, ErrOverPayment
		}
		counters = append(counters, l.counters(f)...)
	}
	for _, c := range counters {
		if minor > c.limit || d.used[c.counter] > c.limit-minor {
			return Approval{}, c.refusal
		}
	}
	for _, c := range counters {
		d.add(c.counter, minor)
	}
	return approve(f.Attempt), nil
}

// Release gives back what Assess counted, when the payment did not come about.
func (d *Desk) Release(ctx context.Context, f Facts) error {
	return d.shift(ctx, f, func(used int64) int64 {
		return -min(f.Amount.Minor(), used) // a limit that was set after the payment never counted it
	})
}

// Restore counts a payment again that Release gave back and that stands after all,
// whatever the limits say by now.
func (d *Desk) Restore(ctx context.Context, f Facts) error {
	return d.shift(ctx, f, func(int64) int64 { return f.Amount.Minor() })
}

// shift moves every counter of a payment by a delta.
func (d *Desk) shift(ctx context.Context, f Facts, delta func(used int64) int64) error {
	if err := d.Load(ctx, f); err != nil {
		return err
	}
	for _, l := range d.of(f) {
		for _, c := range l.counters(f) {
			d.add(c.counter, delta(d.used[c.counter]))
		}
	}
	return nil
}

func (d *Desk) add(c counter, delta int64) {
	d.used[c] += delta
	d.log = append(d.log, change{c, delta})
}

// Mark names this moment; Back undoes what was counted after it.
func (d *Desk) Mark() int { return len(d.log) }

// Back returns to a mark.
func (d *Desk) Back(mark int) {
	for _, c := range d.log[mark:] {
		d.used[c.counter] -= c.delta
	}
	d.log = d.log[:mark]
}

// Write stores the counters that changed, in ascending order.
func (d *Desk) Write(ctx context.Context) error {
	keys := slices.SortedFunc(maps.Keys(d.used), func(a, b counter) int {
		return cmp.Or(cmp.Compare(a.merchant, b.merchant), cmp.Compare(a.method, b.method), cmp.Compare(a.cardKind, b.cardKind), cmp.Compare(a.period, b.period))
	})
	var rows [][]any
	for _, c := range keys {
		if delta := d.used[c] - d.before[c]; delta != 0 {
			rows = append(rows, []any{c.merchant, c.method, c.cardKind, c.period, delta})
			d.before[c] = d.used[c]
		}
	}
	d.log = d.log[:0]
	if _, err := addUsage.Exec(ctx, d.tx, rows); err != nil {
		return fmt.Errorf("write limit counters: %w", err)
	}
	return nil
}
