package pos

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hawker/internal/iso8583"
	"hawker/internal/money"
)

// parameter is a downloaded parameter as text; "" when there is none.
func (l loads) parameter(tag string) string {
	list, _ := iso8583.ParseParameters(l.parameters()) // valid since it was loaded
	for _, p := range list {
		if p.Tag == tag {
			return strings.TrimRight(iso8583.DecodeText(p.Value), " ")
		}
	}
	return ""
}

// number is a downloaded parameter as a number; 0 when there is none.
func (l loads) number(tag string) int64 {
	n, err := strconv.ParseInt(l.parameter(tag), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// patience is how long the terminal waits: what the program says, else the parameter, else 30 s.
func (t *Terminal) patience() time.Duration {
	if t.options.Timeout > 0 {
		return t.options.Timeout
	}
	if n := t.state.Loads.number(iso8583.ParamTimeout); n > 0 {
		return time.Duration(n) * time.Second
	}
	return 30 * time.Second
}

// tries is how often one operation sends what is pending: the program's, else the parameter's, else 3.
func (t *Terminal) tries() int {
	if t.options.Tries > 0 {
		return t.options.Tries
	}
	if n := t.state.Loads.number(iso8583.ParamResends); n > 0 {
		return int(n)
	}
	return 3
}

// permit refuses a sale that the downloaded parameters and lists forbid. Nothing was sent.
func (s *state) permit(amount money.Amount, p Presented) error {
	if limit := s.Loads.number(iso8583.ParamPaymentLimit); limit > 0 && amount.Minor() > limit {
		return ErrOverLimit.because(fmt.Errorf("%s is over %s", amount, money.New(limit, currency)))
	}
	if p.Entry == Manual && s.Loads.parameter(iso8583.ParamManual) == "0" {
		return ErrNoManual
	}
	if _, listed := s.Loads.find("390", p); listed {
		return ErrListed
	}
	return nil
}

// card is what the BIN tables tell of a card: its kind, "" when no table does, and whether it
// pays an amount without PIN and signature.
func (l loads) card(amount money.Amount, p Presented) (kind CardKind, noProof bool) {
	row, listed := l.find("396", p)
	_, black := l.find("398", p)
	limit := l.number(iso8583.ParamNoProofLimit)
	return cardKinds[row.Kind], listed && !black && p.PIN.IsZero() && limit > 0 && amount.Minor() <= limit
}

// find looks for the longest beginning in a table that is the card's.
func (l loads) find(table string, p Presented) (best iso8583.BIN, ok bool) {
	number := p.Card.PAN.Reveal()
	for _, row := range l.Whole[table] {
		r, err := iso8583.ParseBIN(row.Head)
		if err == nil && r.Covers(number, len(number)) && len(r.Prefix) > len(best.Prefix) {
			best, ok = r, true
		}
	}
	return best, ok
}

// CardKind is how a card's account works, as BIN table B tells.
type CardKind string

// The kinds of cards.
const (
	Debit  CardKind = "debit"
	Credit CardKind = "credit"
)

var cardKinds = map[byte]CardKind{'D': Debit, 'C': Credit}

// kindWords is how a slip names them.
var kindWords = map[CardKind]Words{Debit: {"借记卡", "Debit"}, Credit: {"贷记卡", "Credit"}}

// shop is the head of slips: the downloaded name before the one that was provisioned.
func (s *state) shop() Shop {
	shop := s.Shop
	if name := s.Loads.parameter(iso8583.ParamMerchantName); name != "" {
		shop.Name = Words{name, name}
	}
	return shop
}

// receipt are the lines under every slip.
func (l loads) receipt() (lines []string) {
	for _, tag := range []string{iso8583.ParamReceipt1, iso8583.ParamReceipt2} {
		if text := l.parameter(tag); text != "" {
			lines = append(lines, text)
		}
	}
	return lines
}
