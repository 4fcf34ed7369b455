package iso8583

// Totals48 is what a terminal, and the host, count in a batch: field 48 of a settlement.
type Totals48 struct{ Domestic, Foreign Totals }

// Totals is one group of Totals48. Debit counts sales, credit voids and refunds.
type Totals struct {
	DebitAmount  int64 // minor units, up to twelve digits
	DebitCount   int   // 0 to 999
	CreditAmount int64
	CreditCount  int
	Result       SettlementResult
}

// SettlementResult is the host's verdict on one group.
type SettlementResult int

// A request carries NotCompared.
const (
	NotCompared SettlementResult = iota
	Balanced
	NotBalanced
	SettlementError
)

// ParseTotals48 takes 62 digits apart.
func ParseTotals48(text string) (Totals48, error) {
	r := reader{field: 48, text: text}
	t := Totals48{Domestic: r.totals(), Foreign: r.totals()}
	return t, r.end()
}

// Build is the field's 62 digits. An amount, count or result out of range is a *FormatError.
func (t Totals48) Build() (string, error) {
	w := writer{field: 48}
	w.totals(t.Domestic)
	w.totals(t.Foreign)
	return w.done()
}

func (r *reader) totals() Totals {
	t := Totals{
		DebitAmount: r.number(12), DebitCount: int(r.number(3)),
		CreditAmount: r.number(12), CreditCount: int(r.number(3)),
		Result: SettlementResult(r.number(1)),
	}
	if t.Result > SettlementError {
		r.fail(-1, "a result of 0 to 3", "another digit")
	}
	return t
}

func (w *writer) totals(t Totals) {
	w.number(t.DebitAmount, 12)
	w.number(int64(t.DebitCount), 3)
	w.number(t.CreditAmount, 12)
	w.number(int64(t.CreditCount), 3)
	if t.Result > SettlementError {
		w.fail("a result of 0 to 3", "another number")
	}
	w.number(int64(t.Result), 1)
}
