package iso

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"hawker/internal/card"
	"hawker/internal/iso8583"
	"hawker/internal/sandbox/cards"
	"hawker/internal/tdes"
)

// device is a small terminal. It builds messages by the protocol page; tests change them before they go.
type device struct {
	w                  *world
	shop               *shop
	id                 string
	tmk, tpk, tak, tdk tdes.Key
	speech             // how it is keyed and framed
	batch, trace       int
	conn               net.Conn
}

// answer is what came back.
type answer struct {
	*iso8583.Message
	raw    []byte
	header iso8583.Header
	proven bool // it has a MAC, and that is right
}

func (a answer) code() string { return a.Text(39) }

// says is the sentence for the merchant.
func (a answer) says() string {
	b := a.Bytes(63)
	return iso8583.DecodeText(b[min(3, len(b)):])
}

// request begins a message of this terminal's with the next trace number.
func (d *device) request(mti, kind, network string) message {
	d.trace++
	return newMessage(mti).set(11, six(d.trace)).set(41, d.id).set(42, d.shop.MID).set(60, kind+six(d.batch)+network)
}

func six(n int) string { return fmt.Sprintf("%06d", n) }

// ask packs a message, with its MAC when the terminal has a key and the message is of money, and waits for the answer.
func (d *device) ask(m message) answer {
	d.w.t.Helper()
	return d.exchange(d.frame(m))
}

// frame is a message as it leaves.
func (d *device) frame(m message) []byte {
	d.w.t.Helper()
	for _, n := range []int{35, 52} {
		d.w.log.secret(m.fields[n])
		d.w.log.secret(hex.EncodeToString([]byte(m.fields[n])))
	}
	if d.derives() {
		return d.frameDerived(m)
	}
	if (m.mti == "0100" || m.mti == "0200" || m.mti == "0220" || m.mti == "0400" || m.mti == "0620" || m.mti == "0820" && m.fields[60][8:11] == "800") && !d.tak.IsZero() {
		return d.proven(m)
	}
	return d.framed(m.pack())
}

// proven is a message with its MAC as it leaves.
func (d *device) proven(m message) []byte {
	d.w.t.Helper()
	m = m.clone().set(64, "--------")
	body := m.pack()
	mac, err := tdes.MAC(d.algorithm(), d.tak, body[:len(body)-8])
	if err != nil {
		d.w.t.Fatal(err)
	}
	return d.framed(m.set(64, string(mac)).pack())
}

// exchange sends bytes and reads one answer.
func (d *device) exchange(frame []byte) answer {
	d.w.t.Helper()
	if d.shop.watch != nil {
		d.shop.watch()
	}
	if d.conn == nil {
		d.conn = d.w.dial()
		d.w.t.Cleanup(func() { _ = d.conn.Close() })
	}
	if _, err := d.conn.Write(frame); err != nil {
		d.w.t.Fatal(err)
	}
	raw, err := readRaw(d.conn)
	if err != nil {
		d.w.t.Fatalf("no answer: %v", err)
	}
	return d.read(raw)
}

// readRaw reads one frame, within two minutes.
func readRaw(c net.Conn) ([]byte, error) {
	_ = c.SetReadDeadline(time.Now().Add(2 * time.Minute))
	raw := make([]byte, 2)
	if _, err := io.ReadFull(c, raw); err != nil {
		return nil, err
	}
	raw = append(raw, make([]byte, binary.BigEndian.Uint16(raw))...)
	_, err := io.ReadFull(c, raw[2:])
	return raw, err
}

// read takes an answer apart, which must be well formed and turned round.
func (d *device) read(raw []byte) answer {
	d.w.t.Helper()
	p := d.profile()
	f, err := p.ParseFrame(raw)
	if err != nil {
		d.w.t.Fatal(err)
	}
	m, err := p.Unpack(f.Body)
	if err == nil {
		err = p.Validate(m)
	}
	if err != nil {
		d.w.t.Fatalf("answer %v: %v", m, err)
	}
	if p.TPDU && f.TPDU != (iso8583.TPDU{Dest: "0000", Source: "0003"}) {
		d.w.t.Errorf("the answer goes to %+v", f.TPDU)
	}
	a := answer{Message: m, raw: raw, header: f.Header}
	if covered, mac, ok := p.MACRange(f.Body); ok {
		if err := d.verifyAnswer(covered, mac); err != nil {
			d.w.t.Errorf("answer's MAC: %v", err)
		}
		a.proven = true
	}
	return a
}

// unproven takes an answer apart whose MAC is not looked at.
func unproven(t testing.TB, raw []byte) (iso8583.Frame, *iso8583.Message) {
	t.Helper()
	f, err := iso8583.UnionPayPOS.ParseFrame(raw)
	if err != nil {
		t.Fatal(err)
	}
	m, err := iso8583.UnionPayPOS.Unpack(f.Body)
	if err != nil {
		t.Fatal(err)
	}
	return f, m
}

// signOn fetches working keys in a layout, and the batch.
func (d *device) signOn(layout string) answer {
	d.w.t.Helper()
	a := d.ask(d.request("0800", "00", layout).set(63, "001"))
	if a.code() != "00" {
		return a
	}
	if d.derives() {
		_, err := fmt.Sscanf(a.Text(60)[2:8], "%06d", &d.batch)
		if err != nil {
			d.w.t.Fatal(err)
		}
		return a
	}
	block := d.keyBlock(a.Bytes(62))
	d.tpk, d.tak, d.tdk = d.unwrap(block[0], block[1]), d.unwrap(block[2], block[3]), tdes.Key{}
	if layout == "004" {
		d.tdk = d.unwrap(block[4], block[5])
	}
	_, err := fmt.Sscanf(a.Text(60)[2:8], "%06d", &d.batch)
	if err != nil {
		d.w.t.Fatal(err)
	}
	return a
}

// unwrap deciphers a working key under the master key and verifies its check value.
func (d *device) unwrap(cipher, kcv []byte) tdes.Key {
	d.w.t.Helper()
	b, err := d.tmk.Decrypt(cipher)
	if err != nil {
		d.w.t.Fatal(err)
	}
	k, err := tdes.NewKey(b)
	if err != nil {
		d.w.t.Fatal(err)
	}
	if whole, _ := k.Encrypt(make([]byte, 8)); len(kcv) < 4 || !strings.HasPrefix(string(whole), string(kcv)) {
		d.w.t.Fatal("a working key's check value is wrong")
	}
	d.w.log.secret(hex.EncodeToString(b))
	return k
}

// sale is a sale by stripe, enciphered, with PIN.
func (d *device) sale(fen int64) message { return d.saleBy(fen, "credit") }

func (d *device) saleBy(fen int64, name string) message {
	m := d.request("0200", "22", "000").set(3, "000000").set(4, fmt.Sprintf("%012d", fen)).set(22, "021").set(25, "00").set(49, "156")
	return d.swipe(d.pin(m, name), name)
}

func testCard(name string) cards.Card {
	for _, c := range testCards {
		if c.Name == name {
			return c
		}
	}
	panic("no card " + name)
}

// swipe adds a card's stripe, enciphered when the terminal has a key for it.
func (d *device) swipe(m message, name string) message {
	d.w.t.Helper()
	track := string(testCard(name).Track2().Reveal())
	d.w.log.secret(track)
	if d.tdk.IsZero() || d.derives() {
		return m.set(35, track)
	}
	text, err := tdes.EncryptTrack(d.tdk, track)
	if err != nil {
		d.w.t.Fatal(err)
	}
	mode := m.fields[53]
	if mode == "" {
		mode = "0600000000000000"
	}
	return m.set(35, text).set(53, mode[:2]+"1"+mode[3:])
}

// pin adds the PIN block.
func (d *device) pin(m message, name string) message {
	d.w.t.Helper()
	if d.derives() {
		return m.set(26, "12").set(52, name) // enciphered when it leaves
	}
	if d.tpk.IsZero() {
		return m.set(26, "12").set(52, "8 bytes.").set(53, "2600000000000000")
	}
	pin, err := card.NewPIN(testPIN)
	if err != nil {
		d.w.t.Fatal(err)
	}
	block, err := card.EncodePIN(card.ISO0, pin, testCard(name).PAN)
	if err != nil {
		d.w.t.Fatal(err)
	}
	if block, err = d.tpk.Encrypt(block); err != nil {
		d.w.t.Fatal(err)
	}
	return m.set(26, "12").set(52, string(block)).set(53, "2600000000000000")
}

// manual is a sale by typed number, without PIN.
func (d *device) manual(fen int64, name string) message {
	m := d.saleBy(fen, name).unset(35).unset(26).unset(52).unset(53).set(22, "012")
	return m.set(2, testCard(name).PAN.Reveal()).set(14, testCard(name).Expiry)
}

// inquiry is a balance inquiry by stripe with PIN.
func (d *device) inquiry() message {
	m := d.request("0200", "01", "000").set(3, "310000").set(22, "021").set(25, "00").set(49, "156")
	return d.swipe(d.pin(m, "debit"), "debit")
}

// done is a request and its answer.
type done struct {
	message
	answer
}

// take makes a sale that must be approved.
func (d *device) take(fen int64) done {
	d.w.t.Helper()
	m := d.sale(fen)
	a := d.ask(m)
	if a.code() != "00" {
		d.w.t.Fatalf("a sale of %d is answered %s %s", fen, a.code(), a.says())
	}
	return done{m, a}
}

// of points at a sale: fields 37 and 61.
func (d *device) of(m message, sale done) message {
	batch := sale.fields[60][2:8]
	return m.set(3, "200000").set(22, "012").set(25, "00").set(49, "156").set(37, sale.Text(37)).set(61, batch+sale.fields[11]+"1122")
}

func (d *device) void(sale done) message {
	return d.of(d.request("0200", "23", "000").set(4, sale.fields[4]), sale)
}

func (d *device) refund(sale done, fen int64) message {
	m := d.of(d.request("0220", "25", "000").set(4, fmt.Sprintf("%012d", fen)), sale)
	return d.swipe(m.set(22, "022").set(63, "001"), "credit")
}

// more is a tip (34) or an adjustment (32) of a sale.
func (d *device) more(kind string, sale done, fen int64) message {
	return d.of(d.request("0220", kind, "000").set(4, fmt.Sprintf("%012d", fen)), sale).set(3, "000000")
}

// offline is a sale by stripe that the terminal has concluded.
func (d *device) offline(fen int64) message {
	m := d.request("0220", "30", "000").set(3, "000000").set(4, fmt.Sprintf("%012d", fen)).set(22, "022").set(25, "00").set(49, "156")
	return d.swipe(m, "credit")
}

// reversal undoes a sale or void: its numbers, no card data.
func (d *device) reversal(of message, reason string) message {
	m := newMessage("0400").set(39, reason)
	for _, n := range []int{3, 4, 11, 22, 25, 41, 42, 49, 60, 61} {
		if v, ok := of.fields[n]; ok {
			m.set(n, v)
		}
	}
	return m
}

// settlement is an 0500 with the terminal's totals.
func (d *device) settlement(debit int64, debits int, credit int64, credits int) message {
	totals := fmt.Sprintf("%012d%03d%012d%03d0", debit, debits, credit, credits)
	return d.request("0500", "00", "201").set(48, totals+strings.Repeat("0", 31)).set(49, "156").set(63, "001")
}

// detail is one line of a batch upload.
func detail(trace string, fen int64) string { return fmt.Sprintf("00%s%020d%012d", trace, 0, fen) }

func (d *device) upload(details ...string) message {
	return d.request("0320", "00", "201").set(48, fmt.Sprintf("%02d", len(details))+strings.Join(details, ""))
}

func (d *device) endUpload(network string, count int) message {
	return d.request("0320", "00", network).set(48, fmt.Sprintf("%04d", count))
}

// expect asks and holds the answer to a code.
func (d *device) expect(code string, m message) answer {
	d.w.t.Helper()
	a := d.ask(m)
	if a.code() != code {
		d.w.t.Errorf("%s of trace %s is answered %s %s, want %s", m.mti, m.fields[11], a.code(), a.says(), code)
	}
	return a
}

func (d *device) must(m message) answer { d.w.t.Helper(); return d.expect("00", m) }

// settle closes the batch and goes on in the next.
func (d *device) settle(debit int64, debits int, credit int64, credits int) answer {
	d.w.t.Helper()
	a := d.must(d.settlement(debit, debits, credit, credits))
	d.batch++
	return a
}

func hexText(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
