// Package identity proves which machine speaks: a certificate authority of our own
// issues each terminal a certificate for one merchant, one terminal and one machine,
// takes it back, and judges what a connection shows. It holds no keys of payments and
// does not know what is said on a connection.
package identity

import (
	"crypto/x509"
	"time"

	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/terminal"
)

// Refusals. Their names are the reasons that logs and metrics give.
var (
	ErrNone    = fault.New(fault.Declined, "certificate_missing", "终端没有出示证书，不能连接。", "The terminal showed no certificate and may not connect.")
	ErrForeign = fault.New(fault.Declined, "certificate_foreign", "终端证书不是本系统签发的。", "The terminal's certificate was not issued by this system.")
	ErrExpired = fault.New(fault.Declined, "certificate_expired", "终端证书不在有效期内，请联系客服更换。", "The terminal's certificate is not valid at this time. Please call support.")
	ErrRevoked = fault.New(fault.Declined, "certificate_revoked", "终端证书已吊销。", "The terminal's certificate has been revoked.")
	ErrMachine = fault.New(fault.Declined, "certificate_machine", "证书属于另一台机器。", "The certificate belongs to another machine.")
	ErrOther   = fault.New(fault.Declined, "certificate_terminal", "证书不属于这个终端号。", "The certificate belongs to another terminal.")
	ErrHeld    = fault.New(fault.Conflict, "certificate_held", "这台终端已有有效证书，请用换发或先吊销。", "This terminal has a valid certificate already: renew it, or revoke it first.")
	ErrNotHeld = fault.New(fault.NotFound, "certificate_not_found", "没有这张证书。", "There is no such certificate.")
	ErrRequest = fault.New(fault.Invalid, "certificate_request", "证书申请不合格。", "The certificate request is not acceptable.")
	ErrReason  = fault.New(fault.Invalid, "certificate_reason", "吊销原因不对。", "That is no reason to revoke a certificate.")
)

// Reason is why a certificate was taken back; "" for one that was not.
type Reason string

// The reasons. A Replaced certificate was renewed.
const (
	Lost     Reason = "lost"
	Stolen   Reason = "stolen"
	Tampered Reason = "tampered"
	Replaced Reason = "replaced"
	Retired  Reason = "retired"
)

// reasonCodes are the reason codes of RFC 5280, 5.3.1: whoever has a machine that was lost or
// opened may have its key (1); 4 is superseded, 5 cessation of operation.
var reasonCodes = map[Reason]int{Lost: 1, Stolen: 1, Tampered: 1, Replaced: 4, Retired: 5}

// Terminal is whom a certificate speaks for.
type Terminal struct {
	Merchant merchant.ID
	MID      string      // field 42
	ID       terminal.ID // field 41
	Serial   string      // of the machine
}

// Certificate is one certificate as the authority remembers it.
type Certificate struct {
	Terminal            // MID is empty in a list
	Number    string    // the certificate's own number, hexadecimal, 32 digits
	NotBefore time.Time // UTC
	NotAfter  time.Time // the last instant at which it holds, UTC
	Revoked   time.Time // zero when it is not; it may lie ahead, after a renewal
	Reason    Reason
	DER       []byte
}

// PEM is the certificate as a file. It is no secret.
func (c Certificate) PEM() []byte { return certificatePEM(c.DER) }

// State is how a certificate stands at an instant: valid, expired, or why it was revoked.
func (c Certificate) State(at time.Time) string {
	switch {
	case c.revoked(at):
		return string(c.Reason)
	case at.Before(c.NotBefore) || at.After(c.NotAfter):
		return "expired"
	}
	return "valid"
}

func (c Certificate) revoked(at time.Time) bool { return !c.Revoked.IsZero() && !at.Before(c.Revoked) }

// judge refuses a certificate that does not hold at an instant.
func (c Certificate) judge(at time.Time) error {
	switch {
	case c.revoked(at):
		return ErrRevoked.With("%s since %s: %s", c.Number, c.Revoked.Format(time.RFC3339), c.Reason)
	case at.Before(c.NotBefore) || at.After(c.NotAfter):
		return ErrExpired.With("%s holds from %s to %s", c.Number, c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// number is the certificate's own number as text, the key of its row.
func number(c *x509.Certificate) string { return serialText(c.SerialNumber) }
