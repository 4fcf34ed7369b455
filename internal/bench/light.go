package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	"hawker/internal/iso8583"
	"hawker/internal/tdes"
)

// light is a card network that takes as little of the machine as it can: in earnest
// the network is another machine. It approves every sale whose MAC is right, undoes
// what is reversed, answers a repeat as the first time, and keeps books. It looks at
// neither cards nor PINs.
type light struct {
	zak      tdes.Key
	delay    time.Duration
	listener net.Listener
	conns    sync.WaitGroup

	mu        sync.Mutex
	open      []net.Conn
	sales     map[reference]*booking
	merchants map[string]*tally
}

// reference names a request: fields 7 and 11 as they are packed.
type reference [8]byte

type booking struct {
	merchant *tally // nil for the tombstone of a sale that has not come
	minor    int64
	reversed bool
}

func newLight(zak tdes.Key, delay time.Duration) *light {
	return &light{zak: zak, delay: delay, sales: map[reference]*booking{}, merchants: map[string]*tally{}}
}

// Listen binds a free port of loopback and serves until Close.
func (n *light) Listen(ctx context.Context) (err error) {
	if n.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	n.conns.Go(func() {
		for {
			c, err := n.listener.Accept()
			if err != nil {
				return
			}
			n.mu.Lock()
			n.open = append(n.open, c)
			n.mu.Unlock()
			n.conns.Go(func() { n.converse(c) })
		}
	})
	return nil
}

// Addr is where it listens.
func (n *light) Addr() string { return n.listener.Addr().String() }

// Close ends all connections and waits for what is in hand.
func (n *light) Close() error {
	err := n.listener.Close()
	n.mu.Lock()
	for _, c := range n.open {
		_ = c.Close()
	}
	n.mu.Unlock()
	n.conns.Wait()
	return err
}

func (n *light) books() map[string]tally {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := map[string]tally{}
	for mid, t := range n.merchants {
		all[mid] = *t
	}
	return all
}

// late is answers on their way.
type late struct {
	due    time.Time
	frames []byte
}

// converse answers one connection. What has arrived together is answered together.
func (n *light) converse(c net.Conn) {
	defer func() { _ = c.Close() }()
	way := make(chan late, 4096)
	defer close(way)
	n.conns.Go(func() {
		for l := range way {
			time.Sleep(time.Until(l.due))
			_, _ = c.Write(l.frames)
		}
	})
	in := bufio.NewReaderSize(c, 64<<10)
	var out []byte
	for {
		frame, err := next(in)
		if err != nil {
			return
		}
		out = n.answer(out, frame)
		if _, err := in.Discard(len(frame)); err != nil {
			return
		}
		if whole(in) {
			continue
		}
		if n.delay > 0 {
			way <- late{time.Now().Add(n.delay), append([]byte(nil), out...)}
		} else if _, err := c.Write(out); err != nil {
			return
		}
		out = out[:0]
	}
}

// next waits for a frame and shows it where it lies.
func next(in *bufio.Reader) ([]byte, error) {
	prefix, err := in.Peek(2)
	if err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(prefix))
	if size > iso8583.CardNetwork.MaxFrame {
		return nil, io.ErrUnexpectedEOF
	}
	return in.Peek(2 + size)
}

// whole reports whether another frame has arrived already.
func whole(in *bufio.Reader) bool {
	if in.Buffered() < 2 {
		return false
	}
	prefix, err := in.Peek(2)
	return err == nil && in.Buffered() >= 2+int(binary.BigEndian.Uint16(prefix))
}
