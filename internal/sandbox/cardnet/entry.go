package cardnet

import (
	"time"

	"hawker/internal/money"
)

// Entry is one decided request: what the network remembers, prints, repeats to
// whoever asks again, and writes to the state file. It holds no card data.
type Entry struct {
	Time time.Time `json:"time"` // UTC
	Info
	Code      string       `json:"code"`           // F39
	Auth      string       `json:"auth,omitempty"` // F38; "" unless approved
	Booked    money.Amount `json:"booked"`         // moved from the card to the merchant; negative: back
	Held      money.Amount `json:"held,omitzero"`  // kept ready of the card's funds; negative: free again
	Available money.Amount `json:"available"`      // what the card has left after it
	PIN       PINCheck     `json:"pin,omitempty"`
	Sequence  int          `json:"sequence,omitempty"` // F23 of that chip: the copy of the card
	Counter   int          `json:"atc,omitempty"`      // of a chip that has proven itself
}

// PINCheck is what the issuer found about a PIN; "" means that none was looked at.
type PINCheck string

// Wrong PINs count towards the third, which locks the card; a right one starts anew.
const (
	RightPIN PINCheck = "right"
	WrongPIN PINCheck = "wrong"
)

// approved is the one response code that books.
const approved = "00"

// undecided reports whether the entry is no outcome: a refund, reversal or notice that
// met 91 or 96 will be repeated unchanged and must then be decided. A sale with
// these codes stays declined, or its replay would charge someone who has left.
func (e Entry) undecided() bool {
	advice := e.Ref.MTI == "0220" || e.Kind == Reversal || e.Kind == ScriptNotice
	return advice && (e.Code == "91" || e.Code == "96")
}

// record is an entry and what later entries did to it.
type record struct {
	Entry
	voided    bool  // a sale, completion or pre-authorization: by a void that is not reversed
	reversed  bool  // whatever can be
	completed bool  // a pre-authorization: by a completion that stands
	refunded  int64 // a sale or completion: minor units
	changed   int64 // a sale: tips less adjustments, minor units
}

// taken is what a sale or completion took, in minor units, before refunds.
func (r *record) taken() int64 { return r.Amount.Minor() + r.changed }

// standing reports whether a sale can still be voided, refunded or reversed, a
// pre-authorization completed, as far as its history goes.
func (r *record) standing() bool {
	return r.Code == approved && !r.voided && !r.reversed && !r.completed
}
