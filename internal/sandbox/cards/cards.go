// Package cards holds the test cards that the simulated card network issues
// and the software terminal carries: numbers, expiries, PINs, opening funds and
// a sentence about what paying with each shows. The numbers are made from a
// BIN, zeros and a check digit; no person ever had them. It knows cards only:
// what the bank behind a card does is the network's business.
package cards

import (
	"fmt"

	"hawker/internal/card"
	"hawker/internal/money"
)

// Kind tells whose money a card spends.
type Kind string

// Debit spends the holder's balance, Credit the bank's line.
const (
	Debit  Kind = "debit"
	Credit Kind = "credit"
)

// Card is one test card.
type Card struct {
	Name   string       // unique, and safe to print where a number is not
	PAN    card.PAN     // 16 digits for credit, 19 for debit
	Expiry string       // YYMM; good to the last day of that month
	PIN    string       // clear: it is published with the card and guards nothing
	Kind   Kind         // Debit or Credit
	Funds  money.Amount // opening balance of a debit card, line of a credit card
	Limit  money.Amount // the most that one sale may take; zero: no limit
	Does   string       // what paying with it shows, one sentence
	Chip   Chip         // the zero Chip: the card has none
}

// Track2 is the card's magnetic stripe, or the equivalent data of a chip's tag
// 57: number, expiry, service code and zeros. The code ends in 01 for credit, 20
// for debit (PIN wanted), and begins with 2 when the stripe says that a chip must
// be used (ISO/IEC 7813), else with 1. Each call makes its own, which the caller may wipe.
func (c Card) Track2() card.Track {
	service := "01"
	if c.Kind == Debit {
		service = "20"
	}
	if c.Chip.Only {
		service = "2" + service
	} else {
		service = "1" + service
	}
	return card.NewTrack(c.PAN.Reveal() + "=" + c.Expiry + service + "00000000")
}

// All lists every test card in the order of the documentation. The slice is the caller's.
func All() []Card { return append([]Card(nil), all...) }

// ByName finds a test card; ok is false for an unknown name.
func ByName(name string) (c Card, ok bool) {
	for _, c := range all {
		if c.Name == name {
			return c, true
		}
	}
	return Card{}, false
}

const (
	pin    = "123456"
	expiry = "3512"
)

var limit = cny(20_000_00)

var all = []Card{
	{"test-credit", number("625900", 1, 16), expiry, pin, Credit, cny(50_000_00), limit,
		"Credit card with a line of 50,000.00: pays, with or without a PIN.", creditChip},
	{"test-debit", number("622200", 1, 19), expiry, pin, Debit, cny(10_000_00), limit,
		"Debit card with 10,000.00: pays; over 1,000.00 it wants its PIN.", debitChip},
	{"test-debit-2", number("622848", 1, 19), expiry, pin, Debit, cny(5_000_00), limit,
		"A second debit card, of another bank, with 5,000.00.", debitChip},
	{"test-low-funds", number("621700", 1, 19), expiry, pin, Debit, cny(1_00), limit,
		"Debit card with 1.00: declined with 51 for anything dearer.", debitChip},
	{"test-expired", number("622588", 1, 16), "2301", pin, Credit, cny(50_000_00), limit,
		"Credit card that expired in January 2023: declined with 54.", creditChip},
	{"test-lost", number("622200", 2, 19), expiry, pin, Debit, cny(10_000_00), limit,
		"Debit card reported lost: declined with 41, keep the card.", debitChip},
	{"test-blocked", number("621700", 2, 19), expiry, pin, Debit, cny(10_000_00), limit,
		"Debit card restricted by its bank: declined with 62.", debitChip},
	{"test-silent", number("622588", 2, 16), expiry, pin, Credit, cny(50_000_00), limit,
		"The bank never answers a sale and books nothing; it answers reversals.", creditChip},
	{"test-late", number("625900", 2, 16), expiry, pin, Credit, cny(50_000_00), limit,
		"The bank books the sale at once and answers after the acquirer has given up.", creditChip},
	{"test-cut", number("622588", 3, 16), expiry, pin, Credit, cny(50_000_00), limit,
		"The bank books the sale; the connection is cut in the middle of the answer.", creditChip},
	{"test-duplicate", number("625900", 3, 16), expiry, pin, Credit, cny(50_000_00), limit,
		"The bank books the sale once and sends its answer twice.", creditChip},
	{"test-down", number("622588", 4, 16), expiry, pin, Credit, cny(50_000_00), limit,
		"The network cannot reach the bank: declined with 91.", creditChip},
	{"test-chip", number("625900", 4, 16), expiry, pin, Credit, cny(50_000_00), limit,
		"Credit card that pays by its chip; its stripe is sent back to the chip (45).", creditChip.only()},
	{"test-chip-debit", number("622200", 3, 19), expiry, pin, Debit, cny(10_000_00), limit,
		"Debit card that pays by its chip, with a cryptogram of version 18.", debitChip.only()},
	{"test-chip-broken", number("622588", 5, 16), expiry, pin, Credit, cny(50_000_00), limit,
		"Its chip does not answer: after that try its stripe pays, marked as a fallback.", creditChip.only().mute()},
	{"test-chip-forged", number("622588", 6, 16), expiry, pin, Credit, cny(50_000_00), limit,
		"The answer to its chip is not its bank's: the chip declines and the terminal reverses.", creditChip.only()},
	{"test-chip-script", number("622200", 4, 19), expiry, pin, Debit, cny(10_000_00), limit,
		"The bank changes a limit in its chip with every answer; the terminal reports the result.", debitChip.only()},
	{"test-chip-block", number("622588", 7, 16), expiry, pin, Credit, cny(50_000_00), limit,
		"The bank declines it with 43 and blocks its chip: the next try finds it blocked.", creditChip.only()},
	{"test-purse", number("622200", 5, 19), expiry, pin, Debit, cny(10_000_00), limit,
		"Debit card whose chip has an electronic purse with 100.00: pays offline while that lasts.", debitChip.only().purse(cny(100_00))},
}

func cny(fen int64) money.Amount { return money.New(fen, money.CNY) }

// number makes a PAN of length digits: BIN, serial, check digit.
// It panics on a bad row of the table above: broken code, not input.
func number(bin string, serial, length int) card.PAN {
	digits := fmt.Sprintf("%s%0*d", bin, length-len(bin)-1, serial)
	pan, err := card.ParsePAN(fmt.Sprintf("%s%d", digits, card.CheckDigit(digits)))
	if err != nil {
		panic(err)
	}
	return pan
}
