package pos

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"hawker/internal/iso8583"
	"hawker/internal/tdes"
)

// Device is what an acquirer loads into a terminal before its first sign-on.
type Device struct {
	Profile  string         `json:"profile"`        // "" means "unionpay-pos"
	Host     string         `json:"host"`           // host:port
	TLS      *TLSFiles      `json:"tls,omitempty"`  // nil: as Identity says
	TPDU     string         `json:"tpdu"`           // destination and source, eight digits; "" means 00030000
	Shop     Shop           `json:"shop"`           // an empty operator means 001
	Language Language       `json:"language"`       // "" means zh-CN
	Layout   iso8583.Layout `json:"layout"`         // working keys asked for: 003, or 004 with a TDK; "" means the profile's usual
	Copy     int            `json:"copy,omitempty"` // sequence number of the copies of the test cards that lie beside it, 1 to 99; 0 means 1
	TMK      tdes.Key       `json:"-"`              // double length
	Initial  tdes.Key       `json:"-"`              // of a reader that derives its keys, 16 bytes, of AES too; in the place of the TMK
	Reader   []byte         `json:"-"`              // its key serial number, with a counter of zero

	Identity *Identity `json:"identity,omitempty"` // TLS with the terminal's own certificate; nil: none
}

// TLSFiles names the PEM files of a terminal that speaks TLS.
type TLSFiles struct {
	CA   string `json:"ca"`             // who may have issued the host's certificate
	Cert string `json:"cert,omitempty"` // the device's certificate and key; "" for none
	Key  string `json:"key,omitempty"`
	Name string `json:"name,omitempty"` // the host's name, when it is not the address's
}

// Provision writes a new terminal's state to path, mode 0600. A file that is
// there already stays untouched, and the error is fs.ErrExist: it may hold a
// reversal that nobody else knows of.
func Provision(path string, d Device) error {
	d = d.withDefaults()
	profile, known := iso8583.ByName(d.Profile)
	derived := known && profile.Protection.Derived()
	if !derived && d.TMK.Size() != 16 {
		return fmt.Errorf("provision: the TMK has %d bytes, want 16", d.TMK.Size())
	}
	memory := make([]byte, 32)
	_, _ = rand.Read(memory) // never fails: crypto/rand ends the process instead
	s := &state{Version: stateVersion, Batch: 1, Trace: 1, Secure: secure{Memory: memory}}
	if derived {
		s.Secure.Initial, s.Secure.Reader = d.Initial.Reveal(), d.Reader
	} else {
		s.Secure.TMK = d.TMK.Reveal()
	}
	d.TMK, d.Initial, d.Reader = tdes.Key{}, tdes.Key{}, nil
	s.Device = d // from here on the key is in Secure only
	if err := s.validate(); err != nil {
		return fmt.Errorf("provision: %w", err)
	}
	unlock, err := lock(path)
	if err != nil {
		return fmt.Errorf("provision: %w", err)
	}
	defer unlock()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("provision %s: %w", path, fs.ErrExist)
	}
	return s.save(path)
}

func (d Device) withDefaults() Device {
	fill := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	fill(&d.Profile, iso8583.UnionPayPOS.Name)
	fill(&d.TPDU, "00030000")
	fill(&d.Shop.Operator, "001")
	fill((*string)(&d.Language), string(Chinese))
	if p, ok := iso8583.ByName(d.Profile); ok && len(p.SignOn) > 0 {
		fill((*string)(&d.Layout), string(p.SignOn[0]))
	}
	return d
}

// validate refuses what could never become a message.
func (d Device) validate() error {
	profile, known := iso8583.ByName(d.Profile)
	switch {
	case !known || profile.Protection == "":
		return fmt.Errorf("no terminal profile %q", d.Profile)
	case !digits(d.TPDU, 8):
		return errors.New("the TPDU is not eight digits")
	case len(d.Shop.TerminalID) != 8 || !ascii(d.Shop.TerminalID):
		return errors.New("the terminal number is not 8 plain characters")
	case len(d.Shop.MerchantID) != 15 || !ascii(d.Shop.MerchantID):
		return errors.New("the merchant number is not 15 plain characters")
	case d.Copy < 0 || d.Copy > 99:
		return errors.New("the cards' sequence number is not 0 to 99")
	case !digits(d.Shop.Operator, 3):
		return errors.New("the operator is not three digits")
	case d.Language != Chinese && d.Language != English:
		return fmt.Errorf("no language %q", d.Language)
	case !profile.Knows(d.Layout) || d.Layout == iso8583.LayoutSingle:
		return fmt.Errorf("no key layout %q: a single-length PIN key is not acceptable", d.Layout)
	}
	if _, _, err := net.SplitHostPort(d.Host); err != nil {
		return fmt.Errorf("host address: %w", err)
	}
	if d.Identity != nil {
		_, err := d.Identity.config()
		return err
	}
	return nil
}

func digits(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789") == "" }

func ascii(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
