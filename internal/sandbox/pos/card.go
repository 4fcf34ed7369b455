package pos

import (
	"errors"
	"fmt"

	"hawker/internal/card"
	"hawker/internal/iso8583"
	"hawker/internal/sandbox/cards"
	"hawker/internal/tdes"
)

// Entry is how a card meets the terminal.
type Entry string

// The ways to present a card.
const (
	Swipe       Entry = "swipe"
	Chip        Entry = "chip"
	Manual      Entry = "manual"
	Contactless Entry = "contactless"
	Scan        Entry = "scan"     // no card but the customer's code: Terminal.Scan
	Fallback    Entry = "fallback" // the stripe, after the chip did not answer; the terminal decides it, nobody asks for it
)

// Presented is a card as the customer offers it. The zero PIN means that none was entered.
type Presented struct {
	Card  cards.Card
	Entry Entry
	PIN   card.PIN
}

// entries is the entry mode's first two digits in F22, which card data goes with
// it, and the letter on the slip. A chip's field 55 is the chip's own work.
var entries = map[Entry]struct {
	mode                string
	number, track, chip bool // F2 and F14; F35; F23
	letter              string
}{
	Manual:      {mode: "01", number: true, letter: "M"},
	Swipe:       {mode: "02", track: true, letter: "S"},
	Chip:        {mode: "05", number: true, track: true, chip: true, letter: "I"},
	Contactless: {mode: "07", track: true, chip: true, letter: "C"},
	Fallback:    {mode: "80", track: true, letter: "F"},
	Scan:        {mode: "03", letter: "Q"},
}

const (
	withPIN    = "1"
	withoutPIN = "2"
)

func (p Presented) check() error {
	if _, known := entries[p.Entry]; !known || p.Entry == Fallback || p.Entry == Scan {
		return ErrCard.because(fmt.Errorf("no entry mode %q", p.Entry))
	}
	if p.Card.PAN.IsZero() {
		return ErrCard.because(errors.New("no card"))
	}
	return nil
}

// put writes what the card shows into m, in the clear. sequence is the copy of the card.
func (p Presented) put(m *iso8583.Message, sequence int) {
	e := entries[p.Entry]
	pin := withoutPIN
	if !p.PIN.IsZero() {
		pin = withPIN
	}
	condition := chipWorks
	if p.Entry == Fallback {
		condition = chipFailed
	}
	m.Set(22, e.mode+pin).Set(60, m.Text(60)+readerOfAll+condition)
	if e.number {
		m.Set(2, p.Card.PAN.Reveal()).Set(14, p.Card.Expiry)
	}
	if e.track {
		m.SetBytes(35, p.Card.Track2().Reveal())
	}
	if e.chip {
		m.Set(23, fmt.Sprintf("%03d", sequence))
	}
}

// 60.4 and 60.5 of a message with card data.
const (
	readerOfAll = "6" // magnetic stripe, chip and contactless
	chipWorks   = "0"
	chipFailed  = "2"
)

// putPIN adds the PIN block under the TPK, when a PIN was entered.
func (p Presented) putPIN(m *iso8583.Message, tpk tdes.Key) error {
	if p.PIN.IsZero() {
		return nil
	}
	block, err := card.EncodePIN(card.ISO0, p.PIN, p.Card.PAN)
	if err != nil {
		return ErrCard.because(err)
	}
	defer clear(block)
	enciphered, err := tpk.Encrypt(block)
	if err != nil {
		return err
	}
	m.Set(26, "12").SetBytes(52, enciphered).Set(53, security(true, false))
	return nil
}

// security is F53: PIN format, triple DES, whether the track is enciphered.
func security(pin, track bool) string {
	f := []byte("0600000000000000")
	if pin {
		f[0] = '2'
	}
	if track {
		f[2] = '1'
	}
	return string(f)
}
