package cardnet

import (
	"fmt"
	"strings"
)

// Reference names one request of an acquirer as field 90 of a later one does.
type Reference struct {
	MTI       string `json:"mti"`
	STAN      string `json:"stan"`      // F11
	Sent      string `json:"sent"`      // F7, MMDDhhmmss UTC
	Acquirer  string `json:"acquirer"`  // F32, zero-filled to 11 digits
	Forwarder string `json:"forwarder"` // F33, zero-filled to 11 digits
}

// F90 is the reference as field 90 carries it: 42 digits.
func (r Reference) F90() string { return r.MTI + r.STAN + r.Sent + r.Acquirer + r.Forwarder }

// parseF90 takes field 90 apart. The codec has seen to its being 42 digits; another length is an error.
func parseF90(s string) (Reference, error) {
	if len(s) != 42 {
		return Reference{}, fmt.Errorf("field 90 has %d digits, want 42", len(s))
	}
	return Reference{MTI: s[:4], STAN: s[4:10], Sent: s[10:20], Acquirer: s[20:31], Forwarder: s[31:]}, nil
}

// zeroFill writes an institution's number of up to 11 digits as field 90 does.
func zeroFill(institution string) string {
	return strings.Repeat("0", max(0, 11-len(institution))) + institution
}

// key is what makes two requests of an acquirer the same one: F7, F11 and F32.
type key struct{ sent, stan, acquirer string }

func (r Reference) key() key { return key{r.Sent, r.STAN, r.Acquirer} }
