package money

// Currency is an ISO 4217 alphabetic code. The zero Currency is unknown.
type Currency string

// Currencies that code names; every other known one is in the table.
const (
	CNY Currency = "CNY"
	JPY Currency = "JPY"
	KWD Currency = "KWD"
	USD Currency = "USD"
)

// iso4217 holds numeric code and exponent. Source: ISO 4217 list one, the
// currencies that card networks settle or display at Asian acquirers.
var iso4217 = map[Currency]struct {
	numeric  string
	exponent int
}{
	"AED": {"784", 2}, "AUD": {"036", 2}, "BHD": {"048", 3}, "BRL": {"986", 2}, "CAD": {"124", 2},
	"CHF": {"756", 2}, "CLP": {"152", 0}, "CNY": {"156", 2}, "DKK": {"208", 2}, "EUR": {"978", 2},
	"GBP": {"826", 2}, "HKD": {"344", 2}, "IDR": {"360", 2}, "INR": {"356", 2}, "IQD": {"368", 3},
	"ISK": {"352", 0}, "JOD": {"400", 3}, "JPY": {"392", 0}, "KRW": {"410", 0}, "KWD": {"414", 3},
	"KZT": {"398", 2}, "LAK": {"418", 2}, "LYD": {"434", 3}, "MMK": {"104", 2}, "MNT": {"496", 2},
	"MOP": {"446", 2}, "MXN": {"484", 2}, "MYR": {"458", 2}, "NOK": {"578", 2}, "NZD": {"554", 2},
	"OMR": {"512", 3}, "PHP": {"608", 2}, "PKR": {"586", 2}, "PYG": {"600", 0}, "RUB": {"643", 2},
	"SAR": {"682", 2}, "SEK": {"752", 2}, "SGD": {"702", 2}, "THB": {"764", 2}, "TND": {"788", 3},
	"TRY": {"949", 2}, "TWD": {"901", 2}, "UGX": {"800", 0}, "USD": {"840", 2}, "VND": {"704", 0},
	"XAF": {"950", 0}, "XOF": {"952", 0}, "ZAR": {"710", 2},
}

// Known reports whether the code is in the table.
func (c Currency) Known() bool { _, ok := iso4217[c]; return ok }

// Exponent is the number of decimals: JPY 0, CNY 2, KWD 3; 0 for an unknown code.
func (c Currency) Exponent() int { return iso4217[c].exponent }

// Numeric is the three-digit code of field 49 ("156"); "" for an unknown code.
func (c Currency) Numeric() string { return iso4217[c].numeric }

// ByNumeric finds a currency by its three-digit code; ok is false for an unknown one.
func ByNumeric(code string) (c Currency, ok bool) {
	for c, row := range iso4217 {
		if row.numeric == code {
			return c, true
		}
	}
	return "", false
}
