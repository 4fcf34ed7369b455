package emv

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Tag names a data object: its one to three tag bytes as a number, so that
// 0x9F26 is tag '9F26'. The zero Tag names none.
type Tag uint32

// The tags that this package and a card host's adapter speak of (EMV Book 3, Annex A).
const (
	AppLabel           Tag = 0x50
	Track2Equivalent   Tag = 0x57
	PAN                Tag = 0x5A
	CurrencyCode       Tag = 0x5F2A
	PANSequence        Tag = 0x5F34
	ScriptBefore       Tag = 0x71 // template: commands for the card before its second cryptogram
	ScriptAfter        Tag = 0x72 // template: commands for the card after it
	InterchangeProfile Tag = 0x82
	DedicatedFile      Tag = 0x84
	ScriptCommand      Tag = 0x86
	AuthorizationCode  Tag = 0x8A
	IssuerAuth         Tag = 0x91
	VerificationResult Tag = 0x95
	TransactionDate    Tag = 0x9A
	TransactionType    Tag = 0x9C
	Amount             Tag = 0x9F02
	AmountOther        Tag = 0x9F03
	AppVersion         Tag = 0x9F09
	IssuerData         Tag = 0x9F10
	ScriptID           Tag = 0x9F18
	CountryCode        Tag = 0x9F1A
	InterfaceDevice    Tag = 0x9F1E
	Cryptogram         Tag = 0x9F26
	CryptogramInfo     Tag = 0x9F27
	Capabilities       Tag = 0x9F33
	CardholderMethod   Tag = 0x9F34
	TerminalType       Tag = 0x9F35
	TransactionCounter Tag = 0x9F36
	Unpredictable      Tag = 0x9F37
	SequenceCounter    Tag = 0x9F41
	CardProduct        Tag = 0x9F63 // UnionPay's
	ScriptResult       Tag = 0xDF31 // UnionPay's
)

// Online are the objects of an authorization request in field 55, in their
// usual order among acquirers; none of them is a card number.
var Online = []Tag{
	Cryptogram, CryptogramInfo, IssuerData, Unpredictable, TransactionCounter, VerificationResult, TransactionDate,
	TransactionType, Amount, CurrencyCode, InterchangeProfile, CountryCode, AmountOther, Capabilities,
	CardholderMethod, TerminalType, InterfaceDevice, DedicatedFile, AppVersion, SequenceCounter, CardProduct,
}

// Reversal are the objects of a reversal in field 55.
var Reversal = []Tag{VerificationResult, InterfaceDevice, IssuerData, TransactionCounter, ScriptResult}

// Notice are the objects of a script result notice in field 55.
var Notice = []Tag{
	Capabilities, VerificationResult, Unpredictable, InterfaceDevice, IssuerData, Cryptogram, TransactionCounter,
	InterchangeProfile, ScriptResult, CountryCode, TransactionDate,
}

// Template reports whether the tag's objects hold other objects.
func (t Tag) Template() bool {
	b := t.bytes()
	return len(b) > 0 && b[0]&0x20 != 0
}

// String is the tag's bytes in hexadecimal.
func (t Tag) String() string { return fmt.Sprintf("%X", t.bytes()) }

// bytes are the tag bytes as they travel; none for the zero Tag.
func (t Tag) bytes() []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(t))
	return b[bits.LeadingZeros32(uint32(t))/8:]
}

// readTag takes a tag off the front of b. Three bytes are the longest in use.
func readTag(b []byte) (tag Tag, rest []byte, ok bool) {
	for i, c := range b[:min(len(b), 3)] {
		tag = tag<<8 | Tag(c)
		if more := c&0x80 != 0; i == 0 && c&0x1f != 0x1f || i > 0 && !more {
			return tag, b[i+1:], true
		}
	}
	return 0, nil, false
}
