package cardnet

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"time"

	"hawker/internal/card"
	"hawker/internal/sandbox/cards"
	"hawker/internal/tdes"
)

// pinFree is the most, in minor units, that a debit card pays by chip or
// contactless without its PIN. By stripe or typed number it pays nothing without.
const pinFree = 1_000_00

// pinTries is how many wrong PINs in a row lock a card.
const pinTries = 3

// bankZone is where cards expire: the end of the month in China.
var bankZone = time.FixedZone("UTC+8", 8*60*60)

// verdict is a decision that is not booked yet.
type verdict struct {
	code   string
	booked int64 // minor units from card to merchant
	held   int64 // minor units kept ready of the card's funds
	pin    PINCheck

	counter, sequence int // of a chip that has proven itself
}

// issuer decides requests by the books and the ZPK. It changes nothing.
type issuer struct {
	*books
	zpk tdes.Key
	now func() time.Time
}

// decide answers one request that is no repeat. forced is a code that a
// behaviour puts in the place of the issuer's rules; "" for none.
func (i issuer) decide(r *request, forced string) verdict {
	a := i.accounts[r.Card]
	switch {
	case (r.Ref.MTI == "0200" || r.Ref.MTI == "0100") && i.early[r.Ref.key()]:
		return verdict{code: "12"} // its reversal came first
	case r.Kind != Balance && r.Amount.Sign() <= 0:
		return verdict{code: "13"}
	case a == nil && r.Kind != Reversal:
		return verdict{code: "14"}
	}
	if r.Scan != "" && i.scans[r.Scan] {
		return verdict{code: "14"} // a code pays once
	}
	chip, counter := approved, 0
	switch {
	case r.coded:
	case r.Kind == Sale || r.Kind == Preauth || r.Kind == Balance:
		chip, counter = i.checkChip(a, r)
	case r.Kind == Offline && r.byChip() && r.cryptogram() == cards.TC: // electronic cash: told late, so its counter may be behind
		chip = i.checkApproval(a, r)
	}
	v := i.rule(a, r, forced, chip)
	if v.counter = counter; counter > 0 {
		v.sequence = r.sequence
	}
	return v
}

// rule decides by the rules of the request's kind, unless something forbids it before.
func (i issuer) rule(a *account, r *request, forced, chip string) verdict {
	switch {
	case forced != "" && forced != approved:
		return verdict{code: forced}
	case chip != approved:
		return verdict{code: chip}
	}
	switch r.Kind {
	case Sale, Balance:
		return i.spend(a, r)
	case Offline:
		return i.conclude(a, r)
	case Tip, Adjustment:
		return i.change(a, r)
	case Preauth:
		v := i.spend(a, r)
		v.booked, v.held = 0, v.booked
		return v
	case PreauthVoid:
		return i.release(a, r)
	case Completion:
		return i.complete(a, r)
	case ScriptNotice:
		return i.noted(r)
	case Void:
		return i.void(a, r, Sale, Offline)
	case CompletionVoid:
		v := i.void(a, r, Completion)
		if v.code == approved {
			v.held = i.byKey[i.byKey[r.Original.key()].Original.key()].Amount.Minor() // the hold stands again
		}
		return v
	case Refund:
		return i.refund(r)
	case Reversal:
		return i.reverse(r)
	case Link, Unlock: // never decided
	}
	return verdict{code: "40"}
}

// spend decides a sale, and a balance inquiry as a sale of nothing.
func (i issuer) spend(a *account, r *request) verdict {
	switch {
	case r.Amount.Currency() != a.card.Funds.Currency():
		return verdict{code: "40"} // no exchange here
	case a.expired(i.now()) || a.misprinted(r):
		return verdict{code: "54"}
	case a.locked():
		return verdict{code: "38"}
	}
	code, pin := i.checkPIN(a, r)
	amount, limit := r.Amount.Minor(), a.card.Limit.Minor()
	switch {
	case code != approved:
	case pin == "" && !r.coded && a.wantsPIN(r):
		code = "55"
	case limit > 0 && amount > limit:
		code = "61"
	case amount > a.available:
		code = "51"
	default:
		return verdict{code: approved, booked: amount, pin: pin}
	}
	return verdict{code: code, pin: pin}
}

// void takes back a whole sale or completion, once.
func (i issuer) void(a *account, r *request, kinds ...Kind) verdict {
	sale := i.original(r, kinds...)
	switch {
	case sale == nil:
		return verdict{code: "25"}
	case !sale.standing() || sale.refunded > 0:
		return verdict{code: "12"}
	case sale.taken() != r.Amount.Minor():
		return verdict{code: "13"}
	}
	code, pin := i.checkPIN(a, r)
	if code != approved {
		return verdict{code: code, pin: pin}
	}
	return verdict{code: approved, booked: -r.Amount.Minor(), pin: pin}
}

// refund gives back any part of what is left of a sale, again and again.
func (i issuer) refund(r *request) verdict {
	sale := i.original(r, Sale, Offline, Completion)
	switch {
	case sale == nil:
		return verdict{code: "25"}
	case !sale.standing():
		return verdict{code: "12"}
	case r.Amount.Minor() > sale.taken()-sale.refunded:
		return verdict{code: "13"}
	}
	return verdict{code: approved, booked: -r.Amount.Minor()}
}

// conclude books what a terminal has sold already: nobody is there to type a PIN.
func (i issuer) conclude(a *account, r *request) verdict {
	switch {
	case r.Amount.Currency() != a.card.Funds.Currency():
		return verdict{code: "40"}
	case a.expired(i.now()) || a.misprinted(r):
		return verdict{code: "54"}
	case r.Amount.Minor() > a.available:
		return verdict{code: "51"}
	}
	return verdict{code: approved, booked: r.Amount.Minor()}
}

// change raises a sale by a tip, or lowers it by an adjustment that leaves something.
func (i issuer) change(a *account, r *request) verdict {
	sale, amount := i.original(r, Sale, Offline), r.Amount.Minor()
	switch {
	case sale == nil:
		return verdict{code: "25"}
	case !sale.standing() || sale.refunded > 0:
		return verdict{code: "12"}
	case r.Kind == Adjustment && amount >= sale.taken():
		return verdict{code: "13"}
	case r.Kind == Adjustment:
		return verdict{code: approved, booked: -amount}
	case amount > a.available:
		return verdict{code: "51"}
	}
	return verdict{code: approved, booked: amount}
}

// most is the share of a pre-authorization that a completion may take, in percent.
const most = 115

// release gives a whole pre-authorization back, once.
func (i issuer) release(a *account, r *request) verdict {
	hold, code := i.holdOf(r)
	switch {
	case code != approved:
		return verdict{code: code}
	case hold.Amount != r.Amount:
		return verdict{code: "13"}
	}
	code, pin := i.checkPIN(a, r)
	if code != approved {
		return verdict{code: code, pin: pin}
	}
	return verdict{code: approved, held: -hold.Amount.Minor(), pin: pin}
}

// complete takes up to a share of a pre-authorization, once, and frees the rest.
func (i issuer) complete(a *account, r *request) verdict {
	hold, code := i.holdOf(r)
	switch {
	case code != approved:
		return verdict{code: code}
	case r.Amount.Minor() > hold.Amount.Minor()/100*most+hold.Amount.Minor()%100*most/100:
		return verdict{code: "61"}
	case r.Amount.Minor() > a.available+hold.Amount.Minor():
		return verdict{code: "51"}
	}
	code, pin := i.checkPIN(a, r)
	if code != approved {
		return verdict{code: code, pin: pin}
	}
	return verdict{code: approved, booked: r.Amount.Minor(), held: -hold.Amount.Minor(), pin: pin}
}

// holdOf finds the pre-authorization that a request is about, and why it cannot be used.
func (i issuer) holdOf(r *request) (hold *record, code string) {
	switch hold = i.original(r, Preauth); {
	case hold == nil || hold.Auth != r.auth:
		return nil, "25"
	case !hold.standing():
		return nil, "12"
	}
	return hold, approved
}

// reversible are the kinds that a reversal undoes, by the F3 that they and it have.
var reversible = map[string][]Kind{
	"000000": {Sale, Completion},
	"200000": {Void, PreauthVoid, CompletionVoid},
	"030000": {Preauth},
}

// reverse undoes a request as if it had never been. Another reversal of the same
// original is approved and moves nothing. An advice has no reversal.
func (i issuer) reverse(r *request) verdict {
	if r.Original.MTI != "0200" && r.Original.MTI != "0100" {
		return verdict{code: "12"}
	}
	done := i.original(r, reversible[r.processing]...)
	switch {
	case done == nil:
		return verdict{code: "25"}
	case done.Code != approved:
		return verdict{code: "12"} // declined: there is nothing to undo
	case done.Amount != r.Amount:
		return verdict{code: "64"}
	case done.reversed:
		return verdict{code: approved}
	case done.voided || done.completed || done.refunded > 0 || done.changed != 0:
		return verdict{code: "12"}
	case done.Kind == CompletionVoid && !i.byKey[i.byKey[done.Original.key()].Original.key()].standing():
		return verdict{code: "12"} // the hold was completed again, or given back
	}
	return verdict{code: approved, booked: -done.Booked.Minor(), held: -done.Held.Minor()}
}

// noted takes what became of a script; it moves nothing.
func (i issuer) noted(r *request) verdict {
	if of := i.byKey[r.Original.key()]; of == nil || of.Ref != r.Original || of.Card != r.Card {
		return verdict{code: "25"}
	}
	return verdict{code: approved}
}

// original finds what field 90 points at; nil when it does not exist or is of
// another kind, merchant, card or currency, which for the requester is the same.
func (i issuer) original(r *request, kinds ...Kind) *record {
	rec := i.byKey[r.Original.key()]
	if rec == nil || rec.Ref != r.Original || !slices.Contains(kinds, rec.Kind) || rec.Merchant != r.Merchant ||
		rec.Card != r.Card || rec.Amount.Currency() != r.Amount.Currency() {
		return nil
	}
	return rec
}

func (a *account) locked() bool { return a.wrongPINs >= pinTries }

// wantsPIN reports whether the card pays this only with its PIN. A debit card
// does not tell its balance without one either.
func (a *account) wantsPIN(r *request) bool {
	return a.card.Kind == cards.Debit && (r.Kind == Balance || r.Amount.Minor() > pinFree || !r.byChip())
}

// checkPIN verifies the PIN of a request that has one: 00 when it is right or
// there is none, 55, 38 with the third wrong one, and 99 when the block is not
// one under our key for this card, which does not count as a try.
func (i issuer) checkPIN(a *account, r *request) (code string, found PINCheck) {
	if r.pin.IsZero() {
		return approved, ""
	}
	if a.locked() {
		return "38", ""
	}
	block, err := i.zpk.Decrypt(r.pin.Reveal())
	if err != nil {
		return "99", ""
	}
	defer clear(block)
	pin, err := card.DecodePIN(card.ISO0, block, r.pan)
	if err != nil {
		return "99", ""
	}
	defer pin.Wipe()
	switch {
	case bytes.Equal(pin.Reveal(), []byte(a.card.PIN)):
		return approved, RightPIN
	case a.wrongPINs+1 >= pinTries:
		return "38", WrongPIN
	}
	return "55", WrongPIN
}

// expired reports whether the card's last month is over.
func (a *account) expired(now time.Time) bool {
	end, err := goodUntil(a.card.Expiry)
	return err != nil || !now.Before(end)
}

// misprinted reports whether expiry or track are not the card's.
func (a *account) misprinted(r *request) bool {
	if r.expiry != "" && r.expiry != a.card.Expiry {
		return true
	}
	if r.track.IsZero() {
		return false
	}
	pan, expiry, _, err := r.track.Split()
	return err != nil || pan != a.card.PAN || expiry != a.card.Expiry
}

// goodUntil is the first instant at which a card of expiry YYMM is no longer good.
func goodUntil(expiry string) (time.Time, error) {
	n, err := strconv.ParseUint(expiry, 10, 16)
	year, month := int(n/100), int(n%100)
	if err != nil || len(expiry) != 4 || month < 1 || month > 12 {
		return time.Time{}, errors.New("expiry is not YYMM")
	}
	return time.Date(2000+year, time.Month(month)+1, 1, 0, 0, 0, 0, bankZone), nil
}
