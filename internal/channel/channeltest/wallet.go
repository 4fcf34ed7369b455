package channeltest

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/money"
)

// WalletWorld is a wallet's channel beside the simulated wallet and its customers.
type WalletWorld interface {
	Wallet() channel.Wallet
	Merchant() channel.Merchant
	// Code is a fresh one of a customer's.
	Code() card.Code
	// Meet says what the following requests of these kinds meet; of every kind but Query when none is named.
	Meet(f Fault, kinds ...channel.Kind)
	// Scan lets the customer scan a merchant's code, Confirm and Cancel what he saw.
	Scan(link string) error
	Confirm(number string) error
	Cancel(number string) error
	// Net is what the wallet owes for the merchant by its own books, fees aside, after it has audited them.
	Net() (money.Amount, error)
	// Close ends both.
	Close()
}

// WalletOptions is what the suite gives a world.
type WalletOptions struct {
	Net     *Net // joins the channel, the wallet and the merchant's door
	Pace    channel.Pace
	Waiting func(context.Context, channel.Request)
}

// The places in a Net.
const (
	WalletPlace = "wallet"   // where the world's simulator listens
	DoorPlace   = "merchant" // where the suite takes notices, on any path
)

// WalletHarness makes a world.
type WalletHarness func(t *testing.T, o WalletOptions) WalletWorld

// RunWallet plays every row twice: in memory, where hours cost nothing, and, unless
// it needs them, over HTTP on 127.0.0.1.
func RunWallet(t *testing.T, open WalletHarness) {
	for _, r := range walletRows() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			t.Run("in memory", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { playWallet(t, r, open, WalletOptions{Net: memory()}) })
			})
			if !r.hours {
				t.Run("on 127.0.0.1", func(t *testing.T) { playWallet(t, r, open, WalletOptions{Net: loopback(), Pace: hasty}) })
			}
		})
	}
}

type walletRow struct {
	name  string
	hours bool // it needs time to pass
	play  func(*walletPlay)
}

func walletRows() []walletRow {
	var all []walletRow
	for _, chapter := range [][]walletRow{walletSales, walletPresents, walletNotices, walletRefunds, walletReversals, walletBills} {
		all = append(all, chapter...)
	}
	return all
}

func playWallet(t *testing.T, r walletRow, open WalletHarness, o WalletOptions) {
	p := &walletPlay{T: t, Net: o.Net, requests: map[string]channel.Request{}, heard: make(chan int, 64)}
	o.Waiting = p.waits
	p.WalletWorld = open(t, o)
	door, err := o.Net.Listen(DoorPlace)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: p, ReadHeaderTimeout: patience}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(door) }()
	defer func() {
		p.Close()
		_ = server.Close()
		<-served
	}()
	r.play(p)
}
