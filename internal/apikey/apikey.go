// Package apikey knows the keys by which merchants' programs prove themselves: what each
// may do, whether it is for tests, when it was last used, rotated or revoked. Of a key it
// keeps a hash only: whoever reads the database can use none. It knows no requests.
package apikey

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"math/big"
	"strconv"
	"strings"
	"time"

	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/merchant"
)

// Refusals.
var (
	ErrKey     = fault.New(fault.Anonymous, "key_invalid", "API 密钥无效、已过期或已撤销。", "The API key is wrong, has expired or was revoked.")
	ErrMode    = fault.New(fault.Forbidden, "key_mode", "测试密钥只能用于沙箱，正式密钥只能用于正式环境。", "A test key works in the sandbox only, and a live key where money is real.")
	ErrUnknown = fault.New(fault.NotFound, "key_unknown", "没有这个 API 密钥。", "There is no such API key.")
	ErrState   = fault.New(fault.Conflict, "key_ended", "这个密钥已撤销或已被替换。", "This key was revoked or replaced already.")
	ErrInput   = fault.New(fault.Invalid, "key_input", "密钥的名称、权限或期限不合规。", "The key's name, scopes or time are not allowed.")
	ErrMany    = fault.New(fault.Conflict, "keys_too_many", "密钥太多，请先撤销不用的。", "There are too many keys. Revoke those that are not used.")
)

// Mode says where a key works.
type Mode string

// The modes.
const (
	Live Mode = "live" // where money is real
	Test Mode = "test" // where the networks are simulated
)

// Key is one key, without what proves it.
type Key struct {
	Merchant merchant.ID
	ID       int64
	Mode     Mode
	Name     string // what its program is called, 1 to 64 characters
	Scopes   []auth.Scope
	By       string // who made it
	Created  time.Time
	Expires  time.Time // zero: never
	Revoked  time.Time // zero: not
	Next     int64     // the key that replaces it; 0 for none
	Used     time.Time // zero: never; exact to a minute
	From     string    // the address of its last use

	digest []byte
	first  int64 // of its line; 0: it is the first
}

// Line names a program through all keys that replace one another: a request that is
// repeated with the next key is still the same program's.
func (k Key) Line() string { return strconv.FormatInt(k.line(), 36) }

func (k Key) line() int64 { return cmp.Or(k.first, k.ID) }

// State is what became of a key at an instant: "active", "rotating" while its successor is
// there and it holds still, "expired" or "revoked".
func (k Key) State(at time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case !k.Expires.IsZero() && !at.Before(k.Expires):
		return "expired"
	case k.Next != 0:
		return "rotating"
	}
	return "active"
}

// Holds reports whether the key opens anything at an instant.
func (k Key) Holds(at time.Time) bool {
	s := k.State(at)
	return s == "active" || s == "rotating"
}

// Label is how a key is shown: enough to find it, too little to use it.
func (k Key) Label() string { return label(k.Mode, k.Merchant, k.ID) + "…" }

// Who is the key as the party that asks.
func (k Key) Who(from string) auth.Who {
	return auth.Who{Kind: auth.Key, ID: k.ID, Merchant: k.Merchant, Scopes: k.Scopes, Name: k.Name, From: from}
}

// Secret is a whole key, as its program sends it. It prints as its label.
type Secret struct{ text string }

// Reveal gives the text; it is shown once, to whoever asked for the key.
func (s Secret) Reveal() string { return s.text }

// String hides what proves the key.
func (s Secret) String() string {
	if i := strings.LastIndexByte(s.text, '_'); i > 0 {
		return s.text[:i+1] + "…"
	}
	return "…"
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides what proves the key too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

const (
	secretSize = 32 // characters of 62: 190 bits
	sumSize    = 6  // characters of a checksum, so that a scanner tells a key from chance, and a typing error costs no query
	alphabet   = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// label is what a key begins with: its mode, its merchant and its number.
func label(mode Mode, m merchant.ID, id int64) string {
	return fmt.Sprintf("hk_%s_%s_%s_", mode, strconv.FormatInt(int64(m), 36), strconv.FormatInt(id, 36))
}

func newSecret(mode Mode, m merchant.ID, id int64) (Secret, error) {
	var b strings.Builder
	b.WriteString(label(mode, m, id))
	for range secretSize {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			return Secret{}, err
		}
		b.WriteByte(alphabet[n.Int64()])
	}
	return Secret{b.String() + checksum(b.String())}, nil
}

func checksum(s string) string {
	n := crc32.ChecksumIEEE([]byte(s))
	var out [sumSize]byte
	for i := range out {
		out[sumSize-1-i] = alphabet[n%62]
		n /= 62
	}
	return string(out[:])
}

// longest is more than any key has.
const longest = 128

// parse reads which key a text claims to be. Nothing is proved by it.
func parse(text string) (mode Mode, m merchant.ID, id int64, err error) {
	parts := strings.Split(text, "_")
	if len(text) > longest || len(parts) != 5 || parts[0] != "hk" || len(parts[4]) != secretSize+sumSize {
		return "", 0, 0, ErrKey.With("it is not written like a key")
	}
	if body := text[:len(text)-sumSize]; checksum(body) != text[len(body):] {
		return "", 0, 0, ErrKey.With("its checksum is wrong")
	}
	mode = Mode(parts[1])
	number, err1 := strconv.ParseInt(parts[2], 36, 64)
	id, err2 := strconv.ParseInt(parts[3], 36, 64)
	if err1 != nil || err2 != nil || number <= 0 || id <= 0 || (mode != Live && mode != Test) {
		return "", 0, 0, ErrKey.With("it is not written like a key")
	}
	return mode, merchant.ID(number), id, nil
}

func digest(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

type contextKey struct{}

// With puts the key that asks into a context.
func With(ctx context.Context, k Key) context.Context { return context.WithValue(ctx, contextKey{}, k) }

// From gives the key that asks; false when none does.
func From(ctx context.Context) (Key, bool) {
	k, ok := ctx.Value(contextKey{}).(Key)
	return k, ok
}

// ParseLabel reads the number of a key from its label, as lists show it, with or without its end.
func ParseLabel(s string) (int64, error) {
	parts := strings.Split(strings.TrimSuffix(strings.TrimSuffix(s, "…"), "_"), "_")
	if len(parts) < 4 || len(s) > longest || parts[0] != "hk" {
		return 0, ErrUnknown.With("a key is named like hk_test_1_abc")
	}
	id, err := strconv.ParseInt(parts[3], 36, 64)
	if err != nil || id <= 0 {
		return 0, ErrUnknown.With("a key is named like hk_test_1_abc")
	}
	return id, nil
}
