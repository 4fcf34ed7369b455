package iso8583

import (
	"fmt"
	"log/slog"
	"strings"
)

// MaxDetails is how many details one batch upload may carry.
const MaxDetails = 8

// Details48 is field 48 of a batch upload: one to eight transactions.
type Details48 []Detail

// Detail is one transaction of a batch upload.
type Detail struct {
	CardType string // n2: "00"
	Trace    string // n6
	PAN      PAN20
	Amount   int64 // minor units, up to twelve digits
}

// PAN20 is a card number of 12 to 19 digits as a batch upload carries it, in
// clear inside: a conversion to string reveals it, printing masks it and
// marshalling fails. "" is a number that nobody knows.
type PAN20 string

// String masks: first six, stars, last four.
func (p PAN20) String() string { return maskPAN([]byte(p)) }

// Format prints the mask for every verb.
func (p PAN20) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(p.String())) }

// LogValue masks in structured logs.
func (p PAN20) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText refuses, and with it JSON and XML.
func (p PAN20) MarshalText() ([]byte, error) { return nil, ErrSecret }

// ParseDetails48 takes a batch upload's field 48 apart.
func ParseDetails48(text string) (Details48, error) {
	r := reader{field: 48, text: text}
	count := r.number(2)
	if count < 1 || count > MaxDetails {
		r.fail(-2, fmt.Sprintf("a count of 1 to %d", MaxDetails), fmt.Sprint(count))
	}
	var details Details48
	for range count {
		d := Detail{CardType: r.digits(2), Trace: r.digits(6), PAN: r.pan(), Amount: r.number(12)}
		if r.bad != nil {
			return nil, r.bad
		}
		details = append(details, d)
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return details, nil
}

// Build is the field's text. A count other than 1 to 8, a PAN that is not 12 to 19
// digits or begins with 0, or another part out of range is a *FormatError.
func (d Details48) Build() (string, error) {
	w := writer{field: 48}
	if len(d) < 1 || len(d) > MaxDetails {
		w.fail("1 to "+plural(MaxDetails, "detail"), fmt.Sprint(len(d)))
	}
	w.number(int64(len(d)), 2)
	for _, one := range d {
		w.digits(one.CardType, 2)
		w.digits(one.Trace, 6)
		w.pan(one.PAN)
		w.number(one.Amount, 12)
	}
	return w.done()
}

const panWidth = 20

func (r *reader) pan() PAN20 {
	pan := strings.TrimLeft(r.digits(panWidth), "0")
	if r.bad == nil && !plausiblePAN(pan) {
		r.fail(-panWidth, "12 to 19 digits or zeros", plural(len(pan), "digit"))
	}
	return PAN20(pan)
}

func (w *writer) pan(p PAN20) {
	if !plausiblePAN(string(p)) {
		w.fail("a PAN of 12 to 19 digits, or none", plural(len(p), "character"))
	}
	w.digits(strings.Repeat("0", max(0, panWidth-len(p)))+string(p), panWidth)
}

// plausiblePAN accepts "" for none. A leading zero would be lost in the filling.
func plausiblePAN(pan string) bool {
	return pan == "" || len(pan) >= 12 && len(pan) <= 19 && pan[0] != '0'
}

// ParseUploadCount48 reads the end message's field 48: how many details went before, four digits.
func ParseUploadCount48(text string) (int, error) {
	r := reader{field: 48, text: text}
	n := r.number(4)
	return int(n), r.end()
}

// BuildUploadCount48 is the end message's field 48 for n details, 0 to 9999.
func BuildUploadCount48(n int) (string, error) {
	w := writer{field: 48}
	w.number(int64(n), 4)
	return w.done()
}
