package books

import (
	"slices"

	"hawker/internal/ledger"
	"hawker/internal/money"
)

// Standing is what a merchant is owed in one currency; a negative amount is what he owes.
type Standing struct {
	Currency  money.Currency
	Pending   money.Amount // not yet settled
	Available money.Amount // may be paid out
	Reserve   money.Amount // held back
}

// Stand reads from the balances of one merchant's accounts what he is owed, by currency.
func Stand(lines []ledger.Line) (list []Standing) {
	for _, l := range lines {
		c := l.Balance.Currency()
		i := slices.IndexFunc(list, func(s Standing) bool { return s.Currency == c })
		if i < 0 {
			list = append(list, Standing{c, money.Zero(c), money.Zero(c), money.Zero(c)})
			i = len(list) - 1
		}
		switch owed := l.Balance.Neg(); l.Account { // liabilities stand on the credit side
		case Pending:
			list[i].Pending = owed
		case Available:
			list[i].Available = owed
		case Reserve:
			list[i].Reserve = owed
		}
	}
	return list
}
