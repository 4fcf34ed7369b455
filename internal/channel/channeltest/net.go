package channeltest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"hawker/internal/channel"
)

// patience bounds what hangs by mistake.
const patience = 20 * time.Second

// hasty is a wallet's pace where time is real.
var hasty = channel.Pace{Call: 10 * time.Second, First: 10 * time.Millisecond, Longest: 50 * time.Millisecond, Deadline: patience}

// Net joins places by name, over pipes or over 127.0.0.1.
type Net struct {
	real bool

	mu     sync.Mutex
	places map[string]net.Listener
	away   map[string]bool
}

func memory() *Net   { return &Net{places: map[string]net.Listener{}, away: map[string]bool{}} }
func loopback() *Net { n := memory(); n.real = true; return n }

// Listen opens a place.
func (n *Net) Listen(place string) (net.Listener, error) {
	var l net.Listener = &pipes{calls: make(chan net.Conn), done: make(chan struct{})}
	if n.real {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.places[place] = l
	return l, nil
}

// Away makes a place refuse connections until Away(false).
func (n *Net) Away(place string, away bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.away[place] = away
}

// Dial connects to a place, whose name is the host of addr.
func (n *Net) Dial(ctx context.Context, _, addr string) (net.Conn, error) {
	place, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	l, away := n.places[place], n.away[place]
	n.mu.Unlock()
	if l == nil || away {
		return nil, &net.OpError{Op: "dial", Net: "test", Err: errors.New("connection refused")}
	}
	if p, ok := l.(*pipes); ok {
		return p.dial(ctx)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
}

// Transport is HTTP through this Net; http://place reaches the place.
func (n *Net) Transport() *http.Transport {
	return &http.Transport{DialContext: n.Dial, MaxIdleConnsPerHost: 2 * crowd}
}

// pipes is a listener of connections in memory.
type pipes struct {
	calls chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.calls <- there:
		return here, nil
	case <-p.done:
		return nil, &net.OpError{Op: "dial", Net: "test", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.calls:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
