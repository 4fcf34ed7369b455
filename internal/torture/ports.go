package torture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// freePorts finds loopback addresses below the range from which the kernel takes the ports
// of outgoing connections, so that a server that was killed finds its port free again. None
// comes twice in this process.
func freePorts(n int) (list []string, err error) {
	for try := 0; len(list) < n; try++ {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(10000)) //nolint:gosec // a port is no secret
		if _, taken := given.LoadOrStore(addr, true); taken {
			continue
		}
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
		if err != nil {
			if try > 1000 {
				return nil, err
			}
			continue
		}
		list = append(list, addr)
		if err := l.Close(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// given are the addresses that freePorts has given.
var given sync.Map

func listens(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// waitFor asks again until it is so.
func waitFor(ctx context.Context, within time.Duration, so func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}
