package cardnet

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hawker/internal/card"
	"hawker/internal/emv"
	"hawker/internal/iso8583"
	"hawker/internal/money"
)

// Kind is what a request wants of the network.
type Kind string

// The kinds of docs/network-protocol.md, and Unlock, which no message carries:
// the bank's clerk does it.
const (
	Sale     Kind = "sale"
	Balance  Kind = "balance"
	Void     Kind = "void"
	Refund   Kind = "refund"
	Reversal Kind = "reversal"

	Preauth        Kind = "pre-authorization"
	PreauthVoid    Kind = "pre-authorization void"
	Completion     Kind = "completion" // request and notice
	CompletionVoid Kind = "completion void"

	Offline    Kind = "offline sale" // concluded by the terminal
	Tip        Kind = "tip"
	Adjustment Kind = "adjustment"

	ScriptNotice Kind = "script notice"

	Link   Kind = "link" // sign-on and echo
	Unlock Kind = "unlock"
)

// kinds tells a request's kind by MTI, F3 and F25; "" stands for any F25. What is absent is answered with 40.
var kinds = map[[3]string]Kind{
	{"0200", "000000", "00"}: Sale,
	{"0200", "310000", "00"}: Balance,
	{"0200", "200000", "00"}: Void,
	{"0220", "200000", "00"}: Refund,
	{"0100", "030000", "06"}: Preauth,
	{"0100", "200000", "06"}: PreauthVoid,
	{"0200", "000000", "06"}: Completion,
	{"0220", "000000", "06"}: Completion,
	{"0200", "200000", "06"}: CompletionVoid,
	{"0220", "000000", "00"}: Offline,
	{"0220", "020000", "00"}: Tip,
	{"0220", "220000", "00"}: Adjustment,
	{"0420", "000000", ""}:   Reversal,
	{"0420", "200000", ""}:   Reversal,
	{"0420", "030000", ""}:   Reversal,
	{"0620", "000000", ""}:   ScriptNotice,
	{"0620", "310000", ""}:   ScriptNotice,
	{"0620", "030000", ""}:   ScriptNotice,
	{"0800", "", ""}:         Link,
}

// shape is what a kind's message must and may carry besides the MAC.
type shape struct{ must, may []int }

var (
	cardSale = []int{2, 3, 4, 7, 11, 12, 13, 18, 22, 25, 32, 33, 37, 41, 42, 43, 49}
	chipData = []int{14, 23, 35, 55}
	pinData  = []int{26, 52, 53}
)

// shapes is the request table of docs/network-protocol.md. It is strict on
// purpose: a reversal or refund that carries a PIN, or a reversal that carries a
// track, is a fault of the acquirer which a lenient network would hide.
var shapes = map[Kind]shape{
	Sale:         {cardSale, slices.Concat(chipData, pinData)},
	Balance:      {slices.DeleteFunc(slices.Clone(cardSale), func(n int) bool { return n == 4 }), slices.Concat(chipData, pinData)},
	Void:         {slices.Concat(cardSale, []int{90}), slices.Concat(chipData, pinData)},
	Refund:       {slices.Concat(cardSale, []int{90}), chipData},
	Reversal:     {slices.Concat(cardSale, []int{39, 90}), nil},
	ScriptNotice: {slices.Concat(cardSale, []int{55, 90}), []int{14, 23}},

	Preauth:        {cardSale, slices.Concat(chipData, pinData)},
	PreauthVoid:    {slices.Concat(cardSale, []int{38, 90}), slices.Concat(chipData, pinData)},
	Completion:     {slices.Concat(cardSale, []int{38, 90}), slices.Concat(chipData, pinData)},
	CompletionVoid: {slices.Concat(cardSale, []int{90}), slices.Concat(chipData, pinData)},

	Offline:    {cardSale, chipData},
	Tip:        {slices.Concat(cardSale, []int{90}), chipData},
	Adjustment: {slices.Concat(cardSale, []int{90}), chipData},

	Link: {[]int{7, 11, 33, 70}, nil},
}

// byCode are the shapes of what is paid by a customer's code: field 59 has the code, or the
// voucher, and there is no card.
var byCode = map[Kind]shape{
	Sale:     {slices.Concat(cardSale[1:], []int{59}), nil},
	Refund:   {slices.Concat(cardSale[1:], []int{59, 90}), nil},
	Reversal: {slices.Concat(cardSale[1:], []int{39, 90}), nil},
}

// check names the first field that is missing or does not belong.
func (s shape) check(m *iso8583.Message) error {
	for _, n := range s.must {
		if !m.Has(n) {
			return fmt.Errorf("field %d is missing", n)
		}
	}
	for _, n := range m.Fields() {
		if n != macField && !slices.Contains(s.must, n) && !slices.Contains(s.may, n) {
			return fmt.Errorf("field %d does not belong here", n)
		}
	}
	return nil
}

// Info is what one request says, without any card data: a card has its name,
// or none when the network does not know it.
type Info struct {
	Ref      Reference    `json:"ref"`
	Original Reference    `json:"original,omitzero"` // of a void, refund or reversal
	Kind     Kind         `json:"kind"`
	Merchant string       `json:"merchant,omitempty"` // F42
	Terminal string       `json:"terminal,omitempty"` // F41
	RRN      string       `json:"rrn,omitempty"`      // F37
	Card     string       `json:"card,omitempty"`
	Amount   money.Amount `json:"amount"`            // F4 and F49; nothing for a balance inquiry
	Results  string       `json:"results,omitempty"` // of a script notice: tag DF31, hexadecimal
	Scan     string       `json:"scan,omitempty"`    // SHA-256 of a customer's code: it pays once
	Repeat   bool         `json:"-"`                 // an answer to the same message has been decided before
}

// request is Info and the card data it came with, which lives as long as the message.
type request struct {
	Info
	processing string // F3
	entry      string // F22
	expiry     string // F14; "" when absent
	auth       string // F38; "" when absent
	network    string // F70
	pan        card.PAN
	track      card.Track    // F35; zero when absent
	pin        card.PINBlock // F52; zero when absent
	icc        emv.TLV       // F55; empty when absent
	sequence   int           // F23, the copy of the card; 0 when absent
	coded      bool          // by a customer's code, or about such a sale
	known      bool          // the code is one of ours
	voucher    string        // F59 A4 of a refund
}

// kindOf finds the kind of a message; ok is false for what the network does not do.
func kindOf(m *iso8583.Message) (k Kind, ok bool) {
	if k, ok = kinds[[3]string{m.MTI, m.Text(3), m.Text(25)}]; !ok {
		k, ok = kinds[[3]string{m.MTI, m.Text(3), ""}]
	}
	return k, ok
}

// parse reads a message of a known kind. Its errors name fields, never values.
func parse(k Kind, m *iso8583.Message) (*request, error) {
	form := shapes[k]
	if coded, can := byCode[k]; can && !m.Has(2) {
		form = coded
	}
	if err := form.check(m); err != nil {
		return nil, err
	}
	r := &request{
		Info: Info{
			Ref:  Reference{m.MTI, m.Text(11), m.Text(7), zeroFill(m.Text(32)), zeroFill(m.Text(33))},
			Kind: k, Merchant: m.Text(42), Terminal: m.Text(41), RRN: m.Text(37),
		},
		processing: m.Text(3), entry: m.Text(22), expiry: m.Text(14), auth: m.Text(38), network: m.Text(70),
	}
	if k == Link {
		return r, nil
	}
	if m.Has(90) {
		original, err := parseF90(m.Text(90))
		if err != nil {
			return nil, err
		}
		r.Original = original
	}
	if err := r.parseAmount(m); err != nil {
		return nil, err
	}
	if !m.Has(2) {
		return r, r.parseCode(m)
	}
	return r, r.parseCard(m)
}

// parseCode reads a customer's code, of which only a hash is kept, or a voucher.
func (r *request) parseCode(m *iso8583.Message) error {
	tag := iso8583.QRCode
	switch r.Kind {
	case Reversal:
		return nil
	case Refund:
		tag = iso8583.QRVoucher
	}
	text, err := iso8583.Find59(m.Bytes(59), tag)
	if err != nil || text == "" {
		return fmt.Errorf("field 59 has no tag %s", tag)
	}
	if r.coded = true; tag == iso8583.QRVoucher {
		r.voucher = text
		return nil
	}
	sum := sha256.Sum256([]byte(text))
	r.Scan = hex.EncodeToString(sum[:])
	r.known = len(text) == 19 && text[:2] == "62" && strings.Trim(text, "0123456789") == ""
	return nil
}

func (r *request) parseAmount(m *iso8583.Message) error {
	currency, ok := money.ByNumeric(m.Text(49))
	if !ok {
		return errors.New("field 49 is no currency")
	}
	r.Amount = money.Zero(currency)
	if r.Kind == Balance {
		return nil
	}
	minor, err := strconv.ParseUint(m.Text(4), 10, 40) // n12 is below 2^40
	if err != nil {
		return errors.New("field 4 is no amount")
	}
	r.Amount = money.New(int64(minor), currency)
	return nil
}

// parseCard reads the card data. A number that is no card number is no format
// error: the network answers 14, as for any card it does not know.
func (r *request) parseCard(m *iso8583.Message) error {
	r.pan, _ = card.ParsePAN(m.Text(2))
	r.sequence, _ = strconv.Atoi(m.Text(23)) // digits, or none
	if err := r.parseChip(m); err != nil {
		return err
	}
	if m.Has(35) {
		r.track = card.NewTrack(m.Text(35))
	}
	if !m.Has(52) {
		return nil
	}
	if m.Text(53) != pinISO0 {
		return errors.New("field 53 does not say PIN block format 0 under triple DES")
	}
	pin, err := card.NewPINBlock(m.Bytes(52))
	if err != nil {
		return fmt.Errorf("field 52: %w", err)
	}
	r.pin = pin
	return nil
}

// wipe ends the card data.
func (r *request) wipe() {
	r.track.Wipe()
	r.pin.Wipe()
}

// pinISO0 is F53 of every PIN block here: PIN format with the card number, triple DES.
const pinISO0 = "2600000000000000"
