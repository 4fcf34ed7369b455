package cardnet

import (
	"bytes"
	"fmt"
	"strings"

	"hawker/internal/emv"
	"hawker/internal/iso8583"
	"hawker/internal/sandbox/cards"
)

// ChipAuth is what the issuer's answer to a chip is worth.
type ChipAuth string

// The answers to a chip; "" is the issuer's own.
const (
	ForgedAuth  ChipAuth = "forged"  // somebody else made it
	MissingAuth ChipAuth = "missing" // there is none
)

// Script is what an issuer changes in a chip with its answer.
type Script string

// The scripts; "" is none.
const (
	LimitScript Script = "limit" // tag 72: sets the limit of offline payments
	BlockScript Script = "block" // tag 71: blocks the application
)

// scripts are their tag and command, in the order of their identifiers.
var scripts = map[Script]struct {
	tag     emv.Tag
	id      byte
	command emv.Command
}{
	LimitScript: {emv.ScriptAfter, 1, cards.LimitCommand(5)},
	BlockScript: {emv.ScriptBefore, 2, cards.BlockCommand()},
}

// counters are the transaction counters that the issuer saw last, by the copy's sequence number.
type counters map[int]int

// codeSecurity says that a chip could not prove itself.
const codeSecurity = "A7"

// byChip reports whether the card was read by its chip, in the reader or at it.
func (r *request) byChip() bool {
	return strings.HasPrefix(r.entry, "05") || strings.HasPrefix(r.entry, "07")
}

// checkChip verifies a chip's request cryptogram: 00 and the transaction counter
// when it proves the card, the amount and a counter that the issuer has not seen; 45 when a
// stripe was used that is for a failed chip only; A7 otherwise. counter is 0 when nothing is proven.
func (i issuer) checkChip(a *account, r *request) (code string, counter int) {
	switch {
	case !r.byChip():
		if a.card.Chip.Only && strings.HasPrefix(r.entry, "02") {
			return "45", 0
		}
		return approved, 0
	case a.card.Chip == cards.Chip{}:
		return codeSecurity, 0
	}
	ac, sm, err := a.card.MasterKeys(r.sequence)
	if err != nil {
		return codeSecurity, 0
	}
	defer clear(ac)
	defer clear(sm)
	counter, ok := emv.CounterOf(r.icc)
	amount, _ := r.icc.Get(emv.Amount)
	if genuine, err := a.card.Chip.Version.Verify(ac, r.icc); err != nil || !genuine || !ok {
		return codeSecurity, 0
	}
	if counter <= a.counters[r.sequence] || fmt.Sprintf("%X", amount) != fmt.Sprintf("%012d", r.Amount.Minor()) {
		return codeSecurity, 0
	}
	return approved, counter
}

// checkApproval verifies the last cryptogram of a chip that approved by itself: 00, or A7.
func (i issuer) checkApproval(a *account, r *request) string {
	ac, sm, err := a.card.MasterKeys(r.sequence)
	if err != nil {
		return codeSecurity
	}
	defer clear(ac)
	defer clear(sm)
	amount, _ := r.icc.Get(emv.Amount)
	genuine, err := a.card.Chip.Version.Verify(ac, r.icc)
	if err != nil || !genuine || fmt.Sprintf("%X", amount) != fmt.Sprintf("%012d", r.Amount.Minor()) {
		return codeSecurity
	}
	return approved
}

// cryptogram is the kind of the chip's cryptogram; AAC when there is none.
func (r *request) cryptogram() byte {
	info, _ := r.icc.Get(emv.CryptogramInfo)
	if len(info) != 1 {
		return cards.AAC
	}
	return info[0] & 0xC0
}

// authenticate writes field 55 of the answer to a chip that has proven itself:
// the issuer's answer and what it changes in the chip.
func (n *Network) authenticate(answer *iso8583.Message, r *request, e Entry, b Behaviour) error {
	if e.Counter == 0 || !r.byChip() {
		return nil
	}
	c := n.books.accounts[e.Card].card // the accounts never change after New
	ac, sm, err := c.MasterKeys(r.sequence)
	if err != nil {
		return err
	}
	defer clear(ac)
	defer clear(sm)
	var elements []emv.Element
	if b.Auth != MissingAuth {
		auth, err := c.Chip.Version.Answer(ac, r.icc, e.Code, e.Code == approved)
		if err != nil {
			return err
		}
		if b.Auth == ForgedAuth {
			auth[0] ^= 1
		}
		elements = append(elements, emv.Element{Tag: emv.IssuerAuth, Value: auth})
	}
	if s, ok := scripts[b.Script]; ok {
		arqc, _ := r.icc.Get(emv.Cryptogram)
		command, err := s.command.Protect(sm, arqc)
		if err != nil {
			return err
		}
		script, err := emv.Script(s.tag, []byte{0, 0, 0, s.id}, command)
		if err != nil {
			return err
		}
		elements = append(elements, script)
	}
	t, err := emv.New(elements...)
	if err == nil && len(elements) > 0 {
		answer.SetBytes(55, t.Bytes())
	}
	return err
}

// parseChip reads field 55; a notice must say what became of the scripts.
func (r *request) parseChip(m *iso8583.Message) error {
	if !m.Has(55) {
		return nil
	}
	t, err := emv.Parse(bytes.Clone(m.Bytes(55)))
	if err != nil {
		return fmt.Errorf("field 55: %w", err)
	}
	r.icc = t
	result, ok := t.Get(emv.ScriptResult)
	if r.Kind == ScriptNotice {
		if !ok || len(result) == 0 || len(result)%5 != 0 {
			return fmt.Errorf("field 55 has no script results (%s)", emv.ScriptResult)
		}
		r.Results = fmt.Sprintf("%X", result)
	}
	return nil
}
