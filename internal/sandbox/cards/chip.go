package cards

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"hawker/internal/emv"
	"hawker/internal/money"
)

// Chip is the profile of a card's chip: one application that goes online, and by itself spends
// no more than its purse. It has no keys for offline data authentication. The zero Chip is none.
type Chip struct {
	AID     string      // the application's identifier, tag 84, hexadecimal
	Label   string      // its name, tag 50
	Version emv.Version // of its cryptograms
	AIP     string      // application interchange profile, tag 82, four hexadecimal digits
	Only    bool        // its bank takes the stripe only after the chip has failed, and a payment only with a proven answer
	Mute    bool        // it does not answer

	Purse money.Amount // what the electronic purse of a new chip holds; the zero Amount: it has none
}

var (
	creditChip = Chip{AID: "A000000333010102", Label: "UnionPay Credit", Version: emv.CVN10, AIP: "7C00"}
	debitChip  = Chip{AID: "A000000333010101", Label: "UnionPay Debit", Version: emv.CVN18, AIP: "7C00"}
)

func (c Chip) only() Chip { c.Only = true; return c }
func (c Chip) mute() Chip { c.Mute = true; return c }

func (c Chip) purse(a money.Amount) Chip { c.Purse = a; return c }

// What a chip may say instead of answering.
var (
	ErrMute    = errors.New("cards: the chip does not answer")
	ErrBlocked = errors.New("cards: the chip's application is blocked")
	ErrSpent   = errors.New("cards: the chip's transaction counter is at its end")
	ErrRefused = errors.New("cards: the chip refuses the command")
)

// Memory is what a chip keeps between transactions. The zero Memory is a new chip's.
type Memory struct {
	Counter int   `json:"counter"`                 // transactions begun, 0 to 65535: the ATC
	Blocked bool  `json:"blocked,omitempty"`       // by an issuer script
	Offline int   `json:"offline_limit,omitempty"` // set by an issuer script: consecutive offline payments out of no purse, of which it makes none
	Spent   int64 `json:"purse_spent,omitempty"`   // out of the purse, in minor units
}

// Left is what the purse of a chip with this memory holds; false when it has no purse.
func (c Chip) Left(m Memory) (money.Amount, bool) {
	if c.Purse == (money.Amount{}) {
		return money.Amount{}, false
	}
	return money.New(c.Purse.Minor()-m.Spent, c.Purse.Currency()), true
}

// maxCounter is the last transaction of a chip (two bytes, EMV Book 2, 8.1).
const maxCounter = 0xFFFF

// MasterKeys are the keys of one copy of the card, by sequence number (0 to 99):
// for its cryptograms and for its scripts. Chip and issuer derive them alike from
// the published keys of the simulated issuers. The caller wipes them.
func (c Card) MasterKeys(sequence int) (cryptograms, scripts []byte, err error) {
	if cryptograms, err = emv.MasterKey([]byte("hawker-test-AC!!"), c.PAN.Reveal(), sequence); err != nil {
		return nil, nil, err
	}
	scripts, err = emv.MasterKey([]byte("hawker-test-SMI!"), c.PAN.Reveal(), sequence)
	return cryptograms, scripts, err
}

// heard are the objects that a chip hears of the terminal before each cryptogram.
var heard = emv.DOL{
	{Tag: emv.Amount, Size: 6}, {Tag: emv.AmountOther, Size: 6}, {Tag: emv.CountryCode, Size: 2}, {Tag: emv.VerificationResult, Size: 5},
	{Tag: emv.CurrencyCode, Size: 2}, {Tag: emv.TransactionDate, Size: 3}, {Tag: emv.TransactionType, Size: 1}, {Tag: emv.Unpredictable, Size: 4},
}

// Play is one transaction of a chip: GENERATE AC once or twice, issuer scripts between and after.
type Play struct {
	card     Card
	sequence int
	memory   Memory
	ac, sm   []byte
	request  emv.TLV // the first cryptogram and what it covers; empty before it
	second   bool
	scripts  int  // commands heard
	failed   bool // one of them was refused
}

// Insert begins a transaction with a copy of the card: the counter goes up by one.
// ErrMute, ErrBlocked and ErrSpent say why there is none.
func (c Card) Insert(m Memory, sequence int) (*Play, error) {
	switch {
	case c.Chip.Mute || c.Chip == Chip{}:
		return nil, ErrMute
	case m.Blocked:
		return nil, ErrBlocked
	case m.Counter >= maxCounter:
		return nil, ErrSpent
	}
	m.Counter++
	p := &Play{card: c, sequence: sequence, memory: m}
	var err error
	p.ac, p.sm, err = c.MasterKeys(sequence)
	return p, err
}

// Memory is what the chip keeps of the transaction so far.
func (p *Play) Memory() Memory { return p.memory }

// Own are the objects that the chip tells of itself: 84, 50, 82, 9F36 and 5F34.
func (p *Play) Own() emv.TLV {
	aid, _ := hex.DecodeString(p.card.Chip.AID)
	aip, _ := hex.DecodeString(p.card.Chip.AIP)
	t, err := emv.New(
		emv.Element{Tag: emv.DedicatedFile, Value: aid}, emv.Element{Tag: emv.AppLabel, Value: []byte(p.card.Chip.Label)},
		emv.Element{Tag: emv.InterchangeProfile, Value: aip}, emv.Element{Tag: emv.TransactionCounter, Value: p.counter()},
		emv.Element{Tag: emv.PANSequence, Value: []byte{byte(p.sequence/10<<4 | p.sequence%10)}}, //nolint:gosec // two digits
	)
	if err != nil {
		panic(err) // a bad row of the table of cards
	}
	return t
}

func (p *Play) counter() []byte {
	return []byte{byte(p.memory.Counter >> 8), byte(p.memory.Counter)} //nolint:gosec // two bytes, see Insert
}

// FirstList is what the chip wants to hear for its first cryptogram (CDOL1).
func (p *Play) FirstList() emv.DOL { return heard }

// SecondList is what it wants for its second (CDOL2): the response code and the
// issuer's answer besides.
func (p *Play) SecondList() emv.DOL {
	size := map[emv.Version]int{emv.CVN10: 10, emv.CVN18: 8}[p.card.Chip.Version]
	return append(emv.DOL{{Tag: emv.AuthorizationCode, Size: 2}, {Tag: emv.IssuerAuth, Size: size}}, heard...)
}

// The kinds of cryptogram: tag 9F27.
const (
	AAC  byte = 0x00 // declined
	TC   byte = 0x40 // approved
	ARQC byte = 0x80 // ask the issuer
)

// Results in the issuer data, its second byte after the length: what was answered
// to the first and the second GENERATE AC, and that the issuer's answer was wrong.
const (
	firstTC     = 0x10
	firstARQC   = 0x20
	secondNone  = 0x80
	secondTC    = 0x40
	wrongAnswer = 0x08
	scriptWrong = 0x08 // in the fourth byte, whose left digit counts the commands
)

// Answer is what GENERATE AC gives: tags 9F27, 9F26 and 9F10.
type Answer struct {
	Info       byte
	Cryptogram []byte
	IssuerData []byte
}

// First answers the first GENERATE AC: a request cryptogram over data (FirstList's).
func (p *Play) First(data []byte) (Answer, error) {
	if p.request.Elements() != nil {
		return Answer{}, ErrRefused
	}
	told, err := heard.Split(data)
	if err != nil {
		return Answer{}, err
	}
	a, all, err := p.generate(ARQC, told, secondNone|firstARQC)
	p.request = all
	return a, err
}

// Spend answers the first GENERATE AC of a terminal that wishes the chip's own approval: a TC over
// data (FirstList's) when the purse holds the amount, which is taken out of it; an AAC otherwise.
// There is no second cryptogram then.
func (p *Play) Spend(data []byte) (Answer, error) {
	if p.request.Elements() != nil {
		return Answer{}, ErrRefused
	}
	told, err := heard.Split(data)
	if err != nil {
		return Answer{}, err
	}
	info, results := AAC, byte(secondNone)
	if minor, ok := p.pays(told); ok {
		info, results = TC, secondNone|firstTC
		p.memory.Spent += minor
	}
	a, all, err := p.generate(info, told, results)
	p.request, p.second = all, true
	return a, err
}

// pays reads what a terminal asks of the purse, in minor units; false when the purse does not hold it.
func (p *Play) pays(told emv.TLV) (minor int64, ok bool) {
	left, has := p.card.Chip.Left(p.memory)
	digits, _ := told.Get(emv.Amount)
	currency, _ := told.Get(emv.CurrencyCode)
	minor, err := strconv.ParseInt(hex.EncodeToString(digits), 10, 64)
	return minor, has && err == nil && minor > 0 && minor <= left.Minor() && hex.EncodeToString(currency) == "0"+left.Currency().Numeric()
}

// Second answers the second GENERATE AC, once, over data (SecondList's): a TC when
// the terminal wishes one and the issuer's answer is genuine and says yes; an AAC
// otherwise. Without an answer only a chip whose bank wants no proof gives a TC.
func (p *Play) Second(data []byte, wish byte) (Answer, error) {
	told, err := p.SecondList().Split(data)
	if err != nil {
		return Answer{}, err
	}
	if p.request.Elements() == nil || p.second {
		return Answer{}, ErrRefused
	}
	p.second = true
	info, results := AAC, byte(firstARQC)
	auth, _ := told.Get(emv.IssuerAuth)
	code, _ := told.Get(emv.AuthorizationCode)
	genuine, approves := false, approving(string(code))
	silent := isZero(auth)
	if !silent {
		if genuine, approves, err = p.card.Chip.Version.Answered(p.ac, p.request, auth, approving); err != nil {
			return Answer{}, err
		}
		if !genuine {
			results |= wrongAnswer
		}
	}
	if wish == TC && approves && (genuine || silent && !p.card.Chip.Only) {
		info, results = TC, results|secondTC
	}
	a, _, err := p.generate(info, told, results)
	return a, err
}

// approving reports whether a response code is a yes.
func approving(code string) bool {
	switch code {
	case "00", "11", "A2", "A4", "A5", "A6":
		return true
	}
	return false
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// generate makes a cryptogram over what was told and what the chip is.
func (p *Play) generate(info byte, told emv.TLV, results byte) (Answer, emv.TLV, error) {
	counted := byte(min(p.scripts, 15) << 4) //nolint:gosec // four bits
	if p.failed {
		counted |= scriptWrong
	}
	issuer := []byte{6, 1, byte(p.card.Chip.Version), 3, results, 0, counted}
	elements := append(append([]emv.Element(nil), told.Elements()...), p.Own().Only(emv.InterchangeProfile, emv.TransactionCounter).Elements()...)
	covered, err := emv.New(append(elements, emv.Element{Tag: emv.IssuerData, Value: issuer})...)
	if err != nil {
		return Answer{}, emv.TLV{}, err
	}
	made, err := p.card.Chip.Version.Cryptogram(p.ac, covered)
	if err != nil {
		return Answer{}, emv.TLV{}, err
	}
	all, err := emv.New(append(covered.Elements(), emv.Element{Tag: emv.Cryptogram, Value: made})...)
	return Answer{Info: info, Cryptogram: made, IssuerData: issuer}, all, err
}

// The commands that a chip obeys.
var (
	applicationBlock = [4]byte{0x84, 0x1E, 0, 0}
	putOfflineLimit  = [4]byte{0x04, 0xDA, 0x9F, 0x58}
)

// Command gives the chip one command of an issuer script. ErrRefused, and no
// effect, when it is not the issuer's, is for another transaction, or is unknown.
func (p *Play) Command(b []byte) error {
	p.scripts++
	arqc, ok := p.request.Get(emv.Cryptogram)
	if !ok {
		p.failed = true
		return ErrRefused
	}
	c, genuine, err := emv.OpenCommand(b, p.sm, arqc)
	switch {
	case err != nil || !genuine:
		err = fmt.Errorf("%w: its MAC is wrong", ErrRefused)
	case c.Header == applicationBlock && len(c.Data) == 0:
		p.memory.Blocked = true
	case c.Header == putOfflineLimit && len(c.Data) == 1:
		p.memory.Offline = int(c.Data[0])
	default:
		err = fmt.Errorf("%w: %s", ErrRefused, c)
	}
	p.failed = p.failed || err != nil
	return err
}

// BlockCommand makes the chip's application useless from its next transaction on.
func BlockCommand() emv.Command { return emv.Command{Header: applicationBlock} }

// LimitCommand sets the chip's limit of consecutive offline payments.
func LimitCommand(limit byte) emv.Command {
	return emv.Command{Header: putOfflineLimit, Data: []byte{limit}}
}

// Remove ends the transaction: the keys are wiped.
func (p *Play) Remove() {
	clear(p.ac)
	clear(p.sm)
}
