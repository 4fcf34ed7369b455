package card

// ICC is a chip's data as field 55 carries it, BER-TLV. It may hold the track 2
// equivalent and the card number, so it is a secret like a track.
type ICC struct{ secret }

// NewICC wraps a copy of b. It checks nothing; package emv parses.
func NewICC(b []byte) ICC { return ICC{hide(append([]byte(nil), b...))} }
