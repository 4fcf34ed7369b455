package download

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the check value that EMV Book 2 gives CA public keys
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"hawker/internal/emv"
	"hawker/internal/iso8583"
)

// File is what `hawker params import` reads: JSON. What is absent stays as it is; what is
// there replaces the whole list, so an empty list takes everything away.
type File struct {
	Parameters  *ParameterSet `json:"parameters,omitempty"`
	CAPKs       *[]CAPK       `json:"ca_public_keys,omitempty"`
	AIDs        *[]AID        `json:"aids,omitempty"`
	Contactless *[]AID        `json:"contactless,omitempty"`
	Blacklist   *[]BIN        `json:"blacklist,omitempty"`
	BINs        *[]BIN        `json:"bins,omitempty"`
	BlackBINs   *[]BIN        `json:"black_bins,omitempty"`
}

// ParameterSet are a terminal's parameters; nil leaves one to the terminal.
type ParameterSet struct {
	Timeout      *int     `json:"timeout_seconds,omitempty"`      // 5 to 99, from a message to its answer
	Tip          *bool    `json:"tip,omitempty"`                  // tips are allowed
	Manual       *bool    `json:"manual_entry,omitempty"`         // card numbers may be typed
	MerchantName *string  `json:"merchant_name,omitempty"`        // 40 bytes of GB18030
	Resends      *int     `json:"reversal_resends,omitempty"`     // 1 to 9, in one go
	Receipt      []string `json:"receipt_lines,omitempty"`        // at most two under every slip, 40 bytes each
	PaymentLimit *int64   `json:"payment_limit_minor,omitempty"`  // most that one sale may take; 0 none
	Signature    *bool    `json:"signature,omitempty"`            // the cardholder signs on the screen where no PIN proves a sale
	NoProofLimit *int64   `json:"no_proof_limit_minor,omitempty"` // up to which listed cards pay without PIN and signature; 0 never
}

// CAPK is a payment network's public key, for chips' own data (EMV Book 2).
type CAPK struct {
	RID      string `json:"rid"`      // ten hexadecimal digits
	Index    string `json:"index"`    // two
	Expiry   string `json:"expiry"`   // YYYYMMDD
	Modulus  string `json:"modulus"`  // 128 to 496
	Exponent string `json:"exponent"` // 03 or 010001
	SHA1     string `json:"sha1"`     // of RID, index, modulus and exponent: the check value that the network publishes
}

// AID is an application's settings: its identifier, and data objects by tag in hexadecimal.
type AID struct {
	AID     string            `json:"aid"`
	Objects map[string]string `json:"objects,omitempty"`
}

// BIN is the beginning of card numbers.
type BIN struct {
	Prefix string `json:"prefix"`           // six to ten digits
	Length int    `json:"length,omitempty"` // of the whole number; 0 any
	Kind   string `json:"kind,omitempty"`   // debit, credit; "" not told
}

// maxFile bounds what is read, in bytes.
const maxFile = 4 << 20

// maxHead and maxBody are what fits a row and an answer's field 62.
const (
	maxHead = 255
	maxBody = 498
)

// Read reads a File and makes the rows of its lists. ErrFile says what is wrong and where; unknown
// names are wrong, because a misspelt one would be left out without a word.
func Read(r io.Reader) (map[Kind][]Row, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, ErrFile.With("it has more than %d bytes", maxFile)
	}
	var f File
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, ErrFile.Wrap(err)
	}
	if d.More() {
		return nil, ErrFile.With("something follows the first value")
	}
	lists := map[Kind][]Row{}
	if f.Parameters != nil {
		row, err := f.Parameters.row()
		if err != nil {
			return nil, ErrFile.With("parameters: %w", err)
		}
		lists[Parameters] = []Row{row}
	}
	for _, step := range []error{
		each(lists, CAPKs, f.CAPKs, CAPK.row),
		each(lists, AIDs, f.AIDs, func(a AID) (Row, error) { return a.row(true) }),
		each(lists, Contactless, f.Contactless, func(a AID) (Row, error) { return a.row(false) }),
		each(lists, Blacklist, f.Blacklist, BIN.row), each(lists, BINs, f.BINs, BIN.row), each(lists, BlackBINs, f.BlackBINs, BIN.row),
	} {
		if step != nil {
			return nil, step
		}
	}
	return lists, nil
}

// each makes the rows of one list, whose heads must differ.
func each[T any](lists map[Kind][]Row, k Kind, from *[]T, row func(T) (Row, error)) error {
	if from == nil {
		return nil
	}
	lists[k] = []Row{}
	seen := map[string]bool{}
	for i, one := range *from {
		r, err := row(one)
		if err != nil {
			return ErrFile.With("%s, number %d: %w", k, i+1, err)
		}
		if len(r.Head) > maxHead || len(r.Body) > maxBody {
			return ErrFile.With("%s, number %d is too long", k, i+1)
		}
		if seen[string(r.Head)] {
			return ErrFile.With("%s, number %d is there twice", k, i+1)
		}
		seen[string(r.Head)] = true
		lists[k] = append(lists[k], r)
	}
	return nil
}

func (p ParameterSet) row() (Row, error) {
	var list []iso8583.Parameter
	var bad error
	put := func(tag, value string) { list = append(list, iso8583.Parameter{Tag: tag, Value: []byte(value)}) }
	number := func(tag string, v *int64, least, most int64, width int) {
		switch {
		case v == nil:
		case *v < least || *v > most:
			bad = fmt.Errorf("parameter %s must be %d to %d", tag, least, most)
		default:
			put(tag, fmt.Sprintf("%0*d", width, *v))
		}
	}
	small := func(v *int) *int64 {
		if v == nil {
			return nil
		}
		n := int64(*v)
		return &n
	}
	truth := func(tag string, v *bool) {
		if v != nil && *v {
			put(tag, "1")
		} else if v != nil {
			put(tag, "0")
		}
	}
	text := func(tag, s string) {
		b := iso8583.EncodeText(s, iso8583.ParameterSize(tag))
		if iso8583.DecodeText(b) != s {
			bad = fmt.Errorf("%q is longer than %d bytes or not text", s, iso8583.ParameterSize(tag))
		}
		put(tag, string(b)+strings.Repeat(" ", iso8583.ParameterSize(tag)-len(b)))
	}
	number(iso8583.ParamTimeout, small(p.Timeout), 5, 99, 2)
	truth(iso8583.ParamOnlineTip, p.Tip)
	truth(iso8583.ParamManual, p.Manual)
	if p.MerchantName != nil {
		text(iso8583.ParamMerchantName, *p.MerchantName)
	}
	number(iso8583.ParamResends, small(p.Resends), 1, 9, 1)
	if len(p.Receipt) > 2 {
		bad = fmt.Errorf("%d receipt lines, at most 2", len(p.Receipt))
	}
	for i, line := range p.Receipt[:min(len(p.Receipt), 2)] {
		text([]string{iso8583.ParamReceipt1, iso8583.ParamReceipt2}[i], line)
	}
	number(iso8583.ParamPaymentLimit, p.PaymentLimit, 0, 999_999_999_999, 12)
	number(iso8583.ParamNoProofLimit, p.NoProofLimit, 0, 999_999_999_999, 12)
	truth(iso8583.ParamSignature, p.Signature)
	if bad != nil {
		return Row{}, bad
	}
	b, err := iso8583.BuildParameters(list)
	return Row{Head: []byte(Parameters), Body: b}, err
}

// hexOf reads hexadecimal digits of so many bytes.
func hexOf(what, text string, least, most int) ([]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) < least || len(b) > most {
		return nil, fmt.Errorf("%s must be %d to %d bytes in hexadecimal", what, least, most)
	}
	return b, nil
}

// Data objects of the downloads; those from DF on are UnionPay's.
const (
	tagAID, tagIndex, tagExpiry           emv.Tag = 0x9F06, 0x9F22, 0xDF05
	tagHash, tagAlgorithm                 emv.Tag = 0xDF06, 0xDF07
	tagModulus, tagExponent, tagCheckHash emv.Tag = 0xDF02, 0xDF04, 0xDF03
)

// row is head 9F06 9F22 DF05 and the body with the key, whose check value must be right.
func (c CAPK) row() (r Row, err error) {
	var rid, index, expiry, modulus, exponent, sum []byte
	for _, f := range []struct {
		what        string
		to          *[]byte
		text        string
		least, most int
	}{{"rid", &rid, c.RID, 5, 5}, {"index", &index, c.Index, 1, 1}, {"expiry", &expiry, c.Expiry, 4, 4},
		{"modulus", &modulus, c.Modulus, 64, 248}, {"exponent", &exponent, c.Exponent, 1, 3}, {"sha1", &sum, c.SHA1, 20, 20}} {
		if *f.to, err = hexOf(f.what, f.text, f.least, f.most); err != nil {
			return r, err
		}
	}
	if _, err := time.Parse("20060102", c.Expiry); err != nil {
		return r, fmt.Errorf("expiry: %w", err)
	}
	check := sha1.New() //nolint:gosec // see the import
	for _, part := range [][]byte{rid, index, modulus, exponent} {
		_, _ = check.Write(part)
	}
	if !bytes.Equal(check.Sum(nil), sum) {
		return r, fmt.Errorf("key %s %s: its check value is wrong", c.RID, c.Index)
	}
	head := []emv.Element{{Tag: tagAID, Value: rid}, {Tag: tagIndex, Value: index}, {Tag: tagExpiry, Value: expiry}}
	body := append(head[:3:3], emv.Element{Tag: tagHash, Value: []byte{1}}, emv.Element{Tag: tagAlgorithm, Value: []byte{1}},
		emv.Element{Tag: tagModulus, Value: modulus}, emv.Element{Tag: tagExponent, Value: exponent}, emv.Element{Tag: tagCheckHash, Value: sum})
	return tlvRow(head, body)
}

// row is head 9F06 and the body with every object; or, of a list without bodies, all in the head.
func (a AID) row(withBody bool) (r Row, err error) {
	id, err := hexOf("aid", a.AID, 5, 16)
	if err != nil {
		return r, err
	}
	head := []emv.Element{{Tag: tagAID, Value: id}}
	body := head[:1:1]
	for _, name := range sortedKeys(a.Objects) {
		tag, err := hexOf("tag "+name, name, 1, 3)
		if err != nil {
			return r, err
		}
		value, err := hexOf("object "+name, a.Objects[name], 1, 64)
		if err != nil {
			return r, err
		}
		var n emv.Tag
		for _, c := range tag {
			n = n<<8 | emv.Tag(c)
		}
		if n == tagAID {
			return r, fmt.Errorf("object 9F06 is the aid itself")
		}
		body = append(body, emv.Element{Tag: n, Value: value})
	}
	if withBody {
		return tlvRow(head, body)
	}
	return tlvRow(body, nil)
}

func tlvRow(head, body []emv.Element) (r Row, err error) {
	h, err := emv.New(head...)
	if err != nil {
		return r, err
	}
	b, err := emv.New(body...)
	return Row{Head: h.Bytes(), Body: b.Bytes()}, err
}

func (b BIN) row() (r Row, err error) {
	kind, ok := map[string]byte{"": ' ', "debit": 'D', "credit": 'C'}[b.Kind]
	if !ok {
		return r, fmt.Errorf("kind %q: want debit, credit or none", b.Kind)
	}
	r.Head, err = iso8583.BIN{Prefix: b.Prefix, Length: b.Length, Kind: kind}.Build()
	return r, err
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
