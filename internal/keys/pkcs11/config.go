// Package pkcs11 is a module of the keystore in a hardware security module behind
// PKCS#11: the master key is made there and never leaves; other keys lie wrapped in
// the database and are unwrapped within the module when they are used. It is in
// builds with cgo and the tag pkcs11 only. It refuses to know what a key is for.
//
// PKCS#11 has no mechanism for a PIN block, a key block or DUKPT, so these are
// clear in this process for the time of one call: a PIN block while it is
// translated, a working key while it is made at sign-on, a key while it is
// injected, imported or exported, and a base derivation key while a transaction's
// key is derived from it. The keys that do the other work are not.
package pkcs11

// Config says which token holds the master key.
type Config struct {
	Library  string // path of the maker's PKCS#11 library
	Token    string // the token's label
	PINFile  string // file with the user PIN on one line, which nobody but its owner may read
	Sessions int    // calls to the module at once; 8 when 0
}
