package iso

import (
	"context"
	"fmt"
	"strconv"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/chips"
	"hawker/internal/emv"
	"hawker/internal/iso8583"
	"hawker/internal/payment"
)

// How a card was read: the first two digits of field 22.
const (
	entrySwipe       = "02"
	entryChip        = "05"
	entryContactless = "07"
	entryFallback    = "80"
)

// mandatory are the objects that field 55 of an authorization must have, and their
// lengths in bytes (EMV Book 3, Annex A); 9F10 has 1 to 32.
var mandatory = []struct {
	tag  emv.Tag
	size int
}{
	{emv.Cryptogram, 8}, {emv.CryptogramInfo, 1}, {emv.IssuerData, 0}, {emv.Unpredictable, 4}, {emv.TransactionCounter, 2}, {emv.VerificationResult, 5},
	{emv.TransactionDate, 3}, {emv.TransactionType, 1}, {emv.Amount, 6}, {emv.CurrencyCode, 2}, {emv.InterchangeProfile, 2}, {emv.CountryCode, 2},
	{emv.AmountOther, 6}, {emv.Capabilities, 3},
}

// Tag 9F27, as far as its first two bits say: a chip asks its issuer, or has approved by itself.
const (
	arqc = 0x80
	tc   = 0x40
)

// icc reads field 55 and keeps what is named: nothing else of it goes on.
func (c *call) icc(keep []emv.Tag) (emv.TLV, error) {
	t, err := emv.Parse(c.message.Bytes(55))
	if err != nil {
		return emv.TLV{}, badICC("EMV data", err.Error())
	}
	return t.Only(keep...), nil
}

func badICC(expected, got string) error {
	return errFormat.Wrap(&iso8583.FormatError{Field: 55, Expected: expected, Got: got})
}

// authorizes checks a card that pays now: a chip's data must be whole and speak of
// this payment; a stripe that says "use the chip" is taken only after the chip has failed.
func (c *call) authorizes(presented *channel.Card, facts *payment.CardFacts) error {
	switch presented.Entry {
	case entryChip, entryContactless:
		if err := c.chip(presented, arqc); err != nil {
			return err
		}
		return c.counts(presented, facts)
	case entrySwipe:
		if c.service.wantsChip() && c.readsChips() {
			return errUseChip
		}
	case entryFallback:
		if c.f60.ChipCondition != "2" || !c.service.wantsChip() {
			return errFormat.Wrap(&iso8583.FormatError{Field: 22, Expected: "a fallback after a chip that failed", Got: "another card or chip condition"})
		}
	}
	if c.message.Has(55) {
		return badICC("no chip data without a chip", "some")
	}
	return nil
}

// chip checks field 55 against the message: its cryptogram must be of a kind. What is named goes on.
func (c *call) chip(presented *channel.Card, kind byte) error {
	if !c.message.Has(55) {
		return badICC("chip data", "none")
	}
	t, err := c.icc(emv.Online)
	if err != nil {
		return err
	}
	for _, m := range mandatory {
		value, ok := t.Get(m.tag)
		if !ok || m.size > 0 && len(value) != m.size || len(value) == 0 || len(value) > 32 {
			return badICC("tag "+m.tag.String(), "none, or one of another length")
		}
	}
	amount := c.message.Text(4)
	if amount == "" {
		amount = "000000000000" // a balance inquiry
	}
	for _, same := range []struct {
		tag  emv.Tag
		want string
	}{
		{emv.Amount, amount}, {emv.CurrencyCode, "0" + c.message.Text(49)}, {emv.TransactionType, c.message.Text(3)[:2]},
	} {
		if value, _ := t.Get(same.tag); fmt.Sprintf("%X", value) != same.want {
			return errChipDiffers.With("tag %s is not the message's", same.tag)
		}
	}
	if info, _ := t.Get(emv.CryptogramInfo); info[0]&0xC0 != kind {
		return badICC(map[byte]string{arqc: "a request cryptogram", tc: "an approval's cryptogram"}[kind], "another")
	}
	if counter, _ := emv.CounterOf(t); counter == 0 {
		return badICC("a transaction counter", "zero")
	}
	presented.ICC.Wipe()
	presented.ICC = card.NewICC(t.Bytes())
	return nil
}

// counts tells the payment which use of the chip it is, so that none pays twice.
func (c *call) counts(presented *channel.Card, facts *payment.CardFacts) error {
	t, err := emv.Parse(presented.ICC.Reveal())
	if err != nil {
		return badICC("EMV data", err.Error())
	}
	counter, _ := emv.CounterOf(t)
	sequence, _ := strconv.Atoi(c.message.Text(23)) // digits, or none
	facts.Chip = chips.Use{Chip: chips.Chip{Token: facts.Token, Sequence: sequence}, Counter: counter}
	return nil
}

// noteChip logs what a chip said when its payment was taken back. It decides nothing:
// field 55 of a reversal, even a malformed one, must not keep money from going back.
func (s *Server) noteChip(c *call) {
	if !c.message.Has(55) {
		return
	}
	t, err := c.icc(emv.Reversal)
	results, _ := t.Get(emv.VerificationResult)
	scripts, _ := t.Get(emv.ScriptResult)
	s.Log.Info("a chip's payment is taken back", "mid", c.message.Text(42), "tid", c.message.Text(41), "trace", c.message.Text(11),
		"tvr", fmt.Sprintf("%X", results), "scripts", fmt.Sprintf("%X", scripts), "err", err)
}

// readsChips reports whether the terminal has a chip reader (60.4); one that says nothing has none.
func (c *call) readsChips() bool { return c.f60.Capability >= "5" }

// service is a track's service code (ISO/IEC 7813); "" when no track was read.
type service string

// wantsChip reports whether the card has a chip that must be used.
func (s service) wantsChip() bool { return s != "" && (s[0] == '2' || s[0] == '6') }

// scriptNotice answers 0620/951: what became of an issuer's scripts. It is taken over
// and told to the bank; a repeat is accepted again.
func (s *Server) scriptNotice(ctx context.Context, c *call) error {
	f61, err := iso8583.ParseField61(c.message.Text(61))
	if err != nil {
		return formatFault(err)
	}
	t, err := c.icc(emv.Notice)
	if err != nil {
		return err
	}
	if result, ok := t.Get(emv.ScriptResult); !ok || len(result) == 0 || len(result)%5 != 0 {
		return badICC("tag "+emv.ScriptResult.String()+", five bytes a script", "otherwise")
	}
	a, err := s.Engine.ScriptNotice(ctx, payment.NoticeRequest{Source: c.source(), Ref: c.message.Text(37),
		OriginalBatch: number(f61.Batch), OriginalTrace: number(f61.Trace), ICC: card.NewICC(t.Bytes())})
	if err == nil {
		c.reply.Set(37, a.Ref())
	}
	return err
}
