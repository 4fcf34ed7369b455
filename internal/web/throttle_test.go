package web

import (
	"net/http"
	"testing"
	"time"
)

func TestAThrottleCountsEachHouseholdForAMinute(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	g := NewThrottle(2, func() time.Time { return at })
	ask := func(remote string) bool { return g.Lets(&http.Request{RemoteAddr: remote}) }
	for _, c := range []struct {
		remote string
		want   bool
	}{
		{"10.0.0.1:1", true}, {"10.0.0.1:2", true}, {"10.0.0.1:3", false}, {"10.0.0.2:1", true}, {"[::ffff:10.0.0.2]:9", true}, {"10.0.0.2:1", false},
		{"[2001:db8::1]:1", true}, {"[2001:db8::2]:1", true}, {"[2001:db8::3]:1", false}, {"[2001:db8:0:1::3]:1", true}, {"nonsense", true},
	} {
		if got := ask(c.remote); got != c.want {
			t.Errorf("%s: %v", c.remote, got)
		}
	}
	at = at.Add(time.Minute)
	if !ask("10.0.0.1:4") {
		t.Error("a minute later it is still refused")
	}
}
