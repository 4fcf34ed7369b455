package card

// Kind says on whose money a card draws, as far as its number tells.
type Kind string

// The kinds of cards. Unknown is the zero Kind: the number does not tell.
const (
	Unknown Kind = ""
	Debit   Kind = "debit"
	Credit  Kind = "credit"
)

// Brand is the card organisation whose mark a card bears.
type Brand string

// The brands. NoBrand is the zero Brand: the number belongs to none of them.
const (
	NoBrand    Brand = ""
	UnionPay   Brand = "unionpay"
	Visa       Brand = "visa"
	Mastercard Brand = "mastercard"
	JCB        Brand = "jcb"
	Amex       Brand = "amex"
)

// Issue is what the first digits of a number tell about the card.
type Issue struct {
	Kind  Kind
	Brand Brand
}

// issues holds ranges of first digits, both ends inclusive and of one length;
// the first row that holds a number counts. The kinds are a sample: an acquirer
// gets the whole table from its network.
var issues = []struct {
	from, to string
	Issue
}{
	{"621700", "621700", Issue{Debit, UnionPay}},
	{"622200", "622200", Issue{Debit, UnionPay}},
	{"622588", "622588", Issue{Credit, UnionPay}},
	{"622848", "622848", Issue{Debit, UnionPay}},
	{"625900", "625900", Issue{Credit, UnionPay}},
	{"628888", "628888", Issue{Credit, UnionPay}},
	{"62", "62", Issue{Unknown, UnionPay}},
	{"34", "34", Issue{Unknown, Amex}},
	{"35", "35", Issue{Unknown, JCB}},
	{"37", "37", Issue{Unknown, Amex}},
	{"4", "4", Issue{Unknown, Visa}},
	{"51", "55", Issue{Unknown, Mastercard}},
	{"2221", "2720", Issue{Unknown, Mastercard}},
}

// Issue looks the number's first six digits up; the zero PAN gives the zero Issue.
func (p PAN) Issue() Issue { return IssueOf(p.BIN()) }

// IssueOf looks up the first digits of a number, six of them to meet every row.
// What no row holds, or is too short for one, gives the zero Issue.
func IssueOf(bin string) Issue {
	for _, row := range issues {
		if len(bin) < len(row.from) {
			continue
		}
		if head := bin[:len(row.from)]; row.from <= head && head <= row.to {
			return row.Issue
		}
	}
	return Issue{}
}
