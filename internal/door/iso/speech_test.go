package iso

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"

	"hawker/internal/card"
	"hawker/internal/dukpt"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/tdes"
)

// speech is how a test terminal of one host profile speaks, by docs/host-profiles.md and by nothing else.
type speech struct {
	name    string
	initial []byte // of a reader that derives its keys
	serial  []byte // its number, with the counter of the last message
}

// everyProfile are the dialects that the page has, each with its usual sign-on.
var everyProfile = []struct{ name, signOn string }{{"unionpay-pos", "004"}, {"psp", "004"}, {"dukpt", "005"}, {"dukpt-aes", "005"}}

// deviceOf is a device of a new shop, signed on.
func (w *world) deviceOf(profile string) *device {
	w.t.Helper()
	d := w.shop().deviceOf(profile, "zh-CN")
	for _, p := range everyProfile {
		if p.name == profile {
			if a := d.signOn(p.signOn); a.code() != "00" {
				w.t.Fatalf("%s: sign-on is answered %s %s", profile, a.code(), a.says())
			}
		}
	}
	return d
}

func (d *device) derives() bool { return d.name == "dukpt" || d.name == "dukpt-aes" }

func (d *device) profile() *iso8583.Profile {
	p, ok := iso8583.ByName(d.name)
	if !ok {
		d.w.t.Fatalf("no profile %q", d.name)
	}
	return p
}

func (d *device) algorithm() string {
	if d.name == "psp" {
		return tdes.PSPFold
	}
	return tdes.UnionPayECB
}

// framed puts what the dialect has before a packed message.
func (d *device) framed(body []byte) []byte {
	head := map[string]string{"unionpay-pos": "6000030000" + "603100310000", "psp": "6000030000" + "0100"}[d.name]
	content := append(nibbles(head), body...)
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(content))), content...)
}

// keyBlock cuts field 62: TPK, TAK and TDK, each with its check value.
func (d *device) keyBlock(b []byte) (parts [6][]byte) {
	if d.name != "psp" {
		parts = [6][]byte{b[:16], b[16:20], b[20:28], b[36:40]}
		if len(b) > 40 {
			parts[4], parts[5] = b[40:56], b[56:60]
		}
		return parts
	}
	for ; len(b) >= 50; b = b[50:] {
		at := map[string]int{"02": 0, "01": 2, "03": 4}[string(b[:2])]
		raw, err := hex.DecodeString(string(b[2:50]))
		if err != nil {
			d.w.t.Fatal(err)
		}
		parts[at], parts[at+1] = raw[:16], raw[16:]
	}
	return parts
}

// bind gives the keystore a base key of this reader's own, and the reader its initial key.
func (d *device) bind() {
	d.w.t.Helper()
	base, mask := make([]byte, 16), make([]byte, 16)
	_, _ = rand.Read(base)
	_, _ = rand.Read(mask)
	rest, err := tdes.XOR(base, mask)
	if err != nil {
		d.w.t.Fatal(err)
	}
	number := byte(d.shop.ID)<<4 | byte(d.shop.devices)
	var ref keys.Ref
	if d.name == "dukpt" {
		d.serial = []byte{0xFF, 0xFF, byte(d.shop.ID), byte(d.shop.ID >> 8), number, 0x76, 0x54, 0x20, 0, 0}
		ref = keys.BDK(dukpt.KSN(d.serial).KeySet())
		d.initial, err = dukpt.InitialKey(base, dukpt.KSN(d.serial))
	} else {
		d.serial = []byte{0x12, byte(d.shop.ID), byte(d.shop.ID >> 8), number, 0x90, 0x12, 0x34, 0x56, 0, 0, 0, 0}
		ref = keys.AESBDK(dukpt.AESKSN(d.serial).KeySet())
		d.initial, err = dukpt.AESInitialKey(base, d.serial[:8])
	}
	if err != nil {
		d.w.t.Fatal(err)
	}
	if _, err := d.w.keys.InjectBDK(context.Background(), ref, keys.Keep, mask, rest); err != nil {
		d.w.t.Fatal(err)
	}
	if err := d.w.keys.BindReader(context.Background(), d.shop.MID+"/"+d.id, d.serial); err != nil {
		d.w.t.Fatal(err)
	}
	for _, b := range [][]byte{base, d.initial} {
		d.w.log.secret(hex.EncodeToString(b))
	}
}

// session is the key of one message.
type session interface {
	RequestMAC([]byte) ([]byte, error)
	VerifyResponse(data, mac []byte) error
	EncryptData([]byte) ([]byte, error)
}

func (d *device) session() session {
	d.w.t.Helper()
	var s session
	var err error
	if d.name == "dukpt" {
		s, err = dukpt.NewSession(d.initial, dukpt.KSN(d.serial))
	} else {
		s, err = dukpt.NewAESSession(d.initial, dukpt.AESKSN(d.serial))
	}
	if err != nil {
		d.w.t.Fatal(err)
	}
	return s
}

// frameDerived is a message under the reader's next key: an echo has none.
func (d *device) frameDerived(m message) []byte {
	d.w.t.Helper()
	m = m.clone()
	m.derived = true
	if m.mti == "0820" && m.fields[60][8:] == "301" {
		return d.framed(m.pack())
	}
	d.serial = append([]byte(nil), d.serial...)
	d.serial[len(d.serial)-1]++
	s := d.session()
	m.set(53, string(d.serial))
	if track, ok := m.fields[35]; ok {
		sealed, err := s.EncryptData([]byte(track))
		if err != nil {
			d.w.t.Fatal(err)
		}
		m.unset(35).set(57, string(sealed))
	}
	if name, ok := m.fields[52]; ok {
		m.set(52, string(d.pinBlock(s, name)))
	}
	m.set(64, "--------")
	body := m.pack()
	mac, err := s.RequestMAC(body[:len(body)-8])
	if err != nil {
		d.w.t.Fatal(err)
	}
	return d.framed(append(body[:len(body)-8], mac...))
}

func (d *device) pinBlock(s session, name string) []byte {
	d.w.t.Helper()
	pin, err := card.NewPIN(testPIN)
	if err != nil {
		d.w.t.Fatal(err)
	}
	var out []byte
	if aes, ok := s.(dukpt.AESSession); ok {
		field, _ := card.PINField(pin)
		account, _ := card.AccountField(testCard(name).PAN)
		out, err = aes.EncryptPIN(field, account)
	} else {
		block, _ := card.EncodePIN(card.ISO0, pin, testCard(name).PAN)
		out, err = s.(dukpt.Session).EncryptPIN(block)
	}
	if err != nil {
		d.w.t.Fatal(err)
	}
	return out
}

// verifyAnswer judges an answer's MAC.
func (d *device) verifyAnswer(covered, mac []byte) error {
	if d.derives() {
		return d.session().VerifyResponse(covered, mac)
	}
	return tdes.VerifyMAC(d.algorithm(), d.tak, covered, mac)
}
