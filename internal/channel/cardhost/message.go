package cardhost

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hawker/internal/channel"
	"hawker/internal/emv"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/money"
)

// Response codes that the mapping itself knows.
const (
	codePINFormat    = "99"
	pinBlockWithPAN  = "2600000000000000" // F53: format 0 with PAN, triple DES
	purposeAuthorize = "authorization"
)

// kinds says how each kind is written: docs/network-protocol.md.
var kinds = map[channel.Kind]struct{ mti, processing, condition string }{
	channel.Sale:     {"0200", "000000", "00"},
	channel.Void:     {"0200", "200000", "00"},
	channel.Refund:   {"0220", "200000", "00"},
	channel.Reversal: {"0420", "", ""}, // as the original
	channel.Balance:  {"0200", "310000", "00"},

	channel.Preauth:          {"0100", "030000", "06"},
	channel.PreauthVoid:      {"0100", "200000", "06"},
	channel.Completion:       {"0200", "000000", "06"},
	channel.CompletionNotice: {"0220", "000000", "06"},
	channel.CompletionVoid:   {"0200", "200000", "06"},

	channel.OfflineSale: {"0220", "000000", "00"},
	channel.Tip:         {"0220", "020000", "00"},
	channel.Adjustment:  {"0220", "220000", "00"},

	channel.ScriptNotice: {"0620", "", ""}, // as the original
}

// ofHold are the kinds that name the authorization of the pre-authorization they are about.
var ofHold = map[channel.Kind]bool{channel.PreauthVoid: true, channel.Completion: true, channel.CompletionNotice: true}

// secrets are the fields that must not outlive their message.
var secrets = []int{2, 35, 52, 55, 59}

// echoed are the fields that an answer must repeat unchanged.
var echoed = [...]int{3, 4, 7, 11, 32, 37, 41, 42, 49}

// echo is what an answer must repeat of its request: all that is remembered of
// one whose answer may come late, so it holds no card data.
type echo struct {
	mti    string
	fields [len(echoed)]string
}

func echoOf(m *iso8583.Message) echo {
	e := echo{mti: m.MTI}
	for i, n := range echoed {
		e.fields[i] = m.Text(n)
	}
	return e
}

// id names a request on its line: F7 and F11.
func id(m *iso8583.Message) string { return m.Text(7) + m.Text(11) }

// fits reports whether m is the answer to the request: the MTI one step on, every
// echoed field unchanged, and a response code.
func (e echo) fits(m *iso8583.Message) bool {
	if len(m.MTI) != 4 || m.MTI[:2] != e.mti[:2] || m.MTI[2] != e.mti[2]+1 || !m.Has(39) {
		return false
	}
	for i, n := range echoed {
		if e.fields[i] != "" && m.Text(n) != e.fields[i] {
			return false
		}
	}
	return true
}

// build writes a request as a message. The caller wipes its card data once it left.
func (h *Host) build(ctx context.Context, r channel.Request) (*iso8583.Message, error) {
	kind, ok := kinds[r.Kind]
	if !ok {
		return nil, fmt.Errorf("the card network has no %s", r.Kind)
	}
	if kind.processing == "" {
		kind.processing, kind.condition = kinds[r.Original.Kind].processing, kinds[r.Original.Kind].condition
	}
	pan, err := h.Vault.Reveal(ctx, r.Card.Token, purposeAuthorize)
	if err != nil {
		return nil, err
	}
	m := iso8583.New(kind.mti).Set(2, pan.Reveal()).Set(3, kind.processing)
	if r.Kind != channel.Balance {
		m.Set(4, fmt.Sprintf("%012d", r.Amount.Minor()))
	}
	local := r.At.In(r.Merchant.Zone)
	m.Set(7, transmission(r.At)).Set(11, fmt.Sprintf("%06d", r.STAN)).Set(12, local.Format("150405")).Set(13, local.Format("0102"))
	m.Set(18, r.Merchant.MCC).Set(22, entryMode(r.Card)).Set(25, kind.condition).Set(32, h.Acquirer).Set(33, h.Forwarder).Set(37, r.Ref)
	m.Set(41, r.Terminal).Set(42, r.Merchant.MID).SetBytes(43, nameAndPlace(r.Merchant)).Set(49, r.Amount.Currency().Numeric())
	if r.Card.Expiry != "" {
		m.Set(14, r.Card.Expiry)
	}
	if r.Card.Sequence != "" {
		m.Set(23, r.Card.Sequence)
	}
	if !r.Card.Track2.IsZero() {
		m.Set(35, string(r.Card.Track2.Reveal()))
	}
	if !r.Card.ICC.IsZero() {
		m.SetBytes(55, append([]byte(nil), r.Card.ICC.Reveal()...))
	}
	if !r.Card.PIN.IsZero() {
		block, err := h.Keys.TranslatePIN(ctx, keys.Ref(r.Card.PINKey), h.PINKey, pan, r.Card.PIN)
		if err != nil {
			m.Wipe(secrets...)
			return nil, err
		}
		m.Set(26, "12").SetBytes(52, block.Reveal()).Set(53, pinBlockWithPAN)
	}
	if r.Kind == channel.Reversal {
		m.Set(39, r.Reason)
	}
	if code := r.Original.AuthCode; code != "" && ofHold[r.Kind] {
		m.Set(38, code)
	}
	if r.Original.Ref != "" {
		m.Set(90, h.originalData(r.Original))
	}
	return m, nil
}

// transmission is field 7, which names a request together with its STAN.
func transmission(at time.Time) string { return at.UTC().Format("0102150405") }

// originalData is field 90: MTI 4, STAN 6, transmission time 10, acquirer 11, forwarder 11.
func (h *Host) originalData(o channel.Original) string {
	return kinds[o.Kind].mti + fmt.Sprintf("%06d", o.STAN) + transmission(o.At) + right11(h.Acquirer) + right11(h.Forwarder)
}

func right11(s string) string { return strings.Repeat("0", max(0, 11-len(s))) + s }

// entryMode is field 22: how the card was read, and whether a PIN came with it.
func entryMode(c channel.Card) string {
	if c.PIN.IsZero() {
		return c.Entry + "2"
	}
	return c.Entry + "1"
}

// nameAndPlace is field 43, forty bytes.
func nameAndPlace(m channel.Merchant) []byte {
	b := iso8583.EncodeText(m.Name+" "+m.Place, 40)
	for len(b) < 40 {
		b = append(b, ' ')
	}
	return b
}

// results are the codes that do not decline. 68, 96 and 98 say that somebody behind
// the network was silent or broke: no answer. 10 approves a part, which we never ask
// for: what stands is not what was wanted, so it ends as silence does, by reversal.
var results = map[string]channel.Result{
	"00": channel.Approved, "11": channel.Approved, "A2": channel.Approved, "A4": channel.Approved, "A5": channel.Approved, "A6": channel.Approved,
	"10": channel.Silent, "68": channel.Silent, "96": channel.Silent, "98": channel.Silent,
}

// adviceResults come first for an advice or reversal, which is asked again until it has
// an outcome: that an issuer is down is none.
var adviceResults = map[string]channel.Result{"91": channel.Silent, "92": channel.Silent}

// reversalResults come first for a reversal. 25 says that the network never saw the
// original and will refuse it, 12 that nothing of it stands: either way it is over.
var reversalResults = map[string]channel.Result{"12": channel.Approved, "25": channel.Approved}

// outcome reads a believable answer.
func outcome(m *iso8583.Message, r channel.Request) channel.Outcome {
	o := channel.Outcome{Result: channel.Declined, Code: m.Text(39), AuthCode: m.Text(38), Issuer: strings.TrimRight(m.Text(44), " ")}
	tables := []map[string]channel.Result{results}
	switch r.Kind {
	case channel.Refund, channel.CompletionNotice, channel.OfflineSale, channel.Tip, channel.Adjustment, channel.ScriptNotice:
		tables = []map[string]channel.Result{adviceResults, results}
	case channel.Reversal:
		tables = []map[string]channel.Result{reversalResults, adviceResults, results}
	}
	for _, t := range tables {
		if result, ok := t[o.Code]; ok {
			o.Result = result
			break
		}
	}
	if o.Result == channel.Silent {
		o.Detail = "the network answered " + o.Code
	}
	if r.Kind == channel.Balance && o.Result == channel.Approved {
		o.Balance = available(m.Text(54))
	}
	o.ICC = forChip(m)
	if voucher, err := iso8583.Find59(m.Bytes(59), iso8583.QRVoucher); err == nil && voucher != "" {
		o.AuthCode = voucher // of a payment by code: what names it from now on
	}
	return o
}

// forChip is what the issuer tells the chip, and nothing else of field 55; "" when that is no TLV data.
func forChip(m *iso8583.Message) string {
	data, err := emv.Parse(m.Bytes(55))
	if err != nil {
		return ""
	}
	var told []emv.Element
	for _, e := range data.Elements() {
		if e.Tag == emv.IssuerAuth || e.Tag == emv.ScriptBefore || e.Tag == emv.ScriptAfter {
			told = append(told, e)
		}
	}
	t, err := emv.New(told...)
	if err != nil {
		return ""
	}
	return string(t.Bytes())
}

// available finds the available balance (type 02) in field 54; the zero Amount when there is none.
func available(text string) money.Amount {
	list, err := iso8583.ParseBalance54(text)
	if err != nil {
		return money.Amount{}
	}
	for _, b := range list {
		if c, ok := money.ByNumeric(b.Currency); ok && b.Type == "02" {
			return money.New(b.Amount, c)
		}
	}
	return money.Amount{}
}
