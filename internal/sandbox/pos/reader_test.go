package pos

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hawker/internal/card"
	"hawker/internal/dukpt"
	"hawker/internal/iso8583"
	"hawker/internal/sandbox/cards"
	"hawker/internal/tdes"
)

// readers are the serial numbers of a terminal of each kind.
var readers = map[string][]byte{
	"dukpt":     {0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0, 0},
	"dukpt-aes": {0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0, 0, 0, 0},
}

// deriving is a terminal that derives its keys, and a host that looks at what it sends.
type deriving struct {
	t       *testing.T
	profile *iso8583.Profile
	path    string
	pos     *Terminal

	mu      sync.Mutex
	heard   []*iso8583.Message
	counter []uint32 // in the file when each message came
	unsaid  bool     // answers carry no MAC
}

func newDeriving(t *testing.T, name string) *deriving {
	t.Helper()
	p, _ := iso8583.ByName(name)
	d := &deriving{t: t, profile: p, path: filepath.Join(t.TempDir(), "terminal.json")}
	initial, err := tdes.NewKey([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	device := Device{Profile: name, Host: "host:5001", Initial: initial, Reader: readers[name],
		Shop: Shop{MerchantID: testMerchant, TerminalID: testTerminal}}
	if err := Provision(d.path, device); err != nil {
		t.Fatal(err)
	}
	if d.pos, err = Open(d.path, Options{Timeout: time.Minute, Dial: d.dial}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.pos.Close() })
	return d
}

func (d *deriving) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	go d.serve(far)
	return near, nil
}

// serve approves everything, in batch 1.
func (d *deriving) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	for {
		f, err := d.profile.ReadFrame(c)
		if err != nil {
			return
		}
		m, err := d.profile.Unpack(f.Body)
		if err != nil {
			d.t.Error(err)
			return
		}
		on, err := load(d.path)
		if err != nil {
			d.t.Error(err)
			return
		}
		d.mu.Lock()
		d.heard, d.counter = append(d.heard, m), append(d.counter, on.Secure.Counter)
		unsaid := d.unsaid
		d.mu.Unlock()
		key := on.Secure.last(d.profile)
		if covered, mac, ok := d.profile.MACRange(f.Body); ok && key.key.(interface {
			VerifyRequest(data, mac []byte) error
		}).VerifyRequest(covered, mac) != nil {
			d.t.Errorf("%s has a wrong MAC", m.MTI)
		}
		a := iso8583.New(m.MTI[:2]+string(m.MTI[2]+1)+m.MTI[3:]).Set(39, "00").Set(37, "000000000001").Set(38, "123456")
		for _, n := range []int{3, 4, 11, 41, 42, 60} {
			if m.Has(n) {
				a.SetBytes(n, m.Bytes(n))
			}
		}
		body, err := d.profile.Pack(a)
		if !unsaid && m.Has(iso8583.SerialNumber) {
			body, err = d.profile.PackMAC(a, key.key.(interface {
				ResponseMAC(data []byte) ([]byte, error)
			}).ResponseMAC)
		}
		if err != nil {
			d.t.Error(err)
			return
		}
		out, err := d.profile.AppendFrame(nil, iso8583.Frame{Body: body})
		if err != nil {
			d.t.Error(err)
			return
		}
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// TestEveryMessageHasAKeyOfItsOwn signs on, sells and settles nothing twice: each counter
// is on disk before its message leaves, and used once.
func TestEveryMessageHasAKeyOfItsOwn(t *testing.T) {
	for name := range readers {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				d := newDeriving(t, name)
				d.counter = nil
				must(t)(d.pos.Echo(t.Context()))
				sale := must(t)(d.pos.Sale(t.Context(), yuan("46.50"), withThePIN(swiped("test-debit"))))
				if sale.State != Approved {
					t.Fatalf("the sale is %s", sale.State)
				}
				must(t)(d.pos.Void(t.Context(), sale.Trace))
				must(t)(d.pos.SignOff(t.Context()))
				must(t)(d.pos.SignOn(t.Context())) // it still has its keys
				var mtis []string
				for i, m := range d.heard {
					mtis = append(mtis, m.MTI)
					if m.MTI == "0820" && m.Text(60)[8:] == "301" {
						if m.Has(64) || m.Has(53) {
							t.Error("an echo spends a key")
						}
						continue
					}
					serial := m.Bytes(iso8583.SerialNumber)
					if uint32(serial[len(serial)-1]) != d.counter[i] || int(d.counter[i]) != i { // the echo was the first
						t.Errorf("message %d has serial %x, the file said %d", i, serial, d.counter[i])
					}
					if m.Has(35) {
						t.Error("a track leaves in the clear")
					}
				}
				if len(mtis) != 6 || mtis[2] != "0200" {
					t.Fatal(mtis)
				}
				d.holdsCard(d.heard[2])
			})
		})
	}
}

// holdsCard opens a sale's track and PIN block as the host does.
func (d *deriving) holdsCard(m *iso8583.Message) {
	d.t.Helper()
	c, _ := cards.ByName("test-debit")
	var track []byte
	var pin card.PIN
	var err error
	key := []byte("0123456789abcdef")
	if d.profile.Protection == iso8583.DerivedAES {
		s, _ := dukpt.NewAESSession(key, dukpt.AESKSN(m.Bytes(53)))
		track, _ = s.DecryptData(m.Bytes(57))
		account, _ := card.AccountField(c.PAN)
		field, _ := s.DecryptPIN(m.Bytes(52), account)
		pin, err = card.ParsePINField(field)
	} else {
		s, _ := dukpt.NewSession(key, dukpt.KSN(m.Bytes(53)))
		track, _ = s.DecryptData(m.Bytes(57))
		block, _ := s.DecryptPIN(m.Bytes(52))
		pin, err = card.DecodePIN(card.ISO0, block, c.PAN)
	}
	if err != nil || string(pin.Reveal()) != c.PIN || string(track) != string(c.Track2().Reveal()) {
		d.t.Error("another card reached the host", err)
	}
}

// TestAnApprovalWithoutProofIsNone has a host that cannot prove what it says.
func TestAnApprovalWithoutProofIsNone(t *testing.T) {
	for name := range readers {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				d := newDeriving(t, name)
				d.unsaid = true
				if _, err := d.pos.SignOn(t.Context()); !errors.Is(err, ErrNoAnswer) {
					t.Errorf("a sign-on that nobody proved ends with %v", err)
				}
				d.unsaid = false
				must(t)(d.pos.SignOn(t.Context()))
				d.mu.Lock()
				d.unsaid = true
				d.mu.Unlock()
				r := must(t)(d.pos.Sale(t.Context(), yuan("1"), swiped("test-debit")))
				if status, err := d.pos.Status(); r.State != Unknown || err != nil || len(status.Pending) != 1 {
					t.Errorf("the sale is %s, pending %v, %v", r.State, status.Pending, err)
				}
			})
		})
	}
}

func TestDerivingTerminalsThatCannotBe(t *testing.T) {
	t.Parallel()
	initial, err := tdes.NewKey([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	good := Device{Profile: "dukpt", Host: "host:5001", Initial: initial, Reader: readers["dukpt"], Shop: Shop{MerchantID: testMerchant, TerminalID: testTerminal}}
	for name, change := range map[string]func(*Device){
		"no initial key":                func(d *Device) { d.Initial = tdes.Key{} },
		"no serial number":              func(d *Device) { d.Reader = nil },
		"the serial number of AES":      func(d *Device) { d.Reader = readers["dukpt-aes"] },
		"a sign-on that brings keys":    func(d *Device) { d.Layout = iso8583.LayoutTrack },
		"a profile of nobody's":         func(d *Device) { d.Profile = "nobody's" },
		"working keys without a master": func(d *Device) { d.Profile, d.Layout = "psp", "" },
	} {
		d := good
		change(&d)
		if err := Provision(filepath.Join(t.TempDir(), "terminal.json"), d); err == nil {
			t.Errorf("%s: provisioned", name)
		}
	}
	if err := Provision(filepath.Join(t.TempDir(), "terminal.json"), good); err != nil {
		t.Error(err)
	}
}

// TestASpentReaderSaysSo has a counter with nothing behind it.
func TestASpentReaderSaysSo(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]uint32{"dukpt": 0x1FF800, "dukpt-aes": 0xFFFF0000} {
		p, _ := iso8583.ByName(name)
		k := secure{Initial: []byte("0123456789abcdef"), Reader: readers[name], Counter: last}
		if _, err := k.next(p).mac([]byte("x")); !errors.Is(err, dukpt.ErrKSN) {
			t.Errorf("%s: %v", name, err)
		}
		if err := k.next(p).protect(iso8583.New("0200").Set(35, "1")); !errors.Is(err, dukpt.ErrKSN) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFileOf(t *testing.T) {
	t.Parallel()
	for profile, want := range map[string]string{"": "a/terminal.json", "unionpay-pos": "a/terminal.json", "psp": "a/terminal-psp.json"} {
		if got := FileOf("a/terminal.json", profile); got != want {
			t.Errorf("%q: %s", profile, got)
		}
	}
}
