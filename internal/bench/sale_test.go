package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hawker/internal/app"
	"hawker/internal/card"
	"hawker/internal/iso8583"
	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
	"hawker/internal/sandbox/pos"
	"hawker/internal/tdes"
)

func key(t *testing.T, text string) tdes.Key {
	t.Helper()
	k, err := tdes.NewKey([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func keys(t *testing.T) working {
	return working{tpk: key(t, "0123456789abcdef"), tak: key(t, "76543210"), tdk: key(t, "fedcba9876543210"), batch: "000007"}
}

var device = app.Device{Merchant: 1001, MID: "100290000001001", TID: "B0000001"}

func TestAFilledTemplateIsThePackedMessage(t *testing.T) {
	t.Parallel()
	for _, c := range Cards(4) {
		s, err := newSale(device, keys(t), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range []struct {
			amount int64
			trace  int
		}{{1, 1}, {4650, 2}, {999_999_999_999, 999999}, {0, 0}, {123_456_789_012, 345678}, {100, 100000}} {
			if err := s.fill(one.amount, one.trace); err != nil {
				t.Fatal(err)
			}
			m, err := message(device, keys(t), c, one.amount, one.trace)
			if err != nil {
				t.Fatal(err)
			}
			want, err := pack(m, keys(t).tak)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(s.frame, want) {
				t.Errorf("%s, %d fen, trace %d:\n got %x\nwant %x", c.Name, one.amount, one.trace, s.frame, want)
			}
		}
	}
}

// recorder is a terminal's connection that keeps what went over it.
type recorder struct {
	net.Conn
	mu       *sync.Mutex
	sent, in *[]byte
}

func (r recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	*r.sent = append(*r.sent, b...)
	r.mu.Unlock()
	return r.Conn.Write(b)
}

func (r recorder) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.mu.Lock()
	*r.in = append(*r.in, b[:n]...)
	r.mu.Unlock()
	return n, err
}

// TestASaleIsByteForByteTheSoftwareTerminals lets the software terminal sign on and
// sell at a real server, and makes the same sale from the keys that it got.
func TestASaleIsByteForByteTheSoftwareTerminals(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	devices, err := app.Provision(t.Context(), app.Config{Data: data}, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	host := serve(t, app.Config{Data: data})
	d := devices[0]
	file := filepath.Join(t.TempDir(), "terminal.json")
	if err := pos.Provision(file, pos.Device{Host: host, TPDU: "00030000", TMK: d.TMK, Shop: pos.Shop{MerchantID: d.MID, TerminalID: d.TID}}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var sent, received []byte
	software, err := pos.Open(file, pos.Options{Timeout: 10 * time.Second, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		return recorder{c, &mu, &sent, &received}, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = software.Close() }()
	c, _ := cards.ByName("test-debit")
	pin, err := card.NewPIN(c.PIN)
	if err != nil {
		t.Fatal(err)
	}
	for _, amount := range []int64{4650, 1234} {
		r, err := software.Sale(t.Context(), money.New(amount, money.CNY), pos.Presented{Card: c, Entry: pos.Swipe, PIN: pin})
		if err != nil || r.State != pos.Approved {
			t.Fatalf("%s %v", r.State, err)
		}
	}
	requests, answers := frames(t, sent), frames(t, received)
	if len(requests) != 3 || len(answers) != 3 {
		t.Fatalf("%d requests, %d answers; want a sign-on and two sales", len(requests), len(answers))
	}
	m, err := profile.Unpack(answers[0][bodyAt:])
	if err != nil {
		t.Fatal(err)
	}
	k, err := unwrap(d.TMK, m)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSale(d, k, c)
	if err != nil {
		t.Fatal(err)
	}
	for i, amount := range []int64{4650, 1234} {
		if err := s.fill(amount, i+2); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.frame, requests[i+1]) {
			t.Errorf("sale %d:\n     our %x\nterminal %x", i+1, s.frame, requests[i+1])
		}
		if code, err := receive(bufio.NewReader(bytes.NewReader(answers[i+1])), s); err != nil || string(code[:]) != approved {
			t.Errorf("answer %d: %s, %v", i+1, code, err)
		}
	}
}

// serve runs a server until the test ends and tells where its terminals connect.
func serve(t *testing.T, c app.Config) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	c.ISO.Plain = true
	s, err := app.Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s.ISOAddr()
}

// frames cuts a stream at its lengths.
func frames(t *testing.T, stream []byte) (list [][]byte) {
	t.Helper()
	for len(stream) > 0 {
		size := 2 + int(stream[0])<<8 + int(stream[1])
		if size > len(stream) {
			t.Fatal("the stream is cut short")
		}
		list, stream = append(list, stream[:size]), stream[size:]
	}
	return list
}

func TestAnAnswerIsBelievedOnlyWhenItIsTheAnswer(t *testing.T) {
	t.Parallel()
	k := keys(t)
	s, err := newSale(device, k, Cards(1)[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := s.fill(4650, 12); err != nil {
		t.Fatal(err)
	}
	answer := func() *iso8583.Message {
		return iso8583.New("0210").Set(3, "000000").Set(4, "000000004650").Set(11, "000012").Set(12, "101112").Set(13, "1122").Set(15, "1122").
			Set(25, "00").Set(32, "10000000").Set(37, "0CX3K2L1M0N9").Set(38, "123456").Set(39, "00").Set(41, device.TID).Set(42, device.MID).
			Set(44, "99622200   10000000   ").Set(49, "156").Set(60, "22000007000")
	}
	for _, row := range []struct {
		name string
		make func() ([]byte, error)
		code string
		err  error
	}{
		{"approved", func() ([]byte, error) { return pack(answer(), k.tak) }, "00", nil},
		{"declined, without RRN", func() ([]byte, error) {
			m := answer().Set(39, "51")
			m.Unset(37)
			m.Unset(38)
			return pack(m, k.tak)
		}, "51", nil},
		{"refused without a MAC", func() ([]byte, error) { return pack(answer().Set(39, "A0"), tdes.Key{}) }, "A0", nil},
		{"wrong MAC", func() ([]byte, error) { return pack(answer(), key(t, "01234567")) }, "", errMAC},
		{"another amount", func() ([]byte, error) { return pack(answer().Set(4, "000000004651"), k.tak) }, "", errForeign},
		{"another trace", func() ([]byte, error) { return pack(answer().Set(11, "000013"), k.tak) }, "", errForeign},
		{"another message", func() ([]byte, error) {
			m := answer()
			m.MTI = "0410"
			return pack(m, k.tak)
		}, "", errForeign},
		{"no response code", func() ([]byte, error) {
			m := answer()
			m.Unset(39)
			return pack(m, k.tak)
		}, "", errForeign},
	} {
		t.Run(row.name, func(t *testing.T) {
			frame, err := row.make()
			if err != nil {
				t.Fatal(err)
			}
			code, err := receive(bufio.NewReader(bytes.NewReader(frame)), s)
			if !errors.Is(err, row.err) || err == nil && string(code[:]) != row.code {
				t.Errorf("got %s, %v; want %s, %v", code, err, row.code, row.err)
			}
		})
	}
}

func BenchmarkASaleAtTheTerminal(b *testing.B) {
	tak, err := tdes.NewKey([]byte("76543210"))
	if err != nil {
		b.Fatal(err)
	}
	long, err := tdes.NewKey([]byte("0123456789abcdef"))
	if err != nil {
		b.Fatal(err)
	}
	s, err := newSale(device, working{tpk: long, tak: tak, tdk: long, batch: "000001"}, Cards(1)[0])
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.fill(4650, 12); err != nil {
			b.Fatal(err)
		}
	}
}
