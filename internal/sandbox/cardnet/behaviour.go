package cardnet

// Behaviour is what goes wrong with one request. The zero Behaviour is
// nothing: the bank decides by its rules and its answer arrives.
type Behaviour struct {
	Code     string   // F39 of a refusal, whatever the rules say; "" and 00 let them decide
	Delivery Delivery // what becomes of the answer
	Auth     ChipAuth // what the answer to a chip is worth
	Script   Script   // what the answer changes in a chip
}

// Delivery is the way of an answer to the acquirer.
type Delivery int

// What can become of an answer. In all of them but Lost the request is decided and booked.
const (
	Normal      Delivery = iota
	Late                 // it leaves after Config.LateAfter
	Twice                // it is sent two times
	Cut                  // half of it is sent, then the connection ends
	WrongAmount          // its F4 is one minor unit more than was asked, under a right MAC
	WrongMAC             // its F128 does not verify
	Silent               // it is never sent
	Lost                 // the request itself never reached the bank: nothing decided, booked or remembered
)

// byAmount is what a sale or pre-authorization of so many minor units meets, whatever the card.
var byAmount = map[int64]Behaviour{
	9051: {Code: "51"},
	9054: {Code: "54"},
	9055: {Code: "55"},
	9061: {Code: "61"},
	9091: {Code: "91"},
	9093: {Delivery: WrongMAC},
	9094: {Delivery: Twice},
	9095: {Delivery: Cut},
	9096: {Delivery: WrongAmount},
	9097: {Delivery: Late},
	9098: {Delivery: Lost},
	9099: {Delivery: Silent},
}

// byCard is what a sale, pre-authorization or balance inquiry of a test card meets. Expiry and
// funds are no behaviour: the issuer's rules see them.
var byCard = map[string]Behaviour{
	"test-lost":      {Code: "41"},
	"test-blocked":   {Code: "62"},
	"test-down":      {Code: "91"},
	"test-silent":    {Delivery: Lost},
	"test-late":      {Delivery: Late},
	"test-cut":       {Delivery: Cut},
	"test-duplicate": {Delivery: Twice},

	"test-chip-forged": {Auth: ForgedAuth},
	"test-chip-script": {Script: LimitScript},
	"test-chip-block":  {Code: "43", Script: BlockScript},
}

// behaviour chooses what happens to a request: the fault that a test has set,
// else the card's, else the amount's. The tables strike only what a cardholder
// begins, and its first arrival: voids, refunds, reversals and repeats meet
// nothing but a set fault.
func (n *Network) behaviour(i Info) Behaviour {
	if f := n.fault.Load(); f != nil {
		if b := (*f)(i); b != (Behaviour{}) {
			return b
		}
	}
	if i.Kind != Sale && i.Kind != Preauth && i.Kind != Balance {
		return Behaviour{}
	}
	if b := byCard[i.Card]; i.Repeat {
		return Behaviour{Auth: b.Auth, Script: b.Script} // the same answer to the chip again
	}
	if b, ok := byCard[i.Card]; ok {
		return b
	}
	return byAmount[i.Amount.Minor()]
}

// SetFault makes f choose the behaviour of every request but sign-on and echo;
// where f returns the zero Behaviour, the tables of cards and amounts hold. nil
// takes the fault away. f may be called from many goroutines and may block:
// its request waits undecided meanwhile, and others go on.
func (n *Network) SetFault(f func(Info) Behaviour) {
	if f == nil {
		n.fault.Store(nil)
		return
	}
	n.fault.Store(&f)
}

// Down makes the network take connections and messages and give no sign of
// life: nothing is booked or answered, then or later. Down(false) ends it.
func (n *Network) Down(down bool) { n.down.Store(down) }
