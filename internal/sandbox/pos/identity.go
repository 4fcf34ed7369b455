package pos

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
)

// Identity is how a terminal proves itself on TLS, and whom it believes: it lies in
// the terminal's memory, where a real machine keeps its key in a secure element.
type Identity struct {
	CA          string   `json:"ca"`             // PEM: who may have issued the host's certificate
	Certificate string   `json:"certificate"`    // PEM, for this merchant, terminal and machine
	Key         hexBytes `json:"key"`            // of the certificate, PKCS #8
	Name        string   `json:"name,omitempty"` // the host's name, when it is not the address's
}

// config is TLS with the identity. Its errors hold no key.
func (i *Identity) config() (*tls.Config, error) {
	config := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: i.Name, MinVersion: tls.VersionTLS12}
	if !config.RootCAs.AppendCertsFromPEM([]byte(i.CA)) {
		return nil, errors.New("the identity names no authority")
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: i.Key})
	defer clear(key)
	pair, err := tls.X509KeyPair([]byte(i.Certificate), key)
	if err != nil {
		return nil, errors.New("the identity's certificate and key are no pair") // the cause might quote the key
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// Certify loads a certificate, the first or a renewed one, which is used from the next
// connection on. One that cannot be used is refused, and the former stays.
func (t *Terminal) Certify(i Identity) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == nil {
		return ErrClosed
	}
	config, err := i.config()
	if err != nil {
		return ErrIdentity.because(err)
	}
	if err := t.commit(func(s *state) { s.Identity = &i }); err != nil {
		return err
	}
	if !t.options.Plain && t.state.TLS == nil {
		t.options.TLS = config
	}
	return nil
}

// Line is the TLS of the terminal whose memory lies at path; nil when it speaks plain TCP.
func Line(path string) (*tls.Config, error) {
	s, err := load(path)
	if err != nil {
		return nil, err
	}
	return s.line()
}

// line is the TLS that a terminal's memory asks for; nil is plain TCP. Files come before the identity.
func (s *state) line() (*tls.Config, error) {
	switch {
	case s.TLS != nil:
		return s.TLS.config()
	case s.Identity != nil:
		return s.Identity.config()
	}
	return nil, nil
}
