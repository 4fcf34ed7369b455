package iso8583

// Balance54 is field 54 of a balance inquiry's answer: one or two balances.
type Balance54 []Balance

// Balance is one amount on the cardholder's account.
type Balance struct {
	Account  string // n2: account type, "00" default
	Type     string // n2: "01" ledger, "02" available
	Currency string // n3, ISO 4217
	Amount   int64  // minor units, up to twelve digits; negative is a debit balance (D)
}

// ParseBalance54 takes 20 or 40 characters apart.
func ParseBalance54(text string) (Balance54, error) {
	r := reader{field: 54, text: text}
	var balances Balance54
	for len(balances) == 0 || r.left() > 0 && len(balances) < 2 {
		b := Balance{Account: r.digits(2), Type: r.digits(2), Currency: r.digits(3)}
		sign := r.take(1)
		if sign != "C" && sign != "D" {
			r.fail(-1, "C or D", "another character")
		}
		b.Amount = r.number(12)
		if sign == "D" {
			b.Amount = -b.Amount
		}
		if r.bad != nil {
			return nil, r.bad
		}
		balances = append(balances, b)
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return balances, nil
}

// Build is the field's text. More than two balances, none, or a part out of range is a *FormatError.
func (b Balance54) Build() (string, error) {
	w := writer{field: 54}
	if len(b) < 1 || len(b) > 2 {
		w.fail("1 or 2 balances", plural(len(b), "balance"))
	}
	for _, one := range b {
		w.digits(one.Account, 2)
		w.digits(one.Type, 2)
		w.digits(one.Currency, 3)
		sign, amount := "C", one.Amount
		if amount < 0 {
			sign, amount = "D", -amount
		}
		w.text.WriteString(sign)
		w.number(amount, 12)
	}
	return w.done()
}
