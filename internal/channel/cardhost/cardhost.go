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
	line   *line
	closed bool
}

// New makes the channel; it connects when it must.
func New(c Config) *Host { return &Host{Config: c, profile: iso8583.CardNetwork, late: c.Late} }

// OnLate sets who is told of late answers, before the first request.
func (h *Host) OnLate(l channel.Late) { h.late = l }

// Name names the channel.
func (h *Host) Name() string { return h.Config.Name }

// Close ends the connection; requests in flight end Silent.
func (h *Host) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.line != nil {
		h.line.close(net.ErrClosed)
	}
}

// Do sends one request and waits for its answer. What could not be built or sent is
// Unsent; what left and got no believable answer in time is Silent.
func (h *Host) Do(ctx context.Context, r channel.Request) channel.Outcome {
	m, err := h.build(ctx, r)
	if errors.Is(err, keys.ErrPINBlock) {
		return channel.Outcome{Result: channel.Declined, Code: codePINFormat, Detail: err.Error()}
	} else if err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	defer m.Wipe(2, 35, 52, 55)
	l, err := h.connected(ctx)
	if err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	return l.exchange(ctx, r, m)
}

// connected gives the line, dialling when there is none.
func (h *Host) connected(ctx context.Context) (*line, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, net.ErrClosed
	}
	if h.line != nil && !h.line.broken() {
		return h.line, nil
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := h.Dial(ctx)
	if err != nil {
		return nil, err
	}
	h.line = newLine(h, conn)
	go h.line.read()
	return h.line, nil
}

// dialTimeout is how long a terminal is kept waiting for a connection before it is told that the bank cannot be reached.
const dialTimeout = 3 * time.Second
