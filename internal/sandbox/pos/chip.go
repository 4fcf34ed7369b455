package pos

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"hawker/internal/emv"
	"hawker/internal/iso8583"
	"hawker/internal/sandbox/cards"
)

// chip is a card's chip in the reader, for one transaction.
type chip struct {
	card        cards.Card
	play        *cards.Play
	contactless bool
	offline     bool          // it approves by itself
	told        []emv.Element // what the terminal says of itself and the payment
	online      emv.TLV       // field 55 of the request
}

// ChipFacts are what a slip shows of a chip's part in a transaction. None of it is secret.
type ChipFacts struct {
	AID        string `json:"aid"` // hexadecimal, as all of these but the label
	Label      string `json:"label"`
	Counter    string `json:"atc"`
	Results    string `json:"tvr"`        // tag 95
	Kind       string `json:"kind"`       // ARQC, TC or AAC: the last cryptogram
	Cryptogram string `json:"cryptogram"` // tag 9F26
}

// terminalData are what this terminal is, in field 55.
var terminalData = map[emv.Tag]string{
	emv.CountryCode: "0156", emv.Capabilities: "E0F8C8",
	emv.TerminalType: "22", // attended, online with offline capability
	emv.AppVersion:   "0030",
}

// ask has the chip make its request cryptogram for m, whose other fields are
// there, and puts field 55 into m.
func (c *chip) ask(m *iso8583.Message, now time.Time) error {
	_, err := c.generate(m, now, c.play.First)
	return err
}

// generate has the chip make its first cryptogram for m.
func (c *chip) generate(m *iso8583.Message, now time.Time, do func([]byte) (cards.Answer, error)) (cards.Answer, error) {
	amount := m.Text(4)
	if amount == "" {
		amount = "000000000000" // a balance inquiry
	}
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	c.told = []emv.Element{
		{Tag: emv.Unpredictable, Value: random[:]}, {Tag: emv.VerificationResult, Value: make([]byte, 5)},
		object(emv.TransactionDate, now.Format("060102")), object(emv.TransactionType, m.Text(3)[:2]), object(emv.Amount, amount),
		object(emv.CurrencyCode, "0"+m.Text(49)), object(emv.AmountOther, "000000000000"),
		object(emv.CardholderMethod, c.holderMethod(m.Text(22)[2:] == withPIN)), {Tag: emv.InterfaceDevice, Value: m.Bytes(41)},
		object(emv.SequenceCounter, "00"+m.Text(11)),
	}
	for _, tag := range []emv.Tag{emv.CountryCode, emv.Capabilities, emv.TerminalType, emv.AppVersion} {
		c.told = append(c.told, object(tag, terminalData[tag]))
	}
	told, err := emv.New(c.told...)
	if err != nil {
		return cards.Answer{}, err
	}
	first, err := do(c.play.FirstList().Collect(told))
	if err != nil {
		return first, ErrChip.because(err)
	}
	all, err := emv.New(append(append(answered(first), c.told...), c.play.Own().Elements()...)...)
	if err != nil {
		return first, err
	}
	c.online = all.Only(emv.Online...)
	m.SetBytes(55, c.online.Bytes())
	return first, nil
}

// holderMethod is tag 9F34: how the holder was proven. A contactless payment within
// the limit needs no proof, and neither does one out of a purse.
func (c *chip) holderMethod(pin bool) string {
	switch {
	case pin:
		return "420300" // enciphered PIN, verified online
	case c.contactless, c.offline:
		return "1F0300" // none
	}
	return "1E0300" // signature
}

// answered are the objects of one of the chip's answers.
func answered(a cards.Answer) []emv.Element {
	return []emv.Element{
		{Tag: emv.Cryptogram, Value: a.Cryptogram}, {Tag: emv.CryptogramInfo, Value: []byte{a.Info}}, {Tag: emv.IssuerData, Value: a.IssuerData},
	}
}

// object is an object whose value is written in hexadecimal digits.
func object(tag emv.Tag, digits string) emv.Element {
	value, err := hex.DecodeString(digits)
	if err != nil {
		panic(fmt.Sprintf("tag %s: no hexadecimal value", tag)) // the terminal's own digits
	}
	return emv.Element{Tag: tag, Value: value}
}

// facts are what a slip shows of the chip, with the cryptogram of t.
func (c *chip) facts(t emv.TLV, kind string) ChipFacts {
	text := func(from emv.TLV, tag emv.Tag) string {
		value, _ := from.Get(tag)
		return fmt.Sprintf("%X", value)
	}
	own := c.play.Own()
	label, _ := own.Get(emv.AppLabel)
	return ChipFacts{
		AID: text(own, emv.DedicatedFile), Label: string(label), Counter: text(own, emv.TransactionCounter),
		Results: text(t, emv.VerificationResult), Kind: kind, Cryptogram: text(t, emv.Cryptogram),
	}
}
