package simulation

import (
	"strings"

	"hawker/internal/iso8583"
)

// readsTerminal tells a frame of the terminal protocol by what the terminal chose
// itself: it is the same when the seed is played again.
func readsTerminal(frame []byte) string {
	return reads(iso8583.UnionPayPOS, frame, 41, 11, 3, 4, 60, 39)
}

// readsBank tells a frame of the network protocol. Its trace, time and reference are
// not told: they are drawn anew each time.
func readsBank(frame []byte) string { return reads(iso8583.CardNetwork, frame, 41, 3, 4, 39, 70) }

func reads(p *iso8583.Profile, frame []byte, fields ...int) string {
	f, err := p.ParseFrame(frame)
	if err != nil {
		return "bytes"
	}
	m, err := p.Unpack(f.Body)
	if err != nil {
		return "bytes"
	}
	words := []string{m.MTI}
	for _, n := range fields {
		if m.Has(n) {
			words = append(words, strings.TrimSpace(m.Text(n)))
		}
	}
	return strings.Join(words, " ")
}
