package audit

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
)

// secretNames are words that no name of a field in the trail may end with.
var secretNames = []string{"password", "passwd", "secret", "pin", "token", "pan", "track", "cvv", "private_key", "otp", "recovery_codes"}

// plain turns a value into JSON and refuses what must not be kept: fields named like
// secrets, and texts that read like a whole card number.
func plain(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if string(text) == "null" {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var any any
	if err := dec.Decode(&any); err != nil {
		return nil, err
	}
	if err := look("", any); err != nil {
		return nil, err
	}
	return text, nil
}

func look(name string, v any) error {
	switch v := v.(type) {
	case map[string]any:
		for k, one := range v {
			lower := strings.ToLower(k)
			for _, s := range secretNames {
				if lower == s || strings.HasSuffix(lower, "_"+s) {
					return ErrSecret.With("a field is named %s", k)
				}
			}
			if err := look(k, one); err != nil {
				return err
			}
		}
	case []any:
		for _, one := range v {
			if err := look(name, one); err != nil {
				return err
			}
		}
	case string:
		if readsLikeCard(v) {
			return ErrSecret.With("the field %s reads like a card number", name)
		}
	}
	return nil
}

// readsLikeCard reports whether a text is 13 to 19 digits, perhaps in groups, with the right check digit.
func readsLikeCard(s string) bool {
	digits := strings.NewReplacer(" ", "", "-", "").Replace(s)
	if len(digits) < 13 || len(digits) > 19 || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	sum, double := 0, false
	for i := len(digits) - 1; i >= 0; i-- {
		d := int(digits[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum, double = sum+d, !double
	}
	return sum%10 == 0
}

// columns are the headings of the CSV form.
var columns = []string{"merchant", "seq", "at", "who_kind", "who_id", "who_name", "who_role", "device", "what", "object", "before", "after", "from", "previous"}

// Writer writes records one by one, and at the end what is left.
type Writer struct {
	Write func(Record) error
	Flush func() error
}

// CSV writes records as comma separated values with headings, in UTF-8 with the mark
// that spreadsheets want. A text that a spreadsheet would compute is quoted.
func CSV(out io.Writer) (Writer, error) {
	if _, err := io.WriteString(out, "\ufeff"); err != nil {
		return Writer{}, err
	}
	w := csv.NewWriter(out)
	if err := w.Write(columns); err != nil {
		return Writer{}, err
	}
	n := func(i int64) string { return strconv.FormatInt(i, 10) }
	return Writer{
		Write: func(r Record) error {
			return w.Write([]string{n(r.Merchant), n(r.Seq), r.At.Format(Times), r.Who.Kind, n(r.Who.ID), inert(r.Who.Name), r.Who.Role, n(r.Who.Device),
				inert(r.What), inert(r.Object), string(r.Before), string(r.After), inert(r.From), r.Previous})
		},
		Flush: func() error { w.Flush(); return w.Error() },
	}, nil
}

// inert keeps a spreadsheet from taking a text for a formula.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// Lines writes records as JSON, one a line.
func Lines(out io.Writer) Writer {
	enc := json.NewEncoder(out)
	return Writer{Write: func(r Record) error { return enc.Encode(r) }, Flush: func() error { return nil }}
}
