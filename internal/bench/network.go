package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"hawker/internal/app"
	"hawker/internal/sandbox/cardnet"
)

// Network is the card network of a run, a process of its own.
type Network struct {
	Data    string        // the server's data directory, for the keys they share
	Cards   int           // how many bench cards the sandbox issues
	Delay   time.Duration // how long answers take
	Sandbox bool          // the simulated network with all its checks, instead of the light one
}

// network is what both kinds do.
type network interface {
	Listen(ctx context.Context) error
	Addr() string
	Close() error
	books() map[string]tally // by merchant (field 42)
}

// Run says where it listens, serves until ctx ends, and then writes its books as
// JSON: what it owes for each merchant. It keeps no file, so that its memory of the
// payments costs the machine little.
func (n Network) Run(ctx context.Context, out io.Writer) error {
	net, err := n.open()
	if err != nil {
		return err
	}
	if err := net.Listen(context.WithoutCancel(ctx)); err != nil {
		return errors.Join(err, net.Close())
	}
	if _, err := fmt.Fprintf(out, "network %s\n", net.Addr()); err != nil {
		return errors.Join(err, net.Close())
	}
	<-ctx.Done()
	return errors.Join(net.Close(), json.NewEncoder(out).Encode(net.books()))
}

func (n Network) open() (network, error) {
	zpk, zak, err := app.SandboxKeys(n.Data)
	if err != nil {
		return nil, err
	}
	if !n.Sandbox {
		return newLight(zak, n.Delay), nil
	}
	net, err := cardnet.New(cardnet.Config{ZPK: zpk, ZAK: zak, AnswerDelay: n.Delay, Cards: Cards(n.Cards)})
	return simulated{net}, err
}

// simulated is the sandbox's network.
type simulated struct{ *cardnet.Network }

func (s simulated) books() map[string]tally {
	all := map[string]tally{}
	for _, b := range s.Books() {
		all[b.Merchant] = tally{int64(b.Sales.Count - b.Reversals.Count), b.Net.Minor()}
	}
	return all
}
