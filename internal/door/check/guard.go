package check

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"hawker/internal/clock"
)

// guard counts the questions of each address within a minute, and of all together: who
// asks more gets no answer, so that the register cannot be tried out number by number.
type guard struct {
	each int
	now  clock.Clock

	m     sync.Mutex
	since time.Time
	asked map[string]int
	all   int
}

// The bounds of all addresses together, within a minute.
const (
	mostAddresses = 20_000
	mostQuestions = 60_000
)

func newGuard(each int, now clock.Clock) *guard {
	return &guard{each: each, now: now, asked: map[string]int{}}
}

// lets counts a question and reports whether it is to be answered.
func (g *guard) lets(r *http.Request) bool {
	who := network(r.RemoteAddr)
	g.m.Lock()
	defer g.m.Unlock()
	if now := g.now(); now.Sub(g.since) >= time.Minute || now.Before(g.since) {
		g.since, g.all = now, 0
		clear(g.asked)
	}
	if g.asked[who] >= g.each || g.all >= mostQuestions || (g.asked[who] == 0 && len(g.asked) >= mostAddresses) {
		return false
	}
	g.asked[who]++
	g.all++
	return true
}

// network is who asks: an IPv4 address, or the /64 of an IPv6 one, which one household has.
func network(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return "unknown"
	}
	if a = a.Unmap(); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
