package simulation

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"hawker/internal/books"
	"hawker/internal/cases"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/events"
	"hawker/internal/ledger"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/risk"
	"hawker/internal/store"
)

// afterSettlement is the one case that a run may leave for a person, and a good terminal leaves none.
const afterSettlement = "reversal after settlement"

// audit holds everything against everything else when nothing is under way any more.
func (w *world) audit() {
	w.must(ledger.Prove(w.ctx, w.read()))
	w.must(w.bank.Check())
	open, err := cases.List(w.ctx, w.read())
	w.must(err)
	for _, c := range open {
		if c.Kind != afterSettlement || w.tier == Full {
			w.blame("case open: %s: %s", c.Kind, c.Detail)
		}
	}
	believed := map[slot]belief{}
	for _, a := range w.actors {
		maps.Copy(believed, a.believes())
	}
	for _, s := range w.ground.shops {
		w.must(w.auditShop(s, believed))
	}
	for _, at := range slices.SortedFunc(maps.Keys(believed), bySlot) {
		w.blame("%s: the terminal has a %s of %d, the host has none", at, believed[at].kind, believed[at].minor)
	}
}

func bySlot(a, b slot) int { return strings.Compare(a.String(), b.String()) }

// auditShop takes from believed what the host has too.
func (w *world) auditShop(s shop, believed map[slot]belief) error {
	payments, err := w.payments(s)
	if err != nil {
		return err
	}
	var stands, fees int64
	taken := map[clock.Day]int64{}
	for _, p := range payments {
		list, err := payment.Attempts(w.ctx, w.read(), s.ID, p.ID)
		if err != nil {
			return err
		}
		w.auditPayment(p, list, believed)
		if p.State == payment.Approved {
			stands += p.Amount.Minor() - p.Refunded.Minor()
			fees += p.Fee.Minor() - p.RefundFee.Minor()
			taken[p.Day] += p.Amount.Minor()
		}
	}
	for account, want := range map[ledger.Account]int64{books.Receivable(bankName): stands, books.Fees: -fees, books.Pending: fees - stands} {
		got, err := ledger.Balance(w.ctx, w.read(), ledger.Owner(s.ID), account, s.Currency)
		if err != nil {
			return err
		}
		if got.Minor() != want {
			w.blame("%s: the ledger has %d in %s, its payments come to %d", s.NameEN, got.Minor(), account, want)
		}
	}
	if owes := w.owes(s); owes != stands {
		w.blame("%s: the bank owes %d, by our payments it is %d", s.NameEN, owes, stands)
	}
	w.journal.add("%s: %d payments, %d stands, fees %d", s.NameEN, len(payments), stands, fees)
	return w.auditLimits(s, payments, taken)
}

// owes is what the bank's own books say.
func (w *world) owes(s shop) int64 {
	for _, b := range w.bank.Books() {
		if b.Merchant == s.MID {
			return b.Net.Minor()
		}
	}
	return 0
}

// payments finds a shop's payments by the events that tell of them. Their numbers have no
// gap, and none is announced as approved twice.
func (w *world) payments(s shop) ([]payment.Payment, error) {
	outbox, err := events.After(w.ctx, w.read(), int64(s.ID), 0, 1_000_000)
	if err != nil {
		return nil, err
	}
	announced := map[int64]int{}
	for i, e := range outbox {
		id, err := payment.ParseRef(e.Ref)
		if err != nil {
			return nil, err
		}
		if e.Seq != int64(i+1) {
			w.blame("%s: event %d follows event %d", s.NameEN, e.Seq, i)
		}
		n := 0
		if e.Kind == "payment.approved" {
			n = 1
		}
		announced[id] += n
	}
	var list []payment.Payment
	for _, id := range slices.Sorted(maps.Keys(announced)) {
		if announced[id] > 1 {
			w.blame("%s: a payment was announced %d times", s.NameEN, announced[id])
		}
		p, err := payment.Get(w.ctx, w.read(), s.ID, id)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// auditPayment holds a payment against its attempts, and those against what terminals believe.
func (w *world) auditPayment(p payment.Payment, list []payment.Attempt, believed map[slot]belief) {
	var refunded int64
	standing := map[channel.Kind]int{}
	for _, a := range list {
		if a.State != payment.Approved || a.Kind == channel.Reversal {
			continue
		}
		standing[a.Kind]++
		if a.Kind == channel.Refund {
			refunded += a.Amount.Minor()
		}
		at := slot{a.Terminal, a.Batch, a.Trace}
		if b, ok := believed[at]; !ok || b != (belief{a.Kind, a.Amount.Minor()}) {
			w.blame("%s: the host has a %s of %s, the terminal %+v", at, a.Kind, a.Amount, b)
		}
		delete(believed, at)
	}
	sale, void := 0, 0
	switch p.State {
	case payment.Approved:
		sale = 1
	case payment.Voided:
		sale, void = 1, 1
	case payment.Declined, payment.Reversed:
	default:
		w.blame("a payment of %s is at rest as %s", p.Amount, p.State)
	}
	if standing[channel.Sale] != sale || standing[channel.Void] != void || refunded != p.Refunded.Minor() || refunded > p.Amount.Minor() {
		w.blame("a payment of %s, %s, refunded %s, has %v approved, refunds of %d", p.Amount, p.State, p.Refunded, standing, refunded)
	}
}

// errOnlyAsked rolls back what was only asked.
var errOnlyAsked = errors.New("only asked")

// auditLimits asks the risk desk whether each day has just the room that the standing payments leave.
func (w *world) auditLimits(s shop, payments []payment.Payment, taken map[clock.Day]int64) error {
	days := map[clock.Day]bool{}
	for _, p := range payments {
		days[p.Day] = true
	}
	for day := range days {
		if err := w.database().Write(w.ctx, func(tx *store.Tx) error {
			w.room(tx, s, day, dailyLimit-taken[day])
			return errOnlyAsked
		}); !errors.Is(err, errOnlyAsked) {
			return err
		}
	}
	return nil
}

// room checks that a day takes this much more, and no more.
func (w *world) room(tx *store.Tx, s shop, day clock.Day, minor int64) {
	desk := risk.NewDesk(tx)
	ask := func(minor int64) error {
		_, err := desk.Assess(w.ctx, risk.Facts{Merchant: int64(s.ID), Attempt: 1, Method: payment.MethodCard, Amount: money.New(minor, s.Currency), Day: day})
		return err
	}
	if err := ask(minor + 1); !errors.Is(err, risk.ErrOverDay) {
		w.blame("%s: %s takes more than the %d that are left: %v", s.NameEN, day, minor, err)
	} else if err := ask(minor); err != nil {
		w.blame("%s: %s does not take the %d that are left: %v", s.NameEN, day, minor, err)
	}
}
