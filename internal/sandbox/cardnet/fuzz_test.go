package cardnet

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"hawker/internal/iso8583"
	"hawker/internal/tdes"
)

// tape is a connection that plays bytes and forgets what is written to it.
type tape struct {
	net.Conn
	in io.Reader
}

func (t tape) Read(b []byte) (int, error)       { return t.in.Read(b) }
func (tape) Write(b []byte) (int, error)        { return len(b), nil }
func (tape) Close() error                       { return nil }
func (tape) SetWriteDeadline(_ time.Time) error { return nil }

// FuzzServeFrame plays any bytes to the network: as they are, and, so that the
// fuzzer gets past the MAC, each of its frames once more with a right one.
// Whatever it hits, the books are right and the next sale is served.
func FuzzServeFrame(f *testing.F) {
	seed := newAcquirer(f)
	x := seed.sale("test-credit", 100)
	v := seed.void(x)
	echo := iso8583.New("0800").Set(7, "1122040000").Set(11, "000001").Set(33, "48029900").Set(70, "301")
	for _, m := range []*iso8583.Message{
		x.request, v.request, echo, seed.reversalOf(x), seed.reversalOf(v),
		seed.saleOf("test-debit", 5_000_00, seed.pin("123456")),
		seed.saleOf("test-credit", 0, set(3, "310000"), unset(4)),
		seed.followUp(x, "0220", "200000", 50, nil),
	} {
		f.Add(seed.frame(m))
	}
	f.Add(append(seed.frame(x.request), seed.frame(seed.reversalOf(x))...))
	f.Add([]byte{0xFF, 0xFF})
	f.Fuzz(func(t *testing.T, data []byte) {
		a := newAcquirer(t)
		a.n.ServeConn(tape{in: bytes.NewReader(data)})
		for in := bytes.NewReader(data); ; {
			frame, err := iso8583.CardNetwork.ReadFrame(in)
			if err != nil {
				break
			}
			if covered, mac, ok := iso8583.CardNetwork.MACRange(frame.Body); ok {
				right, _ := tdes.MAC(tdes.X919, testZAK, covered)
				copy(mac, right)
			}
			if answer, _ := a.n.handle(frame.Body); answer != nil {
				a.read(answer)
			}
		}
		if err := a.n.Check(); err != nil {
			t.Error(err)
		}
		a.stan = 60_000
		a.want("00", a.sale("test-debit-2", 1))
	})
}
