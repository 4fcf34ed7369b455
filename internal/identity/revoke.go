package identity

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/store"
)

// Revoke takes a certificate back at once. A second revocation changes nothing, but one
// that lay ahead is brought forward. ErrNotHeld when there is no such certificate,
// ErrReason when reason is none of this package's.
func (a *Authority) Revoke(ctx context.Context, m merchant.ID, number string, reason Reason) error {
	if _, ok := reasonCodes[reason]; !ok {
		return ErrReason.With("%.40q", string(reason))
	}
	return a.db.Write(ctx, func(tx *store.Tx) error {
		c, err := byNumber(ctx, tx, m, number)
		if err != nil {
			return err
		}
		now := a.now()
		if c.revoked(now) {
			return nil
		}
		_, err = revoke(ctx, tx, m, number, now, reason)
		return err
	})
}

// RevokeTerminal is Revoke for every certificate of a terminal, within the caller's
// transaction; it reports how many it ended.
func (a *Authority) RevokeTerminal(ctx context.Context, tx *store.Tx, t Terminal, reason Reason) (ended int, err error) {
	if _, ok := reasonCodes[reason]; !ok {
		return 0, ErrReason.With("%.40q", string(reason))
	}
	held, err := ofTerminal(ctx, tx, t)
	if err != nil {
		return 0, err
	}
	now := a.now()
	for _, c := range held {
		if c.revoked(now) {
			continue
		}
		if _, err := revoke(ctx, tx, c.Merchant, c.Number, now, reason); err != nil {
			return ended, err
		}
		ended++
	}
	return ended, nil
}

// crlLife is how long a revocation list is to be taken for current.
const crlLife = 24 * time.Hour

// CRL is the list of what is revoked and has not expired, RFC 5280, in PEM: for whoever
// ends TLS in front of Hawker. Hawker itself asks its database.
func (a *Authority) CRL(ctx context.Context) ([]byte, error) {
	list, err := a.List(ctx)
	if err != nil {
		return nil, err
	}
	key, err := a.key(ctx)
	if err != nil {
		return nil, err
	}
	now := a.now()
	template := &x509.RevocationList{Number: big.NewInt(now.UnixMicro()), ThisUpdate: now, NextUpdate: now.Add(crlLife)}
	for _, c := range list {
		n, ok := new(big.Int).SetString(c.Number, 16)
		if ok && c.revoked(now) && !now.After(c.NotAfter) {
			template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
				x509.RevocationListEntry{SerialNumber: n, RevocationTime: c.Revoked, ReasonCode: reasonCodes[c.Reason]})
		}
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, a.cert, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), nil
}
