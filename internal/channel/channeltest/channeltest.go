// Package channeltest is the suite that every channel must pass. It holds a
// channel to its port's promises while the network behind it loses, delays,
// doubles and falsifies answers, and compares what the channel concluded with
// what the network has booked. It knows no channel's protocol.
package channeltest

import (
	"testing"
	"testing/synctest"

	"hawker/internal/channel"
	"hawker/internal/money"
)

// Fault is what becomes of a request at the network, or of its answer.
type Fault int

// The faults. In all of them but Refused and Lost the request is decided as if nothing were wrong.
const (
	None        Fault = iota
	Refused           // declined, with a code
	Lost              // it never arrives
	Mute              // its answer never comes
	Late              // its answer comes after the channel has given up
	Twice             // its answer comes two times
	Cut               // the connection ends in the middle of its answer
	WrongAmount       // its answer is about another amount
	Forged            // its answer is not authentic
	Stranger          // its answer is to another order

	// Of wallets alone.
	Busy           // it is done and answered "system error"
	Types          // the customer types the password
	Cancels        // the customer is asked for it and cancels
	Dreams         // the customer is asked for it and does nothing
	NoticeTwice    // the notice comes again after it was acknowledged
	NoticeForged   // the notice is not authentic
	NoticeAmount   // the notice is about another amount
	NoticeMerchant // the notice is about another merchant
	NoticeOrder    // the notice is about an order that nobody placed
)

// World is a channel beside the simulated network that it talks to. It is made,
// used and closed within one synctest bubble: its connections must be in memory,
// such as net.Pipe, and then no test waits for real time.
type World interface {
	Channel() channel.Channel
	Merchant() channel.Merchant
	// Card is one that can pay, with secrets of its own.
	Card() channel.Card
	// Meet says what the following requests meet.
	Meet(Fault)
	// Refuse makes the network take no connection, and breaks those there are, until Refuse(false).
	Refuse(bool)
	// Restart ends the network and starts it again with its memory.
	Restart()
	// Net is what the network owes for the merchant by its own books, after it has audited them.
	Net() (money.Amount, error)
	// Close ends both.
	Close()
}

// Harness makes a world. late is for the channel to tell late answers to.
type Harness func(t *testing.T, late channel.Late) World

// Run plays every row in a world of its own.
func Run(t *testing.T, open Harness) {
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &play{T: t}
				p.World = open(t, p.late)
				defer p.Close()
				r.play(p)
			})
		})
	}
}

type row struct {
	name string
	play func(*play)
}

func rows() []row {
	var all []row
	for _, chapter := range [][]row{answers, connections, reversals, returns, changes, holds, crowds} {
		all = append(all, chapter...)
	}
	return all
}
