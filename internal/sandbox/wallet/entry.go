package wallet

import "time"

// Event is what happened to an order.
type Event string

// The events.
const (
	Placed   Event = "placed" // an order exists: paid with a code, or to be paid by scanning
	Scanned  Event = "scanned"
	Paid     Event = "paid"
	Refused  Event = "refused"  // by the bank, a rule or the customer: nobody can pay it any more
	Closed   Event = "closed"   // by the merchant, or by time
	Reversed Event = "reversed" // by the merchant: what was paid is given back
	Refunded Event = "refunded" // a part given back
	Noticed  Event = "noticed"  // the merchant acknowledged a notice
)

// Entry is one event: what the simulator remembers and writes to the state file.
// It holds no payment code.
type Entry struct {
	Time  time.Time `json:"time"` // UTC
	Event Event     `json:"event"`
	Info
	Number   string        `json:"number"`              // the wallet's own: of the order, or of the refund
	Refund   string        `json:"refund,omitempty"`    // the merchant's number of a refund
	Total    int64         `json:"total,omitempty"`     // of the order, in a refund's entry
	Reason   Reason        `json:"reason,omitempty"`    // why Refused
	Code     string        `json:"code_hash,omitempty"` // SHA-256 of the customer's code: it pays once
	Subject  string        `json:"subject,omitempty"`
	Attach   string        `json:"attach,omitempty"`
	Terminal string        `json:"terminal,omitempty"`
	Notify   string        `json:"notify,omitempty"` // where notices go
	Link     string        `json:"link,omitempty"`   // the merchant's code
	Expires  time.Time     `json:"expires,omitzero"`
	Asks     bool          `json:"asks,omitempty"` // the customer must type the password
	Types    Customer      `json:"types,omitempty"`
	Behaves  NoticeFault   `json:"behaves,omitempty"`
	Takes    time.Duration `json:"takes,omitempty"` // how long the customer takes for it
}

// Info is what a payment is about, and what behaviours are chosen by.
type Info struct {
	Brand    Brand  `json:"brand"`
	Merchant string `json:"merchant"`       // mchid, or Alipay's app id
	Sub      string `json:"sub,omitempty"`  // sub_mchid
	Order    string `json:"order"`          // the merchant's number: out_trade_no
	Amount   int64  `json:"amount"`         // fen; of a refund, what is given back
	Op       Op     `json:"op,omitempty"`   // what was asked
	Repeat   bool   `json:"-"`              // the order, or this refund of it, exists already
	Coded    bool   `json:"code,omitempty"` // paid with the customer's code, not by scanning
}

// Op is what a merchant asks for.
type Op string

// The operations.
const (
	Pay         Op = "pay"
	Present     Op = "present"
	Query       Op = "query"
	Close       Op = "close"
	Reverse     Op = "reverse"
	Refund      Op = "refund"
	RefundQuery Op = "refund query"
)

// Status is where an order stands.
type Status string

// The states. A refunded order stays paid; its refunds say the rest.
const (
	Open     Status = "open"     // drawn, nobody has paid
	Asking   Status = "asking"   // the customer is typing the password
	Settled  Status = "paid"     //
	Failed   Status = "failed"   //
	Shut     Status = "closed"   //
	Undone   Status = "reversed" // by the merchant; Order.PaidAt says whether it had been paid
	noStatus Status = ""
)

// Return is one refund.
type Return struct {
	Refund string // the merchant's number
	Number string // the wallet's
	Amount int64  // fen
	At     time.Time
}

// Order is one order and what became of it.
type Order struct {
	Entry              // its placing
	Status   Status    //
	PaidAt   time.Time // zero when it never was paid
	EndedAt  time.Time // when it was refused, closed or reversed
	Why      Reason    // it failed
	Returns  []Return
	Noticed  bool
	Seen     bool // a customer has scanned it
	refunded int64
}

// Refunded is what was given back, in fen, reversal included.
func (o *Order) Refunded() int64 { return o.refunded }
