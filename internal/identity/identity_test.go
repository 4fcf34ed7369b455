package identity

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/terminal"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// noon is when every world begins.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// world is a database with two terminals at one merchant, and its authority.
type world struct {
	t         testing.TB
	db        *store.DB
	keys      *keys.Keystore
	authority *Authority
	one, two  Terminal

	mu  sync.Mutex
	now time.Time
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, now: noon}
	var err error
	if w.keys, err = keys.Open(t.Context(), db, filepath.Join(t.TempDir(), "master.key"), w.clock); err != nil {
		t.Fatal(err)
	}
	if w.authority, err = Open(t.Context(), db, w.keys, w.clock); err != nil {
		t.Fatal(err)
	}
	m := merchant.Merchant{ID: 7, MID: "898310058120007", MCC: "5812", Currency: money.CNY, Zone: time.UTC, Cutoff: 24 * time.Hour, State: merchant.Active}
	w.one = Terminal{Merchant: m.ID, MID: m.MID, ID: "T0000001", Serial: "SN-1"}
	w.two = Terminal{Merchant: m.ID, MID: m.MID, ID: "T0000002", Serial: "SN-2"}
	w.write(func(ctx context.Context, tx *store.Tx) error {
		if err := merchant.Add(ctx, tx, m, noon); err != nil {
			return err
		}
		for _, d := range []Terminal{w.one, w.two} {
			if err := terminal.Add(ctx, tx, terminal.Terminal{Merchant: m.ID, ID: d.ID, Serial: d.Serial, State: terminal.Active, Batch: 1, BatchDay: m.Day(noon)}); err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func (w *world) write(do func(context.Context, *store.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), func(tx *store.Tx) error { return do(w.t.Context(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) issue(t Terminal) (Certificate, *x509.Certificate) {
	w.t.Helper()
	csr, _, err := Request()
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := w.authority.Issue(w.t.Context(), t, csr)
	if err != nil {
		w.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(c.DER)
	if err != nil {
		w.t.Fatal(err)
	}
	return c, leaf
}

// judged is the name of the refusal; "" for a certificate that is good.
func (w *world) judged(cert *x509.Certificate) string {
	w.t.Helper()
	_, err := w.authority.Judge(w.t.Context(), cert)
	if err == nil {
		return ""
	}
	for _, known := range []error{ErrNone, ErrForeign, ErrExpired, ErrRevoked, ErrMachine, ErrNotHeld} {
		if errors.Is(err, known) {
			return fmt.Sprint(known)
		}
	}
	w.t.Fatal(err)
	return ""
}

func TestACertificateSpeaksForItsTerminalUntilItEnds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		first, cert := w.issue(w.one)
		who, err := w.authority.Judge(t.Context(), cert)
		if err != nil || who != w.one {
			t.Fatalf("it speaks for %+v, %v", who, err)
		}
		_, again := w.issue(w.two)
		if err := w.authority.Revoke(t.Context(), 7, number(again), Stolen); err != nil {
			t.Fatal(err)
		}
		if err := w.authority.Revoke(t.Context(), 7, number(again), Retired); err != nil { // changes nothing
			t.Fatal(err)
		}
		list, err := w.authority.List(t.Context())
		if err != nil || len(list) != 2 || list[0].State(w.clock()) != "valid" || list[1].State(w.clock()) != "stolen" {
			t.Errorf("the list is %v, %v", list, err)
		}
		for what, want := range map[string]string{w.judged(nil): "certificate_missing", w.judged(again): "certificate_revoked", w.judged(w.authority.cert): "certificate_foreign"} {
			if what != want {
				t.Errorf("judged %q, want %q", what, want)
			}
		}
		w.pass(first.NotAfter.Sub(noon))
		if why := w.judged(cert); why != "" {
			t.Errorf("in its last instant it is judged %q", why)
		}
		w.pass(time.Microsecond)
		if why := w.judged(cert); why != "certificate_expired" {
			t.Errorf("after its last instant it is judged %q", why)
		}
	})
}

func TestARenewedCertificateHoldsForSevenMoreDays(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := newWorld(t, db), t.Context()
		csr, _, err := Request()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.authority.Renew(ctx, w.one, csr); !errors.Is(err, ErrNotHeld) {
			t.Errorf("renewing none: %v", err)
		}
		old, cert := w.issue(w.one)
		if _, err := w.authority.Issue(ctx, w.one, csr); !errors.Is(err, ErrHeld) {
			t.Errorf("a second first certificate: %v", err)
		}
		fresh, err := w.authority.Renew(ctx, w.one, csr)
		if err != nil {
			t.Fatal(err)
		}
		w.pass(overlap - time.Microsecond)
		if why := w.judged(cert); why != "" {
			t.Errorf("within the overlap it is judged %q", why)
		}
		w.pass(time.Microsecond)
		if why := w.judged(cert); why != "certificate_revoked" {
			t.Errorf("after the overlap it is judged %q", why)
		}
		leaf, err := x509.ParseCertificate(fresh.DER)
		if err != nil {
			t.Fatal(err)
		}
		if why := w.judged(leaf); why != "" || fresh.Number == old.Number {
			t.Errorf("the new one is judged %q", why)
		}
		if _, err := w.authority.Renew(ctx, w.one, csr); err != nil { // a third, and the second is stolen within its overlap
			t.Fatal(err)
		}
		if err := w.authority.Revoke(ctx, 7, fresh.Number, Stolen); err != nil {
			t.Fatal(err)
		}
		if why := w.judged(leaf); why != "certificate_revoked" {
			t.Errorf("a renewed one that is stolen is judged %q", why)
		}
	})
}

func TestACertificateOfAFormerMachineIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	csr, _, err := Request()
	if err != nil {
		t.Fatal(err)
	}
	other := w.one
	other.Serial = "SN-9"
	if _, err := w.authority.Issue(t.Context(), other, csr); !errors.Is(err, ErrMachine) {
		t.Errorf("a certificate for a machine that the terminal does not have: %v", err)
	}
	if _, err := w.authority.Issue(t.Context(), Terminal{Merchant: 7, MID: w.one.MID, ID: "T0000009", Serial: "x"}, csr); !errors.Is(err, terminal.ErrUnknown) {
		t.Errorf("a certificate for no terminal: %v", err)
	}
	_, cert := w.issue(w.one)
	w.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE terminals SET serial = 'SN-9' WHERE tid = 'T0000001'`)
		return err
	})
	if why := w.judged(cert); why != "certificate_machine" {
		t.Errorf("judged %q", why)
	}
}

func TestEveryCertificateOfATerminalEndsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	_, one := w.issue(w.one)
	_, two := w.issue(w.two)
	w.write(func(ctx context.Context, tx *store.Tx) error {
		if n, err := w.authority.RevokeTerminal(ctx, tx, w.one, Tampered); err != nil || n != 1 {
			return fmt.Errorf("ended %d: %w", n, err)
		}
		n, err := w.authority.RevokeTerminal(ctx, tx, w.one, Tampered)
		if n != 0 {
			t.Errorf("a second time it ended %d", n)
		}
		if _, err := w.authority.RevokeTerminal(ctx, tx, w.one, "boredom"); !errors.Is(err, ErrReason) {
			t.Errorf("for no reason: %v", err)
		}
		return err
	})
	if a, b := w.judged(one), w.judged(two); a != "certificate_revoked" || b != "" {
		t.Errorf("judged %q and %q", a, b)
	}
}

func TestWhatWeDidNotIssueIsForeign(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := func() *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(1), Subject: subject(w.one), NotBefore: noon, NotAfter: noon.Add(time.Hour),
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true}
	}
	signed := func(parent *x509.Certificate, by any) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, template(), parent, &key.PublicKey, by)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if why := w.judged(signed(template(), key)); why != "certificate_foreign" {
		t.Errorf("a self-signed one is judged %q", why)
	}
	twin := template() // another authority of the same name
	twin.Subject = w.authority.cert.Subject
	if why := w.judged(signed(twin, key)); why != "certificate_foreign" {
		t.Errorf("one of a twin authority is judged %q", why)
	}
	ca, err := w.authority.key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if why := w.judged(signed(w.authority.cert, ca)); why != "certificate_not_found" {
		t.Errorf("one that our key signed without a row is judged %q", why)
	}
	der, _, err := w.authority.hostCertificate(t.Context(), []string{"localhost", "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	host, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if why := w.judged(host); why != "certificate_foreign" {
		t.Errorf("the port's own is judged %q", why)
	}
	if err := errors.Join(host.VerifyHostname("localhost"), host.VerifyHostname("127.0.0.1")); err != nil {
		t.Error(err)
	}
}

func TestARequestMustProveAKeyThatWillDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	request := func(key any) []byte {
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "whatever"}}, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	changed := request(ed)
	changed[len(changed)-1] ^= 1
	good := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request(ed)})
	for name, bad := range map[string][]byte{
		"nothing": nil, "no request": []byte("hello"), "a short curve": request(p224), "a wrong signature": changed,
		"a book": bytes.Repeat([]byte{0x30}, maxRequest+1),
	} {
		if _, err := w.authority.Issue(t.Context(), w.one, bad); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := w.authority.Issue(t.Context(), w.one, good)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(c.DER)
	if err != nil || leaf.Subject.CommonName != w.one.Serial {
		t.Errorf("the request's names became the certificate's: %v, %v", leaf.Subject, err)
	}
	if _, err := w.authority.Issue(t.Context(), w.two, request(r2048)); err != nil {
		t.Errorf("RSA of 2048 bits: %v", err)
	}
}

func TestTheListOfTheRevokedIsSignedAndComplete(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t, storetest.SQLite(t)), t.Context()
	one, _ := w.issue(w.one)
	_, _ = w.issue(w.two)
	if err := w.authority.Revoke(ctx, 7, one.Number, Lost); err != nil {
		t.Fatal(err)
	}
	for name, number := range map[string]string{"an unknown number": "00", "none": ""} {
		if err := w.authority.Revoke(ctx, 7, number, Lost); !errors.Is(err, ErrNotHeld) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.authority.Revoke(ctx, 7, one.Number, "boredom"); !errors.Is(err, ErrReason) {
		t.Errorf("for no reason: %v", err)
	}
	text, err := w.authority.CRL(ctx)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if err := list.CheckSignatureFrom(w.authority.cert); err != nil {
		t.Error(err)
	}
	if n := len(list.RevokedCertificateEntries); n != 1 {
		t.Fatalf("%d entries", n)
	}
	if e := list.RevokedCertificateEntries[0]; serialText(e.SerialNumber) != one.Number || e.ReasonCode != 1 {
		t.Errorf("the entry is %s for %d", serialText(e.SerialNumber), e.ReasonCode)
	}
}

func TestTheAuthorityIsOneForAllProcessesAndSealed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		if err := w.authority.found(t.Context()); err != nil { // as another process would that found none
			t.Fatal(err)
		}
		again, err := Open(t.Context(), db, w.keys, w.clock)
		if err != nil || !again.cert.Equal(w.authority.cert) {
			t.Fatalf("a second opening gives another authority: %v", err)
		}
		key, err := again.key(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var sealed []byte
		if err := db.Read().QueryRow(t.Context(), `SELECT sealed FROM device_authorities`).Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		plain, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(sealed, plain[len(plain)-64:]) {
			t.Error("the key lies open in the database")
		}
		w.write(func(ctx context.Context, tx *store.Tx) error {
			sealed[len(sealed)-1] ^= 1
			_, err := tx.Exec(ctx, `UPDATE device_authorities SET sealed = $1`, sealed)
			return err
		})
		if _, err := again.key(t.Context()); !errors.Is(err, keys.ErrCorrupt) {
			t.Errorf("a changed key: %v", err)
		}
	})
}

func FuzzRequest(f *testing.F) {
	csr, _, err := Request()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(csr)
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}))
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := requested(b)
		if (key == nil) != errors.Is(err, ErrRequest) {
			t.Errorf("key %T, %v", key, err)
		}
	})
}
