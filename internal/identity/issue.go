package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"time"

	"hawker/internal/store"
)

// Issue gives a terminal its certificate for a public key that its machine proved to
// have. csr is a certificate request, PEM or DER; only its key counts, the names are ours.
// ErrRequest refuses one whose signature or key will not do, ErrHeld a terminal that has
// a certificate that still holds.
func (a *Authority) Issue(ctx context.Context, t Terminal, csr []byte) (Certificate, error) {
	public, err := requested(csr)
	if err != nil {
		return Certificate{}, err
	}
	return a.issue(ctx, t, public, a.refuseHeld)
}

// Renew is Issue for a terminal that has a certificate: the earlier ones hold for seven
// more days, so that the new one can reach the machine over the old one's connection.
// ErrNotHeld when there is none to renew.
func (a *Authority) Renew(ctx context.Context, t Terminal, csr []byte) (Certificate, error) {
	public, err := requested(csr)
	if err != nil {
		return Certificate{}, err
	}
	return a.issue(ctx, t, public, a.replaceHeld)
}

// Request makes a P-256 key and a certificate request for it, for machines that cannot.
// key is PKCS #8 in DER; whoever has it speaks as the terminal.
func Request() (csr, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if key, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
		return nil, nil, err
	}
	csr, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "terminal"}}, private)
	return csr, key, err
}

// maxRequest bounds what is parsed.
const maxRequest = 16 << 10

// requested reads the public key of a request.
func requested(csr []byte) (any, error) {
	if block, _ := pem.Decode(csr); block != nil {
		csr = block.Bytes
	}
	if len(csr) > maxRequest {
		return nil, ErrRequest.With("it has %d bytes, more than %d", len(csr), maxRequest)
	}
	request, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, ErrRequest.Wrap(err)
	}
	if err := request.CheckSignature(); err != nil {
		return nil, ErrRequest.Wrap(err)
	}
	switch key := request.PublicKey.(type) {
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize < 256 {
			return nil, ErrRequest.With("its curve has %d bits, want 256", key.Curve.Params().BitSize)
		}
	case *rsa.PublicKey:
		if n := key.N.BitLen(); n < 2048 || n > 4096 {
			return nil, ErrRequest.With("its RSA key has %d bits, want 2048 to 4096", n)
		}
	case ed25519.PublicKey:
	default:
		return nil, ErrRequest.With("keys of %T are not known", key)
	}
	return request.PublicKey, nil
}

// issue signs and stores in one transaction what before allows.
func (a *Authority) issue(ctx context.Context, t Terminal, public any, before func(context.Context, *store.Tx, []Certificate) error) (Certificate, error) {
	now := a.now().UTC().Truncate(time.Second) // a certificate knows whole seconds
	c := Certificate{Terminal: t, NotBefore: now.Add(-backdate), NotAfter: now.Add(terminalLife)}
	template := &x509.Certificate{Subject: subject(t), NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := a.sign(ctx, template, public)
	if err != nil {
		return Certificate{}, fmt.Errorf("issue for terminal %s: %w", t.ID, err)
	}
	c.DER, c.Number = der, serialText(template.SerialNumber)
	err = a.db.Write(ctx, func(tx *store.Tx) error {
		if err := lockMachine(ctx, tx, t); err != nil {
			return err
		}
		held, err := ofTerminal(ctx, tx, t)
		if err != nil {
			return err
		}
		if err := before(ctx, tx, held); err != nil {
			return err
		}
		return insert(ctx, tx, c)
	})
	if err != nil {
		return Certificate{}, err
	}
	return c, nil
}

// subject names a terminal: merchant, terminal and machine, as fields 42 and 41 and the label have them.
func subject(t Terminal) pkix.Name {
	return pkix.Name{Organization: []string{t.MID}, OrganizationalUnit: []string{string(t.ID)}, CommonName: t.Serial}
}

// refuseHeld allows a first certificate, or one after all others have ended.
func (a *Authority) refuseHeld(_ context.Context, _ *store.Tx, held []Certificate) error {
	for _, c := range held {
		if c.judge(a.now()) == nil {
			return ErrHeld.With("%s holds until %s", c.Number, c.NotAfter.Format(time.DateOnly))
		}
	}
	return nil
}

// replaceHeld ends what still holds after the overlap.
func (a *Authority) replaceHeld(ctx context.Context, tx *store.Tx, held []Certificate) error {
	now, renewed := a.now(), false
	for _, c := range held {
		if c.revoked(now) {
			continue
		}
		renewed = true // an expired one too: a machine that lay in a drawer
		if end := now.Add(overlap); c.Revoked.IsZero() || end.Before(c.Revoked) {
			if _, err := revoke(ctx, tx, c.Merchant, c.Number, end, Replaced); err != nil {
				return err
			}
		}
	}
	if !renewed {
		return ErrNotHeld.With("no certificate to renew")
	}
	return nil
}
