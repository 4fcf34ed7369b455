package iso

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"hawker/internal/store/storetest"
)

// pipes is a listener whose connections are in memory, so that a synctest bubble
// has the time of them.
type pipes struct {
	arrive chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{arrive: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.arrive:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// dial gives the far end of a connection that was accepted; one that nobody accepts is closed.
func (p *pipes) dial() net.Conn {
	near, far := net.Pipe()
	select {
	case p.arrive <- far:
	case <-p.closed:
		_ = far.Close()
	}
	return near
}

// closedAtOnce holds the door to having ended a connection: in a bubble, where waiting
// takes no time, that a connection ends by and by proves nothing.
func closedAtOnce(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection is open: %d, %v", n, err)
	}
}

// bubbled is a world for a synctest bubble. The caller is in one.
func bubbled(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := build(t, storetest.SQLite(t), change)
	p := newPipes()
	w.dial = p.dial
	w.open(p)
	return w
}
