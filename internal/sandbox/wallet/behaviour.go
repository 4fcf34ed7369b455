package wallet

import "time"

// Behaviour is what goes wrong with one request. The zero Behaviour is nothing:
// the customer pays and the answer arrives.
type Behaviour struct {
	Reason   Reason      // why a payment is refused; "" for it is not
	Customer Customer    // what the customer does about the password
	Delivery Delivery    // what becomes of the answer
	Notice   NoticeFault // what is wrong with the notices of this order
}

// Reason is why an order is not paid.
type Reason string

// The reasons.
const (
	NoFunds   Reason = "no funds"
	CodeDead  Reason = "code expired"
	Limit     Reason = "limit"
	Cancelled Reason = "cancelled" // by the customer
)

// Customer is what a customer does who is asked for the password.
type Customer string

// The customers. The zero one is not asked, unless the amount is above 1,000 yuan; then he types.
const (
	Free    Customer = ""
	Types   Customer = "types"   // after Config.Types
	Cancels Customer = "cancels" // after Config.Types
	Dreams  Customer = "dreams"  // does nothing; the page may act for him
)

// Delivery is the way of an answer to the merchant.
type Delivery int

// What can become of an answer. In all of them but Lost the request is decided and booked.
const (
	Normal      Delivery = iota
	Late                 // it leaves after Config.LateAfter
	Cut                  // half of it is sent, then the connection ends
	WrongAmount          // it says one fen more than was asked, under a right signature
	Stranger             // it is about another order, under a right signature
	Forged               // its signature does not verify
	SystemError          // "system error" is answered, signed
	Silent               // it is never sent; the connection stays open
	Lost                 // the request itself never reached the wallet: nothing decided, booked or answered
)

// NoticeFault is what is wrong with a notice.
type NoticeFault string

// The faults of notices.
const (
	NoticeRight    NoticeFault = ""
	NoticeTwice    NoticeFault = "twice"    // it comes again after it was acknowledged
	NoticeForged   NoticeFault = "forged"   // its signature does not verify
	NoticeAmount   NoticeFault = "amount"   // it says one fen more
	NoticeMerchant NoticeFault = "merchant" // it is about another merchant's order of that number
	NoticeOrder    NoticeFault = "order"    // it is about an order that nobody placed
	NoticeStale    NoticeFault = "stale"    // it was signed six minutes ago
)

// byAmount is what a payment of so many fen meets, by code or by scanning.
var byAmount = map[int64]Behaviour{
	9051: {Reason: NoFunds},
	9054: {Reason: CodeDead},
	9061: {Reason: Limit},
	9081: {Notice: NoticeTwice},
	9082: {Notice: NoticeForged},
	9083: {Notice: NoticeAmount},
	9084: {Notice: NoticeMerchant},
	9088: {Customer: Cancels},
	9089: {Customer: Dreams},
	9090: {Customer: Types},
	9091: {Delivery: SystemError},
	9093: {Delivery: Forged},
	9095: {Delivery: Cut},
	9096: {Delivery: WrongAmount},
	9097: {Delivery: Late},
	9098: {Delivery: Lost},
	9099: {Delivery: Silent},
}

// free is up to where a customer pays without a password, in fen (domain: 1,000 yuan).
const free = 1000_00

// behaviour chooses what happens to a request: the fault that a test has set, else
// the amount's. The table strikes only the first arrival of a payment.
func (s *Simulator) behaviour(i Info) Behaviour {
	if f := s.fault.Load(); f != nil {
		if b := (*f)(i); b != (Behaviour{}) {
			return b
		}
	}
	if i.Repeat || i.Op != Pay && i.Op != Present {
		return Behaviour{}
	}
	b := byAmount[i.Amount]
	switch {
	case b.Customer != Free || b.Reason != "":
	case s.cfg.Manual:
		b.Customer = Dreams
	case i.Amount > free:
		b.Customer = Types
	}
	if i.Op == Present {
		b.Delivery = Normal // it strikes codes; a link's customer meets the rest
	}
	return b
}

// SetFault makes f choose the behaviour of every request; where f returns the zero
// Behaviour, the table of amounts holds. nil takes the fault away.
func (s *Simulator) SetFault(f func(Info) Behaviour) {
	if f == nil {
		s.fault.Store(nil)
		return
	}
	s.fault.Store(&f)
}

// codeLife is how long a merchant's code may be paid unless it says otherwise (both wallets: 2 hours).
const codeLife = 2 * time.Hour
