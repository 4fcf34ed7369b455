package papers

import (
	"fmt"
	"math/rand/v2"
	"time"

	"hawker/internal/clock"
)

// The makers build numbers by the algorithms, for tests, demonstrations and generated
// populations. They belong to nobody: real ones are never written down in code.

// MakeID makes an identity number of somebody of 20 to 69 years on a day.
func MakeID(r *rand.Rand, on clock.Day) ID {
	born := on.Time().AddDate(-20-r.IntN(50), 0, -r.IntN(365))
	d := divisions[r.IntN(len(divisions)-3)] // no permits' regions
	first := fmt.Sprintf("%s%02d%s%03d", d.Code[:4], 1+r.IntN(20), born.Format("20060102"), r.IntN(1000))
	return ID(first + string(idCheck(first)))
}

// MakeUSCC makes a unified social credit code; kind is "91" for a company, "92" for a sole trader.
func MakeUSCC(r *rand.Rand, kind string) string {
	org := make([]byte, 8)
	for i := range org {
		org[i] = usccAlphabet[r.IntN(10)]
	}
	first := kind + divisions[r.IntN(len(divisions)-3)].Code + string(org) + string(orgCheck(string(org)))
	return first + string(usccCheck(first))
}

// MakeCard makes a bank card's number of 19 digits in a range that no bank issues.
func MakeCard(r *rand.Rand) string {
	first := fmt.Sprintf("62999%013d", r.Int64N(1e13))
	return first + string(luhn(first))
}

// MakeBank makes a branch's number in a region's area.
func MakeBank(r *rand.Rand, area string) string {
	first := fmt.Sprintf("%03d%s%04d", 900+r.IntN(90), area, r.IntN(10000))
	return first + string(bankCheck(first))
}

// MakeMobile makes a mobile number at random: in tests nobody is called.
func MakeMobile(r *rand.Rand) string { return fmt.Sprintf("1%d%09d", 3+r.IntN(7), r.IntN(1e9)) }

// MakeUntil makes the last day of a paper, one to nineteen years ahead.
func MakeUntil(r *rand.Rand, on clock.Day) string {
	return on.Time().AddDate(1+r.IntN(19), 0, r.IntN(365)).Format(time.DateOnly)
}
