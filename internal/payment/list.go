package payment

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hawker/internal/books"
	"hawker/internal/clock"
	"hawker/internal/events"
	"hawker/internal/fault"
	"hawker/internal/ledger"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
)

// Refusals of lists.
var (
	ErrCursor = fault.New(fault.Invalid, "cursor_invalid", "翻页标记无效，请从第一页重新开始。", "This cursor does not belong to this list. Start again from the first page.")
	ErrFilter = fault.New(fault.Invalid, "filter_invalid", "筛选条件无效。", "The filter is not valid.")
)

// Filter picks payments of one merchant; each zero field picks all.
type Filter struct {
	Merchant merchant.ID
	States   []State
	Methods  []string
	From, To time.Time    // made at From or later, and before To
	Least    money.Amount // and Most: both belong to the range
	Most     money.Amount
	Device   string // that asked for it: a terminal's id, "pos/…", "key/…"
	Text     string // as a person remembers it: the number of a payment, of an attempt or of an order, or the card's last four digits

	Cursor string // Page.Next of the page before; "" begins with the newest
	Limit  int    // at most so many, up to MaxPage; 0 is 50
}

// MaxPage is the largest page.
const MaxPage = 200

// Page is a part of a list, newest first. Looking for what is rare among millions takes
// several pages: one may hold few payments, or none, and have a Next all the same.
type Page struct {
	Payments []Payment
	Next     string // the Cursor of what follows; "" at the end
}

// How much one page looks at.
const (
	reach     = 50000 // payments, when each must be looked at
	reachDays = 400   // days, along an index of each day's payments
)

// List gives a page of the payments that a filter picks, newest first.
func List(ctx context.Context, q store.Querier, f Filter) (Page, error) {
	s, err := f.search()
	if err != nil {
		return Page{}, err
	}
	var found []Payment
	var next position
	switch {
	case s.number != 0:
		found, err = s.one(ctx, q)
	case s.order != "":
		found, err = s.ofOrder(ctx, q)
	case s.last4 != "":
		if found, next, err = s.byDay(ctx, q, selectByCard, lastDayOfCard, s.last4); err == nil && f.Cursor == "" && s.limit > 1 {
			found, err = s.andOrder(ctx, q, found) // four digits may also be an order's
		}
	case s.exact:
		found, next, err = s.byDay(ctx, q, selectByAmount, lastDay, s.least)
	case len(f.States) > 0 && !slices.ContainsFunc(f.States, ordinary):
		found, next, err = s.byState(ctx, q, f.States)
	case !f.To.IsZero(): // ids do not tell until when: a clock that is put back leaves them ahead
		found, next, err = s.byDay(ctx, q, selectByDay, lastDay)
	default:
		found, next, err = s.scan(ctx, q)
	}
	if err != nil {
		return Page{}, err
	}
	p := Page{Payments: found}
	if len(found) > s.limit {
		p.Payments = found[:s.limit]
		last := p.Payments[s.limit-1]
		next = position{last.Day, last.ID}
	}
	if next != (position{}) {
		p.Next = next.cursor(f)
	}
	return p, nil
}

// search is a filter as the statements take it.
type search struct {
	merchant        merchant.ID
	after           position // zero: from the newest
	low, high       int64    // ids: low ≤ id < high
	states, methods string   // ",a,b,"; "" is all
	least, most     int64
	currency        string
	device          string
	from, to        store.Time
	limit           int

	number int64  // of a payment or an attempt; 0: not asked for
	last4  string // "": not asked for
	exact  bool   // least and most are the same
	order  string // the merchant's own number; "": not asked for
}

func (f Filter) search() (search, error) {
	s := search{merchant: f.Merchant, high: math.MaxInt64, states: among(f.States), methods: among(f.Methods), least: math.MinInt64, most: math.MaxInt64,
		device: f.Device, from: store.Time(math.MinInt64), to: store.Time(math.MaxInt64), limit: cmp.Or(f.Limit, 50)}
	if f.Merchant <= 0 || s.limit < 0 || s.limit > MaxPage {
		return s, ErrFilter.With("merchant %d, limit %d", f.Merchant, f.Limit)
	}
	for _, bound := range []struct {
		amount money.Amount
		to     *int64
	}{{f.Least, &s.least}, {f.Most, &s.most}} {
		if c := bound.amount.Currency(); c != "" {
			if s.currency != "" && s.currency != string(c) {
				return s, ErrFilter.With("amounts in %s and %s", s.currency, c)
			}
			s.currency, *bound.to = string(c), bound.amount.Minor()
		}
	}
	s.exact = s.least == s.most
	if !f.From.IsZero() {
		s.from, s.low = store.At(f.From), store.IDAt(f.From)
	}
	if !f.To.IsZero() {
		s.to = store.At(f.To)
	}
	if f.Cursor != "" {
		var err error
		if s.after, err = parseCursor(f); err != nil {
			return s, err
		}
		s.high = min(s.high, s.after.id)
	}
	return s, s.text(strings.TrimSpace(f.Text))
}

// text tells what a person may have meant.
func (s *search) text(t string) error {
	switch id, err := ParseRef(strings.ToUpper(t)); {
	case t == "":
	case len(t) > 64:
		return ErrFilter.With("text of %d bytes", len(t))
	case err == nil:
		s.number = id
	case len(t) == 4 && strings.Trim(t, "0123456789") == "":
		s.last4 = t
	default:
		s.order = t
	}
	return nil
}

func among[T ~string](list []T) string {
	var b strings.Builder
	for _, v := range list {
		b.WriteString("," + strings.NewReplacer(",", "", "%", "", "_", "").Replace(string(v)))
	}
	if b.Len() == 0 {
		return ""
	}
	return b.String() + ","
}

// one finds the payment of a number.
func (s search) one(ctx context.Context, q store.Querier) ([]Payment, error) {
	p, err := byNumber(ctx, q, s.merchant, s.number)
	if err != nil {
		if fault.Of(err).Kind == fault.NotFound {
			return nil, nil
		}
		return nil, err
	}
	return s.query(ctx, q, selectOne, 1, p.ID)
}

// ofOrder finds the payment of an order number.
func (s search) ofOrder(ctx context.Context, q store.Querier) ([]Payment, error) {
	id, err := numbered(ctx, q, s.merchant, s.order)
	if err != nil || id == 0 {
		return nil, err
	}
	return s.query(ctx, q, selectOne, 1, id)
}

// andOrder puts the payment of an order number before those of a card.
func (s search) andOrder(ctx context.Context, q store.Querier, found []Payment) ([]Payment, error) {
	s.order = s.last4
	own, err := s.ofOrder(ctx, q)
	if err != nil || len(own) == 0 || slices.ContainsFunc(found, func(p Payment) bool { return p.ID == own[0].ID }) {
		return found, err
	}
	return append(own, found...), nil
}

// byDay goes along an index from day to day, newest first.
func (s search) byDay(ctx context.Context, q store.Querier, page, days string, key ...any) (found []Payment, next position, err error) {
	top, bottom := clock.Day(math.MaxInt32), clock.Day(0)
	if s.to != math.MaxInt64 {
		top = dayNear(s.to, 2)
	}
	if s.from != math.MinInt64 {
		bottom = dayNear(s.from, -2)
	}
	if s.after != (position{}) {
		top = min(top, s.after.day)
	}
	for looked := 0; looked < reach; {
		var day clock.Day
		err := q.QueryRow(ctx, days, s.merchant, top, bottom).Scan(&day)
		if errors.Is(err, sql.ErrNoRows) {
			return found, position{}, nil
		} else if err != nil {
			return nil, position{}, fmt.Errorf("list payments: %w", err)
		}
		s.high = math.MaxInt64
		if day == s.after.day {
			s.high = s.after.id
		}
		if looked += reach / reachDays; len(key) == 0 && s.picky() {
			n, err := s.countDay(ctx, q, day)
			if err != nil {
				return nil, position{}, err
			}
			looked += n
		}
		list, err := s.query(ctx, q, page, s.limit+1-len(found), append([]any{day}, key...)...)
		if err != nil {
			return nil, position{}, err
		}
		if found = append(found, list...); len(found) > s.limit {
			return found, position{}, nil // List takes the position from the last one
		}
		next, top = position{day, 0}, day-1
	}
	return found, next, nil
}

// picky reports that payments may have to be looked at which are not picked.
func (s search) picky() bool { return s.states+s.methods+s.currency+s.device != "" }

// dayNear is a date some days off an instant: zone and cutoff move a business day by two at most.
func dayNear(t store.Time, days int) clock.Day {
	return clock.DayOf(t.Time().AddDate(0, 0, days), time.UTC, 0)
}

// byState reads payments in states that are written apart.
func (s search) byState(ctx context.Context, q store.Querier, states []State) (found []Payment, next position, err error) {
	states = slices.Compact(slices.Sorted(slices.Values(states)))
	for _, state := range states {
		bound, more, err := s.floor(ctx, q, floorOfState, state)
		if err != nil {
			return nil, position{}, err
		}
		if more && bound > s.low {
			s.low, next = bound, position{0, bound}
		}
	}
	for _, state := range states {
		list, err := s.query(ctx, q, selectByState, s.limit+1, state)
		if err != nil {
			return nil, position{}, err
		}
		found = append(found, list...)
	}
	slices.SortFunc(found, func(a, b Payment) int { return cmp.Compare(b.ID, a.ID) })
	return found, next, nil
}

// scan looks at each payment in turn.
func (s search) scan(ctx context.Context, q store.Querier) (found []Payment, next position, err error) {
	if s.picky() {
		bound, more, err := s.floor(ctx, q, floorOfAll)
		if err != nil {
			return nil, position{}, err
		}
		if more {
			s.low, next = bound, position{0, bound}
		}
	}
	found, err = s.query(ctx, q, selectByID, s.limit+1)
	return found, next, err
}

// Step is one thing in the life of a payment: an attempt that was made, or an event that became true.
type Step struct {
	At      time.Time
	Attempt *Attempt      // nil for an event
	Event   *events.Event // nil for an attempt; its Body is a json.RawMessage
}

// Timeline tells a payment's life in order: its attempts as they stand now, each when it
// was made, and the events about it.
func Timeline(ctx context.Context, q store.Querier, m merchant.ID, payment int64) ([]Step, error) {
	tries, err := Attempts(ctx, q, m, payment)
	if err != nil {
		return nil, err
	}
	told, err := events.About(ctx, q, int64(m), Ref(payment))
	if err != nil {
		return nil, err
	}
	var list []Step
	for i := range tries {
		list = append(list, Step{At: tries[i].Created, Attempt: &tries[i]})
	}
	for i := range told {
		list = append(list, Step{At: told[i].At, Event: &told[i]})
	}
	slices.SortStableFunc(list, func(a, b Step) int { return a.At.Compare(b.At) })
	return list, nil
}

// ByNumber finds a payment by the number that receipts and programs know it by: its own, or
// that of one of its attempts. ErrNotFound when this merchant has none.
func ByNumber(ctx context.Context, q store.Querier, m merchant.ID, number string) (Payment, error) {
	id, err := ParseRef(number)
	if err != nil {
		return Payment{}, err
	}
	return byNumber(ctx, q, m, id)
}

func byNumber(ctx context.Context, q store.Querier, m merchant.ID, id int64) (Payment, error) {
	p, err := Get(ctx, q, m, id)
	if !errors.Is(err, ErrNotFound) {
		return p, err
	}
	a, err := attemptByID(ctx, q, m, id)
	if err != nil {
		return Payment{}, err
	}
	return Get(ctx, q, m, a.Payment)
}

// Owed tells what a merchant is owed, by currency; nothing when nothing was ever booked.
func Owed(ctx context.Context, q store.Querier, m merchant.ID) ([]books.Standing, error) {
	lines, err := ledger.Trial(ctx, q, ledger.Owner(m))
	return books.Stand(lines), err
}
