package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"hawker/internal/apikey"
	"hawker/internal/auth"
	"hawker/internal/channel"
	"hawker/internal/channel/cardhost"
	"hawker/internal/custody"
	"hawker/internal/door/iso"
	"hawker/internal/door/payer"
	"hawker/internal/door/pos"
	"hawker/internal/door/rest"
	"hawker/internal/feelock"
	"hawker/internal/identity"
	"hawker/internal/jobs"
	"hawker/internal/keys"
	"hawker/internal/live"
	"hawker/internal/payment"
	"hawker/internal/receipt"
	"hawker/internal/sandbox/cardnet"
	"hawker/internal/sandbox/wallet"
	"hawker/internal/schema"
	"hawker/internal/signature"
	"hawker/internal/store"
	"hawker/internal/vault"
	"hawker/internal/webhook"
)

// Server is one running Hawker. Start opens everything in order; Run works until
// its context ends and then stops in the reverse order.
type Server struct {
	Config  Config
	DB      *store.DB
	Engine  *payment.Engine
	Jobs    *jobs.Runner
	Fees    *feelock.Book
	agreed  agreements
	Guard   *auth.Guard
	Sandbox *cardnet.Network  // nil when the network is elsewhere
	Wallets *wallet.Simulator // nil when both wallets are real

	node      *node
	metrics   *metrics
	authority *identity.Authority
	card      *cardhost.Host
	wallets   []channel.Wallet
	accounts  *wallet.Accounts // at the simulated wallets
	hub       *live.Hub

	Keys     *apikey.Desk
	Webhooks *webhook.Desk
	FirstKey apikey.Secret // of the sandbox's merchant, when it had none; zero otherwise

	till      *pos.Screen
	receipts  *receipt.Desk
	payer     *payer.Payer
	programs  *rest.Door
	walletURL string // of the simulated wallets
	iso       *iso.Server
	isoAt     net.Listener
	http      *http.Server
	httpAt    net.Listener
	boarding  boarding
	closers   []func() error
}

// Start opens the database, brings its schema forward, seeds the sandbox on first
// start, resolves what was in flight, and binds its ports. Run must follow, or Close.
func Start(ctx context.Context, c Config) (_ *Server, err error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	s := &Server{Config: c, metrics: newMetrics()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.node, err = openNode(c); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.node.file.Close)
	if s.DB, err = store.Open(ctx, c.Database); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.DB.Close)
	if err := s.DB.Migrate(ctx, schema.Files); err != nil {
		return nil, err
	}
	ks, closeModule, err := c.openKeys(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, closeModule)
	signer, err := custody.OpenSigner(c.Data)
	if err != nil {
		return nil, err
	}
	cards := vault.Open(s.DB, ks, c.Clock, c.Log)
	if s.authority, err = identity.Open(ctx, s.DB, ks, c.Clock); err != nil {
		return nil, err
	}
	if err := s.bind(ctx); err != nil {
		return nil, err
	}
	seed := sandbox{Config: c, db: s.DB, keys: ks, host: s.isoAt.Addr().String()}
	if !c.ISO.Plain {
		seed.authority = s.authority
	}
	if err := seed.plant(ctx); err != nil {
		return nil, fmt.Errorf("seed the sandbox: %w", err)
	}
	address := c.Network.Addr
	if address == "" {
		if s.Sandbox, err = seed.network(ctx); err != nil {
			return nil, err
		}
		s.closers = append(s.closers, s.Sandbox.Close)
		address = s.Sandbox.Addr()
	}
	s.card = cardhost.New(cardhost.Config{
		Name: networkName, Acquirer: c.Network.Acquirer, Forwarder: c.Network.Acquirer, Keys: ks, Vault: cards,
		PINKey: keys.ZPK(networkName), MACKey: keys.ZAK(networkName), Timeout: c.Network.Timeout, Clock: c.Clock, Log: c.Log,
		Dial: func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext(ctx, "tcp", address)
		},
	})
	s.closers = append(s.closers, func() error { s.card.Close(); return nil })
	s.Jobs = jobs.NewRunner(s.DB, c.Clock, c.Log)
	if err := s.openFees(ks); err != nil {
		return nil, err
	}
	if err := s.openBoarding(ctx, ks); err != nil {
		return nil, err
	}
	if err := s.offerSample(ctx); err != nil {
		return nil, fmt.Errorf("offer the sandbox's contract: %w", err)
	}
	if err := s.openWallets(ctx); err != nil {
		return nil, err
	}
	s.Engine = payment.New(payment.Config{DB: s.DB, Clock: c.Clock, Card: s.card, Jobs: s.Jobs, Log: c.Log, Metrics: s.metrics,
		Batch: store.BatchOptions{Max: c.Batch, Shards: c.shards()}, Node: s.node.id, Hold: c.Hold, Sale: c.Sale, Remember: remember, Fees: s.Fees,
		Wallets: append(slices.Clone(s.wallets), s.card.Codes(payment.MethodUnionPay)), Links: payment.Links{Voucher: ks, Base: s.base()}})
	s.card.OnLate(s.Engine.Late)
	s.Jobs.Lease = 2*c.Network.Timeout + 5*time.Second
	if err := s.beat(ctx); err != nil {
		return nil, fmt.Errorf("resolve what was in flight: %w", err)
	}
	dialect, err := c.ISO.profile()
	if err != nil {
		return nil, err
	}
	door := iso.Config{DB: s.DB, Engine: s.Engine, Keys: ks, Vault: cards, Clock: c.Clock, Log: c.Log, Metrics: s.metrics,
		Custody: &custody.Keeper{DB: s.DB, Keys: ks, Clock: c.Clock, Signer: signer},
		Profile: dialect, Acquirer: c.Network.Acquirer, RotateAfter: rotateAfter, Remember: remember, Signatures: signature.Open(s.DB, ks, c.Clock)}
	if !c.ISO.Plain {
		door.Devices = s.authority
	}
	s.iso = iso.New(door)
	s.openReceipts(ks)
	if err := s.openAuth(ks); err != nil {
		return nil, err
	}
	s.openTill(ks)
	if err := s.openREST(ctx, ks); err != nil {
		return nil, err
	}
	routes, err := s.routes()
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	s.http = &http.Server{Handler: routes, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	return s, nil
}

// remember is how long rows that hardly change are taken for true: a merchant that is
// suspended takes payments for at most this long. A terminal's state and batch, limits and
// all money are read in the transaction that needs them.
const remember = 3 * time.Second

// rotateAfter is the age of working keys at which a terminal is asked to sign on.
const rotateAfter = 24 * time.Hour

// OpenStore opens the database of a data directory for a tool, and brings its schema forward.
func OpenStore(ctx context.Context, data, database string) (*store.DB, error) {
	c := Config{Data: data, Database: database}
	if database == "" {
		if _, err := os.Stat(filepath.Join(data, "hawker.db")); err != nil {
			return nil, fmt.Errorf("no database in %s: is --data right? %w", data, err)
		}
	}
	if err := c.complete(); err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, c.Database)
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, schema.Files); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// bind opens both ports, so that a port in use is told before anything else happens.
func (s *Server) bind(ctx context.Context) (err error) {
	if s.isoAt, err = s.listen(ctx, s.Config.ISO.Addr); err != nil {
		return err
	}
	if s.isoAt, err = s.secure(s.isoAt); err != nil {
		return err
	}
	if s.httpAt, err = s.listen(ctx, s.Config.HTTP.Addr); err != nil || s.Config.HTTP.Cert == "" {
		return err
	}
	pair, err := tls.LoadX509KeyPair(s.Config.HTTP.Cert, s.Config.HTTP.Key)
	if err != nil {
		return err
	}
	s.httpAt = tls.NewListener(s.httpAt, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	return nil
}

func (s *Server) listen(ctx context.Context, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, func() error { _ = l.Close(); return nil }) // closed already after a drain
	return l, nil
}

// ISOAddr is where terminals connect; HTTPAddr where health and metrics are.
func (s *Server) ISOAddr() string { return s.isoAt.Addr().String() }

// HTTPAddr is where health and metrics are.
func (s *Server) HTTPAddr() string { return s.httpAt.Addr().String() }

// Run serves until ctx ends, drains, and closes everything.
func (s *Server) Run(ctx context.Context) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var wg sync.WaitGroup
	failed := make(chan error, 2)
	listen, hangUp := context.WithCancel(ctx) // streams end first: the drain would wait for them
	defer hangUp()
	wg.Go(func() { s.hub.Run(listen) })
	wg.Go(func() { s.Webhooks.Run(work) })
	wg.Go(func() { s.Jobs.Run(work) })
	wg.Go(func() { s.beats(work) })
	wg.Go(func() { s.retain(work) })
	wg.Go(func() { s.bills(work) })
	wg.Go(func() {
		if err := s.iso.Serve(s.isoAt); err != nil {
			failed <- fmt.Errorf("terminal port: %w", err)
		}
	})
	wg.Go(func() {
		if err := s.http.Serve(s.httpAt); err != nil && !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("http port: %w", err)
		}
	})
	s.Config.Log.Info("hawker serves", "terminals", s.ISOAddr(), "http", "http://"+s.HTTPAddr(), "data", s.Config.Data, "database", s.DB.Dialect())
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.Config.Log.Info("hawker stops: no new messages; answering what is in hand")
	hangUp()
	_ = s.isoAt.Close()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Config.Drain)
	defer cancel()
	s.iso.Shutdown(drain)
	err = errors.Join(err, s.http.Shutdown(drain))
	s.Engine.Drain(drain)
	stopWork()
	wg.Wait()
	return errors.Join(err, s.leave(drain), s.Close())
}

// Close releases what Start opened, last first. Run does it by itself.
func (s *Server) Close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}
