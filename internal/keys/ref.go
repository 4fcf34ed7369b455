package keys

import (
	"slices"
	"strings"
)

// Purpose says what a key may do, and by that what it may not: nothing else.
type Purpose string

// The purposes of keys that are injected, exchanged or generated for partners.
const (
	PurposeTMK Purpose = "tmk" // terminal master key: wraps a terminal's working keys
	PurposeTPK Purpose = "tpk" // terminal PIN key
	PurposeTAK Purpose = "tak" // terminal authentication key
	PurposeTDK Purpose = "tdk" // terminal data key: tracks
	PurposeZMK Purpose = "zmk" // zone master key: wraps a network's keys
	PurposeZPK Purpose = "zpk" // zone PIN key
	PurposeZAK Purpose = "zak" // zone authentication key

	PurposeBDK    Purpose = "bdk"     // base derivation key of readers with triple DES (X9.24-1)
	PurposeAESBDK Purpose = "bdk-aes" // of readers with AES-128 (X9.24-3)

	PurposeKBPK     Purpose = "kbpk"      // key block protection key, AES: protects key blocks of version D
	PurposeTDESKBPK Purpose = "kbpk-tdes" // key block protection key, triple DES: version B; A and C are read
)

// sizes holds the lengths in bytes that each purpose accepts. Only message
// authentication may be single DES, as sign-on layouts prescribe.
var sizes = map[Purpose][]int{
	PurposeTMK: {16, 24}, PurposeTPK: {16, 24}, PurposeTDK: {16, 24}, PurposeTAK: {8, 16, 24},
	PurposeZMK: {16, 24}, PurposeZPK: {16, 24}, PurposeZAK: {8, 16, 24},
	PurposeBDK: {16}, PurposeAESBDK: {16}, PurposeKBPK: {16, 24, 32}, PurposeTDESKBPK: {16, 24},
}

// algorithm is what keys of the ref compute with; our own keys are Data.
func (r Ref) algorithm() Algorithm {
	switch p := r.Purpose(); {
	case p == PurposeKBPK || p == PurposeAESBDK:
		return AES
	case sizes[p] != nil:
		return DES
	}
	return Data
}

// Ref names a key: its purpose, a slash, and its owner, as in
// "tpk/48270000001/T0000001" or "zpk/cup". It is no secret.
type Ref string

// TMK refers to the master key of a terminal, which is named by its merchant
// and its own identifier: "48270000001/T0000001".
func TMK(terminal string) Ref { return refer(PurposeTMK, terminal) }

// TPK refers to a terminal's PIN key.
func TPK(terminal string) Ref { return refer(PurposeTPK, terminal) }

// TAK refers to a terminal's authentication key.
func TAK(terminal string) Ref { return refer(PurposeTAK, terminal) }

// TDK refers to a terminal's data key.
func TDK(terminal string) Ref { return refer(PurposeTDK, terminal) }

// ZMK refers to the zone master key that is shared with a network.
func ZMK(network string) Ref { return refer(PurposeZMK, network) }

// ZPK refers to the PIN key that is shared with a network.
func ZPK(network string) Ref { return refer(PurposeZPK, network) }

// ZAK refers to the authentication key that is shared with a network.
func ZAK(network string) Ref { return refer(PurposeZAK, network) }

// BDK refers to the base derivation key of a key set, named by the first five
// bytes of its serial numbers in hexadecimal.
func BDK(keySet string) Ref { return refer(PurposeBDK, keySet) }

// AESBDK refers to the base derivation key of a key set with AES, named by the first four bytes.
func AESBDK(keySet string) Ref { return refer(PurposeAESBDK, keySet) }

// KBPK refers to the AES key that protects key blocks exchanged with a partner.
func KBPK(partner string) Ref { return refer(PurposeKBPK, partner) }

// TDESKBPK refers to the triple DES key that protects key blocks exchanged with a partner.
func TDESKBPK(partner string) Ref { return refer(PurposeTDESKBPK, partner) }

// Working is the keys that a terminal gets at sign-on.
func Working(terminal string) []Ref { return []Ref{TPK(terminal), TAK(terminal), TDK(terminal)} }

// Terminal is all keys a terminal may have, for Destroy.
func Terminal(terminal string) []Ref {
	return []Ref{TMK(terminal), TPK(terminal), TAK(terminal), TDK(terminal)}
}

func refer(p Purpose, owner string) Ref { return Ref(string(p) + "/" + owner) }

// ParseRef reads a Ref of a known purpose, whose owner has 1 to 64 visible ASCII characters.
func ParseRef(s string) (Ref, error) {
	r := Ref(s)
	invisible := func(c rune) bool { return c <= ' ' || c > '~' }
	if owner := r.Owner(); sizes[r.Purpose()] == nil || owner == "" || len(owner) > 64 || strings.ContainsFunc(owner, invisible) {
		return "", ErrPurpose.With("%.80q names no key", s)
	}
	return r, nil
}

// Purpose is what stands before the first slash.
func (r Ref) Purpose() Purpose {
	p, _, _ := strings.Cut(string(r), "/")
	return Purpose(p)
}

// Owner is what stands behind the first slash.
func (r Ref) Owner() string {
	_, owner, _ := strings.Cut(string(r), "/")
	return owner
}

// must refuses a Ref of any other purpose.
func (r Ref) must(purposes ...Purpose) error {
	if _, err := ParseRef(string(r)); err != nil {
		return err
	}
	if !slices.Contains(purposes, r.Purpose()) {
		return ErrPurpose.With("%s is not for this: want %v", r, purposes)
	}
	return nil
}
