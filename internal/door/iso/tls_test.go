package iso

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"maps"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"hawker/internal/identity"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/terminal"
)

// reasons counts why connections and messages are turned away.
type reasons struct {
	quiet
	mu    sync.Mutex
	count map[string]int
}

func (r *reasons) BadMessage(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count[why]++
}

func (r *reasons) taken() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.count)
}

// secured is a world whose door wants certificates.
type secured struct {
	*world
	*reasons
	authority *identity.Authority
	address   string
}

func secure(t *testing.T, db *store.DB, change ...func(*Config)) *secured {
	t.Helper()
	s := &secured{reasons: &reasons{count: map[string]int{}}}
	s.world = build(t, db, append(change, func(c *Config) {
		a, err := identity.Open(t.Context(), db, c.Keys, c.Clock)
		if err != nil {
			t.Fatal(err)
		}
		s.authority, c.Devices, c.Metrics = a, a, s.reasons
	}))
	l, err := tls.Listen("tcp", "127.0.0.1:0", s.authority.ServerConfig([]string{"127.0.0.1"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	s.open(l)
	return s
}

func (s *secured) plain() net.Conn {
	c, err := (&net.Dialer{}).DialContext(s.t.Context(), "tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// line is a TLS connection that shows certificates.
func (s *secured) line(version uint16, shown ...tls.Certificate) net.Conn {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.authority.PEM())
	return tls.Client(s.plain(), &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: version, MaxVersion: version, Time: s.clock,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(shown) == 0 {
				return &tls.Certificate{}, nil
			}
			return &shown[0], nil // even one that the host has not asked for
		}})
}

func (s *secured) of(d *device) identity.Terminal {
	return identity.Terminal{Merchant: d.shop.ID, MID: d.shop.MID, ID: terminal.ID(d.id), Serial: d.shop.MID + d.id}
}

// certify issues a device its certificate.
func (s *secured) certify(d *device) (tls.Certificate, identity.Certificate) {
	s.t.Helper()
	csr, der, err := identity.Request()
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := s.authority.Issue(s.t.Context(), s.of(d), csr)
	if err != nil {
		s.t.Fatal(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		s.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{c.DER}, PrivateKey: key}, c
}

func TestATerminalSellsOverTLSWithItsCertificate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := secure(t, db)
		d := w.shop().device("zh-CN")
		shown, _ := w.certify(d)
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			d.conn = w.line(version, shown)
			d.signOn("004")
			d.take(1_00)
		}
		if e := w.effect(d.shop); e != (effect{2_00, 2_00}) {
			t.Errorf("two sales of 1.00 came to %+v", e)
		}
		if n := w.taken(); len(n) > 0 {
			t.Errorf("turned away: %v", n)
		}
	})
}

func TestALineWithoutAGoodCertificateIsRefused(t *testing.T) {
	t.Parallel()
	w := secure(t, storetest.SQLite(t))
	d := w.shop().device("zh-CN")
	good, _ := w.certify(d)
	d.conn = w.line(tls.VersionTLS13, good)
	d.signOn("004")

	revoked := w.shop().device("zh-CN")
	taken, row := w.certify(revoked)
	if err := w.authority.Revoke(t.Context(), row.Merchant, row.Number, identity.Stolen); err != nil {
		t.Fatal(err)
	}
	moved := w.shop().device("zh-CN")
	former, _ := w.certify(moved)
	w.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE terminals SET serial = 'another' WHERE merchant_id = $1`, moved.shop.ID)
		return err
	})
	for _, row := range []struct {
		name, why string
		line      func(version uint16) net.Conn
	}{
		{"a terminal without a certificate", "certificate_missing", func(v uint16) net.Conn { return w.line(v) }},
		{"one with a certificate that signs itself", "certificate_foreign", func(v uint16) net.Conn { return w.line(v, selfSigned(t, w.clock())) }},
		{"one whose certificate is revoked", "certificate_revoked", func(v uint16) net.Conn { return w.line(v, taken) }},
		{"the machine that the terminal had before", "certificate_machine", func(v uint16) net.Conn { return w.line(v, former) }},
		{"one that speaks no TLS", "tls handshake", func(uint16) net.Conn { return w.plain() }},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			before := w.taken()
			c := row.line(version)
			_, err := c.Write(d.frame(d.sale(1_00)))
			if err == nil {
				if raw, err := readRaw(c); err == nil {
					t.Errorf("%s is answered %x", row.name, raw)
				}
			}
			w.until(func() bool { return w.taken()[row.why] == before[row.why]+1 }, row.name+" is not counted as "+row.why)
		}
		if !w.log.holds(`"why":"` + row.why + `"`) {
			t.Errorf("%s: no line of the log says why", row.name)
		}
	}
	if e := w.effect(d.shop); e != (effect{}) {
		t.Errorf("refused sales came to %+v", e)
	}
	d.take(1_00) // the good line still works
}

func TestACertificateThatExpiredIsRefused(t *testing.T) {
	t.Parallel()
	w := secure(t, storetest.SQLite(t))
	d := w.shop().device("zh-CN")
	shown, row := w.certify(d)
	d.conn = w.line(tls.VersionTLS13, shown)
	d.signOn("004")
	w.pass(row.NotAfter.Sub(w.clock()) + time.Second)
	if raw := d.silent(d.frame(d.sale(1_00))); raw != nil {
		t.Errorf("on an open line it is answered %x", raw)
	}
	d.conn = w.line(tls.VersionTLS13, shown)
	if raw := d.silent(d.frame(d.sale(1_00))); raw != nil {
		t.Errorf("on a new line it is answered %x", raw)
	}
	w.until(func() bool { return w.taken()["certificate_expired"] == 2 }, "both refusals are counted")
}

func TestARevocationEndsAnOpenLineAtTheNextMessage(t *testing.T) {
	t.Parallel()
	for _, remember := range []time.Duration{0, time.Hour} { // what is remembered is remembered for one second
		w := secure(t, storetest.SQLite(t), func(c *Config) { c.Remember = remember })
		d := w.shop().device("zh-CN")
		shown, row := w.certify(d)
		d.conn = w.line(tls.VersionTLS13, shown)
		d.signOn("004")
		d.take(1_00)
		if err := w.authority.Revoke(t.Context(), row.Merchant, row.Number, identity.Lost); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		if raw := d.silent(d.frame(d.sale(1_00))); raw != nil {
			t.Errorf("it is answered %x", raw)
		}
		if n := w.taken(); n["certificate_revoked"] != 1 {
			t.Errorf("turned away: %v", n)
		}
		if e := w.effect(d.shop); e != (effect{1_00, 1_00}) {
			t.Errorf("one sale of 1.00 came to %+v", e)
		}
	}
}

func TestAMessageOfAnotherTerminalIsRefusedBeforeItsMAC(t *testing.T) {
	t.Parallel()
	w := secure(t, storetest.SQLite(t))
	shop := w.shop()
	d, other := shop.device("zh-CN"), shop.device("en")
	shown, _ := w.certify(d)
	theirs, _ := w.certify(other)
	d.conn, other.conn = w.line(tls.VersionTLS12, shown), w.line(tls.VersionTLS12, theirs)
	d.signOn("004")
	other.signOn("004")
	wrong := other.frame(other.sale(1_00))
	wrong[len(wrong)-1] ^= 1 // its MAC would be A0, were it looked at
	for _, frame := range [][]byte{other.frame(other.sale(1_00)), wrong, other.frame(other.request("0800", "00", "004").set(63, "001"))} {
		a := d.exchange(frame)
		if a.code() != "58" || a.proven || a.Has(12) {
			t.Errorf("it is answered %s %s, with a MAC: %v", a.code(), a.says(), a.proven)
		}
	}
	if n := w.taken(); n["certificate_terminal"] != 3 {
		t.Errorf("turned away: %v", n)
	}
	d.take(1_00) // its own still work
	other.take(1_00)
}

// silent sends bytes and expects the line's end; what comes instead is returned.
func (d *device) silent(frame []byte) []byte {
	if _, err := d.conn.Write(frame); err != nil {
		return nil
	}
	raw, err := readRaw(d.conn)
	if err != nil {
		return nil
	}
	return raw
}

// until waits for what another goroutine is about to do.
func (w *world) until(is func() bool, what string) {
	w.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.After(10 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-late:
			w.t.Fatal("not within ten seconds: " + what)
		}
	}
}

// holds reports whether a text was logged.
func (j *journal) holds(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.text.String(), text)
}

// selfSigned is a certificate as an impostor makes it.
func selfSigned(t *testing.T, now time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		Subject: pkix.Name{CommonName: "Hawker terminals", Organization: []string{"Hawker"}}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
