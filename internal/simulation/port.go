package simulation

import (
	"net"
	"sync"
	"time"
)

// listener is a port that conns are handed to.
type listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newListener() *listener { return &listener{conns: make(chan net.Conn), done: make(chan struct{})} }

// offer hands a connection over; false when the port is closed.
func (l *listener) offer(c net.Conn) bool {
	select {
	case l.conns <- c:
		return true
	case <-l.done:
		return false
	}
}

func (l *listener) close() { l.once.Do(func() { close(l.done) }) }

// Accept waits for a connection, or for the port to be closed.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close closes the port.
func (l *listener) Close() error { l.close(); return nil }

// Addr is the port's name.
func (l *listener) Addr() net.Addr { return portName{} }

type portName struct{}

func (portName) Network() string { return "simulated" }
func (portName) String() string  { return "terminals" }

// unheard is a door's metrics for nobody.
type unheard struct{}

func (unheard) Message(string, string, time.Duration) {}
func (unheard) BadMessage(string)                     {}
func (unheard) Connections(int)                       {}
