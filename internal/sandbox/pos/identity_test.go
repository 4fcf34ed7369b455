package pos

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hawker/internal/tdes"
)

// newIdentity is an identity that its own key signed.
func newIdentity(t *testing.T) Identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return Identity{CA: text, Certificate: text, Key: private}
}

func TestAnIdentityStaysInTheTerminalsMemory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "terminal.json")
	tmk, err := tdes.Generate(16, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	first, second := newIdentity(t), newIdentity(t)
	device := Device{Host: "127.0.0.1:1", TMK: tmk, Shop: Shop{MerchantID: "898310058120001", TerminalID: "T0000001"}, Identity: &first}
	if err := Provision(file, device); err != nil {
		t.Fatal(err)
	}
	terminal, err := Open(file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = terminal.Close() }()
	if terminal.options.TLS == nil {
		t.Fatal("a terminal with an identity speaks without TLS")
	}
	mixed := first
	mixed.Key = second.Key
	for name, bad := range map[string]Identity{"another's key": mixed, "no key": {CA: first.CA, Certificate: first.Certificate},
		"no authority": {Certificate: first.Certificate, Key: first.Key}, "nothing": {}} {
		if err := terminal.Certify(bad); !errors.Is(err, ErrIdentity) {
			t.Errorf("%s: %v", name, err)
		}
		if text := fmt.Sprintf("%v %+v", bad, bad); len(bad.Key) > 0 && !strings.Contains(text, "[key]") {
			t.Errorf("%s prints as %s", name, text)
		}
	}
	if err := terminal.Certify(second); err != nil {
		t.Fatal(err)
	}
	kept, err := load(file)
	if err != nil || kept.Identity == nil || kept.Identity.Certificate != second.Certificate {
		t.Errorf("the memory has %+v, %v", kept.Identity, err)
	}
	device.Identity = &mixed
	if err := Provision(filepath.Join(t.TempDir(), "terminal.json"), device); err == nil {
		t.Error("a terminal is provisioned with another's key")
	}
}
