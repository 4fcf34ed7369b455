package pos

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hawker/internal/card"
	"hawker/internal/emv"
	"hawker/internal/iso8583"
	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
	"hawker/internal/tdes"
)

// host is a host as docs/terminal-protocol.md describes it, scripted by fault.
// It complains to the test about every request that the page does not allow.
type host struct {
	t    testing.TB
	tmk  tdes.Key
	path string // the terminal's state, which the host of a test may look into

	mu       sync.Mutex
	round    int // of working keys
	batch    int
	heard    []*iso8583.Message // every request, clear
	answers  map[string]*iso8583.Message
	sales    map[string]*entry // by batch and trace
	uploaded []string          // traces in details

	// fault is asked before a request is carried out; nil and the zero fault are none.
	fault func(*iso8583.Message) fault
	// seen is called before anything else, with the terminal's state file as it is then.
	seen func(*iso8583.Message)
	// script is what the issuer sends to a chip with its answer; its tag is 0 for none.
	script emv.Element
	// results are what notices and reversals told in field 55, by tag DF31.
	results []string
}

// entry is one row of the host's own books.
type entry struct {
	kind    string // 60.1
	amount  int64
	rrn     string
	undone  bool // reversed
	voided  bool
	of      *entry // what a void, pre-authorization void or completion is about
	ended   bool   // a pre-authorization: voided or completed
	changed int64  // a sale: tips less adjustments
}

// fault is what goes wrong with one request.
type fault struct {
	lost     bool                          // the request is not carried out and gets no answer
	silent   bool                          // carried out, but the answer is lost
	code     string                        // refused with this code; a repeat only with one of blind
	answer   func(*iso8583.Message)        // changes the answer before its MAC
	noMAC    bool                          // the answer carries none
	bytes    func(body []byte) []byte      // changes the answer after its MAC
	before   []func(*iso8583.Message)      // other answers that come first, each changed so
	header   iso8583.Header                // instead of the default
	cut      bool                          // half the answer, then the end
	replace  func(iso8583.Frame) []byte    // the whole answer as raw bytes
	straight bool                          // the TPDU is not turned round
	keys     func(block *iso8583.KeyBlock) // changes a sign-on's keys
}

const (
	testMerchant = "898310054990001"
	testTerminal = "10000001"
)

var testTMK = []byte("0123456789abcdef")

func newHost(t testing.TB) *host {
	t.Helper()
	tmk, err := tdes.NewKey(testTMK)
	if err != nil {
		t.Fatal(err)
	}
	return &host{
		t: t, tmk: tmk, batch: 7, path: filepath.Join(t.TempDir(), "terminal.json"),
		answers: map[string]*iso8583.Message{}, sales: map[string]*entry{},
	}
}

// device is what the acquirer loads for tests.
func (h *host) device() Device {
	return Device{
		Host: "host:5001", TMK: h.tmk,
		Shop: Shop{Name: Words{"老王煎饼铺", "Lao Wang Pancakes"}, MerchantID: testMerchant, TerminalID: testTerminal},
	}
}

// open provisions the terminal when it is new, and switches it on.
func (h *host) open(change ...func(*Options)) *Terminal {
	h.t.Helper()
	if err := Provision(h.path, h.device()); err != nil && !strings.Contains(err.Error(), "exist") {
		h.t.Fatal(err)
	}
	o := Options{Dial: h.dial}
	for _, c := range change {
		c(&o)
	}
	t, err := Open(h.path, o)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = t.Close() })
	return t
}

func (h *host) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go h.serve(server)
	return client, nil
}

func (h *host) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	for {
		frame, err := iso8583.UnionPayPOS.ReadFrame(conn)
		if err != nil {
			return
		}
		for _, b := range h.handle(frame) {
			if _, err := conn.Write(b); err != nil {
				return
			}
			if len(b) > 2 && int(b[0])<<8+int(b[1]) != len(b)-2 {
				return // it was cut
			}
		}
	}
}

// handle returns the frames of the answer.
func (h *host) handle(f iso8583.Frame) [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	m, err := iso8583.UnionPayPOS.Unpack(f.Body)
	if err == nil {
		err = iso8583.UnionPayPOS.Validate(m)
	}
	if err != nil {
		h.t.Errorf("the terminal sent no message: %v", err)
		return nil
	}
	if f.TPDU != (iso8583.TPDU{Dest: "0003", Source: "0000"}) || f.Header != iso8583.DefaultHeader {
		h.t.Errorf("the terminal sent frame %v", f)
	}
	h.check(m)
	if h.seen != nil {
		h.seen(m)
	}
	h.heard = append(h.heard, m)
	var ft fault
	if h.fault != nil {
		ft = h.fault(m)
	}
	if ft.lost {
		return nil
	}
	covered, mac, has := iso8583.UnionPayPOS.MACRange(f.Body)
	macOK := has && tdes.VerifyMAC(tdes.UnionPayECB, h.key("TAK", 8), covered, mac) == nil
	a := h.decide(m, has, macOK, ft)
	if ft.silent {
		return nil
	}
	return h.pack(f, a, has && macOK && !ft.noMAC, ft)
}

func (h *host) pack(f iso8583.Frame, a *iso8583.Message, withMAC bool, ft fault) [][]byte {
	var out [][]byte
	one := func(change func(*iso8583.Message)) {
		c := iso8583.New(a.MTI)
		for _, n := range a.Fields() {
			c.SetBytes(n, slices.Clone(a.Bytes(n)))
		}
		if change != nil {
			change(c)
		}
		var body []byte
		var err error
		if withMAC {
			body, err = iso8583.UnionPayPOS.PackMAC(c, func(b []byte) ([]byte, error) {
				return tdes.MAC(tdes.UnionPayECB, h.key("TAK", 8), b)
			})
		} else {
			body, err = iso8583.UnionPayPOS.Pack(c)
		}
		if err != nil {
			h.t.Errorf("the test's answer does not pack: %v", err)
			return
		}
		if ft.bytes != nil && change == nil {
			body = ft.bytes(body)
		}
		header := iso8583.DefaultHeader
		if ft.header != "" {
			header = ft.header
		}
		tpdu := f.TPDU.Swap()
		if ft.straight {
			tpdu = f.TPDU
		}
		b, err := iso8583.UnionPayPOS.AppendFrame(nil, iso8583.Frame{TPDU: tpdu, Header: header, Body: body})
		if err != nil {
			h.t.Errorf("the test's frame does not pack: %v", err)
			return
		}
		if ft.cut {
			b = b[:len(b)/2]
		}
		out = append(out, b)
	}
	for _, b := range ft.before {
		one(b)
	}
	if ft.replace != nil {
		return append(out, ft.replace(f))
	}
	one(ft.answer)
	return out
}

// key is a working key of the present round.
func (h *host) key(name string, size int) tdes.Key {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", name, h.round))
	k, err := tdes.NewKey(sum[:size])
	if err != nil {
		h.t.Fatal(err)
	}
	return k
}

// table is the protocol page's table of transactions: by MTI, 60.1 and 60.3,
// the fields that must be there besides 11, 41, 42 and 60, and those that may.
var table = map[string]struct{ must, may []int }{
	"0800 00 003": {[]int{63}, nil},
	"0800 00 004": {[]int{63}, nil},
	"0820 00 002": {nil, nil},
	"0820 00 301": {nil, nil},
	"0820 00 362": {[]int{62, 64}, nil},
	"0200 01 000": {[]int{3, 22, 25, 49, 64}, cardFields},
	"0200 22 000": {[]int{3, 4, 22, 25, 49, 64}, cardFields},
	"0200 23 000": {[]int{3, 4, 22, 25, 37, 49, 61, 64}, nil},
	"0220 25 000": {[]int{3, 4, 22, 25, 37, 49, 61, 63, 64}, cardFields},
	"0400 22 000": {[]int{3, 4, 22, 25, 39, 49, 64}, []int{55}},
	"0620 00 951": {[]int{3, 4, 22, 25, 37, 49, 55, 61, 64}, []int{23}},
	"0400 23 000": {[]int{3, 4, 22, 25, 39, 49, 61, 64}, nil},
	"0100 10 000": {[]int{3, 4, 22, 25, 49, 64}, cardFields},
	"0100 11 000": {[]int{3, 4, 22, 25, 38, 49, 61, 64}, cardFields},
	"0200 20 000": {[]int{3, 4, 22, 25, 38, 49, 61, 64}, cardFields},
	"0220 24 000": {[]int{3, 4, 22, 25, 38, 49, 61, 64}, cardFields},
	"0200 21 000": {[]int{3, 4, 22, 25, 37, 49, 61, 64}, nil},
	"0400 10 000": {[]int{3, 4, 22, 25, 39, 49, 64}, []int{55}},
	"0400 11 000": {[]int{3, 4, 22, 25, 39, 49, 61, 64}, nil},
	"0400 20 000": {[]int{3, 4, 22, 25, 39, 49, 61, 64}, nil},
	"0400 21 000": {[]int{3, 4, 22, 25, 39, 49, 61, 64}, nil},
	"0500 00 201": {[]int{48, 49, 63}, nil},
	"0320 00 201": {[]int{48}, nil},
	"0320 00 207": {[]int{48}, nil},
	"0320 00 202": {[]int{48}, nil},
	"0320 00 203": {[]int{4, 22, 49, 55}, []int{23}},
	"0320 00 204": {[]int{4, 22, 49, 55}, []int{23}},
	"0320 00 205": {[]int{4, 22, 49, 55}, []int{23}},
	"0320 00 206": {[]int{4, 22, 49, 55}, []int{23}},
	"0320 25 000": {[]int{3, 4, 22, 25, 49}, []int{37, 38, 61}},
	"0320 30 000": {[]int{3, 4, 22, 25, 49}, []int{37, 38, 61}},
	"0320 32 000": {[]int{3, 4, 22, 25, 49}, []int{37, 38, 61}},
	"0320 34 000": {[]int{3, 4, 22, 25, 49}, []int{37, 38, 61}},
	"0220 30 000": {[]int{3, 4, 22, 25, 49, 64}, cardFields},
	"0220 32 000": {[]int{3, 4, 22, 25, 37, 49, 61, 64}, nil},
	"0220 34 000": {[]int{3, 4, 22, 25, 37, 49, 61, 64}, nil},
	"0320 24 000": {[]int{3, 4, 22, 25, 49}, []int{37, 38, 61}},
}

var cardFields = []int{2, 14, 23, 26, 35, 52, 53, 55}

// check holds a request against the page, and deciphers its card data.
func (h *host) check(m *iso8583.Message) {
	f60, err := iso8583.ParseField60(m.Text(60))
	if err != nil {
		h.t.Error(err)
		return
	}
	name := m.MTI + " " + f60.Type + " " + f60.Network
	row, known := table[name]
	if !known {
		h.t.Errorf("the page has no %s", name)
	}
	must := append([]int{11, 41, 42, 60}, row.must...)
	for _, n := range must {
		if !m.Has(n) {
			h.t.Errorf("%s has no field %d", name, n)
		}
	}
	for _, n := range m.Fields() {
		if !slices.Contains(must, n) && !slices.Contains(row.may, n) {
			h.t.Errorf("%s has field %d", name, n)
		}
	}
	if m.Text(41) != testTerminal || m.Text(42) != testMerchant {
		h.t.Errorf("%s is from %s of %s", name, m.Text(41), m.Text(42))
	}
	if slices.Contains(row.may, 35) {
		h.checkCard(name, m)
	}
}

// checkCard holds the card data against the entry mode and the test card.
func (h *host) checkCard(name string, m *iso8583.Message) {
	mode, pin := m.Text(22)[:2], m.Text(22)[2:]
	wants := map[string]string{"01": "2 14", "02": "35", "05": "2 14 23 35 55", "07": "23 35 55", "80": "35"}[mode]
	if f60, _ := iso8583.ParseField60(m.Text(60)); slices.Contains([]string{"25", "11", "20", "24", "30"}, f60.Type) { // they read the chip and ask it nothing
		wants = strings.TrimSuffix(wants, " 55")
	}
	var has []string
	for _, n := range []int{2, 14, 23, 35, 55} {
		if m.Has(n) {
			has = append(has, fmt.Sprint(n))
		}
	}
	if got := strings.Join(has, " "); got != wants {
		h.t.Errorf("%s entered by %s has card fields %s, want %s", name, mode, got, wants)
	}
	if m.Has(35) {
		if m.Text(53)[2] != '1' {
			h.t.Errorf("%s: the track is not enciphered", name)
		}
		clearTrack, err := tdes.DecryptTrack(h.key("TDK", 16), m.Text(35))
		if err != nil {
			return // enciphered under older keys: the MAC will say so
		}
		m.Set(35, clearTrack)
	}
	if (pin == "1") != m.Has(52) || m.Has(52) != m.Has(26) {
		h.t.Errorf("%s: entry mode %s, PIN block %t, PIN capture %t", name, m.Text(22), m.Has(52), m.Has(26))
	}
	if !m.Has(52) || h.round == 0 {
		return
	}
	c := h.card(m)
	block, err := h.key("TPK", 16).Decrypt(m.Bytes(52))
	if err != nil {
		h.t.Error(err)
		return
	}
	got, err := card.DecodePIN(card.ISO0, block, c.PAN)
	if err != nil || string(got.Reveal()) != c.PIN || m.Text(53)[:2] != "26" || m.Text(26) != "12" {
		h.t.Errorf("%s: the PIN block is not the card's: %v, F53 %s", name, err, m.Text(53))
	}
}

// card finds the test card that a request shows.
func (h *host) card(m *iso8583.Message) cards.Card {
	pan := m.Text(2)
	if pan == "" {
		pan, _, _ = strings.Cut(m.Text(35), "=")
	}
	for _, c := range cards.All() {
		if c.PAN.Reveal() == pan {
			if m.Has(35) && m.Text(35) != string(c.Track2().Reveal()) || m.Has(14) && m.Text(14) != c.Expiry {
				h.t.Errorf("track or expiry is not the card's")
			}
			return c
		}
	}
	h.t.Errorf("no such card")
	return cards.Card{}
}

// blind are the codes of a host that did not look at its books: a repeat may get
// one of them whatever became of the first. Any other answer is the first's again.
var blind = []string{"03", "58", "77", "94", "96", "97", "98", "99", "A0"}

// decide is the page's rules, in the smallest form that lets a terminal be tested.
func (h *host) decide(m *iso8583.Message, hasMAC, macOK bool, ft fault) *iso8583.Message {
	a := iso8583.New(m.MTI[:2] + string(m.MTI[2]+1) + m.MTI[3:])
	for _, n := range []int{3, 4, 11, 25, 41, 42, 49, 60} {
		if m.Has(n) {
			a.Set(n, m.Text(n))
		}
	}
	now := time.Now().In(beijing)
	a.Set(12, now.Format("150405")).Set(13, now.Format("0102")).Set(39, "00")
	f60, _ := iso8583.ParseField60(m.Text(60))
	if hasMAC && !macOK {
		return a.Set(39, "A0")
	}
	id := f60.Batch + m.Text(11)
	if m.MTI == "0320" {
		id = "upload " + id // the details of chips and notices have their transactions' numbers
	}
	content := m.MTI + m.Text(3) + m.Text(4) + m.Text(22) + m.Text(35) + m.Text(2) + m.Text(37) + m.Text(38) + m.Text(61) + m.Text(48)
	old, used := h.answers[id]
	repeat := used && old.Text(62) == content
	if ft.code != "" && (!repeat || slices.Contains(blind, ft.code)) {
		return a.Set(39, ft.code)
	}
	if data, err := emv.Parse(m.Bytes(55)); err == nil {
		if result, ok := data.Get(emv.ScriptResult); ok {
			h.results = append(h.results, fmt.Sprintf("%s %X", m.MTI, result))
		}
	}
	switch m.MTI {
	case "0620":
		return a.Set(37, m.Text(37))
	case "0800":
		return h.signOn(a, ft)
	case "0820":
		return a
	}
	if m.MTI == "0400" {
		return a.Set(39, h.reverse(id, m))
	}
	if used && !repeat {
		return a.Set(39, "94")
	}
	if repeat {
		c := iso8583.New(old.MTI)
		for _, n := range old.Fields() {
			c.Set(n, old.Text(n))
		}
		c.Unset(62)
		return c
	}
	if f60.Batch != fmt.Sprintf("%06d", h.batch) && m.MTI != "0320" {
		return a.Set(39, "77")
	}
	h.carryOut(a, m, f60, id)
	kept := iso8583.New(a.MTI)
	for _, n := range a.Fields() {
		kept.Set(n, a.Text(n))
	}
	h.answers[id] = kept.Set(62, content)
	return a
}

func (h *host) signOn(a *iso8583.Message, ft fault) *iso8583.Message {
	h.round++
	wrap := func(k tdes.Key) iso8583.WrappedKey {
		cipher, err := h.tmk.Encrypt(k.Reveal())
		if err != nil {
			h.t.Error(err)
		}
		return iso8583.WrappedKey{Cipher: cipher, KCV: k.KCV()}
	}
	block := iso8583.KeyBlock{TPK: wrap(h.key("TPK", 16)), TAK: wrap(h.key("TAK", 8)), TDK: wrap(h.key("TDK", 16))}
	f60, _ := iso8583.ParseField60(a.Text(60))
	if f60.Network == "003" {
		block.TDK = iso8583.WrappedKey{}
	}
	if ft.keys != nil {
		ft.keys(&block)
	}
	b, err := block.Build(iso8583.Layout(f60.Network))
	if err != nil {
		h.t.Error(err)
	}
	return a.SetBytes(62, b).Set(60, fmt.Sprintf("00%06d%s", h.batch, f60.Network))
}

func (h *host) carryOut(a, m *iso8583.Message, f60 iso8583.Field60, id string) {
	amount, _ := money.Parse("0", money.CNY)
	if m.Has(4) {
		var minor int64
		_, _ = fmt.Sscanf(m.Text(4), "%d", &minor)
		amount = money.New(minor, money.CNY)
	}
	rrn := fmt.Sprintf("R%011s", m.Text(11))
	a.Set(37, rrn)
	switch {
	case m.MTI == "0500":
		h.settle(a, m)
	case m.MTI == "0320":
		h.upload(m, f60)
	case f60.Type == "01":
		a.Set(54, "1002156C000000123456").Set(44, "01020000   48021000   ")
	case h.sales[id] != nil: // its reversal came first
		a.Set(39, "12")
	default:
		e := &entry{kind: f60.Type, amount: amount.Minor(), rrn: rrn}
		switch f60.Type {
		case "32", "34":
			of := h.sales[m.Text(61)[:12]]
			if of == nil || of.voided || of.undone || of.rrn != m.Text(37) {
				a.Set(39, "12")
				return
			}
			if of.changed += amount.Minor(); f60.Type == "32" {
				of.changed -= 2 * amount.Minor()
			}
		case "11", "20", "24":
			e.of = h.sales[m.Text(61)[:12]]
			if e.of == nil || e.of.kind != "10" || e.of.ended || e.of.undone || m.Text(38) != "654321" {
				a.Set(39, "12")
				return
			}
			e.of.ended = true
		case "23", "21":
			of := h.sales[m.Text(61)[:12]]
			if of == nil || of.voided || of.undone || of.rrn != m.Text(37) || of.amount+of.changed != amount.Minor() {
				a.Set(39, "12")
				return
			}
			of.voided, e.of = true, of
			if of.of != nil {
				of.of.ended = false
			}
		}
		h.sales[id] = e
		if m.Has(55) {
			a.SetBytes(55, h.authenticate(m))
		}
		a.Set(38, "654321").Set(44, "01020000   48021000   ").SetBytes(63, iso8583.EncodeText("CUP交易成功", 163))
	}
}

// authenticate is the issuer's answer to a chip, approving, with its script.
func (h *host) authenticate(m *iso8583.Message) []byte {
	c := h.card(m)
	request, err := emv.Parse(m.Bytes(55))
	if err != nil {
		h.t.Error(err)
	}
	sequence := 0
	_, _ = fmt.Sscanf(m.Text(23), "%d", &sequence)
	ac, sm, err := c.MasterKeys(sequence)
	if err != nil {
		h.t.Error(err)
	}
	if ok, err := c.Chip.Version.Verify(ac, request); !ok || err != nil {
		h.t.Errorf("the request cryptogram does not verify: %v", err)
	}
	auth, err := c.Chip.Version.Answer(ac, request, "00", true)
	if err != nil {
		h.t.Error(err)
	}
	elements := []emv.Element{{Tag: emv.IssuerAuth, Value: auth}}
	if h.script.Tag != 0 {
		arqc, _ := request.Get(emv.Cryptogram)
		command, err := cards.LimitCommand(3).Protect(sm, arqc)
		if err != nil {
			h.t.Error(err)
		}
		script, err := emv.Script(h.script.Tag, []byte{0, 0, 0, 7}, command)
		if err != nil {
			h.t.Error(err)
		}
		elements = append(elements, script)
	}
	t, err := emv.New(elements...)
	if err != nil {
		h.t.Error(err)
	}
	return t.Bytes()
}

func (h *host) reverse(id string, m *iso8583.Message) string {
	e := h.sales[id]
	if e == nil {
		h.sales[id] = &entry{undone: true}
		return "25"
	}
	if e.undone {
		return "00"
	}
	e.undone = true
	switch e.kind {
	case "23", "21":
		e.of.voided = false
		if e.of.of != nil {
			e.of.of.ended = true
		}
	case "11", "20":
		e.of.ended = false
	}
	return "00"
}

// totals counts the host's own books of its current batch.
func (h *host) totals() iso8583.Totals {
	var t iso8583.Totals
	for id, e := range h.sales {
		switch {
		case e.undone || id[:6] != fmt.Sprintf("%06d", h.batch):
		case e.kind == "10" || e.kind == "11":
		case e.kind == "22" || e.kind == "20" || e.kind == "24" || e.kind == "30" || e.kind == "34":
			t.DebitCount++
			t.DebitAmount += e.amount
		default:
			t.CreditCount++
			t.CreditAmount += e.amount
		}
	}
	return t
}

func (h *host) settle(a, m *iso8583.Message) {
	asked, err := iso8583.ParseTotals48(m.Text(48))
	if err != nil {
		h.t.Error(err)
		return
	}
	own := h.totals()
	own.Result = iso8583.NotBalanced
	asked.Domestic.Result = own.Result
	if asked.Domestic == own {
		own.Result = iso8583.Balanced
	}
	f48, err := iso8583.Totals48{Domestic: own, Foreign: iso8583.Totals{Result: iso8583.Balanced}}.Build()
	if err != nil {
		h.t.Error(err)
	}
	a.Set(48, f48)
	h.batch = after(h.batch)
}

func (h *host) upload(m *iso8583.Message, f60 iso8583.Field60) {
	switch f60.Network {
	case "203", "204", "205", "206":
		data, err := emv.Parse(m.Bytes(55))
		if err != nil {
			h.t.Error(err)
		}
		info, _ := data.Get(emv.CryptogramInfo)
		h.uploaded = append(h.uploaded, fmt.Sprintf("%s %X %s %s", f60.Network, info, m.Text(11), strings.TrimLeft(m.Text(4), "0")))
		return
	case "000":
		h.uploaded = append(h.uploaded, fmt.Sprintf("type %s %s %s", f60.Type, m.Text(11), strings.TrimLeft(m.Text(4), "0")))
		return
	case "202", "207":
		h.uploaded = append(h.uploaded, "end "+f60.Network+" "+m.Text(48))
		return
	}
	details, err := iso8583.ParseDetails48(m.Text(48))
	if err != nil {
		h.t.Error(err)
	}
	for _, d := range details {
		h.uploaded = append(h.uploaded, fmt.Sprintf("%s %d", d.Trace, d.Amount))
	}
}

// said lists the MTIs heard so far and forgets them.
func (h *host) said() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var mtis []string
	for _, m := range h.heard {
		mti := m.MTI
		if mti == "0400" {
			mti += "/" + m.Text(39)
		}
		mtis = append(mtis, mti)
	}
	h.heard = nil
	return strings.Join(mtis, " ")
}

// once makes the next request of an MTI go wrong.
func (h *host) once(mti string, ft fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	done := false
	h.fault = func(m *iso8583.Message) fault {
		if done || m.MTI != mti {
			return fault{}
		}
		done = true
		return ft
	}
}

// always makes every request of an MTI go wrong until the next always or once.
func (h *host) always(mti string, ft fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fault = func(m *iso8583.Message) fault {
		if m.MTI != mti {
			return fault{}
		}
		return ft
	}
}

// set decides what goes wrong from now on; nil: nothing.
func (h *host) set(f func(*iso8583.Message) fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fault = f
}

// jump opens another batch at the host's own will.
func (h *host) jump(batch int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.batch = batch
}

// request is the i-th request since the last said.
func (h *host) request(i int) *iso8583.Message {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.heard[i]
}

// inBubble runs a test beside others, with a clock that time-outs do not wait for.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

func yuan(s string) money.Amount {
	a, err := money.Parse(s, money.CNY)
	if err != nil {
		panic(err)
	}
	return a
}

func swiped(name string) Presented {
	c, ok := cards.ByName(name)
	if !ok {
		panic(name)
	}
	return Presented{Card: c, Entry: Swipe}
}

func withThePIN(p Presented) Presented {
	pin, err := card.NewPIN(p.Card.PIN)
	if err != nil {
		panic(err)
	}
	p.PIN = pin
	return p
}

// must unwraps a result that no error may come with.
func must(t *testing.T) func(Result, error) Result {
	return func(r Result, err error) Result {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// expect checks state and code, and what the host has heard.
func (h *host) expect(r Result, state State, code, said string) {
	h.t.Helper()
	if r.State != state || r.Code != code {
		h.t.Errorf("%s: %s %q, want %s %q", r.Kind, r.State, r.Code, state, code)
	}
	if r.Title == (Words{}) {
		h.t.Errorf("%s: %s has no title", r.Kind, r.State)
	}
	if got := h.said(); got != said {
		h.t.Errorf("%s: the host heard %q, want %q", r.Kind, got, said)
	}
}

var errNoHost = errors.New("no route to host")
