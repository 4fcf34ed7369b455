package iso

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"hawker/internal/store/storetest"
)

func TestATerminalSellsOverTLS(t *testing.T) {
	t.Parallel()
	certificate, roots := certify(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	w := build(t, storetest.SQLite(t), nil)
	w.open(l)
	plain := func() net.Conn {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	w.dial = func() net.Conn {
		return tls.Client(plain(), &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12})
	}
	d := w.device("zh-CN")
	d.take(1_00)

	w.dial = plain
	if raw := d.lonely(d.frame(d.sale(1_00))); raw != nil && raw[0] != 0x15 { // no more than a TLS alert
		t.Errorf("without TLS it is answered %x", raw)
	}
	d.take(1_00)
	if e := w.effect(d.shop); e != (effect{2_00, 2_00}) {
		t.Errorf("two sales of 1.00 came to %+v", e)
	}
}

// certify makes a certificate for loopback that signs itself.
func certify(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
