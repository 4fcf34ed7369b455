package cardnet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hawker/internal/iso8583"
	"hawker/internal/tdes"
)

func dial(t *testing.T, n *Network) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func listening(t *testing.T, change ...func(*Config)) *acquirer {
	t.Helper()
	a := newAcquirer(t, change...)
	if err := a.n.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.n.Close() })
	return a
}

// over sends one sale over c and reads its answer.
func (a *acquirer) over(c net.Conn, m *iso8583.Message) exchange {
	a.Helper()
	if _, err := c.Write(a.frame(m)); err != nil {
		a.Fatalf("send: %v", err)
	}
	l := line{a, c}
	answer, err := l.answer(time.Minute)
	if err != nil {
		a.Fatalf("answer: %v", err)
	}
	return exchange{m, answer}
}

func TestManyRequestsOnManyConnections(t *testing.T) {
	t.Parallel()
	const conns, each = 8, 50
	a := listening(t)
	var all sync.WaitGroup
	for i := range conns {
		c := dial(t, a.n)
		b := &acquirer{tb: t, n: a.n, zpk: testZPK, zak: testZAK, merchant: fmt.Sprintf("89831005812%04d", i), stan: i * 1000}
		all.Go(func() {
			var out []byte
			want := map[string]bool{}
			for range each {
				m := b.saleOf("test-credit", 100, swiped) // many chips of one counter would not agree
				want[m.Text(11)] = true
				out = append(out, b.frame(m)...)
			}
			if _, err := c.Write(out); err != nil { // all at once; answers in any order
				t.Error(err)
			}
			l := line{b, c}
			for range each {
				m, err := l.answer(time.Minute)
				if err != nil || m.Text(39) != "00" || !want[m.Text(11)] {
					t.Errorf("answer %v: %v", m, err)
					return
				}
				delete(want, m.Text(11))
			}
		})
	}
	all.Wait()
	if got := a.available("test-credit"); got != "49600.00" {
		t.Errorf("card has %s left", got)
	}
	if got := len(a.n.Books()); got != conns {
		t.Errorf("%d merchants, want %d", got, conns)
	}
	if err := a.n.Check(); err != nil {
		t.Error(err)
	}
}

func TestCopiesRacingBookOnce(t *testing.T) {
	t.Parallel()
	a := newAcquirer(t)
	body := a.body(a.saleOf("test-credit", 100_00))
	answers := make([][]byte, 64)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i], _ = a.n.handle(slices.Clone(body)) })
	}
	all.Wait()
	for _, frame := range answers {
		if !slices.Equal(frame, answers[0]) {
			t.Fatal("copies of one request got different answers")
		}
	}
	a.wantBooks("49900.00", "100.00")
}

func TestSignOnAndEcho(t *testing.T) {
	t.Parallel()
	a := newAcquirer(t)
	for f70, code := range map[string]string{"001": "00", "301": "00", "999": "40"} {
		m := iso8583.New("0800").Set(7, "1122040000").Set(11, "000001").Set(33, "48029900").Set(70, f70)
		x := a.want(code, a.ask(m))
		if x.answer.MTI != "0810" || x.answer.Text(70) != f70 || x.answer.Text(33) != "48029900" {
			t.Errorf("answer %v", x.answer)
		}
	}
}

// TestRefusals has one row a fault of the acquirer's: it is told, and nothing is
// booked or remembered, so that the right message may follow under the same reference.
func TestRefusals(t *testing.T) {
	t.Parallel()
	a := newAcquirer(t)
	sale := a.sale("test-credit", 100)
	rows := map[string]struct {
		code string
		m    *iso8583.Message
	}{
		"a sale without terminal":          {"30", a.saleOf("test-credit", 100, unset(41))},
		"a sale without number":            {"30", a.saleOf("test-credit", 100, unset(2))},
		"a sale without amount":            {"30", a.saleOf("test-credit", 100, unset(4))},
		"a sale in an unknown currency":    {"30", a.saleOf("test-credit", 100, set(49, "000"))},
		"a sale with an original":          {"30", a.saleOf("test-credit", 100, set(90, sale.request.Text(11)+"000000000000000000000000000000000000"))},
		"a PIN block of an unstated form":  {"30", a.saleOf("test-credit", 100, a.pin("123456"), set(53, "1000000000000000"))},
		"a PIN block and no word about it": {"30", a.saleOf("test-credit", 100, a.pin("123456"), unset(53))},
		"a balance inquiry with an amount": {"30", a.saleOf("test-credit", 100, set(3, "310000"))},
		"a void without its original":      {"30", a.followUp(sale, "0200", "200000", 100, []change{unset(90)})},
		"a refund with a PIN":              {"30", a.followUp(sale, "0220", "200000", 100, []change{a.pin("123456")})},
		"a reversal with a track":          {"30", a.reversalOf(sale, set(35, "6259=35"))},
		"a reversal without a reason":      {"30", a.reversalOf(sale, unset(39))},
		"a pre-authorisation":              {"40", a.saleOf("test-credit", 100, mti("0100"))},
		"an unknown processing code":       {"40", a.saleOf("test-credit", 100, set(3, "990000"))},
		"a balance inquiry as an advice":   {"40", a.saleOf("test-credit", 100, mti("0220"), set(3, "310000"))},
		"an offline sale with a PIN":       {"30", a.saleOf("test-credit", 100, mti("0220"), a.pin("123456"))},
		"a tip without its sale":           {"30", a.saleOf("test-credit", 100, mti("0220"), set(3, "020000"))},
		"an answer nobody asked for":       {"silence", a.saleOf("test-credit", 100, mti("0210"))},
		"a repeat indicator":               {"silence", a.saleOf("test-credit", 100, mti("0201"))},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			if got := a.ask(row.m).code(); got != row.code {
				t.Errorf("answered %s, want %s", got, row.code)
			}
			a.wantBooks("49999.00", "1.00")
		})
	}
	if got := len(a.n.Journal()); got != 1 {
		t.Errorf("%d entries are remembered, want 1", got)
	}
}

func TestWrongMAC(t *testing.T) {
	t.Parallel()
	a := newAcquirer(t)
	m := a.saleOf("test-credit", 100_00)
	a.zak = testZPK
	x := a.want("A0", a.ask(m))
	if x.answer.MTI != "0210" || x.answer.Text(11) != m.Text(11) {
		t.Errorf("answer %v does not match its request", x.answer)
	}
	body, _ := iso8583.CardNetwork.Pack(a.saleOf("test-credit", 100_00))
	if frame, _ := a.n.handle(body); a.read(frame).Text(39) != "A0" {
		t.Error("a message without a MAC is taken")
	}
	a.zak = testZAK
	a.want("00", a.ask(m))
	a.wantBooks("49900.00", "100.00")
	if got := a.n.Counts().WrongMAC; got != 2 {
		t.Errorf("%d wrong MACs counted, want 2", got)
	}
}

// One flipped bit anywhere is never booked, and the neighbours on the network never notice.
func TestBitFlips(t *testing.T) {
	t.Parallel()
	a := newAcquirer(t)
	body := a.body(a.saleOf("test-credit", 100_00))
	for i := range len(body) * 8 {
		flipped := slices.Clone(body)
		flipped[i/8] ^= 1 << (i % 8)
		a.n.handle(flipped)
	}
	a.wantBooks("50000.00", "0.00")
}

func TestBrokenFramesHarmNobody(t *testing.T) {
	t.Parallel()
	a := listening(t)
	good := dial(t, a.n)
	frame := a.frame(a.saleOf("test-credit", 100))
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 5000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	for name, bytes := range map[string][]byte{
		"cut in the length":  frame[:1],
		"cut in the message": frame[:len(frame)/2],
		"length over 2048":   {0xFF, 0xFF, 0x02, 0x00},
		"length of nothing":  {0x00, 0x00},
		"noise":              noise,
		"web":                []byte("GET / HTTP/1.1\r\nHost: bank\r\n\r\n"),
	} {
		c := dial(t, a.n)
		if _, err := c.Write(bytes); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = c.Read(make([]byte, 1)) // until the network has seen the end
	}
	a.want("00", a.over(good, a.saleOf("test-credit", 100)))
	a.wantBooks("49999.00", "1.00")
}

func TestOneByteAtATime(t *testing.T) {
	t.Parallel()
	a := listening(t)
	c := dial(t, a.n)
	m := a.saleOf("test-credit", 100)
	for _, b := range a.frame(m) {
		if _, err := c.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	l := line{a, c}
	l.wantAnswer("00", exchange{request: m}, 10*time.Second)
}

func TestServeAndClose(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- n.Serve(l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a := &acquirer{tb: t, n: n, zpk: testZPK, zak: testZAK}
	a.over(c, a.saleOf("test-credit", 100, set(42, "898310058120001")))
	defer func() { _ = c.Close() }()
	for range 2 {
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve ended with %v", err)
	}
	if err := n.Listen(t.Context()); err == nil {
		t.Error("a closed network listens")
	}
	if n.Addr() != "" {
		t.Errorf("address %q of a network that never listened", n.Addr())
	}
}

func TestListenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	n := newNetwork(t)
	if err := n.Listen(ctx); err != nil {
		t.Fatal(err)
	}
	c := dial(t, n)
	cancel()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection outlives the context")
	}
	_ = n.Close()
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.conns = maxConns
	client, served := net.Pipe()
	n.ServeConn(served)
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("one connection too many is served")
	}
}

// A connection with all its messages waiting is read no further, and still ends at once.
func TestFullConnectionCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAcquirer(t)
		frame := a.frame(a.saleOf("test-late", 100))
		a.n.SetFault(func(Info) Behaviour { return Behaviour{Delivery: Late} })
		client, served := net.Pipe()
		go a.n.ServeConn(served)
		_ = client.SetWriteDeadline(time.Now().Add(time.Second))
		taken := 0
		for ; taken <= maxInFlight+100; taken++ {
			if _, err := client.Write(frame); err != nil {
				break
			}
		}
		if taken < maxInFlight || taken > maxInFlight+50 { // a few more lie in the reader's buffer
			t.Errorf("%d messages were taken, want about %d", taken, maxInFlight)
		}
		start := time.Now()
		_ = a.n.Close()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("Close took %v", waited)
		}
		_ = client.Close()
	})
}

func BenchmarkSale(b *testing.B) {
	a := newAcquirer(b)
	bodies := make([][]byte, 0, b.N)
	for range b.N {
		a.stan %= 999_999
		bodies = append(bodies, a.body(a.saleOf("test-credit", 1, set(7, fmt.Sprintf("%010d", b.N)))))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, body := range bodies {
		a.n.handle(body)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{ZPK: testZPK}); err == nil {
		t.Error("made a network without a ZAK")
	}
	if _, err := New(Config{ZPK: tdes.Key{}, ZAK: testZAK}); err == nil {
		t.Error("made a network without a ZPK")
	}
}
