package simulation

import "hawker/internal/channel"

// Sabotage breaks the system on purpose, at seams that it has anyway, to see whether a run
// notices. The zero Sabotage breaks nothing.
type Sabotage struct {
	Channel    func(channel.Channel) channel.Channel // between the engine and the card host; nil for nothing
	NoRecovery bool                                  // what was in flight at a death is forgotten
}

func (s Sabotage) channel(c channel.Channel) channel.Channel {
	if s.Channel == nil {
		return c
	}
	return s.Channel(c)
}
