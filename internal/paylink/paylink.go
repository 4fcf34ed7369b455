// Package paylink makes and reads Hawker's own merchant codes: signed links to
// the checkout page, printed on a static plate or shown for one payment. A link
// says whom it pays, and nobody without the keystore can alter payee, amount,
// payment, expiry or where it leads. It refuses to know pages, pictures and payments' states.
package paylink

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
)

// What a link is refused for.
var (
	// ErrNotOurs: the text is no link of this kind.
	ErrNotOurs = fault.New(fault.NotFound, "link_unknown", "这不是本机构的收款码。", "This is not a code of ours.")
	// ErrForged: it looks like one, but we did not sign it as it is, or not for that address.
	ErrForged = fault.New(fault.Invalid, "link_forged", "这个收款码被改动过或不是本机构签发的，请不要付款。", "This code was altered or not signed by us. Please do not pay.")
	// ErrExpired: its time is over.
	ErrExpired = fault.New(fault.Declined, "link_expired", "这个收款码已过期，请商户重新出码。", "This code has expired. Please ask the merchant for a new one.")
	// ErrLimit: a static code takes no more from this customer today.
	ErrLimit = fault.New(fault.Declined, "static_code_limit", "静态收款码每位客人每日限额已满，请商户出示动态码。",
		"A static code takes no more from you today. Please ask the merchant for a dynamic code.")
	// ErrContent: a code with such content is not made.
	ErrContent = fault.New(fault.Invalid, "link_content", "收款码内容不完整或不合规。", "The code's content is incomplete or not allowed.")
)

// Kind tells a plate from a code for one payment.
type Kind byte

// The kinds, with the numbers of EMVCo's point of initiation.
const (
	Static  Kind = 11
	Dynamic Kind = 12
)

// Code is what a link says.
type Code struct {
	Kind     Kind
	Merchant merchant.ID
	Payee    string // whom it pays, in the payer's words: 1 to 120 bytes of UTF-8
	Plate    int64  // Static: the merchant's number of the plate, from 1, so that one that is lost can be told apart

	Amount  money.Amount // Dynamic, as the next two: positive
	Payment int64        // the payment, or the order's number, from 1
	Expires time.Time    // exclusive, whole seconds, UTC
}

// Voucher vouches for data, as the keystore does.
type Voucher interface {
	Vouch(ctx context.Context, use string, data []byte) ([]byte, error)
}

const (
	// use is what the keystore's key is used for here.
	use = "payment link v1"
	// path stands between the checkout's address and the token.
	path = "/c/"
	// tagSize is how many bytes of HMAC-SHA-256 a link carries: 128 bits, so that
	// the symbol stays small enough for a plate. NIST SP 800-107 allows it.
	tagSize = 16
	// maxToken bounds the token's characters; the longest payee and the largest numbers need 230.
	maxToken = 240
	// maxPayee is the longest payee, in bytes: 40 Chinese characters.
	maxPayee = 120
)

// ParseBase checks the checkout's address, "https://pay.example", and gives it in
// the one form that is signed: https, a host in small letters, perhaps a path, and
// nothing behind it. http is for this machine only, to try things.
func ParseBase(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(text, "?#") {
		return "", ErrContent.With("the checkout's address must be https://host or https://host/path")
	}
	ip, _ := netip.ParseAddr(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || !ip.IsLoopback() && u.Hostname() != "localhost") {
		return "", ErrContent.With("the checkout's address must begin with https://")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// Make signs c and returns its link below base, an address that ParseBase accepts.
func Make(ctx context.Context, v Voucher, base string, c Code) (string, error) {
	base, err := ParseBase(base)
	if err != nil {
		return "", err
	}
	if err := c.check(); err != nil {
		return "", err
	}
	content := c.pack()
	tag, err := sign(ctx, v, base, content)
	if err != nil {
		return "", fmt.Errorf("sign payment link: %w", err)
	}
	return base + path + base64.RawURLEncoding.EncodeToString(append(content, tag...)), nil
}

// sign covers where the link leads as well: our token on another's address is a forgery.
func sign(ctx context.Context, v Voucher, base string, content []byte) ([]byte, error) {
	tag, err := v.Vouch(ctx, use, slices.Concat([]byte(base), []byte{0}, content)) // an address has no zero byte
	if err != nil {
		return nil, err
	}
	return tag[:tagSize], nil
}

// Read checks a whole link and gives what it says. The signature is judged before
// the content, the content before the expiry; an expired code comes back beside
// ErrExpired, so that a page can name the payee.
func Read(ctx context.Context, v Voucher, link string, now time.Time) (Code, error) {
	base, content, tag, ok := split(link)
	if !ok {
		return Code{}, ErrNotOurs
	}
	want, err := sign(ctx, v, base, content)
	if err != nil {
		return Code{}, fmt.Errorf("check payment link: %w", err)
	}
	if !hmac.Equal(tag, want) {
		return Code{}, ErrForged
	}
	c, err := unpack(content)
	if err != nil {
		return Code{}, ErrNotOurs.Wrap(err) // of an edition that this one does not know
	}
	if c.Kind == Dynamic && !now.Before(c.Expires) {
		return c, ErrExpired
	}
	return c, nil
}

// Is reports whether text has the form of a link, whoever signed it.
func Is(text string) bool {
	_, _, _, ok := split(text)
	return ok
}

// split takes a link apart into where it leads, what it says and the signature.
func split(link string) (base string, content, tag []byte, ok bool) {
	at := strings.LastIndex(link, path)
	if at < 0 {
		return "", nil, nil, false
	}
	base, err := ParseBase(link[:at])
	token := link[at+len(path):]
	if err != nil || len(token) > maxToken || strings.ContainsAny(token, "\r\n") { // the decoder skips line breaks
		return "", nil, nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= tagSize {
		return "", nil, nil, false
	}
	return base, raw[:len(raw)-tagSize], raw[len(raw)-tagSize:], true
}

// check refuses what Read would not give back as it is.
func (c Code) check() error {
	switch n := len(c.Payee); {
	case c.Merchant <= 0:
		return ErrContent.With("a merchant is needed")
	case n < 1 || n > maxPayee || !utf8.ValidString(c.Payee) || strings.TrimSpace(c.Payee) != c.Payee || strings.ContainsFunc(c.Payee, unseen):
		return ErrContent.With("a payee of 1 to %d bytes of visible characters is needed", maxPayee)
	case c.Kind == Static && (c.Plate <= 0 || c.Amount != money.Amount{} || c.Payment != 0 || !c.Expires.IsZero()):
		return ErrContent.With("a static code has a plate's number, and no amount, payment or expiry")
	case c.Kind == Dynamic && (c.Plate != 0 || c.Amount.Sign() <= 0 || !c.Amount.Currency().Known() || c.Payment <= 0):
		return ErrContent.With("a dynamic code has a positive amount and a payment, and no plate")
	case c.Kind == Dynamic && (c.Expires.Unix() <= 0 || !c.Expires.Equal(time.Unix(c.Expires.Unix(), 0))):
		return ErrContent.With("a dynamic code expires at a whole second after 1970")
	case c.Kind != Static && c.Kind != Dynamic:
		return ErrContent.With("kind %d", c.Kind)
	}
	return nil
}

// unseen are the characters by which one payee could be made to look like another.
func unseen(r rune) bool { return !unicode.IsPrint(r) }
