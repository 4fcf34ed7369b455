package app

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"hawker/internal/auth"
	"hawker/internal/door/signin"
	"hawker/internal/keys"
	"hawker/internal/web"
)

// site is the address at which browsers find the server: as configured, or on this
// machine by its name, because passkeys belong to names and not to numbers.
func (s *Server) site() string {
	if s.Config.Base != "" {
		return strings.TrimSuffix(s.Config.Base, "/")
	}
	scheme := "http"
	if s.Config.HTTP.Cert != "" {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(s.HTTPAddr())
	if ip := net.ParseIP(host); err == nil && (ip == nil || ip.IsLoopback() || ip.IsUnspecified()) {
		host = "localhost"
	}
	return (&url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port)}).String()
}

// tls reports whether browsers come by TLS, to us or to a proxy before us.
func (s *Server) tls() bool { return strings.HasPrefix(s.site(), "https://") }

// openAuth opens the guard of people and devices.
func (s *Server) openAuth(ks *keys.Keystore) (err error) {
	if s.Guard, err = auth.Open(auth.Config{DB: s.DB, Keys: ks, Clock: s.Config.Clock, Log: s.Config.Log, Site: s.site()}); err != nil {
		return fmt.Errorf("sign-in: %w", err)
	}
	return nil
}

// cookies tell who asks in a browser.
func (s *Server) cookies() signin.Cookies {
	return signin.Cookies{Guard: s.Guard, TLS: s.tls(), Behind: s.Config.HTTP.Behind}
}

// signInDoors are the pages of accounts.
func (s *Server) signInDoors() []web.Door {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		zone = time.UTC
	}
	p := &signin.Pages{Guard: s.Guard, DB: s.DB, Clock: s.Config.Clock, Cookies: s.cookies(), Site: s.site(), Zone: zone, Home: signin.HomeOf}
	return p.Doors()
}

// Hello is a one-time link for somebody whom nobody has signed in as yet.
type Hello struct{ Name, URL string }

// Hellos makes a one-time link for the seeded merchant's owner and for the first
// administrator, as long as neither has a password or passkey. There is no default password.
func (s *Server) Hellos(ctx context.Context) (list []Hello, err error) {
	m, err := seedMerchant()
	if err != nil {
		return nil, err
	}
	for _, n := range []auth.NewAccount{
		{Merchant: m.ID, Login: "xiaoman", Name: "王小满", Role: auth.Owner},
		{Login: "admin", Name: "系统管理员 Admin", Role: auth.Admin},
	} {
		secret, err := s.Guard.FirstLink(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("first sign-in link: %w", err)
		}
		if secret != "" {
			list = append(list, Hello{n.Name, s.site() + "/hello/" + secret})
		}
	}
	return list, nil
}
