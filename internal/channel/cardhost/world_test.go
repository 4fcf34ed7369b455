package cardhost

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/channel/channeltest"
	"hawker/internal/clock"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/money"
	"hawker/internal/sandbox/cardnet"
	"hawker/internal/sandbox/cards"
	"hawker/internal/store/storetest"
	"hawker/internal/tdes"
	"hawker/internal/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The keys of tests. They guard nothing.
var (
	testZPK = mustKey("0123456789ABCDEF")
	testZAK = mustKey("FEDCBA9876543210")
	testTPK = mustKey("ABCDEF0123456789")
)

const (
	testTerminal = "898310058120001/T0000001"
	testTimeout  = 20 * time.Second
)

func mustKey(text string) tdes.Key {
	k, err := tdes.NewKey([]byte(text))
	if err != nil {
		panic(err)
	}
	return k
}

// world is a Host and the simulated network, joined by pipes.
type world struct {
	t       testing.TB
	host    *Host
	keys    *keys.Keystore
	vault   *vault.Vault
	journal string // the network's memory
	now     clock.Clock
	orders  int
	log     bytes.Buffer // read it when nothing runs

	mu      sync.Mutex
	network *cardnet.Network
	fault   func(cardnet.Info) cardnet.Behaviour
	tamper  func(answer *iso8583.Message) // changes answers on their way, under a right MAC
	away    bool
	lines   []net.Conn
	dials   int
}

func newWorld(t testing.TB, late channel.Late, now clock.Clock) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, journal: filepath.Join(dir, "network.jsonl"), now: now}
	db := storetest.SQLite(t)
	var err error
	if w.keys, err = keys.Open(t.Context(), db, filepath.Join(dir, "master.key"), now); err != nil {
		t.Fatal(err)
	}
	for ref, k := range map[keys.Ref]tdes.Key{keys.ZPK("net"): testZPK, keys.ZAK("net"): testZAK, keys.TPK(testTerminal): testTPK} {
		w.inject(ref, k)
	}
	log := slog.New(slog.NewTextHandler(&w.log, nil))
	w.vault = vault.Open(db, w.keys, now, log)
	w.start()
	w.host = New(Config{
		Name: "net", Dial: w.dial, Acquirer: "48029900", Forwarder: "48029911", Keys: w.keys, Vault: w.vault,
		PINKey: keys.ZPK("net"), MACKey: keys.ZAK("net"), Timeout: testTimeout, Clock: now, Log: log, Late: late,
	})
	return w
}

// inject gives the keystore a key in two components.
func (w *world) inject(ref keys.Ref, k tdes.Key) {
	w.t.Helper()
	mask, err := tdes.Generate(k.Size(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	rest, err := tdes.XOR(k.Reveal(), mask.Reveal())
	if err != nil {
		w.t.Fatal(err)
	}
	var parts []keys.Component
	for _, part := range [][]byte{mask.Reveal(), rest} {
		key, err := tdes.NewKey(part)
		if err != nil {
			w.t.Fatal(err)
		}
		c, err := keys.NewComponent(hex.EncodeToString(part), hex.EncodeToString(key.KCV()))
		if err != nil {
			w.t.Fatal(err)
		}
		parts = append(parts, c)
	}
	if _, err := w.keys.Inject(w.t.Context(), ref, keys.Keep, parts...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) start() {
	n, err := cardnet.New(cardnet.Config{ZPK: testZPK, ZAK: testZAK, LateAfter: 3 * testTimeout / 2, Clock: w.now, StateFile: w.journal})
	if err != nil {
		w.t.Fatal(err)
	}
	n.SetFault(w.fault)
	w.network = n
}

// dial joins the host to the network as it is now.
func (w *world) dial(context.Context) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials++
	if w.away {
		return nil, errors.New("connection refused")
	}
	host, near := net.Pipe()
	far, network := net.Pipe()
	w.lines = append(w.lines, near)
	go w.network.ServeConn(network)
	go pass(near, far, nil)
	go pass(far, near, w.changed)
	return host, nil
}

// pass copies each write of one side to the other until either ends.
func pass(from, to net.Conn, change func([]byte) []byte) {
	defer func() { _, _ = from.Close(), to.Close() }()
	buffer := make([]byte, 8192)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		chunk := buffer[:n]
		if change != nil {
			chunk = change(chunk)
		}
		if _, err := to.Write(chunk); err != nil {
			return
		}
	}
}

// changed is an answer's frame after tamper, authentic as before.
func (w *world) changed(frame []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tamper == nil {
		return frame
	}
	f, err := iso8583.CardNetwork.ParseFrame(frame)
	if err != nil {
		return frame
	}
	m, err := iso8583.CardNetwork.Unpack(f.Body)
	if err != nil {
		return frame
	}
	w.tamper(m)
	return authentic(w.t, m)
}

// authentic is a frame of m under the network's MAC key.
func authentic(t testing.TB, m *iso8583.Message) []byte {
	body, err := iso8583.CardNetwork.PackMAC(m, func(b []byte) ([]byte, error) { return tdes.MAC(tdes.X919, testZAK, b) })
	if err != nil {
		t.Error(err)
	}
	frame, err := iso8583.CardNetwork.AppendFrame(nil, iso8583.Frame{Body: body})
	if err != nil {
		t.Error(err)
	}
	return frame
}

// meet sets what becomes of requests and, on their way back, of answers.
func (w *world) meet(b cardnet.Behaviour, tamper func(*iso8583.Message)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = func(cardnet.Info) cardnet.Behaviour { return b }
	w.tamper = tamper
	w.network.SetFault(w.fault)
}

func (w *world) Channel() channel.Channel { return w.host }

func (w *world) Merchant() channel.Merchant {
	return channel.Merchant{ID: 1, MID: "898310058120001", Name: "NOODLES", Place: "SHANGHAI", MCC: "5812", Zone: time.FixedZone("CST", 8*60*60)}
}

func (w *world) Card() channel.Card { return w.card("test-credit", "123456") }

func testCard(t testing.TB) cards.Card {
	t.Helper()
	c, ok := cards.ByName("test-debit")
	if !ok {
		t.Fatal("no card test-debit")
	}
	return c
}

// card is a test card as a terminal read its stripe; pin "" for none.
func (w *world) card(name, pin string) channel.Card {
	w.t.Helper()
	c, ok := cards.ByName(name)
	if !ok {
		w.t.Fatalf("no card %q", name)
	}
	token, err := w.vault.Tokenize(w.t.Context(), c.PAN)
	if err != nil {
		w.t.Fatal(err)
	}
	out := channel.Card{Token: token, Expiry: c.Expiry, Entry: "02", Track2: c.Track2()}
	if pin != "" {
		out.PIN, out.PINKey = pinBlock(w.t, c.PAN, pin), string(keys.TPK(testTerminal))
	}
	return out
}

func pinBlock(t testing.TB, pan card.PAN, digits string) card.PINBlock {
	t.Helper()
	pin, err := card.NewPIN(digits)
	if err != nil {
		t.Fatal(err)
	}
	block, err := card.EncodePIN(card.ISO0, pin, pan)
	if err != nil {
		t.Fatal(err)
	}
	if block, err = testTPK.Encrypt(block); err != nil {
		t.Fatal(err)
	}
	b, err := card.NewPINBlock(block)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *world) Net() (money.Amount, error) {
	for _, b := range w.network.Books() {
		if b.Merchant == w.Merchant().MID {
			return b.Net, w.network.Check()
		}
	}
	return money.Zero(money.CNY), w.network.Check()
}

func (w *world) Refuse(refuse bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away = refuse
	for _, c := range w.lines {
		_ = c.Close()
	}
	w.lines = nil
}

func (w *world) Restart() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.network.Close(); err != nil {
		w.t.Error(err)
	}
	w.start()
}

func (w *world) Close() {
	w.host.Close()
	if err := w.network.Close(); err != nil {
		w.t.Error(err)
	}
}

var _ channeltest.World = (*world)(nil)
