// Package cardhost is the channel to a card network over ISO 8583, profile
// card-network. It turns a request into a message and an answer into an outcome;
// the card number leaves the vault here and the PIN block is re-enciphered inside
// the keystore. It knows nothing of payments.
package cardhost

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/vault"
)

// Config is what a Host needs. Every field but Late is required.
type Config struct {
	Name      string // short and stable: names the receivable account
	Dial      func(ctx context.Context) (net.Conn, error)
	Acquirer  string // field 32, up to 11 digits
	Forwarder string // field 33
	Keys      *keys.Keystore
	Vault     *vault.Vault
	PINKey    keys.Ref      // ZPK
	MACKey    keys.Ref      // ZAK
	Timeout   time.Duration // from the last byte sent to giving up
	Clock     clock.Clock
	Log       *slog.Logger
	Late      channel.Late // told of answers after Timeout; nil for nobody
}

// Host is the channel. One connection carries all requests; it is made when the
// first one needs it and made anew after it broke.
type Host struct {
	Config
	profile *iso8583.Profile
	late    channel.Late

	mu     sync.Mutex
	latest *dial // nil before the first request
	closed bool
	busy   sync.WaitGroup // dials, readers and tellers of late answers
}

// dial is one try to connect. Everyone who needs a connection meanwhile waits for it.
type dial struct {
	done chan struct{}
	line *line // once done; nil when err is not
	err  error
}

// New makes the channel; it connects when it must.
func New(c Config) *Host { return &Host{Config: c, profile: iso8583.CardNetwork, late: c.Late} }

// OnLate sets who is told of late answers, before the first request.
func (h *Host) OnLate(l channel.Late) { h.late = l }

// Name names the channel.
func (h *Host) Name() string { return h.Config.Name }

// Close ends the connection and waits for who is being told of a late answer;
// requests in flight end Silent.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	d := h.latest
	h.mu.Unlock()
	if d == nil {
		return
	}
	<-d.done
	if d.line != nil {
		d.line.close(net.ErrClosed)
	}
	h.busy.Wait()
}

// Do sends one request and waits for its answer. What could not be built or sent is
// Unsent; what left and got no believable answer in time is Silent. Both are logged,
// because an outcome's detail goes no further.
func (h *Host) Do(ctx context.Context, r channel.Request) channel.Outcome {
	o := h.do(ctx, r)
	switch o.Result {
	case channel.Unsent:
		h.Log.Warn("request not sent", "kind", r.Kind, "ref", r.Ref, "why", o.Detail)
	case channel.Silent:
		h.Log.Warn("request not answered", "kind", r.Kind, "ref", r.Ref, "code", o.Code, "why", o.Detail)
	}
	return o
}

func (h *Host) do(ctx context.Context, r channel.Request) channel.Outcome {
	m, err := h.build(ctx, r)
	if errors.Is(err, keys.ErrPINBlock) {
		return channel.Outcome{Result: channel.Declined, Code: codePINFormat, Detail: err.Error()}
	} else if err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	defer m.Wipe(secrets...)
	l, err := h.connected(ctx)
	if err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	return l.exchange(ctx, r, m)
}

// connected gives the line, dialling when there is none. One dial serves all who
// come meanwhile, so that a network that is away keeps nobody longer than dialTimeout.
func (h *Host) connected(ctx context.Context) (*line, error) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil, net.ErrClosed
	}
	if h.latest == nil || h.latest.useless() {
		h.latest = h.connect(context.WithoutCancel(ctx))
	}
	d := h.latest
	h.mu.Unlock()
	select {
	case <-d.done:
		return d.line, d.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// connect begins a dial.
func (h *Host) connect(ctx context.Context) *dial {
	d := &dial{done: make(chan struct{})}
	h.busy.Go(func() {
		defer close(d.done)
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		conn, err := h.Dial(ctx)
		if err != nil {
			d.err = err
			return
		}
		d.line = newLine(h, conn)
		h.busy.Go(d.line.read)
	})
	return d
}

// useless reports whether the dial failed, or its line broke.
func (d *dial) useless() bool {
	select {
	case <-d.done:
		return d.err != nil || d.line.broken()
	default:
		return false
	}
}

// dialTimeout is how long a terminal is kept waiting for a connection before it is told that the bank cannot be reached.
const dialTimeout = 3 * time.Second
