// Package feelock keeps what a merchant pays for payments and lets nobody change it
// without the merchant: a change is a proposal of two operators, noticed by every channel
// thirty days ahead, and holds only with recorded consent. What payments compute fees
// with, only this package can make, from rows whose seals tell that consent covers them.
package feelock

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
)

// Refusals.
var (
	ErrNoPlan    = fault.New(fault.Unavailable, "fee_missing", "还没有生效的费率。签署合同后即可收款。", "No fee is in force yet. Payments begin once the contract is signed.")
	ErrUncovered = fault.New(fault.Unavailable, "fee_uncovered", "费率记录与商户同意的不一致，已停止收款并通知客服。", "The fee on record is not the one that was agreed to. Payments are stopped and support has been told.")
	ErrLocked    = fault.New(fault.Conflict, "fee_locked", "费率已经生效，只能通过提前三十天通知并经商户同意来变更。", "This fee is in force. It changes only with thirty days' notice and the merchant's consent.")
	ErrTerms     = fault.New(fault.Invalid, "fee_terms", "费率不合格：费率应在 0 到 100% 之间，最低和封顶不能为负，封顶不能低于最低。", "This is no fee: the rate is 0 to 100 %, minimum and cap are not negative, and the cap is not under the minimum.")
	ErrSooner    = fault.New(fault.Invalid, "fee_sooner", "费率变更至少要提前三十天通知。只有对商户更优惠的变更可以提前，并须写明原因、由商户同意。", "A change of a fee takes at least thirty days' notice. Only one that costs the merchant less may come sooner, with a reason and consent.")
	ErrSame      = fault.New(fault.Invalid, "fee_same", "新费率与现在的一样。", "This is the fee already in force.")
	ErrReason    = fault.New(fault.Invalid, "fee_reason", "请用一两句话写明变更原因（5 到 500 字）。", "Please say why, in a sentence or two (5 to 500 characters).")
	ErrOpen      = fault.New(fault.Conflict, "fee_open", "这项费率已有一个变更方案在进行。", "There is an open proposal for this fee already.")
	ErrNone      = fault.New(fault.NotFound, "fee_none", "没有这个费率方案。", "There is no such proposal.")
	ErrFourEyes  = fault.New(fault.Conflict, "fee_four_eyes", "提出的人不能自己批准，请另一位同事复核。", "Whoever proposed it cannot approve it: another person must.")
	ErrState     = fault.New(fault.Conflict, "fee_state", "这个方案现在不能这样处理，可能别人刚处理过。", "The proposal is not in a state for that. Somebody may have been faster.")
	ErrOtherText = fault.New(fault.Conflict, "fee_other_text", "您看到的内容与方案不一致，请刷新后再确认。", "What you saw is not what is proposed. Please load the page again.")
)

// Notice is how long before a change the merchant must have been told.
const Notice = 30 * 24 * time.Hour

// Line is what a fee is paid for: payments of a method and card kind.
type Line struct {
	Method   string // "card", "wechat"
	CardKind string // "debit", "credit", "" when it does not tell
}

// Rate is a line and its terms; the terms' Version is ignored where a new one is asked for.
type Rate struct {
	Line
	merchant.FeePlan
}

// Plan is a fee plan that the merchant's consent covers. Only this package makes one: a
// payment that has a Plan has the proof. The zero Plan computes nothing.
type Plan struct {
	terms   merchant.FeePlan
	from    time.Time
	consent int64 // 0: none
}

// Fee computes the fee of a payment; ErrUncovered of the zero Plan.
func (p Plan) Fee(a money.Amount) (money.Amount, error) {
	if p.consent == 0 {
		return money.Amount{}, ErrUncovered.With("a fee without a plan")
	}
	return p.terms.Fee(a)
}

// Version is the plan's number among those of its line, from 1.
func (p Plan) Version() int { return p.terms.Version }

// Terms are rate, minimum and cap, to show.
func (p Plan) Terms() merchant.FeePlan { return p.terms }

// From is since when the plan holds.
func (p Plan) From() time.Time { return p.from }

// Plans are the versions of a line's plan, newest first.
type Plans []Plan

// At gives the plan in force at an instant; ErrNoPlan when there is none, as before the
// contract is signed.
func (p Plans) At(at time.Time) (Plan, error) {
	for _, one := range p {
		if !one.from.After(at) {
			return one, nil
		}
	}
	return Plan{}, ErrNoPlan
}

// Sealer makes the seals: the keystore's Vouch, a value nobody without the key can make.
type Sealer interface {
	Vouch(ctx context.Context, use string, data []byte) ([]byte, error)
}

// Channel is a way to reach a merchant: a text message, a mail. Send returns when the channel
// has taken the notice, with a reference of its own; the same notice may come again.
type Channel interface {
	Name() string
	Send(ctx context.Context, n Message) (reference string, err error)
}

// Message is what a channel tells a merchant.
type Message struct {
	Merchant merchant.Merchant
	Proposal Proposal
	Text     Text
}

// Config is what a Book needs. Jobs may be nil where nothing is proposed, in tools and tests.
type Config struct {
	DB       *store.DB
	Seal     Sealer
	Clock    clock.Clock
	Log      *slog.Logger
	Jobs     *jobs.Runner
	Channels []Channel // besides the merchant's own pages, which always tell
}

// Book reads and writes fee plans. It is safe for concurrent use.
type Book struct {
	db       *store.DB
	seal     Sealer
	now      clock.Clock
	log      *slog.Logger
	channels []Channel

	mu      sync.Mutex
	known   map[known]struct{} // seals that were verified
	told    map[key]time.Time  // when a case was last opened
	telling sync.WaitGroup
}

// Open makes a Book, and registers its job handlers.
func Open(c Config) *Book {
	b := &Book{db: c.DB, seal: c.Seal, now: c.Clock, log: c.Log, channels: c.Channels, known: map[known]struct{}{}, told: map[key]time.Time{}}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if c.Jobs != nil {
		c.Jobs.Handle(jobNotice, b.runNotice)
		c.Jobs.Handle(jobDue, b.runDue)
	}
	return b
}

// key names a merchant's line.
type key struct {
	merchant merchant.ID
	Line
}

func (k key) String() string { return fmt.Sprintf("%s/%s", k.Method, k.CardKind) }

// lawful refuses terms that cannot be computed or that contradict themselves.
func lawful(l Line, p merchant.FeePlan, c money.Currency) error {
	in := func(a money.Amount) bool { return a.Currency() == c || (a == money.Amount{}) }
	switch {
	case l.Method == "" || len(l.Method) > 32 || len(l.CardKind) > 32:
		return ErrTerms.With("line %q %q", l.Method, l.CardKind)
	case p.Rate < 0 || p.Rate > 10000 || p.Min.Sign() < 0 || p.Cap.Sign() < 0, p.Cap.Sign() > 0 && p.Cap.Minor() < p.Min.Minor():
		return ErrTerms.With("%d bp, minimum %d, cap %d", p.Rate, p.Min.Minor(), p.Cap.Minor())
	case !in(p.Min) || !in(p.Cap):
		return ErrTerms.With("not in %s", c)
	}
	return nil
}

// cheaper reports whether new terms cost no payment more than the old, and some less.
func cheaper(fresh, old merchant.FeePlan) bool {
	capped := old.Cap.Sign() == 0 || fresh.Cap.Sign() > 0 && fresh.Cap.Minor() <= old.Cap.Minor()
	return fresh.Rate <= old.Rate && fresh.Min.Minor() <= old.Min.Minor() && capped && !same(fresh, old)
}

// same reports whether two plans have the same terms.
func same(a, b merchant.FeePlan) bool {
	return a.Rate == b.Rate && a.Min.Minor() == b.Min.Minor() && a.Cap.Minor() == b.Cap.Minor()
}
