// Package app puts Hawker together: configuration, explicit constructors, what runs
// and in which order it stops. It is the only room that knows all others.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hawker/internal/clock"
	"hawker/internal/door/rest"
	"hawker/internal/institution"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/keys/pkcs11"
	"hawker/internal/paylink"
	"hawker/internal/payment"
	"hawker/internal/store"
)

// Config says how a server runs. Its zero value, with a data directory, serves
// everything simulated on loopback.
type Config struct {
	Data     string        // directory of what must not be lost; made when absent, mode 0700; one server each
	Master   string        // master key file; "" is master.key in Data. Nodes on one database share its content
	HSM      pkcs11.Config // the token that holds the master key instead of a file; the zero one is none
	Database string        // "postgres://…"; "" is the SQLite file hawker.db in Data
	ISO      Listen        // terminal port
	HTTP     Listen        // health and metrics
	Network  Network
	Wallets  Wallets
	Rate     rest.Rate           // what one API key may ask
	Base     string              // https address under which customers and wallets reach the HTTP port; "" is the port's own
	Log      *slog.Logger        // nil is silent
	Clock    clock.Clock         // nil is the machine's
	Batch    int                 // commands in one commit; 0 is the usual bound, 1 turns batching off
	Dead     time.Duration       // a node on this database that gave no sign of life for so long is dead; 10 s when 0
	Hold     payment.HoldTerms   // what may be done with a pre-authorization
	Sale     payment.SaleTerms   // what terminals may conclude without asking first
	Boarder  institution.Boarder // under whose licence and by whose service merchants are boarded; the zero one is the example's
	Drain    time.Duration       // how long what is being answered may take after a stop; 20 s when 0
}

// Listen is where a door listens. The terminal port speaks TLS 1.2 or 1.3 and wants a
// terminal's certificate, unless Plain says otherwise; the other speaks TLS with a certificate.
type Listen struct {
	Addr    string   // "" is loopback and a free port
	Cert    string   // PEM file; "" is one by our own authority for the terminal port, plain TCP elsewhere
	Key     string   // PEM file
	Hosts   []string // of the terminal port: names and addresses, beside Addr's, under which terminals know it
	Plain   bool     // of the terminal port: TCP without TLS, for a trusted line only
	Profile string   // host profile of the terminal port; "" takes each terminal's own
	Behind  int      // of the other port: how many proxies of ours stand before it and tell the client's address
}

// profile is the one host profile of a terminal port; nil for each terminal's own.
func (l Listen) profile() (*iso8583.Profile, error) {
	if l.Profile == "" {
		return nil, nil
	}
	p, ok := iso8583.ByName(l.Profile)
	if !ok || p.Protection == "" {
		return nil, fmt.Errorf("no host profile %q; there are %s", l.Profile, strings.Join(HostProfiles(), ", "))
	}
	return p, nil
}

// HostProfiles are the names of the dialects that terminals speak.
func HostProfiles() (names []string) {
	for _, p := range iso8583.Terminals() {
		names = append(names, p.Name)
	}
	return names
}

// Network is the card network that Hawker pays through.
type Network struct {
	Addr      string        // "" starts the simulated one within this process
	Acquirer  string        // field 32; "" is a number for simulation
	Timeout   time.Duration // from the request to giving up; 20 s when 0
	LateAfter time.Duration // of the simulated network: when late answers come; Timeout plus 10 s when 0
}

func (c *Config) complete() error {
	if c.Data == "" {
		return errors.New("a data directory is needed")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = clock.System
	}
	if c.Drain == 0 {
		c.Drain = 20 * time.Second
	}
	if c.Dead == 0 {
		c.Dead = 10 * time.Second
	}
	if c.Network.Timeout == 0 {
		c.Network.Timeout = 20 * time.Second
	}
	if c.Network.LateAfter == 0 {
		c.Network.LateAfter = c.Network.Timeout + 10*time.Second
	}
	if c.Network.Acquirer == "" {
		c.Network.Acquirer = "10000000"
	}
	for _, l := range []*Listen{&c.ISO, &c.HTTP} {
		if l.Addr == "" {
			l.Addr = "127.0.0.1:0"
		}
		if (l.Cert == "") != (l.Key == "") {
			return errors.New("TLS needs a certificate and its key")
		}
	}
	if c.Hold.Share < 0 || c.Hold.Share > maxShare || c.Hold.Last < 0 {
		return errors.New("a completion's share of a pre-authorization is 1 to 1000 percent, and a pre-authorization lasts some time")
	}
	if c.ISO.Plain && c.ISO.Cert != "" {
		return errors.New("the terminal port cannot be plain and have a certificate")
	}
	if c.Sale.Tip > maxShare || c.Sale.Floor.Sign() < 0 || c.Sale.Purse.Sign() < 0 {
		return errors.New("tips add at most 1000 percent to a sale, and limits of offline sales are not negative")
	}
	if c.Base != "" {
		base, err := paylink.ParseBase(c.Base)
		if err != nil {
			return err
		}
		c.Base = base
	} else if !c.Wallets.simulated() {
		return errors.New("real wallets report to the address of this server: it must be said")
	}
	if c.Database == "" {
		c.Database = filepath.Join(c.Data, "hawker.db")
	}
	return os.MkdirAll(c.Data, 0o700)
}

// maxShare is the most that a completion may be let take: ten times its pre-authorization.
const maxShare = 100000

// shards are the writers on PostgreSQL: with batching off each payment has its own
// transaction, and as many run at once as the pool has connections.
func (c Config) shards() int {
	if c.Batch == 1 {
		return 16
	}
	return 0
}

// openKeys opens the keystore with the module that the configuration names; close ends the module.
func (c Config) openKeys(ctx context.Context, db *store.DB) (ks *keys.Keystore, closeModule func() error, err error) {
	if c.HSM == (pkcs11.Config{}) {
		ks, err = keys.Open(ctx, db, c.masterKey(), c.Clock)
		return ks, func() error { return nil }, err
	}
	m, err := pkcs11.Open(c.HSM)
	if err != nil {
		return nil, nil, err
	}
	if ks, err = keys.OpenWith(ctx, db, m, c.Clock); err != nil {
		return nil, nil, errors.Join(err, m.Close())
	}
	return ks, m.Close, nil
}

// The files of a data directory.
func (c Config) masterKey() string {
	if c.Master != "" {
		return c.Master
	}
	return filepath.Join(c.Data, "master.key")
}

func (c Config) networkFile() string { return filepath.Join(c.Data, "sandbox", "network.json") }

// TerminalFile is the software terminal's memory, made when the sandbox is seeded.
func (c Config) TerminalFile() string { return filepath.Join(c.Data, "terminal.json") }
