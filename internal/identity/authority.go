package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"

	"hawker/internal/clock"
	"hawker/internal/keys"
	"hawker/internal/store"
)

// How long certificates hold. A terminal is renewed in its yearly maintenance, with a year to spare.
const (
	authorityLife = 20 * 365 * 24 * time.Hour
	terminalLife  = 2 * 365 * 24 * time.Hour
	hostLife      = 365 * 24 * time.Hour
	overlap       = 7 * 24 * time.Hour // a renewed certificate holds on: the new one must first reach the machine
	backdate      = time.Hour          // machines' clocks are late
)

// Authority issues and judges certificates. Its key is ECDSA P-256, which TLS 1.2 machines
// know; it lies sealed in the database and is opened for each signature only. Any number
// of goroutines and processes may share it.
type Authority struct {
	db   *store.DB
	keys *keys.Keystore
	now  clock.Clock
	cert *x509.Certificate
}

// authorityName is the row of the one authority there is.
const authorityName = "terminals"

// Open reads the authority of a database, and makes it at first use; of several
// processes one wins, and all get the winner's.
func Open(ctx context.Context, db *store.DB, ks *keys.Keystore, now clock.Clock) (*Authority, error) {
	a := &Authority{db: db, keys: ks, now: now}
	err := a.load(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		if err = a.found(ctx); err == nil {
			err = a.load(ctx)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the terminals' authority: %w", err)
	}
	return a, nil
}

func (a *Authority) load(ctx context.Context) error {
	var der []byte
	if err := a.db.Read().QueryRow(ctx, `SELECT certificate FROM device_authorities WHERE name = $1`, authorityName).Scan(&der); err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	a.cert = cert
	return err
}

// found makes the authority's key and certificate, unless another process was faster.
func (a *Authority) found(ctx context.Context) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := a.now()
	template := &x509.Certificate{SerialNumber: serialNumber(), Subject: pkix.Name{CommonName: "Hawker terminals", Organization: []string{"Hawker"}},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(authorityLife), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	defer clear(plain)
	sealed, err := a.keys.Seal(ctx, plain, bound(der))
	if err != nil {
		return err
	}
	return a.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO device_authorities (name, certificate, sealed, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING`,
			authorityName, der, sealed, store.At(now))
		return err
	})
}

// bound ties the sealed key to its certificate.
func bound(der []byte) []byte { return fmt.Appendf(nil, "hawker device authority|%x", der) }

// PEM is the authority's certificate, which terminals trust. It is no secret.
func (a *Authority) PEM() []byte { return certificatePEM(a.cert.Raw) }

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// key opens the authority's private key, for one signature.
func (a *Authority) key(ctx context.Context) (*ecdsa.PrivateKey, error) {
	var sealed []byte
	if err := a.db.Read().QueryRow(ctx, `SELECT sealed FROM device_authorities WHERE name = $1`, authorityName).Scan(&sealed); err != nil {
		return nil, fmt.Errorf("read the authority's key: %w", err)
	}
	plain, err := a.keys.OpenSealed(ctx, sealed, bound(a.cert.Raw))
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	parsed, err := x509.ParsePKCS8PrivateKey(plain)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, keys.ErrCorrupt.With("the authority's key cannot be read")
	}
	return key, nil
}

// sign makes a certificate of template for a public key.
func (a *Authority) sign(ctx context.Context, template *x509.Certificate, public any) ([]byte, error) {
	key, err := a.key(ctx)
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serialNumber()
	template.BasicConstraintsValid = true
	return x509.CreateCertificate(rand.Reader, template, a.cert, public, key)
}

// serialNumber draws 127 bits, above zero: RFC 5280, 4.1.2.2 wants a positive number of at most 20 bytes.
func serialNumber() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b)
}

func serialText(n *big.Int) string { return fmt.Sprintf("%032X", n) }

// hostCertificate makes a certificate for the terminal port with a fresh key, for the
// names and addresses under which terminals know it.
func (a *Authority) hostCertificate(ctx context.Context, hosts []string) (der []byte, key *ecdsa.PrivateKey, err error) {
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, nil, err
	}
	now := a.now()
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "Hawker terminal port"}, NotBefore: now.Add(-backdate), NotAfter: now.Add(hostLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if h != "" {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	der, err = a.sign(ctx, template, &key.PublicKey)
	return der, key, err
}
