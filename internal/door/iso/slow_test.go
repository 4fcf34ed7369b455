package iso

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// TestSlowAndSilentPeersAreLetGo holds connections open in every way there is, while
// another terminal is served.
func TestSlowAndSilentPeersAreLetGo(t *testing.T) {
	t.Parallel()
	const frameTimeout, idleTimeout = 2 * time.Second, time.Minute
	rows := map[string]struct {
		attack func(d *device, c net.Conn)
		after  time.Duration
	}{
		"a peer that says nothing": {func(*device, net.Conn) {}, idleTimeout},
		"a peer that sends a byte at a time": {func(d *device, c net.Conn) {
			for _, b := range d.frame(d.sale(1_00)) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(frameTimeout / 20)
			}
		}, frameTimeout},
		"a peer that stops in the middle": {func(d *device, c net.Conn) {
			frame := d.frame(d.sale(1_00))
			_, _ = c.Write(frame[:len(frame)/2])
		}, frameTimeout},
		"a peer that stops in the length": {func(_ *device, c net.Conn) { _, _ = c.Write([]byte{0}) }, frameTimeout},
		"a peer that never reads its answers": {func(d *device, c net.Conn) {
			_, _ = c.Write(d.frame(d.request("0820", "00", "301")))
			time.Sleep(frameTimeout + time.Millisecond)
		}, frameTimeout},
	}
	synctest.Test(t, func(t *testing.T) {
		w := bubbled(t, func(c *Config) { c.FrameTimeout, c.IdleTimeout = frameTimeout, idleTimeout })
		good, bad := w.device("zh-CN"), w.device("zh-CN")
		for name, row := range rows {
			t.Log(name)
			began, conn, ended := time.Now(), w.dial(), make(chan time.Time)
			go func() {
				row.attack(bad, conn)
				_, _ = io.Copy(io.Discard, conn)
				ended <- time.Now()
			}()
			good.conn = nil // it may have been idle for too long
			good.take(1_00)
			if held := (<-ended).Sub(began); held < row.after || held > row.after+frameTimeout/10 {
				t.Errorf("held for %s, want %s", held, row.after)
			}
			good.conn = nil
			good.take(1_00)
		}
		if e := w.effect(bad.shop); e != (effect{}) {
			t.Errorf("it made sales of %+v", e)
		}
	})
}
