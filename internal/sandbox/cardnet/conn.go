package cardnet

import (
	"net"
	"sync"
	"time"
)

// writeTimeout is how long a peer may take no answer before it is cut off.
const writeTimeout = 10 * time.Second

// conn is one connection to an acquirer; its answers are written one at a time.
type conn struct {
	net.Conn
	write       sync.Mutex
	over        chan struct{}
	once        sync.Once
	late, delay time.Duration
}

// Close closes the connection and stops the answers that are waiting.
func (k *conn) Close() error {
	k.once.Do(func() { close(k.over) })
	return k.Conn.Close()
}

// deliver sends a frame in the way told. A failed write ends the connection.
func (k *conn) deliver(frame []byte, how Delivery) {
	if frame == nil || how == Silent {
		return
	}
	wait := k.delay
	if how == Late {
		wait = k.late
	}
	if wait > 0 && !k.wait(wait) {
		return
	}
	switch how {
	case Twice:
		frame = append(frame, frame...)
	case Cut:
		frame = frame[:len(frame)/2]
	case Normal, Late, WrongAmount, WrongMAC, Silent, Lost:
	}
	k.write.Lock()
	defer k.write.Unlock()
	_ = k.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := k.Write(frame); err != nil || how == Cut {
		_ = k.Close()
	}
}

// wait reports whether the connection still stood after d.
func (k *conn) wait(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-k.over:
		return false
	}
}
