package iso

import (
	"context"

	"hawker/internal/card"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
)

// protection is a named strategy: with whose keys a message's MAC, PIN block and
// track are read, and its answer authenticated.
type protection struct {
	verify func(ctx context.Context, s *Server, c *call, covered, mac []byte) error
	mac    func(ctx context.Context, s *Server, c *call, covered []byte) ([]byte, error)
	pinKey func(c *call) keys.Ref
	track  func(ctx context.Context, s *Server, c *call) (card.Track, error) // clear, of a message that has one
	field  int                                                               // where the track is
}

// protections are the strategies that profiles name.
var protections = map[iso8583.Protection]protection{
	iso8583.WorkingKeys: {verifyWorking, macWorking, func(c *call) keys.Ref { return keys.TPK(c.keyOwner()) }, trackWorking, 35},
	iso8583.DerivedTDES: derived,
	iso8583.DerivedAES:  derived,
}

// derived keys are of the kind that their serial number tells, whose length the profile fixes.
var derived = protection{verifyDerived, macDerived, func(c *call) keys.Ref { return keys.Serial(c.serial()) }, trackDerived, iso8583.EncipheredTrack}

func (c *call) protection() protection { return protections[c.profile.Protection] }

// serial is the key serial number of a message; nil when it has none.
func (c *call) serial() []byte { return c.message.Bytes(iso8583.SerialNumber) }

// hasTrack reports whether the message has a track 2, in whatever field.
func (c *call) hasTrack() bool { return c.message.Has(c.protection().field) }

// track reads the clear track 2 into to; false when the message has none.
func (s *Server) track(ctx context.Context, c *call, to *card.Track) (there bool, err error) {
	if !c.hasTrack() {
		return false, nil
	}
	*to, err = c.protection().track(ctx, s, c)
	return true, err
}

func verifyWorking(ctx context.Context, s *Server, c *call, covered, mac []byte) error {
	return s.Keys.VerifyMAC(ctx, keys.TAK(c.keyOwner()), c.profile.MAC.Algorithm, covered, mac)
}

func macWorking(ctx context.Context, s *Server, c *call, covered []byte) ([]byte, error) {
	return s.Keys.MAC(ctx, keys.TAK(c.keyOwner()), c.profile.MAC.Algorithm, covered)
}

func trackWorking(ctx context.Context, s *Server, c *call) (card.Track, error) {
	track := card.NewTrack(c.message.Text(35))
	if !c.message.Has(53) || c.message.Text(53)[2] != '1' {
		return track, nil
	}
	defer track.Wipe()
	return s.Keys.DecryptTrack(ctx, keys.TDK(c.keyOwner()), track)
}

func verifyDerived(ctx context.Context, s *Server, c *call, covered, mac []byte) error {
	return s.Keys.VerifyDerived(ctx, c.keyOwner(), c.serial(), covered, mac)
}

func macDerived(ctx context.Context, s *Server, c *call, covered []byte) ([]byte, error) {
	return s.Keys.MACDerived(ctx, c.serial(), covered)
}

func trackDerived(ctx context.Context, s *Server, c *call) (card.Track, error) {
	return s.Keys.DecryptTrackDerived(ctx, c.serial(), c.message.Bytes(iso8583.EncipheredTrack))
}
