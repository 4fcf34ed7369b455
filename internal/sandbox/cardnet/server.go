package cardnet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"hawker/internal/iso8583"
)

const (
	maxConns    = 256  // connections beyond are closed at once
	maxInFlight = 4096 // messages of one connection, late answers included; then it is not read
)

// server is the listeners and connections of a Network.
type server struct {
	lock   sync.Mutex // guards what follows; never held together with Network.mu
	closed bool
	addr   string
	open   map[io.Closer]bool // listeners and connections
	conns  int
	busy   sync.WaitGroup // Serve and ServeConn calls
	forget func() bool    // stops watching Listen's context
}

func newServer() server { return server{open: map[io.Closer]bool{}} }

// Listen binds Config.Addr and serves in the background until Close or the end of ctx.
func (n *Network) Listen(ctx context.Context) error {
	addr := n.cfg.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("cardnet: %w", err)
	}
	if !n.enter(l, false) {
		return errors.Join(net.ErrClosed, l.Close())
	}
	stop := context.AfterFunc(ctx, func() { _ = n.Close() })
	n.lock.Lock()
	n.addr, n.forget = l.Addr().String(), stop
	n.lock.Unlock()
	go func() {
		defer n.leave(l, false)
		if err := n.accept(l); err != nil {
			n.cfg.Log.Error("listening ended", "err", err)
		}
	}()
	return nil
}

// Addr is host and port of Listen's socket; "" before Listen.
func (n *Network) Addr() string {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.addr
}

// Serve takes connections from l, which it closes, until Close (nil) or an error of l.
func (n *Network) Serve(l net.Listener) error {
	if !n.enter(l, false) {
		return errors.Join(net.ErrClosed, l.Close())
	}
	defer n.leave(l, false)
	return n.accept(l)
}

func (n *Network) accept(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil && n.isClosed() {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cardnet: %w", err)
		}
		go n.ServeConn(c)
	}
}

// ServeConn serves one connection, which it closes, until the peer ends it, the
// framing breaks, or Close. Messages are handled at once and answered in any
// order; ServeConn returns when the last of them is done.
func (n *Network) ServeConn(c net.Conn) {
	k := &conn{Conn: c, over: make(chan struct{}), late: n.cfg.LateAfter, delay: n.cfg.AnswerDelay}
	if !n.enter(k, true) {
		_ = k.Close()
		return
	}
	defer n.leave(k, true)
	var handlers sync.WaitGroup
	slots := make(chan struct{}, maxInFlight)
	in := bufio.NewReader(c)
	for {
		f, err := iso8583.CardNetwork.ReadFrame(in)
		if err != nil {
			n.broken(err)
			break
		}
		slots <- struct{}{} // it comes free: no handler waits longer than the connection lasts
		handlers.Go(func() {
			defer func() { <-slots }()
			defer clear(f.Body)
			k.deliver(n.handle(f.Body))
		})
	}
	_ = k.Close()
	handlers.Wait()
}

// broken notes why a connection ends, when the peer did not just close it.
func (n *Network) broken(err error) {
	var bad *iso8583.FormatError
	if errors.As(err, &bad) {
		n.count(func(c *Counts) { c.Unreadable++ })
		n.cfg.Log.Warn("connection ends: broken frame", "err", err)
	}
}

// Close ends every listener and connection, waits until what was being handled
// is done (a blocking SetFault function delays it) and closes the state file.
// The books stay readable. Closing again is harmless.
func (n *Network) Close() error {
	n.lock.Lock()
	n.closed = true
	if n.forget != nil {
		n.forget()
	}
	for c := range n.open {
		_ = c.Close()
	}
	n.lock.Unlock()
	n.busy.Wait()

	n.mu.Lock()
	defer n.mu.Unlock()
	if n.state == nil {
		return nil
	}
	return n.state.close()
}

func (n *Network) isClosed() bool {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.closed
}

// enter registers a listener or connection; false when the network is closed or full.
func (n *Network) enter(c io.Closer, isConn bool) bool {
	n.lock.Lock()
	defer n.lock.Unlock()
	if n.closed || isConn && n.conns >= maxConns {
		return false
	}
	if isConn {
		n.conns++
	}
	n.open[c] = true
	n.busy.Add(1)
	return true
}

func (n *Network) leave(c io.Closer, isConn bool) {
	_ = c.Close()
	n.lock.Lock()
	defer n.lock.Unlock()
	if isConn {
		n.conns--
	}
	delete(n.open, c)
	n.busy.Done()
}
