package pos

import (
	"hawker/internal/emv"
	"hawker/internal/sandbox/cards"
)

// ending is what a chip made of the host's answer. The zero ending is a payment without a chip.
type ending struct {
	facts   ChipFacts
	refused bool    // the host approved and the chip did not
	results []byte  // of issuer scripts, five bytes each: tag DF31; nil when there was none
	last    emv.TLV // what the last cryptogram covers, and itself
}

// The bits of tag 95's fifth byte that say which scripts failed (EMV Book 3, C5).
const (
	failedBefore = 0x20
	failedAfter  = 0x10
)

// hear gives the chip an answer that proves where it comes from, and makes the
// verdict a doubt when the chip does not agree with an approval. A nil chip says nothing.
func (c *chip) hear(a *answer, v *verdict) (ending, error) {
	if c == nil || a.mac != macValid || v.code == "" {
		return ending{}, nil
	}
	e, err := c.conclude(a, *v)
	if err != nil && v.state == Approved && !c.contactless {
		e.refused = true // a chip that stopped answering has approved nothing
	}
	if e.refused {
		v.state, v.reason = Unknown, reasonOther
	}
	return e, err
}

// conclude gives the chip the host's authentic answer: scripts 71, the second
// GENERATE AC with the issuer's answer, scripts 72. A contactless card has left the field by then.
func (c *chip) conclude(a *answer, v verdict) (ending, error) {
	e := ending{last: c.online, facts: c.facts(c.online, "ARQC")}
	if c.contactless {
		return e, nil
	}
	data, err := emv.Parse(a.Bytes(55))
	if err != nil {
		data = emv.TLV{} // no answer of the issuer's: the chip decides what that means
	}
	verified := make([]byte, 5)
	if !c.run(data, emv.ScriptBefore, &e) {
		verified[4] |= failedBefore
	}
	wish := cards.AAC
	if v.state == Approved {
		wish = cards.TC
	}
	second, last, err := c.second(data, v.code, verified, wish)
	if err != nil {
		return e, ErrChip.because(err)
	}
	if !c.run(data, emv.ScriptAfter, &e) {
		verified[4] |= failedAfter
	}
	e.last, e.refused = last, v.state == Approved && second.Info != cards.TC
	kind := "AAC"
	if second.Info == cards.TC {
		kind = "TC"
	}
	e.facts = c.facts(last, kind)
	return e, nil
}

// second asks for the second cryptogram. verified is the terminal's results, which
// a later script may still change.
func (c *chip) second(data emv.TLV, code string, verified []byte, wish byte) (cards.Answer, emv.TLV, error) {
	auth, _ := data.Get(emv.IssuerAuth)
	told := []emv.Element{
		{Tag: emv.AuthorizationCode, Value: []byte(code)}, {Tag: emv.IssuerAuth, Value: auth}, {Tag: emv.VerificationResult, Value: verified},
	}
	for _, e := range c.told {
		if e.Tag != emv.VerificationResult {
			told = append(told, e)
		}
	}
	all, err := emv.New(told...)
	if err != nil {
		return cards.Answer{}, emv.TLV{}, err
	}
	second, err := c.play.Second(c.play.SecondList().Collect(all), wish)
	if err != nil {
		return cards.Answer{}, emv.TLV{}, err
	}
	last, err := emv.New(append(append(answered(second), told...), c.play.Own().Elements()...)...)
	return second, last, err
}

// run gives the chip the scripts of a kind and notes their results; a script ends
// with its first refused command (EMV Book 4, 6.3.9). It returns whether all was done.
func (c *chip) run(data emv.TLV, tag emv.Tag, e *ending) bool {
	all := true
	for _, script := range emv.Scripts(data, tag) {
		result := emv.ScriptDone
		for i, command := range script.Commands {
			if err := c.play.Command(command); err != nil {
				result, all = emv.ScriptFailed|byte(min(i+1, 14)), false
				break
			}
		}
		e.results = append(append(e.results, result), script.ID...)
	}
	return all
}
