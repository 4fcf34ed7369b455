package web

import (
	"net/url"
	"strings"

	"hawker/internal/fault"
	"hawker/internal/money"
)

// Option is a choice of a select.
type Option struct {
	Value, Text string
	Chosen      bool
}

// Form is what somebody filled in, and what is wrong with each field: one sentence each.
type Form struct {
	Values url.Values
	Errors map[string]error // by field; "" is about the whole form
}

// Refusals of fields that every form has.
var (
	ErrNeeded = fault.New(fault.Invalid, "needed", "请填写这一项。", "Please fill this in.")
	ErrAmount = fault.New(fault.Invalid, "amount_unreadable", "金额请写成 12.50 这样的数字。", "Please write the amount as a number such as 12.50.")
)

// Form reads the request's form.
func (r *Request) Form() (*Form, error) {
	if err := r.ParseForm(); err != nil {
		return nil, ErrForm.Wrap(err)
	}
	return &Form{Values: r.Request.Form, Errors: map[string]error{}}, nil
}

// EmptyForm is a form that nobody has filled in, with values to begin with.
func EmptyForm(pairs ...string) *Form {
	f := &Form{Values: url.Values{}, Errors: map[string]error{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Values.Set(pairs[i], pairs[i+1])
	}
	return f
}

// Value is what stands in a field, without blanks around it.
func (f *Form) Value(name string) string { return strings.TrimSpace(f.Values.Get(name)) }

// Checked reports whether a box is ticked, or one of several has this value.
func (f *Form) Checked(name, value string) bool {
	for _, v := range f.Values[name] {
		if v == value {
			return true
		}
	}
	return false
}

// Error is what is wrong with a field, or nil.
func (f *Form) Error(name string) error { return f.Errors[name] }

// Refuse says what is wrong with a field; the first sentence stays. A nil error is nothing.
func (f *Form) Refuse(name string, err error) {
	if err != nil && f.Errors[name] == nil {
		f.Errors[name] = err
	}
}

// Need reads a field that must be filled in.
func (f *Form) Need(name string) string {
	v := f.Value(name)
	if v == "" {
		f.Refuse(name, ErrNeeded)
	}
	return v
}

// Amount reads an amount of a currency.
func (f *Form) Amount(name string, c money.Currency) money.Amount {
	a, err := money.Parse(strings.ReplaceAll(f.Need(name), ",", ""), c)
	if err != nil {
		f.Refuse(name, ErrAmount.Wrap(err))
	}
	return a
}

// OK reports whether nothing is wrong.
func (f *Form) OK() bool { return len(f.Errors) == 0 }
