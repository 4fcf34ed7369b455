package iso

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"hawker/internal/iso8583"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

// TestSixtyFourTimesTheSameSaleIsOneSale sends one message over 64 connections at once.
func TestSixtyFourTimesTheSameSaleIsOneSale(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		d := w.device("zh-CN")
		sale := d.frame(d.sale(1_00))
		answers := make([][]byte, 64)
		var crowd sync.WaitGroup
		start := make(chan struct{})
		for i := range answers {
			crowd.Go(func() {
				<-start
				answers[i] = d.lonely(sale)
			})
		}
		close(start)
		crowd.Wait()
		if a := d.read(answers[0]); a.code() != "00" {
			t.Errorf("answered %s %s", a.code(), a.says())
		}
		for i, raw := range answers {
			if !bytes.Equal(raw, answers[0]) {
				t.Errorf("answer %d differs:\n%x\n%x", i, raw, answers[0])
			}
		}
		if again := d.exchange(sale); !bytes.Equal(again.raw, answers[0]) {
			t.Errorf("the same later is answered\n%x, was\n%x", again.raw, answers[0])
		}
		if e := w.effect(d.shop); e != (effect{1_00, 1_00}) {
			t.Errorf("one sale of 1.00 came to %+v", e)
		}
	})
}

// TestAConcentratorsLineCarriesManyTerminals sends the sales of many terminals over
// one connection before it reads an answer.
func TestAConcentratorsLineCarriesManyTerminals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	s, line := w.shop(), w.dial()
	defer func() { _ = line.Close() }()
	waiting := map[string]*device{}
	for range 40 { // more than MaxInFlight
		d := s.device("en")
		d.signOn("003")
		waiting[d.id] = d
		if _, err := line.Write(d.frame(d.sale(1_00))); err != nil {
			t.Fatal(err)
		}
	}
	for range 40 {
		raw, err := readRaw(line)
		if err != nil {
			t.Fatal(err)
		}
		_, m := unproven(t, raw)
		d := waiting[m.Text(41)]
		if d == nil {
			t.Fatal("an answer to nobody, or a second one")
		}
		if a := d.read(raw); a.code() != "00" {
			t.Errorf("%s is answered %s %s", d.id, a.code(), a.says())
		}
		delete(waiting, d.id)
	}
	if e := w.effect(s); e != (effect{40_00, 40_00}) {
		t.Errorf("40 sales of 1.00 came to %+v", e)
	}
}

// TestGarbageOnFiftyConnectionsStopsNobody floods the port while a terminal sells.
func TestGarbageOnFiftyConnectionsStopsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	d := w.device("zh-CN")
	over := make(chan struct{})
	var flood sync.WaitGroup
	for seed := range 50 {
		flood.Go(func() {
			random := rand.New(rand.NewPCG(uint64(seed), 1))
			for {
				select {
				case <-over:
					return
				default:
					spill(w, random)
				}
			}
		})
	}
	for range 20 {
		d.take(1_00)
	}
	close(over)
	flood.Wait()
	if e := w.effect(d.shop); e != (effect{20_00, 20_00}) {
		t.Errorf("20 sales of 1.00 came to %+v", e)
	}
}

// spill sends noise, half of it in a frame, and waits for the door to close.
func spill(w *world, random *rand.Rand) {
	c := w.dial().(*net.TCPConn)
	defer func() { _ = c.Close() }()
	noise := make([]byte, 16+random.IntN(200))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	if random.IntN(2) == 0 {
		noise = framed(noise)
	}
	_, _ = c.Write(noise)
	_ = c.CloseWrite()
	_, _ = io.Copy(io.Discard, c)
}

func TestAConnectionTooManyIsClosedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := bubbled(t, func(c *Config) { c.MaxConns = 3 })
		d := w.device("zh-CN") // holds the first
		second, third, fourth := w.dial(), w.dial(), w.dial()
		defer func() { _ = third.Close() }()
		closedAtOnce(t, fourth)
		d.take(1_00)
		_ = second.Close()
		synctest.Wait()
		other := d.shop.device("zh-CN") // takes its place
		other.signOn("004")
		other.take(1_00)
	})
}

func TestAConnectionThatTalksNonsenseIsClosed(t *testing.T) {
	t.Parallel()
	oversize := append(binary.BigEndian.AppendUint16(nil, 2049), make([]byte, 2049)...)
	rows := map[string]struct {
		nonsense []byte
		bearable int // how often before the connection ends
		log      string
	}{
		"a frame over 2048 bytes":      {oversize, 0, "expected a length of 21 to 2048, got 2049"},
		"a frame too short for any":    {[]byte{0, 20}, 0, "expected a length of 21 to 2048, got 20"},
		"a TPDU that is none":          {[]byte{0, 23, 0x61, 24: 0}, 0, "offset 2: expected a TPDU"},
		"a header that is no digits":   {append(nibbles("0017"+"6000030000"+"6031003100FF"), make([]byte, 12)...), 0, "offset 7: expected a header"},
		"an MTI that is no digits":     {framed(append([]byte{0xFF, 0xFF}, make([]byte, 10)...)), 7, "offset 0: expected an MTI of four digits, got FFFF"},
		"a field that nobody knows":    {framed(newMessage("0200").set(5, "").pack()), 7, "field 5 at offset 2"},
		"an answer":                    {framed(newMessage("0210").set(41, "T0000001").set(42, "898310058100001").pack()), 7, "expected an MTI of a request, got 0210"},
		"a message of no terminal":     {framed(newMessage("0200").set(42, "898310058100001").pack()), 7, "field 41 at offset 0: expected a value, got none"},
		"a message of no merchant":     {framed(newMessage("0200").set(41, "T0000001").pack()), 7, "field 42 at offset 0: expected a value, got none"},
		"a terminal that is no text":   {framed(newMessage("0200").set(41, "T000000\x00").set(42, "898310058100001").pack()), 7, `field 41 at offset 17: expected ans8, got \"\\x00\" at position 8`},
		"a merchant that is no text":   {framed(newMessage("0200").set(41, "T0000001").set(42, "89831005810000\xFF").pack()), 7, `field 42 at offset 32: expected ans15, got \"\\xff\" at position 15`},
		"a message with more behind":   {framed(append(newMessage("0200").set(41, "T0000001").pack(), 0)), 7, "expected the end of the message, got more: 1 byte"},
		"a message that ends too soon": {framed(newMessage("0200").set(41, "T00000").pack()), 7, "field 41 at offset 10: expected 8 bytes, got 6 bytes"},
	}
	synctest.Test(t, func(t *testing.T) {
		w := bubbled(t, func(c *Config) { c.MaxBad, c.Profile = 8, iso8583.UnionPayPOS })
		d := w.shop().device("zh-CN")
		for name, row := range rows {
			t.Log(name)
			d.conn = w.dial()
			for range row.bearable {
				d.send(row.nonsense)
			}
			if row.bearable > 0 {
				d.signOn("004") // still served
			}
			d.send(row.nonsense)
			closedAtOnce(t, d.conn)
			if !w.log.has("bad message dropped", row.log) {
				t.Errorf("the log does not say %q", row.log)
			}
		}
	})
}

// send sends bytes that get no answer.
func (d *device) send(frame []byte) {
	if d.conn == nil {
		d.conn = d.w.dial()
		d.w.t.Cleanup(func() { _ = d.conn.Close() })
	}
	_, _ = d.conn.Write(frame)
}
