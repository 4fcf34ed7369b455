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
	waiting map[string]*wait // by id: those somebody waits for, and those in silent
	silent  []*wait          // given up, oldest first
	err     error            // why it broke; nil while it works

	probing atomic.Bool
}

// wait is a request that was sent.
type wait struct {
	id      string
	echo    echo
	request channel.Request // without its card
	answer  chan *iso8583.Message
	gaveUp  time.Time // zero while somebody waits; after it, a late answer is told
}

// maxWaiting bounds how many requests a line knows. maxLate and keepLate bound how
// many of those given up it remembers, and how long, so that a late answer finds its attempt.
const (
	maxWaiting = 65536
	maxLate    = 16384
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
	for _, w := range l.waiting {
		if w.gaveUp.IsZero() {
			close(w.answer)
		}
	}
	l.waiting, l.silent = nil, nil
}

// exchange sends a message and waits for its answer.
func (l *line) exchange(ctx context.Context, r channel.Request, m *iso8583.Message) channel.Outcome {
	frame, err := l.frame(ctx, m)
	if err != nil {
		return channel.Outcome{Result: channel.Unsent, Detail: err.Error()}
	}
	defer clear(frame)
	r.Card = channel.Card{}
	w := newWait(m, r)
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

// frame packs a message under the network MAC key. The caller clears it once it left.
func (l *line) frame(ctx context.Context, m *iso8583.Message) ([]byte, error) {
	packed, err := l.h.profile.PackMAC(m, func(covered []byte) ([]byte, error) {
		return l.h.Keys.MAC(ctx, l.h.MACKey, l.h.profile.MAC.Algorithm, covered)
	})
	if err != nil {
		return nil, err
	}
	defer clear(packed)
	return l.h.profile.AppendFrame(nil, iso8583.Frame{Body: packed})
}

func newWait(m *iso8583.Message, r channel.Request) *wait {
	return &wait{id: id(m), echo: echoOf(m), request: r, answer: make(chan *iso8583.Message, 1)}
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
	if twin, taken := l.waiting[w.id]; taken && twin.gaveUp.IsZero() {
		return fmt.Errorf("trace %s is in use this second", w.id[10:])
	}
	l.waiting[w.id] = w
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
	w.gaveUp = l.h.Clock()
	l.silent = append(l.silent, w)
	for len(l.silent) > maxLate || w.gaveUp.Sub(l.silent[0].gaveUp) > keepLate {
		l.forget(l.silent[0])
		l.silent = l.silent[1:]
	}
	return nil
}

// forget drops a request, unless its id means another by now. The caller holds mu.
func (l *line) forget(w *wait) {
	if l.waiting[w.id] == w {
		delete(l.waiting, w.id)
	}
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
	if w == nil || !w.echo.fits(m) {
		l.mu.Unlock()
		l.h.Log.Warn("answer fits no request", "answer", m)
		return
	}
	l.forget(w)
	late := !w.gaveUp.IsZero()
	if !late {
		w.answer <- m // has room for one, and only one is ever delivered
	}
	l.mu.Unlock()
	if late && l.h.late != nil {
		l.h.busy.Go(func() { l.h.late(context.Background(), w.request, outcome(m, w.request)) })
	}
}

// probe asks for an echo after a silence, and breaks a line that does not give
// one: the next request then dials anew instead of waiting on a dead connection.
func (l *line) probe() {
	if l.probing.Swap(true) {
		return
	}
	defer l.probing.Store(false)
	if err := l.alive(); err != nil {
		l.close(err)
	}
}

// alive waits for a sign of life: nil when an echo came, or the line broke, which is known already.
func (l *line) alive() error {
	m := iso8583.New("0800").Set(7, transmission(l.h.Clock())).Set(11, "000000").Set(33, l.h.Forwarder).Set(70, "301")
	frame, err := l.frame(context.Background(), m)
	if err != nil {
		return err
	}
	w := newWait(m, channel.Request{})
	if err := l.await(w); err != nil {
		return err
	}
	if _, err := l.write(frame); err != nil {
		return err
	}
	timer := time.NewTimer(dialTimeout)
	defer timer.Stop()
	select {
	case <-w.answer:
		return nil
	case <-timer.C:
		return fmt.Errorf("no echo within %s", dialTimeout)
	}
}
