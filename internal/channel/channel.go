// Package channel is the port through which an attempt leaves Hawker: what is
// asked of a channel and what it may answer. Adapters live in folders below; they
// know nothing of payments or of one another.
package channel

import (
	"context"
	"time"

	"hawker/internal/card"
	"hawker/internal/money"
)

// Kind is what is asked.
type Kind string

// The kinds.
const (
	Sale     Kind = "sale"
	Void     Kind = "void"
	Refund   Kind = "refund"
	Reversal Kind = "reversal"
	Balance  Kind = "balance"

	Preauth          Kind = "pre-authorization"
	PreauthVoid      Kind = "pre-authorization void"
	Completion       Kind = "completion"
	CompletionNotice Kind = "completion notice" // as Completion, of what the terminal has concluded: asked again, never reversed
	CompletionVoid   Kind = "completion void"

	// What a terminal concludes without asking first: asked again, never reversed.
	OfflineSale Kind = "offline sale" // as Sale
	Tip         Kind = "tip"          // more of a sale, over its own amount
	Adjustment  Kind = "adjustment"   // less of a sale, over what is taken off

	// ScriptNotice tells the issuer what became of its scripts for a chip. No money moves.
	ScriptNotice Kind = "script notice"
	// Of wallets.
	Present Kind = "present" // draw the merchant's code, which the customer will scan
	Query   Kind = "query"   // what became of the original
	Close   Kind = "close"   // let nobody pay the original any more
)

// Channel is one way to move money.
type Channel interface {
	// Name is short and stable: it names the ledger account of what the channel owes.
	Name() string
	// Do sends the request and waits for the answer until the channel's own deadline.
	// It returns no error: whatever happens is one of the Results. Repeating a request
	// of kind Refund, CompletionNotice, OfflineSale, Tip, Adjustment, Reversal or ScriptNotice
	// is safe and has one effect.
	Do(ctx context.Context, r Request) Outcome
}

// Merchant is what a channel tells about the merchant.
type Merchant struct {
	ID    int64
	MID   string
	Name  string
	Place string
	MCC   string
	Zone  *time.Location
	Sub   string // its number at the wallet under a service provider (WeChat sub_mchid), filled in by such a channel; else ""
}

// Card is the payer's card as a terminal presented it. Its secrets travel through
// the payment engine unopened and are never stored.
type Card struct {
	Token    card.Token
	Expiry   string // YYMM; "" when not known
	Entry    string // two digits of field 22: 01, 02, 05, 07, 80
	Sequence string // PAN sequence number; "" when there is none
	Track2   card.Track
	ICC      card.ICC // EMV data, BER-TLV
	PIN      card.PINBlock
	PINKey   string // keystore reference of the key that PIN is enciphered under
}

// Wipe zeroes the secrets once the attempt is over.
func (c Card) Wipe() {
	c.Track2.Wipe()
	c.ICC.Wipe()
	c.PIN.Wipe()
}

// Original points at what a void, refund, tip, adjustment, completion or reversal is about.
type Original struct {
	Kind     Kind
	Ref      string
	STAN     int
	At       time.Time
	AuthCode string // "" when it has none

	// Of wallets.
	Amount money.Amount // of the sale, whatever part of it a refund is about
	Of     string       // when the original is itself a refund: the Ref of its sale; else ""
}

// Request is one attempt, or one repeat of it.
type Request struct {
	Kind     Kind
	Attempt  int64
	Ref      string // 12 characters, unique within the merchant: the RRN
	STAN     int    // 1 to 999999
	At       time.Time
	Merchant Merchant
	Terminal string
	Amount   money.Amount
	Card     Card
	Original Original // zero for a sale and a balance inquiry
	Reason   string   // of a reversal: 98, A0, 06

	Code    card.Code // a sale's at a wallet: what the customer showed
	Once    bool      // a sale's at a wallet: tell what the first answer says, Waiting included; the caller asks on
	Expires time.Time // a merchant's code, and its closing: nobody can pay after it; zero for the channel's own limit
}

// Result is how an attempt at the channel ended.
type Result int

// Silent is the zero Result: when nothing is known, nothing may be concluded.
const (
	Silent   Result = iota // sent, and no believable answer came
	Approved               // done; for a reversal: the payment stands nowhere
	Declined               // refused; nothing was done
	Unsent                 // certainly never left; nothing was done
	Waiting                // the customer has neither paid nor refused yet; only of a wallet's Present and Query, and of a sale that is sent Once
)

// Outcome is what a channel answered.
type Outcome struct {
	Result   Result
	Code     string // the channel's response code; "" when Silent or Unsent
	AuthCode string
	Issuer   string       // field 44
	Balance  money.Amount // of a balance inquiry
	ICC      string       // field 55 for the chip: issuer authentication data and scripts, BER-TLV; "" for none
	Detail   string       // for the log; no card data
	Number   string       // the channel's own number of the payment or refund; "" where it gives none
	Link     string       // what the merchant's code shows; "" but of Present
}

// Late takes an answer that came after its attempt was given up as Silent. It is told, never acted upon as if in time.
type Late func(ctx context.Context, r Request, o Outcome)
