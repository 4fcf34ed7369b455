package iso8583

// Field60 says what kind of message this is: 60.1 to 60.5, digits as on the line.
type Field60 struct {
	Type          string // 60.1, n2: "22" sale, "00" management
	Batch         string // 60.2, n6
	Network       string // 60.3, n3: network management code, "000" for a transaction
	Capability    string // 60.4, n1: what the terminal reads; "" absent
	ChipCondition string // 60.5, n1: 2 after a chip that failed; "" absent
	Rest          string // 60.6 and 60.7, up to 4 digits, carried along unread; "" absent
}

// ParseField60 takes 11 to 17 digits apart.
func ParseField60(text string) (Field60, error) {
	r := reader{field: 60, text: text}
	f := Field60{Type: r.digits(2), Batch: r.digits(6), Network: r.digits(3)}
	f.Capability = r.optional(1)
	f.ChipCondition = r.optional(1)
	f.Rest = r.optional(min(4, r.left()))
	return f, r.end()
}

// Build is the field's text. A part of the wrong length, or present after an
// absent one, is a *FormatError.
func (f Field60) Build() (string, error) {
	w := writer{field: 60}
	w.digits(f.Type, 2)
	w.digits(f.Batch, 6)
	w.digits(f.Network, 3)
	if f.Capability != "" || f.ChipCondition != "" || f.Rest != "" {
		w.digits(f.Capability, 1)
	}
	if f.ChipCondition != "" || f.Rest != "" {
		w.digits(f.ChipCondition, 1)
	}
	if f.Rest != "" {
		w.digits(f.Rest, min(4, len(f.Rest)))
	}
	return w.done()
}

// Field61 points at an earlier message of the same terminal.
type Field61 struct {
	Batch string // n6
	Trace string // n6
	Date  string // n4 MMDD, "0000" when unknown
	Rest  string // up to 13 digits that other dialects append, carried along unread; "" absent
}

// ParseField61 takes 16 to 29 digits apart.
func ParseField61(text string) (Field61, error) {
	r := reader{field: 61, text: text}
	f := Field61{Batch: r.digits(6), Trace: r.digits(6), Date: r.digits(4)}
	f.Rest = r.optional(min(13, r.left()))
	return f, r.end()
}

// Build is the field's text. A part of the wrong length is a *FormatError.
func (f Field61) Build() (string, error) {
	w := writer{field: 61}
	w.digits(f.Batch, 6)
	w.digits(f.Trace, 6)
	w.digits(f.Date, 4)
	w.digits(f.Rest, min(13, len(f.Rest)))
	return w.done()
}
