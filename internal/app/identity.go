package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"

	"hawker/internal/identity"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/sandbox/pos"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// Tools are what a command needs that works beside the server.
type Tools struct {
	DB        *store.DB
	Keys      *keys.Keystore
	Authority *identity.Authority
	Config    Config
}

// OpenTools opens the database and the keystore of a data directory. Close DB in the end.
func OpenTools(ctx context.Context, c Config) (_ *Tools, err error) {
	db, err := OpenStore(ctx, c.Data, c.Database)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	if err := c.complete(); err != nil {
		return nil, err
	}
	t := &Tools{DB: db, Config: c}
	if _, err := os.Stat(c.masterKey()); err != nil {
		return nil, fmt.Errorf("the master key: %w", err) // a tool must not make one
	}
	if t.Keys, err = keys.Open(ctx, db, c.masterKey(), c.Clock); err != nil {
		return nil, err
	}
	t.Authority, err = identity.Open(ctx, db, t.Keys, c.Clock)
	return t, err
}

// Terminal finds by fields 42 and 41 whom a certificate is to speak for.
func (t *Tools) Terminal(ctx context.Context, mid, tid string) (identity.Terminal, error) {
	m, err := merchant.ByMID(ctx, t.DB.Read(), mid)
	if err != nil {
		return identity.Terminal{}, err
	}
	found, err := terminal.ByID(ctx, t.DB.Read(), m.ID, terminal.ID(tid))
	return identity.Terminal{Merchant: m.ID, MID: mid, ID: found.ID, Serial: found.Serial}, err
}

// identify gives the sandbox's terminal an identity: a key of its own, and a certificate.
// Where an earlier start ended between the certificate and the terminal's file, it is renewed.
func identify(ctx context.Context, a *identity.Authority, of identity.Terminal, cert string) (i pos.Identity, err error) {
	csr, key, err := identity.Request()
	if err != nil {
		return i, err
	}
	c, err := a.Issue(ctx, of, csr)
	if errors.Is(err, identity.ErrHeld) {
		c, err = a.Renew(ctx, of, csr)
	}
	if err != nil {
		return i, err
	}
	i = pos.Identity{CA: string(a.PEM()), Certificate: string(c.PEM()), Key: key}
	if cert != "" { // the port shows the operator's own certificate
		own, err := os.ReadFile(cert) //nolint:gosec // the operator names the file
		if err != nil {
			return i, err
		}
		i.CA += string(own)
	}
	return i, nil
}

// secure puts TLS on the terminal port, unless it is to be plain; what it is known by is
// where it listens, this machine, and what the configuration adds.
func (s *Server) secure(l net.Listener) (net.Listener, error) {
	iso := s.Config.ISO
	if iso.Plain {
		if at, ok := l.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
			s.Config.Log.Warn("the terminal port speaks without TLS: anyone on the line reads along, and any machine may speak as a terminal", "addr", l.Addr())
		}
		return l, nil
	}
	var own *tls.Certificate
	if iso.Cert != "" {
		pair, err := tls.LoadX509KeyPair(iso.Cert, iso.Key)
		if err != nil {
			return nil, err
		}
		own = &pair
	}
	hosts := append([]string{"localhost", "127.0.0.1", "::1"}, iso.Hosts...)
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, name)
	}
	if host, _, err := net.SplitHostPort(iso.Addr); err == nil && !net.ParseIP(host).IsUnspecified() {
		hosts = append(hosts, host)
	}
	return tls.NewListener(l, s.authority.ServerConfig(hosts, own)), nil
}
