// Package iso is the door for terminals: it reads ISO 8583 messages from TCP,
// proves them, asks the payment engine, and answers. It knows the wire and one
// table from faults to response codes. It refuses to know SQL, accounts and rules.
package iso

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"hawker/internal/clock"
	"hawker/internal/custody"
	"hawker/internal/identity"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/signature"
	"hawker/internal/store"
	"hawker/internal/terminal"
	"hawker/internal/vault"
)

// Config is what a Server needs. The numbers have usable zero values.
type Config struct {
	DB       *store.DB
	Engine   *payment.Engine
	Keys     *keys.Keystore
	Custody  *custody.Keeper // destroys a tampered terminal's keys; nil refuses the report with 40
	Vault    *vault.Vault
	Clock    clock.Clock
	Log      *slog.Logger
	Metrics  Metrics
	Profile  *iso8583.Profile // the one dialect of this listener; nil picks each terminal's own
	Acquirer string           // field 32

	Signatures *signature.Store // where cardholders' signatures go

	Devices *identity.Authority // lines must be TLS, with one of its certificates; nil: any line, which proves nothing

	MaxConns     int           // connections at once; 4096 when 0
	MaxInFlight  int           // messages of one connection at once; 32 when 0
	MaxBad       int           // bad messages before a connection is closed; 8 when 0
	IdleTimeout  time.Duration // between messages; 5 minutes when 0
	FrameTimeout time.Duration // from a message's first byte to its last; 10 seconds when 0
	RotateAfter  time.Duration // age of working keys at which answers ask the terminal to sign on; 0 asks never
	CodeWait     time.Duration // how long a customer who types his wallet's password is waited for; 15 seconds when 0
	Remember     time.Duration // how long a merchant and terminal that were read are taken for true; 0 reads them each time
}

// Metrics is told what happens at the door.
type Metrics interface {
	Message(name, code string, took time.Duration)
	BadMessage(why string)
	Connections(open int)
}

// Server answers terminals.
type Server struct {
	Config
	dialects  iso8583.Dialects
	rows      map[*iso8583.Profile][]transaction
	merchants *store.Cache[string, merchant.Merchant]
	terminals *store.Cache[terminalKey, terminal.Terminal]
	peers     *store.Cache[*x509.Certificate, identity.Terminal] // a connection's certificate: whom it speaks for now

	mu       sync.Mutex
	conns    map[net.Conn]struct{}
	draining bool
	wg       sync.WaitGroup
}

// New makes a server; Serve starts it.
func New(c Config) *Server {
	c.MaxConns = orDefault(c.MaxConns, 4096)
	c.MaxInFlight = orDefault(c.MaxInFlight, 32)
	c.MaxBad = orDefault(c.MaxBad, 8)
	c.IdleTimeout = orDefault(c.IdleTimeout, 5*time.Minute)
	c.FrameTimeout = orDefault(c.FrameTimeout, 10*time.Second)
	dialects := iso8583.Terminals()
	if c.Profile != nil {
		dialects = iso8583.Dialects{c.Profile}
	}
	return &Server{Config: c, conns: map[net.Conn]struct{}{}, dialects: dialects, rows: rowsOf(dialects),
		merchants: store.NewCache(c.Clock, c.Remember, maxRemembered, func(ctx context.Context, mid string) (merchant.Merchant, error) {
			return merchant.ByMID(ctx, c.DB.Read(), mid)
		}),
		terminals: store.NewCache(c.Clock, c.Remember, maxRemembered, func(ctx context.Context, k terminalKey) (terminal.Terminal, error) {
			return terminal.ByID(ctx, c.DB.Read(), k.merchant, k.id)
		}),
		peers: store.NewCache(c.Clock, min(c.Remember, maxTrust), maxRemembered, func(ctx context.Context, peer *x509.Certificate) (identity.Terminal, error) {
			return c.Devices.Judge(ctx, peer)
		}),
	}
}

// maxTrust is how long a certificate is taken for good that may have been revoked since.
const maxTrust = time.Second

// maxRemembered bounds the merchants and the terminals in memory.
const maxRemembered = 65536

type terminalKey struct {
	merchant merchant.ID
	id       terminal.ID
}

func orDefault[T int | time.Duration](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}

// Serve accepts connections until the listener is closed, which is nil. What may pass,
// such as a lack of file descriptors, is waited out.
func (s *Server) Serve(l net.Listener) error {
	for failures := 0; ; {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if passing(err) {
			s.Log.Error("connections cannot be accepted", "err", err)
			time.Sleep(min(time.Second, 5*time.Millisecond<<min(failures, 10)))
			failures++
			continue
		}
		if err != nil {
			return err
		}
		failures = 0
		if !s.admit(c) {
			_ = c.Close()
			continue
		}
		go func() {
			defer s.dismiss(c)
			s.converse(c)
		}()
	}
}

// passing reports whether accepting may succeed later.
func passing(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, e) {
			return true
		}
	}
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func (s *Server) admit(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	if len(s.conns) >= s.MaxConns {
		s.Metrics.BadMessage("too many connections")
		s.Log.Warn("connection refused: too many are open", "open", len(s.conns), "from", c.RemoteAddr())
		return false
	}
	s.wg.Add(1)
	s.conns[c] = struct{}{}
	s.Metrics.Connections(len(s.conns))
	return true
}

func (s *Server) dismiss(c net.Conn) {
	defer s.wg.Done()
	_ = c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.Metrics.Connections(len(s.conns))
}

// Shutdown stops reading, lets what is being answered finish until ctx ends, and
// closes every connection. The caller closes the listener first.
func (s *Server) Shutdown(ctx context.Context) {
	s.mu.Lock()
	s.draining = true
	for c := range s.conns {
		_ = c.SetReadDeadline(time.Unix(1, 0)) // wakes the reader; answers still go out
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		s.mu.Lock()
		for c := range s.conns {
			_ = c.Close()
		}
		s.mu.Unlock()
		<-done
	}
}

// converse reads messages of one connection and answers each as it is ready: a
// concentrator puts many terminals on one line, and a reversal may overtake its request.
func (s *Server) converse(c net.Conn) {
	var inFlight sync.WaitGroup
	defer inFlight.Wait()
	slots := make(chan struct{}, s.MaxInFlight)
	var writing sync.Mutex
	bad := 0
	peer, err := s.greet(c)
	if err != nil {
		s.turnAway(c, err)
		return
	}
	for {
		raw, err := s.dialects.ReadFrame(&patient{s: s, c: c})
		if err != nil {
			s.farewell(c, err)
			return
		}
		readings, framed, err := s.open(raw)
		if err != nil && !framed { // what follows cannot be found
			clear(raw)
			s.farewell(c, err)
			return
		}
		if err != nil {
			clear(raw)
			s.badMessage(c, "format", err)
			if bad++; bad >= s.MaxBad {
				s.Log.Warn("connection closed: too many bad messages", "from", c.RemoteAddr(), "bad", bad)
				return
			}
			continue
		}
		if peer != nil {
			if _, err := s.peers.Get(context.Background(), peer); err != nil { // revoked or expired since
				clear(raw)
				s.turnAway(c, err)
				return
			}
		}
		slots <- struct{}{}
		inFlight.Go(func() {
			defer func() { <-slots }()
			answer := s.answer(context.Background(), s.choose(context.Background(), readings), peer)
			if answer == nil {
				return
			}
			writing.Lock()
			defer writing.Unlock()
			_ = c.SetWriteDeadline(time.Now().Add(s.FrameTimeout))
			if _, err := c.Write(answer); err != nil {
				s.Log.Warn("answer cannot be delivered", "to", c.RemoteAddr(), "err", err)
				_ = c.Close() // a part may have left: what follows would not be understood
			}
		})
	}
}

// farewell logs why reading ended, unless it ended as it should.
func (s *Server) farewell(c net.Conn, err error) {
	var format *iso8583.FormatError
	var timeout net.Error
	switch {
	case errors.As(err, &format):
		s.badMessage(c, "frame", err)
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
	case errors.Is(err, io.ErrUnexpectedEOF):
		s.badMessage(c, "cut short", err)
	case errors.As(err, &timeout) && timeout.Timeout():
		s.Log.Debug("connection idle or slow", "from", c.RemoteAddr())
	default:
		s.Log.Debug("connection lost", "from", c.RemoteAddr(), "err", err)
	}
}

func (s *Server) badMessage(c net.Conn, why string, err error) {
	s.Metrics.BadMessage(why)
	s.Log.Warn("bad message dropped", "from", c.RemoteAddr(), "why", why, "err", err)
}

// patient reads one message: it waits IdleTimeout for the first byte and then
// FrameTimeout for all the others, however slowly they drip.
type patient struct {
	s     *Server
	c     net.Conn
	begun bool
}

func (p *patient) Read(b []byte) (int, error) {
	if p.begun {
		return p.c.Read(b)
	}
	if err := p.s.deadline(p.c, p.s.IdleTimeout); err != nil {
		return 0, err
	}
	n, err := p.c.Read(b)
	if n > 0 {
		p.begun = true
		if d := p.s.deadline(p.c, p.s.FrameTimeout); d != nil && err == nil {
			err = d
		}
	}
	return n, err
}

// deadline sets a read deadline, unless the server drains: then reading has ended.
func (s *Server) deadline(c net.Conn, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return net.ErrClosed
	}
	return c.SetReadDeadline(time.Now().Add(d))
}
