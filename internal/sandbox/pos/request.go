package pos

import (
	"cmp"
	"fmt"

	"hawker/internal/iso8583"
	"hawker/internal/money"
)

// shape is one row of the protocol page's table of transactions.
type shape struct {
	mti        string
	processing string // F3; "" where it does not apply, and F25 and F49 with it
	condition  string // F25; "" means 00
	kind       string // 60.1
	network    string // 60.3; "" for the key layout of a sign-on
	currency   bool   // F49 without F3
	operator   bool   // F63
	mac        bool
}

var shapes = map[Kind]shape{
	SignOn:  {mti: "0800", kind: "00", operator: true},
	SignOff: {mti: "0820", kind: "00", network: "002"},
	Echo:    {mti: "0820", kind: "00", network: "301"},
	Tamper:  {mti: "0820", kind: "00", network: "362", mac: true},
	Balance: {mti: "0200", processing: "310000", kind: "01", network: "000", mac: true},
	Sale:    {mti: "0200", processing: "000000", kind: "22", network: "000", mac: true},
	Void:    {mti: "0200", processing: "200000", kind: "23", network: "000", mac: true},
	Refund:  {mti: "0220", processing: "200000", kind: "25", network: "000", operator: true, mac: true},

	Preauth:          {mti: "0100", processing: "030000", condition: "06", kind: "10", network: "000", mac: true},
	PreauthVoid:      {mti: "0100", processing: "200000", condition: "06", kind: "11", network: "000", mac: true},
	Completion:       {mti: "0200", processing: "000000", condition: "06", kind: "20", network: "000", mac: true},
	CompletionNotice: {mti: "0220", processing: "000000", condition: "06", kind: "24", network: "000", mac: true},
	CompletionVoid:   {mti: "0200", processing: "200000", condition: "06", kind: "21", network: "000", mac: true},

	OfflineSale: {mti: "0220", processing: "000000", kind: "30", network: "000", mac: true},
	CashSale:    {mti: "0200", processing: "000000", kind: "36", network: "000", mac: true},
	CashRefund:  {mti: "0220", processing: "200000", kind: "27", network: "000", operator: true, mac: true},
	Adjustment:  {mti: "0220", processing: "000000", kind: "32", network: "000", mac: true},
	Tip:         {mti: "0220", processing: "000000", kind: "34", network: "000", mac: true},

	CodeShown: {mti: "0200", processing: "710000", kind: pspScanKind, network: noWallet, mac: true},
	CodeVoid:  {mti: "0200", processing: "720000", kind: pspScanKind, network: noWallet, mac: true},
	CodeQuery: {mti: "0200", processing: "730000", kind: pspScanKind, network: noWallet, mac: true},

	Reversal:     {mti: "0400", mac: true},
	Settlement:   {mti: "0500", kind: "00", network: "201", currency: true, operator: true},
	ScriptNotice: {mti: "0620", kind: "00", network: "951", mac: true},
	Upload:       {mti: "0320", kind: "00", network: "201"},
	UploadEnd:    {mti: "0320", kind: "00"},

	Fetch:         {kind: "00"}, // MTI and network code are the download's
	Sign:          {mti: "0820", kind: "07", network: "800", mac: true},
	StatusReport:  {mti: "0820", kind: "00", network: "362", mac: true},
	UploadChip:    {mti: "0320", kind: "00", currency: true},
	UploadRefusal: {mti: "0320", kind: "00", currency: true},
	UploadNotice:  {mti: "0320"}, // as the notice
}

const (
	currency  = money.CNY
	maxAmount = 999_999_999_999 // F4 has twelve digits
)

// request begins the message of a kind: all that does not depend on card or original.
func (s *state) request(k Kind, trace, batch int) *iso8583.Message {
	row := shapes[k]
	m := iso8583.New(row.mti).Set(11, six(trace)).Set(41, s.Shop.TerminalID).Set(42, s.Shop.MerchantID)
	if row.processing != "" {
		m.Set(3, row.processing).Set(25, cmp.Or(row.condition, "00")).Set(49, currency.Numeric())
	}
	if row.currency {
		m.Set(49, currency.Numeric())
	}
	if row.operator {
		m.Set(63, s.Shop.Operator)
	}
	network := row.network
	if k == SignOn {
		network = string(s.Layout)
	}
	return m.Set(60, row.kind+six(batch)+network)
}

func putAmount(m *iso8583.Message, a money.Amount) { m.Set(4, fmt.Sprintf("%012d", a.Minor())) }

// checkAmount refuses what field 4 cannot say.
func checkAmount(a money.Amount) error {
	if a.Currency() != currency || a.Sign() <= 0 || a.Minor() > maxAmount {
		return ErrAmount.because(fmt.Errorf("%s", a))
	}
	return nil
}

// six writes a batch or trace number.
func six(n int) string { return fmt.Sprintf("%06d", n) }
