package torture

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// pipe is one direction of a connection. Frames that are held back are delivered
// even when their sender has hung up meanwhile, for as long as the receiver listens.
type pipe struct {
	proxy    *Proxy
	link     *link
	from, to net.Conn
	rand     *rand.Rand // of the reader alone

	writing sync.Mutex
	held    chan []byte    // a frame that lets the next one pass; nil when there is none
	pending sync.WaitGroup // frames held back
	deaf    bool           // half open: what comes is thrown away
}

// run forwards until the sender ends, then what is held back, then the farewell.
func (p *pipe) run() {
	for {
		frame, err := readFrame(p.from)
		if err != nil {
			break
		}
		if p.deaf {
			continue
		}
		p.meet(p.proxy.mood.Load().draw(p.rand), frame)
	}
	p.pending.Wait()
	if tcp, ok := p.to.(*net.TCPConn); ok && !p.deaf { // half open: the receiver is not told that its peer has gone
		_ = tcp.CloseWrite()
	}
}

// meet lets a frame meet a fault.
func (p *pipe) meet(f Fault, frame []byte) {
	p.proxy.count(f)
	switch f {
	case Delay:
		p.after(later(p.rand, p.proxy.longest), frame)
	case Drop:
	case Duplicate:
		p.pass(frame)
		p.after(later(p.rand, p.proxy.longest), frame)
	case Reorder:
		p.hold(frame)
	case Split:
		p.split(frame, time.Duration(p.rand.IntN(300))*time.Microsecond)
	case Cut:
		_, _ = p.to.Write(frame[:1+p.rand.IntN(len(frame)-1)])
		p.link.reset()
	case HalfOpen:
		p.deaf = true
	default:
		p.pass(frame)
	}
}

// pass delivers a frame whole, and after it the one that it overtook.
func (p *pipe) pass(frame []byte) {
	p.write(frame)
	if p.held != nil {
		select {
		case first := <-p.held:
			p.write(first)
		default: // delivered, because nothing came in time
		}
		p.held = nil
	}
}

func (p *pipe) write(frame []byte) {
	p.writing.Lock()
	defer p.writing.Unlock()
	if _, err := p.to.Write(frame); err != nil {
		p.link.close()
	}
}

// after delivers a frame later, unless the connection is over by then.
func (p *pipe) after(d time.Duration, frame []byte) {
	p.pending.Go(func() {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			p.write(frame)
		case <-p.link.over:
		}
	})
}

// overtakeWithin is how long a reordered frame waits for one to overtake it.
const overtakeWithin = 300 * time.Millisecond

// hold keeps a frame until the next one has passed, or none comes.
func (p *pipe) hold(frame []byte) {
	if p.held != nil {
		p.pass(frame)
		return
	}
	held := make(chan []byte, 1)
	held <- frame
	p.held = held
	p.pending.Go(func() {
		t := time.NewTimer(overtakeWithin)
		defer t.Stop()
		select {
		case <-t.C:
		case <-p.link.over:
		}
		select {
		case f := <-held:
			p.write(f)
		default:
		}
	})
}

// split delivers a frame byte by byte; no other may come between.
func (p *pipe) split(frame []byte, pause time.Duration) {
	p.writing.Lock()
	defer p.writing.Unlock()
	for i := range frame {
		if _, err := p.to.Write(frame[i : i+1]); err != nil {
			p.link.close()
			return
		}
		time.Sleep(pause)
	}
}

// readFrame reads one frame, its two length bytes included.
func readFrame(r io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, 2+int(binary.BigEndian.Uint16(length[:])))
	copy(frame, length[:])
	_, err := io.ReadFull(r, frame[2:])
	return frame, err
}
