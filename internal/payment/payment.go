// Package payment is the life of a payment: the intent made durable before bytes
// leave, the outcome booked in one transaction, silence resolved. It knows
// merchants, terminals and the channel port; it never sees a card number (only a
// token), a response message's fields, or another package's tables.
package payment

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/chips"
	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/feelock"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/nodes"
	"hawker/internal/paylink"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// Refusals of our own; a bank's are codes in the attempt.
var (
	ErrAmount       = fault.New(fault.Invalid, "amount_invalid", "金额必须大于零。", "The amount must be more than zero.")
	ErrCurrency     = fault.New(fault.Invalid, "currency_not_accepted", "商户不收这种货币。", "This merchant does not take this currency.")
	ErrReused       = fault.New(fault.Conflict, "trace_reused", "流水号已用过，内容不同。", "This trace number was used for something else.")
	ErrReversed     = fault.New(fault.Conflict, "already_reversed", "这笔交易已经撤回，没有扣款。", "This transaction was reversed. Nothing was charged.")
	ErrState        = fault.New(fault.Conflict, "state_conflict", "这笔交易现在不能这样操作。", "This cannot be done to the payment in its present state.")
	ErrNotFound     = fault.New(fault.NotFound, "original_not_found", "找不到原交易。", "The original transaction was not found.")
	ErrAmountDiffer = fault.New(fault.Invalid, "amount_differs", "金额与原交易不一致。", "The amount differs from the original.")
	ErrRefundOver   = fault.New(fault.Invalid, "refund_over_rest", "退款超过可退金额。", "The refund is more than what is left to refund.")
	ErrCardDiffers  = fault.New(fault.Invalid, "card_differs", "不是原来付款的卡。", "This is not the card that paid.")
	ErrBatchClosed  = fault.New(fault.Conflict, "batch_closed", "这笔交易已经结算，请用退货。", "This payment is settled. Please refund it instead.")
	ErrUnreachable  = fault.New(fault.Unavailable, "channel_unreachable", "连不上银行，没有扣款，请稍后再试。", "The bank cannot be reached. Nothing was charged. Please try again.")
)

// MethodCard is the method of card payments.
const MethodCard = "card"

// Payment is money that a payer owed a merchant once, through however many attempts.
type Payment struct {
	Merchant   merchant.ID
	ID         int64
	Terminal   terminal.ID // or the device that asked for the order
	Method     string      // "" of a presented code that nobody has paid yet
	State      State
	Amount     money.Amount // captured: tips and adjustments that were approved included
	Fee        money.Amount // of the captured amount
	FeeVersion int
	Refunded   money.Amount // refunds under way included
	RefundFee  money.Amount // fee given back with them
	Card       CardFacts
	Day        clock.Day // business day, frozen at acceptance
	Created    time.Time

	updated time.Time
}

// CardFacts are what may be kept and shown of a card.
type CardFacts struct {
	Token card.Token
	BIN   string
	Last4 string
	Kind  card.Kind
	Entry string    // entry mode, two digits, and a third where it is known: 1 with PIN, 2 without
	Chip  chips.Use // the chip's transaction, where one must be new; not stored
}

// mode is how the card was read, two digits.
func (c CardFacts) mode() string { return c.Entry[:min(2, len(c.Entry))] }

// Attempt is one try through one channel: a sale, void, refund, reversal, or
// something of a pre-authorization.
type Attempt struct {
	Merchant merchant.ID
	ID       int64
	Payment  int64 // or the hold that a pre-authorization and its void belong to
	Kind     channel.Kind
	Of       int64 // the attempt that a void, refund, tip, adjustment, completion or reversal is about; 0 for a sale and a pre-authorization
	Channel  string
	State    State
	Terminal terminal.ID
	Batch    int
	BatchDay clock.Day
	Trace    int
	Amount   money.Amount
	Fee      money.Amount // of a sale or tip; given back by a refund or adjustment
	STAN     int
	Code     string // the channel's response code; "" while or because there is none
	AuthCode string // of a wallet: its own number of the payment or refund
	Issuer   string
	ICC      string // what the bank told the card's chip, BER-TLV; "" when nothing
	Reason   string // name of our own refusal; why a reversal was wanted
	Booked   bool   // its postings stand
	Day      clock.Day
	Node     nodes.ID // the process that sent it
	Created  time.Time
	Updated  time.Time

	key  string // idempotency key
	hash []byte // of the content
}

// Ref is the attempt's id as twelve characters 0–9 A–Z: the RRN on the wire and
// the name in books, jobs and events.
func (a Attempt) Ref() string { return Ref(a.ID) }

// Ref writes an id as twelve characters; it orders as the ids do.
func Ref(id int64) string {
	s := strings.ToUpper(strconv.FormatInt(id, 36))
	return strings.Repeat("0", max(0, 12-len(s))) + s
}

// ParseRef reads what Ref wrote; ErrNotFound for anything else.
func ParseRef(s string) (int64, error) {
	id, err := strconv.ParseInt(s, 36, 64)
	if err != nil || id <= 0 || Ref(id) != s {
		return 0, ErrNotFound
	}
	return id, nil
}

// Config is what an Engine needs; Batch, Node, Hold, Sale and Remember may be zero.
type Config struct {
	DB      *store.DB
	Clock   clock.Clock
	Card    channel.Channel
	Wallets []channel.Wallet // the method of each is its Name; none is named like Card, or "cash"
	Links   Links
	Jobs    *jobs.Runner
	Log     *slog.Logger
	Metrics Metrics
	Batch   store.BatchOptions // Report is set by the engine

	Node     nodes.ID // written with each attempt
	Hold     HoldTerms
	Sale     SaleTerms
	Fees     *feelock.Book
	Remember time.Duration // how long fee plans that were read are taken for true; 0 reads them each time
	Patience time.Duration // how long a caller waits for a wallet before he is told that it is under way; 2.5 s when 0
}

// Links are how presented codes are signed, and the checkout's address below which they lead.
type Links struct {
	Voucher paylink.Voucher // nil: no links are made
	Base    string
}

// patience is how long a caller waits for a wallet.
const patience = 2500 * time.Millisecond

type planKey struct {
	merchant merchant.ID
	currency money.Currency
	method   string
	cardKind string
}

// Metrics is told of every attempt's end and of every commit.
type Metrics interface {
	Attempt(kind channel.Kind, state State, code string)
	Commit(commands int)
}

// Engine runs payments. It holds the pool and so begins every transaction; it is safe for concurrent use.
type Engine struct {
	db      *store.DB
	now     clock.Clock
	card    channel.Channel
	jobs    *jobs.Runner
	log     *slog.Logger
	metrics Metrics
	batch   *store.Batch[*command]
	plans   *store.Cache[planKey, feelock.Plans]
	flights flights
	adrift  atomic.Bool // an attempt may be without an outcome and not in flight
	stans   *stans
	node    nodes.ID
	terms   HoldTerms
	sales   SaleTerms

	wallets  map[string]channel.Wallet
	links    Links
	patience time.Duration
	aloft    sync.WaitGroup // what goes on after its caller was answered
}

// New makes an engine and registers its job handlers.
func New(c Config) *Engine {
	e := &Engine{db: c.DB, now: c.Clock, card: c.Card, jobs: c.Jobs, log: c.Log, metrics: c.Metrics, node: c.Node, stans: newSTANs(), terms: c.Hold.orDefault(), sales: c.Sale.orDefault(),
		wallets: map[string]channel.Wallet{}, links: c.Links, patience: cmp.Or(c.Patience, patience)}
	c.Batch.Report = c.Metrics.Commit
	e.batch = store.NewBatch(c.DB, c.Batch, e.run)
	e.plans = store.NewCache(c.Clock, c.Remember, maxRemembered, func(ctx context.Context, k planKey) (feelock.Plans, error) {
		return c.Fees.Plans(ctx, k.merchant, k.currency, feelock.Line{Method: k.method, CardKind: k.cardKind})
	})
	e.adrift.Store(true) // what an earlier process of this node left
	for _, w := range c.Wallets {
		e.wallets[w.Name()] = w
	}
	c.Jobs.Handle(jobAsk, e.runAsk)
	c.Jobs.Handle(jobClose, e.runClose)
	c.Jobs.Handle(JobPaymentExpiry, e.runPaymentExpiry)
	c.Jobs.Handle(jobReversal, e.runReversal)
	c.Jobs.Handle(jobRefund, e.runRefund)
	c.Jobs.Handle(jobNotice, e.runNotice)
	c.Jobs.Handle(JobHoldExpiry, e.runExpiry)
	return e
}

// Waiting is how many changes wait for their commit: the depth of the queue.
func (e *Engine) Waiting() int { return e.batch.Waiting() }

// maxRemembered bounds the fee plans in memory.
const maxRemembered = 65536

// Source says which terminal asks, and under which numbers.
type Source struct {
	Merchant merchant.Merchant
	Terminal terminal.ID
	Batch    int
	Trace    int
}

// key is the idempotency key: terminal, batch and trace within the batch's
// business day, so that neither midnight nor a wrapped number makes a repeat new.
func key(day clock.Day, t terminal.ID, batch, trace int) string {
	return fmt.Sprintf("%08d:t:%s:%06d:%06d", day, t, batch, trace)
}

// request builds what goes to the channel for an attempt.
func (e *Engine) request(m merchant.Merchant, a Attempt, c channel.Card) channel.Request {
	return channel.Request{
		Kind: a.Kind, Attempt: a.ID, Ref: a.Ref(), STAN: a.STAN, At: a.Created, Terminal: string(a.Terminal),
		Merchant: channel.Merchant{ID: int64(m.ID), MID: m.MID, Name: m.NameEN, Place: m.Place, MCC: m.MCC, Zone: m.Zone},
		Amount:   a.Amount, Card: c,
	}
}

func original(a Attempt) channel.Original {
	return channel.Original{Kind: a.Kind, Ref: a.Ref(), STAN: a.STAN, At: a.Created, AuthCode: a.AuthCode}
}

// deviceID is the device that asks for an order, where a payment or attempt says which terminal did.
func deviceID(device string) terminal.ID { return terminal.ID(device) }

// accepts checks what holds for every amount of money asked of a merchant.
func accepts(m merchant.Merchant, a money.Amount) error {
	if err := m.MayTake(); err != nil {
		return err
	}
	if a.Currency() != m.Currency {
		return ErrCurrency
	}
	if a.Sign() <= 0 {
		return ErrAmount
	}
	return nil
}

// Inquire asks the card's available balance. No money moves, so nothing is
// stored. The outcome is the channel's; the ref is for the answer and the log.
// chip is the chip's transaction, zero for none.
func (e *Engine) Inquire(ctx context.Context, src Source, c channel.Card, chip chips.Use) (ref string, _ channel.Outcome, err error) {
	defer c.Wipe()
	if err := src.Merchant.MayTake(); err != nil {
		return "", channel.Outcome{}, err
	}
	t, err := terminal.ByID(ctx, e.db.Read(), src.Merchant.ID, src.Terminal)
	if err != nil {
		return "", channel.Outcome{}, err
	}
	if err := t.MayTake(); err != nil {
		return "", channel.Outcome{}, err
	}
	if t.Batch != src.Batch {
		return "", channel.Outcome{}, terminal.ErrBatch
	}
	if err := e.advance(src.Merchant.ID, chip); err != nil {
		return "", channel.Outcome{}, err
	}
	now := e.now()
	stan, err := e.stans.draw(now)
	if err != nil {
		return "", channel.Outcome{}, err
	}
	a := Attempt{ID: store.NewID(now), Kind: channel.Balance, Terminal: src.Terminal, STAN: stan, Created: now,
		Amount: money.Zero(src.Merchant.Currency)}
	return a.Ref(), e.card.Do(ctx, e.request(src.Merchant, a, c)), nil
}
