package torture

import (
	"context"
	"maps"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy stands on one hop, on an address that never changes, and lets frames of two
// length bytes and a body meet the faults of its mood. It knows no field and forges
// nothing: what it delivers was sent, whole or cut short.
type Proxy struct {
	target  string
	seed    [2]uint64
	longest time.Duration // of a delay
	listen  net.Listener
	mood    atomic.Pointer[Mood]
	serial  atomic.Uint64 // of connections

	mu     sync.Mutex
	closed bool
	open   map[*link]bool
	counts map[Fault]int
	busy   sync.WaitGroup
}

// NewProxy forwards addr to target. Its faults follow from seed and hop alone, by
// connection, direction and frame. longest is the longest delay of a frame.
func NewProxy(ctx context.Context, addr, target string, seed, hop uint64, longest time.Duration) (*Proxy, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	p := &Proxy{target: target, seed: [2]uint64{seed, hop}, longest: longest, listen: l, open: map[*link]bool{}, counts: map[Fault]int{}}
	p.SetMood(moods[0])
	p.busy.Go(p.accept)
	return p, nil
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listen.Addr().String() }

// SetMood changes what the next frames meet.
func (p *Proxy) SetMood(m Mood) { p.mood.Store(&m) }

// Heal passes everything from now on, and ends the connections that are, so that none stays half open.
func (p *Proxy) Heal() {
	p.SetMood(moods[0])
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.open {
		l.reset()
	}
}

// Counts says how many frames met what.
func (p *Proxy) Counts() map[Fault]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

// Close ends everything and waits for it.
func (p *Proxy) Close() {
	_ = p.listen.Close()
	p.mu.Lock()
	p.closed = true
	for l := range p.open {
		l.reset()
	}
	p.mu.Unlock()
	p.busy.Wait()
}

func (p *Proxy) accept() {
	for {
		c, err := p.listen.Accept()
		if err != nil {
			return // closed
		}
		n := p.serial.Add(1)
		p.busy.Go(func() { p.serve(c, n) })
	}
}

// serve forwards one connection. A target that is away resets it, as a dead host would.
func (p *Proxy) serve(near net.Conn, serial uint64) {
	l := &link{near: near, over: make(chan struct{})}
	far, err := (&net.Dialer{Timeout: time.Second}).Dial("tcp", p.target)
	if err != nil {
		l.reset()
		return
	}
	l.far = far
	p.mu.Lock()
	if p.closed {
		l.reset()
	}
	p.open[l] = true
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.pipe(l, near, far, serial, 0).run() })
	both.Go(func() { p.pipe(l, far, near, serial, 1).run() })
	both.Wait()
	l.close()
	p.mu.Lock()
	delete(p.open, l)
	p.mu.Unlock()
}

func (p *Proxy) pipe(l *link, from, to net.Conn, serial, direction uint64) *pipe {
	seed := rand.NewPCG(p.seed[0]<<8^p.seed[1], serial<<1|direction)
	return &pipe{proxy: p, link: l, from: from, to: to, rand: rand.New(seed)} //nolint:gosec // chaos is no secret
}

func (p *Proxy) count(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[f]++
}

// link is one forwarded connection: its two sockets.
type link struct {
	near, far net.Conn
	once      sync.Once
	over      chan struct{} // closed with the sockets
}

// reset ends both sockets with RST, so that neither side takes it for a farewell.
func (l *link) reset() {
	for _, c := range []net.Conn{l.near, l.far} {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	l.close()
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.over)
		_ = l.near.Close()
		if l.far != nil {
			_ = l.far.Close()
		}
	})
}
