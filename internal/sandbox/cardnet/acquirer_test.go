package cardnet

import (
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hawker/internal/card"
	"hawker/internal/emv"
	"hawker/internal/iso8583"
	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
	"hawker/internal/tdes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	testZPK = mustKey("0123456789ABCDEF")
	testZAK = mustKey("FEDCBA9876543210")
	// noon is when every test happens unless it says otherwise.
	noon = time.Date(2026, 11, 22, 12, 0, 0, 0, bankZone)
)

func mustKey(text string) tdes.Key {
	k, err := tdes.NewKey([]byte(text))
	if err != nil {
		panic(err)
	}
	return k
}

type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

func newNetwork(t tb, change ...func(*Config)) *Network {
	t.Helper()
	cfg := Config{ZPK: testZPK, ZAK: testZAK, Clock: func() time.Time { return noon }}
	for _, c := range change {
		c(&cfg)
	}
	n, err := New(cfg)
	if err != nil {
		t.Fatalf("new network: %v", err)
	}
	return n
}

// acquirer makes requests as the protocol page says and hands them to the
// network without a connection. Its numbers only ever grow.
type acquirer struct {
	tb
	n        *Network
	zpk, zak tdes.Key
	merchant string
	stan     int
}

func newAcquirer(t tb, change ...func(*Config)) *acquirer {
	return &acquirer{tb: t, n: newNetwork(t, change...), zpk: testZPK, zak: testZAK, merchant: "898310058120001"}
}

// exchange is a request and its answer, nil when there was none.
type exchange struct{ request, answer *iso8583.Message }

func (x exchange) code() string {
	if x.answer == nil {
		return "silence"
	}
	return x.answer.Text(39)
}

type change func(*iso8583.Message)

func set(n int, value string) change { return func(m *iso8583.Message) { m.Set(n, value) } }
func unset(n int) change             { return func(m *iso8583.Message) { m.Unset(n) } }
func mti(mti string) change          { return func(m *iso8583.Message) { m.MTI = mti } }

// typed makes the request one without card or chip, swiped one of a stripe.
var typed, swiped = set(22, "012"), set(22, "022")

func (a *acquirer) pin(digits string) change {
	return func(m *iso8583.Message) {
		pan, err := card.ParsePAN(m.Text(2))
		if err != nil {
			a.Fatalf("pin for a bad number: %v", err)
		}
		pin, _ := card.NewPIN(digits)
		block, _ := card.EncodePIN(card.ISO0, pin, pan)
		block, _ = a.zpk.Encrypt(block)
		m.SetBytes(52, block).Set(53, pinISO0).Set(26, "12").Set(22, m.Text(22)[:2]+"1")
	}
}

// message is what every request of the cardholder's or merchant's has.
func (a *acquirer) message(kind, processing, cardName string, fen int64) *iso8583.Message {
	a.stan++
	c, ok := cards.ByName(cardName)
	if !ok {
		a.Fatalf("no card %q", cardName)
	}
	return iso8583.New(kind).Set(2, c.PAN.Reveal()).Set(3, processing).Set(4, fmt.Sprintf("%012d", fen)).
		Set(7, "1122040000").Set(11, fmt.Sprintf("%06d", a.stan)).Set(12, "120000").Set(13, "1122").
		Set(18, "5812").Set(22, "052").Set(25, "00").Set(32, "48029900").Set(33, "48029900").
		Set(37, fmt.Sprintf("RRN%09d", a.stan)).Set(41, "10000001").Set(42, a.merchant).
		Set(43, fmt.Sprintf("%-40s", "NOODLE STALL")).Set(49, "156")
}

func (a *acquirer) saleOf(cardName string, fen int64, changes ...change) *iso8583.Message {
	c, _ := cards.ByName(cardName)
	m := a.message("0200", "000000", cardName, fen).Set(14, c.Expiry).Set(35, string(c.Track2().Reveal()))
	for _, f := range changes {
		f(m)
	}
	a.chip(m, c)
	return m
}

// chip adds what the card's chip says of the request, when it was read by its chip
// and a change has not said something else.
func (a *acquirer) chip(m *iso8583.Message, c cards.Card) {
	if mode := m.Text(22)[:2]; mode != "05" && mode != "07" || m.Has(55) || m.Text(2) != c.PAN.Reveal() {
		return
	}
	play, err := c.Insert(cards.Memory{Counter: a.stan - 1}, 1)
	if err != nil {
		return // it has none that answers
	}
	defer play.Remove()
	digits := func(tag emv.Tag, text string) emv.Element {
		b, _ := hex.DecodeString(text)
		return emv.Element{Tag: tag, Value: b}
	}
	amount := m.Text(4)
	if amount == "" {
		amount = "000000000000"
	}
	told := []emv.Element{
		digits(emv.Amount, amount), digits(emv.AmountOther, "000000000000"), digits(emv.CountryCode, "0156"), digits(emv.CurrencyCode, "0"+m.Text(49)),
		digits(emv.VerificationResult, "0000000000"), digits(emv.TransactionDate, "261122"), digits(emv.TransactionType, m.Text(3)[:2]), digits(emv.Unpredictable, "01020304"),
	}
	t, _ := emv.New(told...)
	answer, err := play.First(play.FirstList().Collect(t))
	if err != nil {
		a.Fatalf("chip: %v", err)
	}
	t, _ = emv.New(append(append(told, play.Own().Elements()...), emv.Element{Tag: emv.Cryptogram, Value: answer.Cryptogram},
		emv.Element{Tag: emv.CryptogramInfo, Value: []byte{answer.Info}}, emv.Element{Tag: emv.IssuerData, Value: answer.IssuerData})...)
	m.Set(23, "001").SetBytes(55, t.Only(emv.Online...).Bytes())
}

func (a *acquirer) sale(cardName string, fen int64, changes ...change) exchange {
	return a.ask(a.saleOf(cardName, fen, changes...))
}

func (a *acquirer) balance(cardName string, changes ...change) exchange {
	return a.ask(a.saleOf(cardName, 0, append(changes, set(3, "310000"), unset(4))...))
}

// followUp is a request about x: a void, a refund or a reversal.
func (a *acquirer) followUp(x exchange, kind, processing string, fen int64, changes []change) *iso8583.Message {
	a.stan++
	m := iso8583.New(kind)
	for _, n := range cardSale {
		m.SetBytes(n, x.request.Bytes(n))
	}
	ref := Reference{x.request.MTI, m.Text(11), m.Text(7), zeroFill(m.Text(32)), zeroFill(m.Text(33))}
	m.Set(3, processing).Set(4, fmt.Sprintf("%012d", fen)).Set(11, fmt.Sprintf("%06d", a.stan)).
		Set(37, fmt.Sprintf("RRN%09d", a.stan)).Set(90, ref.F90())
	for _, f := range changes {
		f(m)
	}
	return m
}

func fenOf(x exchange) int64 {
	var fen int64
	_, _ = fmt.Sscanf(x.request.Text(4), "%d", &fen)
	return fen
}

func (a *acquirer) void(x exchange, changes ...change) exchange {
	return a.ask(a.followUp(x, "0200", "200000", fenOf(x), changes))
}

func (a *acquirer) refund(x exchange, fen int64, changes ...change) exchange {
	return a.ask(a.followUp(x, "0220", "200000", fen, changes))
}

func (a *acquirer) reversalOf(x exchange, changes ...change) *iso8583.Message {
	return a.followUp(x, "0420", x.request.Text(3), fenOf(x), append([]change{set(39, "98")}, changes...))
}

func (a *acquirer) reverse(x exchange, changes ...change) exchange {
	return a.ask(a.reversalOf(x, changes...))
}

// again sends the same bytes once more.
func (a *acquirer) again(x exchange) exchange { return a.ask(x.request) }

// ask hands the network one message and reads the answer.
func (a *acquirer) ask(m *iso8583.Message) exchange {
	a.Helper()
	frame, _ := a.n.handle(a.body(m))
	if frame == nil {
		return exchange{m, nil}
	}
	return exchange{m, a.read(frame)}
}

// body is m packed under the acquirer's ZAK.
func (a *acquirer) body(m *iso8583.Message) []byte {
	a.Helper()
	body, err := iso8583.CardNetwork.PackMAC(m, func(b []byte) ([]byte, error) { return tdes.MAC(tdes.X919, a.zak, b) })
	if err != nil {
		a.Fatalf("pack: %v", err)
	}
	return body
}

// frame is body with its length.
func (a *acquirer) frame(m *iso8583.Message) []byte {
	a.Helper()
	frame, err := iso8583.CardNetwork.AppendFrame(nil, iso8583.Frame{Body: a.body(m)})
	if err != nil {
		a.Fatalf("frame: %v", err)
	}
	return frame
}

// read takes an answer apart, which must be well formed and, unless a test is
// about that, authentic.
func (a *acquirer) read(frame []byte) *iso8583.Message {
	a.Helper()
	f, err := iso8583.CardNetwork.ParseFrame(frame)
	if err != nil {
		a.Fatalf("answer's frame: %v", err)
	}
	m, err := iso8583.CardNetwork.Unpack(f.Body)
	if err == nil {
		err = iso8583.CardNetwork.Validate(m)
	}
	if err != nil {
		a.Fatalf("answer: %v", err)
	}
	return m
}

// available is what a card has left.
func (a *acquirer) available(cardName string) string {
	for _, c := range a.n.Cards() {
		if c.Card == cardName {
			return c.Available.Decimal()
		}
	}
	return "no such card"
}

// net is what the network owes the acquirer for its merchant.
func (a *acquirer) net() string {
	for _, b := range a.n.Books() {
		if b.Merchant == a.merchant {
			return b.Net.Decimal()
		}
	}
	return money.Zero(money.CNY).Decimal()
}

func (a *acquirer) want(code string, x exchange) exchange {
	a.Helper()
	if got := x.code(); got != code {
		a.Errorf("%s %s of %s: answered %s, want %s", x.request.MTI, x.request.Text(3), x.request.Text(4), got, code)
	}
	return x
}

func (a *acquirer) wantBooks(available, net string) {
	a.Helper()
	if got := a.available("test-credit"); got != available {
		a.Errorf("test-credit has %s left, want %s", got, available)
	}
	if got := a.net(); got != net {
		a.Errorf("merchant is owed %s, want %s", got, net)
	}
	if err := a.n.Check(); err != nil {
		a.Errorf("books: %v", err)
	}
}
