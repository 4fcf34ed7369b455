package bench

import (
	"fmt"

	"hawker/internal/app"
	"hawker/internal/card"
	"hawker/internal/iso8583"
	"hawker/internal/sandbox/cards"
	"hawker/internal/tdes"
)

// profile is the dialect that the terminals speak.
var profile = iso8583.UnionPayPOS

// working are a terminal's working keys in the clear, and the batch that came with them.
type working struct {
	tpk, tak, tdk tdes.Key
	batch         string
}

// message is a sale as the software terminal builds it: swiped, the track
// enciphered, with a PIN block.
func message(d app.Device, k working, c cards.Card, amount int64, trace int) (*iso8583.Message, error) {
	track, err := tdes.EncryptTrack(k.tdk, string(c.Track2().Reveal()))
	if err != nil {
		return nil, err
	}
	pin, err := card.NewPIN(c.PIN)
	if err != nil {
		return nil, err
	}
	block, err := card.EncodePIN(card.ISO0, pin, c.PAN)
	if err != nil {
		return nil, err
	}
	if block, err = k.tpk.Encrypt(block); err != nil {
		return nil, err
	}
	return iso8583.New("0200").Set(3, "000000").Set(4, fmt.Sprintf("%012d", amount)).Set(11, six(trace)).Set(22, "021").Set(25, "00").
		Set(26, "12").Set(35, track).Set(41, d.TID).Set(42, d.MID).Set(49, "156").SetBytes(52, block).Set(53, "2610000000000000").
		Set(60, "22"+k.batch+"00060"), nil
}

// pack frames a message, with its MAC when there is a key.
func pack(m *iso8583.Message, tak tdes.Key) (frame []byte, err error) {
	var body []byte
	if tak.IsZero() {
		body, err = profile.Pack(m)
	} else {
		body, err = profile.PackMAC(m, func(covered []byte) ([]byte, error) { return tdes.MAC(profile.MAC.Algorithm, tak, covered) })
	}
	if err != nil {
		return nil, err
	}
	return profile.AppendFrame(nil, iso8583.Frame{TPDU: iso8583.TPDU{Dest: "0003", Source: "0000"}, Header: iso8583.DefaultHeader, Body: body})
}

// Where things stand in a frame whose first fields are 3, 4 and 11, which holds for
// a swiped sale and for its answer.
const (
	bodyAt   = 2 + 5 + 6 // after length, TPDU, header
	echoAt   = bodyAt + 2 + 8
	amountAt = echoAt + 3
	traceAt  = amountAt + 6
	echoEnd  = traceAt + 3
	macSize  = 8
)

// sale is a packed sale of one card at one terminal, to be sent again and again:
// between two sales only amount, trace and MAC differ.
type sale struct {
	frame []byte
	tak   tdes.Key
}

func newSale(d app.Device, k working, c cards.Card) (*sale, error) {
	m, err := message(d, k, c, 1, 1)
	if err != nil {
		return nil, err
	}
	frame, err := pack(m, k.tak)
	return &sale{frame, k.tak}, err
}

// fill makes the frame that of a sale of so many fen; it stays valid until the next fill.
func (s *sale) fill(amount int64, trace int) error {
	putBCD(s.frame[amountAt:traceAt], amount)
	putBCD(s.frame[traceAt:echoEnd], int64(trace))
	at := len(s.frame) - macSize
	mac, err := tdes.MAC(profile.MAC.Algorithm, s.tak, s.frame[bodyAt:at])
	copy(s.frame[at:], mac)
	return err
}

// six writes a batch or trace number.
func six(n int) string { return fmt.Sprintf("%06d", n) }
