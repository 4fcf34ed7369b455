package cardhost

import (
	"testing"
	"time"

	"hawker/internal/channel"
	"hawker/internal/channel/channeltest"
	"hawker/internal/iso8583"
	"hawker/internal/sandbox/cardnet"
)

func TestKeepsTheChannelsPromises(t *testing.T) {
	t.Parallel()
	channeltest.Run(t, func(t *testing.T, late channel.Late) channeltest.World { return newWorld(t, late, time.Now) })
}

// faults says how the simulated network does what the suite asks for.
var faults = map[channeltest.Fault]cardnet.Behaviour{
	channeltest.None:        {},
	channeltest.Refused:     {Code: "51"},
	channeltest.Lost:        {Delivery: cardnet.Lost},
	channeltest.Mute:        {Delivery: cardnet.Silent},
	channeltest.Late:        {Delivery: cardnet.Late},
	channeltest.Twice:       {Delivery: cardnet.Twice},
	channeltest.Cut:         {Delivery: cardnet.Cut},
	channeltest.WrongAmount: {Delivery: cardnet.WrongAmount},
	channeltest.Forged:      {Delivery: cardnet.WrongMAC},
}

func (w *world) Meet(f channeltest.Fault) {
	var tamper func(*iso8583.Message)
	if f == channeltest.Stranger {
		tamper = func(answer *iso8583.Message) {
			if answer.Has(37) {
				answer.Set(37, "ANOTHERORDER")
			}
		}
	}
	w.meet(faults[f], tamper)
}
