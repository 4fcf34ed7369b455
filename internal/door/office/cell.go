package office

import (
	"fmt"
	"strconv"

	"hawker/internal/money"
)

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func isMoney(c any) bool { _, ok := c.(money.Amount); return ok }

// cellText is a cell as plain text; an amount without sign or commas.
func cellText(c any) string {
	if a, ok := c.(money.Amount); ok {
		return a.Decimal()
	}
	return fmt.Sprint(c)
}

// number is an amount as a spreadsheet reckons with it. It is shown, never reckoned with here.
func number(c any) any {
	f, err := strconv.ParseFloat(cellText(c), 64)
	if err != nil {
		return cellText(c)
	}
	return f
}
