package identity

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"sync"
	"time"

	"hawker/internal/merchant"
	"hawker/internal/terminal"
)

// Judge says for whom a certificate speaks now, or refuses it: ErrForeign when we did not
// issue it (a self-signed one too), ErrExpired, ErrRevoked, and ErrMachine when the
// terminal has another machine since. nil is ErrNone.
func (a *Authority) Judge(ctx context.Context, cert *x509.Certificate) (Terminal, error) {
	if cert == nil {
		return Terminal{}, ErrNone
	}
	if err := cert.CheckSignatureFrom(a.cert); err != nil {
		return Terminal{}, ErrForeign.Wrap(err)
	}
	if !slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageClientAuth) || len(cert.Subject.Organization) != 1 || len(cert.Subject.OrganizationalUnit) != 1 {
		return Terminal{}, ErrForeign.With("it is no terminal's")
	}
	mid, tid := cert.Subject.Organization[0], terminal.ID(cert.Subject.OrganizationalUnit[0])
	m, err := merchant.ByMID(ctx, a.db.Read(), mid)
	if err != nil {
		return Terminal{}, err
	}
	c, err := byNumber(ctx, a.db.Read(), m.ID, number(cert))
	if err != nil {
		return Terminal{}, err
	}
	if !bytes.Equal(c.DER, cert.Raw) || c.ID != tid {
		return Terminal{}, ErrForeign.With("%s is not the certificate of that number", c.Number)
	}
	if err := c.judge(a.now()); err != nil {
		return Terminal{}, err
	}
	t, err := terminal.ByID(ctx, a.db.Read(), m.ID, c.ID)
	if err != nil {
		return Terminal{}, err
	}
	if t.Serial != c.Serial {
		return Terminal{}, ErrMachine.With("terminal %s has machine %s, not %s", c.ID, t.Serial, c.Serial)
	}
	c.MID = mid
	return c.Terminal, nil
}

// handshakeTime bounds the database's part in a handshake.
const handshakeTime = 5 * time.Second

// ServerConfig is TLS 1.2 or 1.3 for the terminal port, with the authority's own certificate
// for hosts: names and addresses under which terminals know the port. A connection whose
// certificate Judge refuses fails with that refusal. own is shown instead of the
// authority's certificate when there is one.
func (a *Authority) ServerConfig(hosts []string, own *tls.Certificate) *tls.Config {
	h := &host{authority: a, hosts: hosts, current: own, given: own != nil}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		ClientAuth:     tls.RequestClientCert, // what is missing is refused below, with our reason
		ClientCAs:      a.pool(),              // named to the terminal, so that it chooses the right one
		GetCertificate: h.certificate,
		VerifyConnection: func(s tls.ConnectionState) error {
			ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
			defer cancel()
			_, err := a.Judge(ctx, Peer(s))
			return err
		},
	}
}

// Peer is the certificate that the other side of a connection showed; nil when it showed none.
func Peer(s tls.ConnectionState) *x509.Certificate {
	if len(s.PeerCertificates) == 0 {
		return nil
	}
	return s.PeerCertificates[0]
}

func (a *Authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// host keeps the terminal port's certificate, and makes a new one before it expires: a
// server may run for longer than a certificate holds.
type host struct {
	authority *Authority
	hosts     []string

	mu      sync.Mutex
	current *tls.Certificate
	given   bool // the operator's own, which is the operator's to renew
}

// renewBefore is when the port's certificate is replaced.
const renewBefore = 30 * 24 * time.Hour

func (h *host) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.given || h.current != nil && h.authority.now().Before(h.current.Leaf.NotAfter.Add(-renewBefore)) {
		return h.current, nil
	}
	der, key, err := h.authority.hostCertificate(hello.Context(), h.hosts)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	h.current = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	return h.current, nil
}
