package simulation

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// hop is a stretch of network: between shops and hosts, or between hosts and the bank.
// What a message meets depends on the seed, on what the message says and on how often
// it was said before, and on nothing else: not on which goroutine came first.
type hop struct {
	world   *world
	name    string
	weather weather
	reads   func(frame []byte) string // what a frame says, without ids, keys and card data

	mu    sync.Mutex
	said  map[string]int
	wires map[*wire]bool
}

func newHop(w *world, name string, reads func([]byte) string) *hop {
	return &hop{world: w, name: name, weather: draw(w.dice("weather", name)), reads: reads, said: map[string]int{}, wires: map[*wire]bool{}}
}

// again counts how often a thing was said.
func (h *hop) again(what string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said[what]++
	return h.said[what]
}

// fate decides about a message and notes it.
func (h *hop) fate(what string) fate {
	n := h.again(what)
	weather := h.weather
	if h.world.calm.Load() {
		weather = calm
	}
	f := weather.fate(h.world.dice("message", h.name, what, n))
	h.world.journal.add("%s: %s: %s", h.name, what, f)
	return f
}

// calm is the weather when everything heals.
var calm = weather{}

var errRefused = errors.New("connection refused")

// dial waits as long as connecting takes, or says that it fails.
func (h *hop) dial(ctx context.Context, who string) error {
	d := h.world.dice("dial", h.name, who, h.again("dial "+who))
	wait, err := d.between(nearest, usual), error(nil)
	if refused := d.chance(h.weather.refuse); refused && !h.world.calm.Load() {
		err = errRefused
		wait = d.between(nearest, 6*time.Second) // longer than a card host's patience
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		h.world.journal.add("%s: %s cannot connect", h.name, who)
	}
	return err
}

// wire is one connection over a hop.
type wire struct {
	hop         *hop
	client, far string // who is at its ends
	ends        [2]net.Conn
	writing     [2]chan struct{} // a token for each end: whole frames only
}

// connect makes a connection and returns its two ends.
func (h *hop) connect(client, server string) (net.Conn, net.Conn) {
	a, near := net.Pipe()
	far, b := net.Pipe()
	w := &wire{hop: h, client: client, far: server, ends: [2]net.Conn{near, far},
		writing: [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)}}
	h.mu.Lock()
	h.wires[w] = true
	h.mu.Unlock()
	// The connection is told, because a host may say the same on several at one instant.
	nth := h.again("connection " + client + " " + server)
	h.world.busy.Go(func() { w.carry(0, fmt.Sprintf("%s > %s, %d", client, server, nth)) })
	h.world.busy.Go(func() { w.carry(1, fmt.Sprintf("%s > %s, %d", server, client, nth)) })
	return a, b
}

// carry takes frames from one end to the other. When the sender hangs up, what it sent
// still arrives.
func (w *wire) carry(from int, way string) {
	var flying sync.WaitGroup
	for {
		frame, err := readFrame(w.ends[from])
		if err != nil {
			break
		}
		f := w.hop.fate(way + ": " + w.hop.reads(frame))
		for _, late := range f.arrivals {
			flying.Go(func() {
				time.Sleep(late)
				if f.cut {
					frame = frame[:len(frame)/2]
				}
				w.deliver(1-from, frame)
				if f.cut {
					w.cut()
				}
			})
		}
	}
	flying.Wait()
	h := w.hop
	time.Sleep(h.world.dice("farewell", h.name, way, h.again("farewell "+way)).between(nearest, usual)) // what is answered at this instant is still heard
	_ = w.ends[1-from].Close()
	w.hop.mu.Lock()
	defer w.hop.mu.Unlock()
	delete(w.hop.wires, w)
}

func (w *wire) deliver(to int, frame []byte) {
	w.writing[to] <- struct{}{}
	defer func() { <-w.writing[to] }()
	_, _ = w.ends[to].Write(frame) // whoever hung up hears no more
}

// cut ends the connection for both sides at once.
func (w *wire) cut() {
	for _, c := range w.ends {
		_ = c.Close()
	}
}

// cut ends every connection of a host, or all when it is "".
func (h *hop) cut(host string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.wires {
		if host == "" || w.client == host || w.far == host {
			w.cut()
		}
	}
}

// readFrame reads two bytes of length and what they announce.
func readFrame(r io.Reader) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, 2+int(binary.BigEndian.Uint16(head[:])))
	copy(frame, head[:])
	_, err := io.ReadFull(r, frame[2:])
	return frame, err
}
