package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// inside are the addresses that are nobody's on the internet, or lead back to us.
var inside = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4",
	"::/96", "::1/128", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8")

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// errInside says that an address is not to be called.
var errInside = errors.New("the address is within a private network")

// outside refuses addresses of our own networks; loopback is let through where the sandbox allows it.
func outside(a netip.Addr, loopback bool) error {
	a = a.Unmap().WithZone("")
	if loopback && a.IsLoopback() {
		return nil
	}
	for _, p := range inside {
		if p.Contains(a) {
			return errInside
		}
	}
	if !a.IsValid() || a.IsPrivate() || a.IsLoopback() || a.IsMulticast() || a.IsLinkLocalUnicast() || a.IsUnspecified() {
		return errInside
	}
	return nil
}

// checkURL refuses an address that must not or cannot be told anything.
func checkURL(text string, loopback bool) error {
	u, err := url.Parse(text)
	if err != nil || len(text) > 500 || u.Host == "" || u.User != nil || u.Fragment != "" || strings.ContainsAny(text, " \t\r\n") {
		return ErrURL.With("an address is like https://shop.example/hooks, of at most 500 characters")
	}
	host := u.Hostname()
	ip, notIP := netip.ParseAddr(host)
	local := host == "localhost" || notIP == nil && ip.Unmap().IsLoopback()
	switch {
	case local && !loopback:
		return ErrURL.With("%s is this machine", host)
	case u.Scheme == "http" && !local, u.Scheme != "http" && u.Scheme != "https":
		return ErrURL.With("%s is not https", u.Scheme)
	case notIP == nil:
		if err := outside(ip, loopback); err != nil {
			return ErrURL.Wrap(err)
		}
	case !local && (!strings.Contains(strings.Trim(host, "."), ".") || strings.HasSuffix(strings.TrimSuffix(host, "."), ".internal") || strings.HasSuffix(strings.TrimSuffix(host, "."), ".local")):
		return ErrURL.With("%s is no name on the internet", host)
	}
	return nil
}

// newClient makes a client that resolves a name once, refuses it when any of its addresses
// is ours, connects to the one it looked at, and follows no redirect.
func newClient(timeout time.Duration, loopback bool, resolver *net.Resolver) *http.Client {
	dialer := &net.Dialer{Timeout: timeout}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		list, err := resolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if err := outside(a, loopback); err != nil {
				return nil, fmt.Errorf("%s: %w", host, err)
			}
		}
		err = fmt.Errorf("%s has no address", host)
		for _, a := range list {
			var c net.Conn
			if c, err = dialer.DialContext(ctx, network, net.JoinHostPort(a.Unmap().String(), port)); err == nil {
				return c, nil
			}
		}
		return nil, err
	}
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{Proxy: nil, DialContext: dial, TLSHandshakeTimeout: timeout, ResponseHeaderTimeout: timeout, MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
