package web

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"hawker/internal/clock"
)

// Throttle counts what each address asks within a minute, and all of them together, for
// public pages that must not be tried out number by number.
type Throttle struct {
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

// NewThrottle lets each address ask so often a minute.
func NewThrottle(each int, now clock.Clock) *Throttle {
	return &Throttle{each: each, now: now, asked: map[string]int{}}
}

// Lets counts a question and reports whether it is to be answered.
func (g *Throttle) Lets(r *http.Request) bool {
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
