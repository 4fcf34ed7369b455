package bench

import (
	"fmt"

	"hawker/internal/card"
	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
)

// firstSerial is above the serials of the sandbox's own test cards.
const firstSerial = 1000

// Cards makes n cards without limits whose funds no run can spend: debit cards of
// 19 digits and credit cards of 16 in turn, all with the PIN of the test cards.
func Cards(n int) []cards.Card {
	list := make([]cards.Card, n)
	for i := range list {
		c := cards.Card{
			Name: fmt.Sprintf("bench-%d", i+1), PAN: number("622200", firstSerial+i, 19), Kind: cards.Debit,
			Expiry: "3512", PIN: "123456", Funds: money.New(1_000_000_000_000_00, money.CNY), Does: "Pays.",
		}
		if i%2 == 1 {
			c.PAN, c.Kind = number("625900", firstSerial+i, 16), cards.Credit
		}
		list[i] = c
	}
	return list
}

// number makes a PAN of length digits: BIN, serial, check digit.
func number(bin string, serial, length int) card.PAN {
	digits := fmt.Sprintf("%s%0*d", bin, length-len(bin)-1, serial)
	pan, err := card.ParsePAN(fmt.Sprintf("%s%d", digits, card.CheckDigit(digits)))
	if err != nil {
		panic(err) // broken code: the check digit is ours
	}
	return pan
}
