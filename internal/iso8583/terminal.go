package iso8583

import "slices"

// Terminal is what a profile says beside the bytes: how terminals that speak it
// are keyed, what they must send, and by which words host and terminal mean the
// same. The zero Terminal belongs to a dialect that no terminal speaks.
type Terminal struct {
	Version      Header            // the header of a terminal's frames; "" without one
	Protection   Protection        // who keys MAC, PIN block and track
	KeyBlock     KeyForm           // how field 62 brings working keys at sign-on; "" for none
	SignOn       []Layout          // 60.3 of the sign-ons that it knows, the usual one first
	MACAlways    bool              // every message but an echo has a MAC, not only those of money
	Requires     []int             // further fields of every message with a MAC
	Codes        map[string]string // field 39 by Hawker's code where the dialect has another; one to one
	Organisation string            // the three characters before the sentence in field 63
	Words        Words             // meanings that are this dialect's own
}

// Words are meanings of values, by the part that has them: {"60.1": {"60": "QR code / 二维码"}}.
type Words map[string]map[string]string

// Protection is the name of a strategy: whose keys protect a message. The
// strategies are door/iso's and, for the software terminal, sandbox/pos's own.
type Protection string

// The strategies there are.
const (
	WorkingKeys Protection = "working-keys" // TPK, TAK and TDK of the sign-on, under the terminal's master key
	DerivedTDES Protection = "dukpt-tdes"   // of ANSI X9.24-1, by the serial number in field 53
	DerivedAES  Protection = "dukpt-aes"    // of ANSI X9.24-3, AES-128, by the serial number in field 53
)

// Derived reports whether each message has keys of its own, which its serial number names.
func (p Protection) Derived() bool { return p == DerivedTDES || p == DerivedAES }

// The fields of a dialect with derived keys.
const (
	SerialNumber    = 53 // key serial number of the message's MAC, PIN block and track
	EncipheredTrack = 57 // track 2 under the data key, in the place of field 35
)

// Terminals are the profiles that terminals speak.
func Terminals() Dialects {
	return slices.DeleteFunc(slices.Clone(profiles), func(p *Profile) bool { return p.Protection == "" })
}

// Code is field 39 as the dialect writes one of Hawker's response codes.
func (t *Terminal) Code(ours string) string {
	if theirs, ok := t.Codes[ours]; ok {
		return theirs
	}
	return ours
}

// OurCode undoes Code.
func (t *Terminal) OurCode(theirs string) string {
	for ours, code := range t.Codes {
		if code == theirs {
			return ours
		}
	}
	return theirs
}

// Knows reports whether a sign-on may ask for this layout.
func (t *Terminal) Knows(l Layout) bool { return slices.Contains(t.SignOn, l) }

// Chinese reports whether field 63 may hold Chinese: else the merchant reads English.
func (p *Profile) Chinese() bool { return p.Fields[63].Chinese }
