package webhook

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

func TestAddressesWithinAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		address  string
		loopback bool
		ok       bool
	}{
		{"8.8.8.8", false, true}, {"1.1.1.1", false, true}, {"2606:4700::1111", false, true}, {"223.5.5.5", false, true}, {"2400:3200::1", false, true},
		{"127.0.0.1", false, false}, {"127.0.0.1", true, true}, {"::1", true, true}, {"::1", false, false}, {"0.0.0.0", true, false}, {"10.0.0.1", true, false},
		{"172.31.255.255", false, false}, {"192.168.1.1", false, false}, {"169.254.169.254", false, false}, {"100.64.0.1", false, false}, {"100.127.255.255", false, false},
		{"100.128.0.1", false, true}, {"198.18.0.1", false, false}, {"224.0.0.1", false, false}, {"255.255.255.255", false, false}, {"240.0.0.1", false, false},
		{"::ffff:10.0.0.1", false, false}, {"::ffff:8.8.8.8", false, true}, {"64:ff9b::a00:1", false, false}, {"2002:a00:1::", false, false}, {"fe80::1%eth0", false, false},
		{"fd12::1", false, false}, {"ff02::1", false, false}, {"::", false, false}, {"::a00:1", false, false}, {"2001:db8::1", false, false},
	} {
		if err := outside(netip.MustParseAddr(c.address), c.loopback); (err == nil) != c.ok {
			t.Errorf("%s, loopback %v: %v", c.address, c.loopback, err)
		}
	}
	if outside(netip.Addr{}, false) == nil {
		t.Error("no address at all is called")
	}
}

// A name may lead anywhere by the time it is called: what was looked up is what is judged and dialled.
func TestANameThatLeadsInsideIsNotCalled(t *testing.T) {
	t.Parallel()
	called := false
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer inner.Close()
	client := newClient(2*time.Second, false, net.DefaultResolver) // "localhost" is a name that leads inside on every machine
	_, port, err := net.SplitHostPort(inner.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://localhost:"+port, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(r)
	if err == nil {
		_ = res.Body.Close()
	}
	if !errors.Is(err, errInside) || called {
		t.Errorf("it was called: %v, %v", called, err)
	}
	if why(err) != "the address is within a private network" {
		t.Errorf("told is %q", why(err))
	}
}
