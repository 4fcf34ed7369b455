package cardhost

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"hawker/internal/channel"
	"hawker/internal/iso8583"
)

// line is one connection to the network. Answers are matched by F7 and F11.
type line struct {
	h    *Host
	conn net.Conn

	writing sync.Mutex

	mu      sync.Mutex
	waiting map[string]*wait
	err     error // why it broke; nil while it works

	probing atomic.Bool
}

// wait is a request that was sent.
type wait struct {
	request channel.Request
	sent    *iso8583.Message // secrets wiped once it left
	answer  chan *iso8583.Message
	gaveUp  time.Time // zero while somebody waits; after it, a late answer is told
}

// maxWaiting bounds how many requests, given up ones included, a line remembers;
// keepLate is how long one given up is remembered, so that a late answer finds its attempt.
const (
	maxWaiting = 65536
	keepLate   = 10 * time.Minute
)

func newLine(h *Host, conn net.Conn) *line {
	return &line{h: h, conn: conn, waiting: map[string]*wait{}}
}

func (l *line) broken() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err != nil
}

// close breaks the line: everyone who waits is told at once.
func (l *line) close(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = why
	_ = l.conn.Close()
	for id, w := range l.waiting {
		delete(l.waiting, id)
		if w.gaveUp.IsZero() {
			close(w.answer)
		}
	}
}

func id(m *iso8583.Message) string { return m.Text(7) + m.Text(11) }

// exchange sends a message and waits for its answer.
func (l *line) exchange(ctx context.Context, r channel.Request, m *iso8583.Message) channel.Outcome {
	packed, err := l.h.profile.PackMAC(m, func(covered []byte) ([]byte, error) {
		return l.h.Keys.MAC(ctx, l.h.MACKey, l.h.profile.MAC.Algorithm, covered)
	})
	if err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	defer clear(packed)
	frame, err := l.h.profile.AppendFrame(nil, iso8583.Frame{Body: packed})
	if err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	defer clear(frame)
	r.Card = channel.Card{} // what waits for a late answer holds no card data
	sent := iso8583.New(m.MTI)
	for _, n := range echoed {
		if m.Has(n) {
			sent.Set(n, m.Text(n))
		}
	}
	w := &wait{request: r, sent: sent, answer: make(chan *iso8583.Message, 1)}
	if err := l.await(w); err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	if n, err := l.write(frame); err != nil {
		l.close(err)
		if n == 0 {
			return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
		}
		return channel.Outcome{Detail: "connection broke while sending: " + err.Error()}
	}
	timer := time.NewTimer(l.h.Timeout)
	defer timer.Stop()
	select {
	case answer, ok := <-w.answer:
		if !ok {
			return channel.Outcome{Detail: "connection broke while waiting"}
		}
		return outcome(answer, r)
	case <-timer.C:
	case <-ctx.Done():
	}
	if answer := l.giveUp(w); answer != nil { // it came at the last moment
		return outcome(answer, r)
	}
	go l.probe()
	return channel.Outcome{Detail: fmt.Sprintf("no answer within %s", l.h.Timeout)}
}

func (l *line) await(w *wait) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	if len(l.waiting) >= maxWaiting {
		return fmt.Errorf("%d requests wait already", len(l.waiting))
	}
	key := id(w.sent)
	if _, taken := l.waiting[key]; taken && l.waiting[key].gaveUp.IsZero() {
		return fmt.Errorf("trace %s is in use this second", w.sent.Text(11))
	}
	l.waiting[key] = w
	return nil
}

// giveUp stops waiting but remembers the request; an answer that came meanwhile is returned.
func (l *line) giveUp(w *wait) *iso8583.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case answer := <-w.answer:
		return answer
	default:
	}
	now := l.h.Clock()
	w.gaveUp = now
	for key, old := range l.waiting {
		if !old.gaveUp.IsZero() && now.Sub(old.gaveUp) > keepLate {
			delete(l.waiting, key)
		}
	}
	return nil
}

func (l *line) write(frame []byte) (int, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.conn.SetWriteDeadline(time.Now().Add(dialTimeout)); err != nil {
		return 0, err
	}
	return l.conn.Write(frame)
}

// read takes answers until the connection breaks.
func (l *line) read() {
	for {
		frame, err := l.h.profile.ReadFrame(l.conn)
		if err != nil {
			l.close(err)
			return
		}
		m, err := l.open(frame.Body)
		if err != nil {
			l.h.Log.Warn("network sent what cannot be believed", "err", err)
			continue
		}
		l.deliver(m)
	}
}

// open verifies the MAC before it looks at anything else.
func (l *line) open(body []byte) (*iso8583.Message, error) {
	covered, mac, ok := l.h.profile.MACRange(body)
	if !ok {
		return nil, fmt.Errorf("answer without MAC")
	}
	if err := l.h.Keys.VerifyMAC(context.Background(), l.h.MACKey, l.h.profile.MAC.Algorithm, covered, mac); err != nil {
		return nil, err
	}
	m, err := l.h.profile.Unpack(body)
	if err != nil {
		return nil, err
	}
	return m, l.h.profile.Validate(m)
}

// deliver hands an answer to whom it belongs; what fits no request, or changes what was asked, is dropped.
func (l *line) deliver(m *iso8583.Message) {
	l.mu.Lock()
	w := l.waiting[id(m)]
	if w == nil || !answers(m, w.sent) {
		l.mu.Unlock()
		l.h.Log.Warn("answer fits no request", "answer", m)
		return
	}
	delete(l.waiting, id(m))
	late := !w.gaveUp.IsZero()
	if !late {
		w.answer <- m // has room for one, and only one is ever delivered
	}
	l.mu.Unlock()
	if late && l.h.late != nil {
		go l.h.late(context.Background(), w.request, outcome(m, w.request))
	}
}

// probe asks for an echo after a silence, and breaks a line that does not give
// one: the next request then dials anew instead of waiting on a dead connection.
func (l *line) probe() {
	if l.probing.Swap(true) {
		return
	}
	defer l.probing.Store(false)
	if o := l.exchangeEcho(); o != nil {
		l.close(o)
	}
}

func (l *line) exchangeEcho() error {
	now := l.h.Clock()
	m := iso8583.New("0800").Set(7, now.UTC().Format("0102150405")).Set(11, "000000").Set(33, l.h.Forwarder).Set(70, "301")
	packed, err := l.h.profile.PackMAC(m, func(covered []byte) ([]byte, error) {
		return l.h.Keys.MAC(context.Background(), l.h.MACKey, l.h.profile.MAC.Algorithm, covered)
	})
	if err != nil {
		return err
	}
	frame, err := l.h.profile.AppendFrame(nil, iso8583.Frame{Body: packed})
	if err != nil {
		return err
	}
	w := &wait{sent: m, answer: make(chan *iso8583.Message, 1)}
	if err := l.await(w); err != nil {
		return err
	}
	if _, err := l.write(frame); err != nil {
		return err
	}
	timer := time.NewTimer(dialTimeout)
	defer timer.Stop()
	select {
	case <-w.answer: // or the line broke, which is known already
		return nil
	case <-timer.C:
		return fmt.Errorf("no echo within %s", dialTimeout)
	}
}
