package qr

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"hawker/internal/card"
	"hawker/internal/emv"
)

const (
	// cpmStart is how base64 writes the first bytes of a customer-presented code: tag 85, length 5, "CPV".
	cpmStart = "hQVDUF"
	// maxCPM bounds a customer-presented code, in bytes once base64 is undone. EMVCo's bound is 512 characters of base64.
	maxCPM = 384
)

// The data objects of a customer-presented code that we name. Source: EMVCo,
// EMV QR Code Specification for Payment Systems, Consumer-Presented Mode 1.1.
const (
	tagFormat      emv.Tag = 0x85 // "CPV01"
	tagApplication emv.Tag = 0x61 // application template
	tagCommon      emv.Tag = 0x62 // common data template
	tagADF         emv.Tag = 0x4F // application identifier
	tagLabel       emv.Tag = 0x50
)

// CPM is EMVCo's customer-presented code: a payment application's data, a card
// number or token and a cryptogram among them. It prints as tags and lengths.
type CPM struct{ data emv.TLV }

// Format lists tags and lengths for every verb.
func (c CPM) Format(f fmt.State, verb rune) { c.data.Format(f, verb) }

// Application is one payment application that the code offers, in the order of
// the customer's preference.
type Application struct {
	AID   string // hexadecimal, 10 to 32 digits, capitals
	Label string // "" when the code has none
}

// ParseCPM reads base64 of BER-TLV data. The error is ErrEMVCo with a
// *FormatError, which holds no byte of the code.
func ParseCPM(text string) (CPM, error) {
	if base64.StdEncoding.DecodedLen(len(text)) > maxCPM {
		return CPM{}, ErrEMVCo.Wrap(&FormatError{"", 0, "at most 512 characters of base64", fmt.Sprint(len(text))})
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	var at base64.CorruptInputError
	if strings.ContainsAny(text, "\r\n") {
		at, err = base64.CorruptInputError(strings.IndexAny(text, "\r\n")), errors.New("line break") // the decoder skips them
	} else if errors.As(err, &at) {
		err = errors.New("another character")
	}
	if err != nil {
		return CPM{}, ErrEMVCo.Wrap(&FormatError{"", -1, "base64", fmt.Sprintf("%v at character %d", err, int64(at))})
	}
	data, err := emv.Parse(raw)
	if err != nil {
		return CPM{}, ErrEMVCo.Wrap(&FormatError{"", -1, "BER-TLV data", err.Error()}) // which tells the offset, and no byte
	}
	c := CPM{data}
	if bad := c.check(); bad != nil {
		return CPM{}, ErrEMVCo.Wrap(bad)
	}
	return c, nil
}

// check asks for what every code must have: the format first, then at least one
// application with its identifier.
func (c CPM) check() *FormatError {
	list := c.data.Elements()
	if len(list) == 0 || list[0].Tag != tagFormat || string(list[0].Value) != "CPV01" {
		return &FormatError{"85", 0, `"CPV01" first`, c.data.String()}
	}
	apps := 0
	for _, e := range list[1:] {
		switch e.Tag {
		case tagFormat:
			return &FormatError{"85", -1, "one payload format indicator", "two"}
		case tagApplication:
			apps++
			if bad := checkApplication(e.Inner); bad != nil {
				return bad
			}
		}
	}
	if apps == 0 {
		return &FormatError{"61", -1, "an application template", "none"}
	}
	return nil
}

func checkApplication(inner []emv.Element) *FormatError {
	for _, e := range inner {
		if e.Tag == tagADF {
			if len(e.Value) < 5 || len(e.Value) > 16 {
				return &FormatError{"61.4F", -1, "5 to 16 bytes", fmt.Sprint(len(e.Value))}
			}
			return nil
		}
	}
	return &FormatError{"61.4F", -1, "an application identifier", "none"}
}

// Applications are what the customer can pay with, the preferred one first.
func (c CPM) Applications() []Application {
	var list []Application
	for _, e := range c.data.Elements() {
		if e.Tag != tagApplication {
			continue
		}
		var app Application
		for _, inner := range e.Inner {
			switch inner.Tag {
			case tagADF:
				app.AID = fmt.Sprintf("%X", inner.Value)
			case tagLabel:
				app.Label = printable(string(inner.Value))
			}
		}
		list = append(list, app)
	}
	return list
}

// PAN is the first card number or token in the code; the zero PAN when there is
// none, or one without a valid check digit, as in the specification's own sample.
func (c CPM) PAN() card.PAN {
	number, _ := c.data.Get(emv.PAN)
	return panOf(number)
}

// Data is all of it, for the chip data field of the request that spends the code.
func (c CPM) Data() emv.TLV { return c.data }

// panOf reads compressed numeric digits, padded with F; the zero PAN when they are no card number.
func panOf(b []byte) card.PAN {
	pan, err := card.ParsePAN(strings.TrimRight(fmt.Sprintf("%X", b), "F"))
	if err != nil {
		return card.PAN{}
	}
	return pan
}
