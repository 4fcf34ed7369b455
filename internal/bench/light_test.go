package bench

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"hawker/internal/iso8583"
	"hawker/internal/tdes"
)

// acquirer talks to a light network.
type acquirer struct {
	t   *testing.T
	zak tdes.Key
	net *light
	net.Conn
	in *bufio.Reader
}

func dialLight(t *testing.T, delay time.Duration) *acquirer {
	t.Helper()
	zak := key(t, "0123456789abcdef")
	n := newLight(zak, delay)
	if err := n.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := net.Dial("tcp", n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return &acquirer{t, zak, n, c, bufio.NewReader(c)}
}

func (a *acquirer) frame(m *iso8583.Message, zak tdes.Key) []byte {
	a.t.Helper()
	p := iso8583.CardNetwork
	body, err := p.PackMAC(m, func(covered []byte) ([]byte, error) { return tdes.MAC(p.MAC.Algorithm, zak, covered) })
	if err != nil {
		a.t.Fatal(err)
	}
	frame, err := p.AppendFrame(nil, iso8583.Frame{Body: body})
	if err != nil {
		a.t.Fatal(err)
	}
	return frame
}

func (a *acquirer) send(frames ...[]byte) {
	a.t.Helper()
	if _, err := a.Write(bytes.Join(frames, nil)); err != nil {
		a.t.Fatal(err)
	}
}

// receive takes one answer apart with the codec, which must find nothing wrong with it.
func (a *acquirer) receive() *iso8583.Message {
	a.t.Helper()
	p := iso8583.CardNetwork
	f, err := p.ReadFrame(a.in)
	if err != nil {
		a.t.Fatal(err)
	}
	covered, mac, ok := p.MACRange(f.Body)
	if !ok || tdes.VerifyMAC(p.MAC.Algorithm, a.zak, covered, mac) != nil {
		a.t.Fatal("the answer's MAC is wrong")
	}
	m, err := p.Unpack(f.Body)
	if err == nil {
		err = p.Validate(m)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return m
}

func networkSale(stan, amount string) *iso8583.Message {
	return iso8583.New("0200").Set(2, Cards(1)[0].PAN.Reveal()).Set(3, "000000").Set(4, amount).Set(7, "1122101112").Set(11, stan).
		Set(12, "181112").Set(13, "1122").Set(14, "3512").Set(18, "5812").Set(22, "021").Set(25, "00").Set(26, "12").Set(32, "10000000").Set(33, "10000000").
		Set(35, string(Cards(1)[0].Track2().Reveal())).Set(37, "0CX3K2L1M0N9").Set(41, device.TID).Set(42, device.MID).
		Set(43, "Xiaoman Noodles Shanghai                ").Set(49, "156").SetBytes(52, make([]byte, 8)).Set(53, "2600000000000000")
}

func networkReversal(stan, of, amount string) *iso8583.Message {
	m := networkSale(stan, amount).Set(39, "98").Set(90, "0200"+of+"1122101112"+"00010000000"+"00010000000")
	m.MTI = "0420"
	for _, n := range []int{14, 26, 35, 52, 53} {
		m.Unset(n)
	}
	return m
}

func TestTheLightNetworkBooksEachSaleOnce(t *testing.T) {
	t.Parallel()
	a := dialLight(t, 0)
	for _, row := range []struct {
		name  string
		m     *iso8583.Message
		code  string
		books tally
	}{
		{"a sale", networkSale("000001", "000000004650"), "00", tally{1, 4650}},
		{"the same again", networkSale("000001", "000000004650"), "00", tally{1, 4650}},
		{"another", networkSale("000002", "000000001234"), "00", tally{2, 5884}},
		{"a reversal of the first", networkReversal("000003", "000001", "000000004650"), "00", tally{1, 1234}},
		{"the reversal again", networkReversal("000003", "000001", "000000004650"), "00", tally{1, 1234}},
		{"a reversal of what has not come", networkReversal("000004", "000005", "000000000100"), "25", tally{1, 1234}},
		{"what was reversed before", networkSale("000005", "000000000100"), "12", tally{1, 1234}},
		{"a balance inquiry", networkSale("000006", "000000000000").Set(3, "310000"), "40", tally{1, 1234}},
		{"an echo", iso8583.New("0800").Set(7, "1122101112").Set(11, "000007").Set(33, "10000000").Set(70, "301"), "00", tally{1, 1234}},
	} {
		a.send(a.frame(row.m, a.zak))
		got := a.receive()
		if got.Text(39) != row.code || got.MTI != row.m.MTI[:2]+string(row.m.MTI[2]+1)+"0" {
			t.Errorf("%s: %s with code %s", row.name, got.MTI, got.Text(39))
		}
		for _, n := range []int{3, 4, 7, 11, 32, 37, 41, 42, 49} {
			if got.Text(n) != row.m.Text(n) {
				t.Errorf("%s: field %d is %q, asked with %q", row.name, n, got.Text(n), row.m.Text(n))
			}
		}
		if books := a.net.books()[device.MID]; books != row.books {
			t.Errorf("%s: the books say %v, want %v", row.name, books, row.books)
		}
	}
}

func TestTheLightNetworkIsSilentToAWrongMAC(t *testing.T) {
	t.Parallel()
	a := dialLight(t, 0)
	a.send(a.frame(networkSale("000001", "000000004650"), key(t, "fedcba9876543210")), a.frame(networkSale("000002", "000000000100"), a.zak))
	if got := a.receive(); got.Text(11) != "000002" {
		t.Errorf("it answered %s", got.Text(11))
	}
	if books := a.net.books()[device.MID]; books != (tally{1, 100}) {
		t.Errorf("the books say %v", books)
	}
}

func TestALateAnswerComesAfterItsDelayAndNotAlone(t *testing.T) {
	t.Parallel()
	const delay = 50 * time.Millisecond
	a := dialLight(t, delay)
	began := time.Now()
	a.send(a.frame(networkSale("000001", "000000004650"), a.zak), a.frame(networkSale("000002", "000000004650"), a.zak))
	first, second := a.receive(), a.receive()
	if first.Text(11) != "000001" || second.Text(11) != "000002" {
		t.Errorf("answers to %s and %s", first.Text(11), second.Text(11))
	}
	if took := time.Since(began); took < delay || took > 100*delay { // a busy machine is late too
		t.Errorf("answered after %s", took)
	}
}

func TestALayoutSurvivesAnyBytes(t *testing.T) {
	t.Parallel()
	frame, err := newSale(device, keys(t), Cards(1)[0])
	if err != nil {
		t.Fatal(err)
	}
	body := frame.frame[bodyAt:]
	for cut := range body {
		var at spans
		answers.find(body[:cut], &at)
		requests.find(bytes.Repeat([]byte{byte(cut)}, cut), &at)
	}
	if _, err := next(bufio.NewReader(bytes.NewReader([]byte{0xff, 0xff}))); err != io.ErrUnexpectedEOF {
		t.Errorf("a frame too long: %v", err)
	}
}
