// Package fault gives every refusal its kind where it is born, a stable name,
// and a sentence the payer or merchant may read in Chinese and in English.
// Doors turn kind and name into status, response code or page; nobody else
// switches on errors.
package fault

import (
	"errors"
	"fmt"
)

// Kind says whose turn it is after an error.
type Kind int

// An error without a kind is Internal: a fault of ours.
const (
	Internal    Kind = iota
	Invalid          // the caller sent something wrong
	NotFound         // it does not exist, for this caller
	Conflict         // lawful, but not in this state, or someone was faster
	Declined         // refused by a rule, a bank or a risk decision
	Unavailable      // cannot be decided now; nothing was done
	Anonymous        // nobody is signed in, and it takes somebody
	Forbidden        // this somebody may not
	Limited          // too much of it; later it may go
)

var kindNames = [...]string{"internal", "invalid", "not_found", "conflict", "declined", "unavailable", "anonymous", "forbidden", "limited"}

// String is the kind in snake case.
func (k Kind) String() string { return kindNames[k] }

// Fault is one named refusal. Values are package variables made by New; With
// and Wrap add what happened this time.
type Fault struct {
	Kind   Kind
	Name   string // stable, snake case: "amount_zero"
	ZH, EN string // may be shown to payer and merchant
	cause  error  // for the log only
}

// New defines a fault.
func New(k Kind, name, zh, en string) *Fault { return &Fault{Kind: k, Name: name, ZH: zh, EN: en} }

// Wrap returns the fault with a cause for the log. The cause holds no card data.
func (f *Fault) Wrap(cause error) *Fault {
	c := *f
	c.cause = cause
	return &c
}

// With is Wrap with a formatted cause.
func (f *Fault) With(format string, args ...any) *Fault { return f.Wrap(fmt.Errorf(format, args...)) }

// Error is the line for the log.
func (f *Fault) Error() string {
	if f.cause == nil {
		return f.Name
	}
	return f.Name + ": " + f.cause.Error()
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.cause }

// Is matches by name, so that errors.Is(err, payment.ErrX) holds for wrapped copies.
func (f *Fault) Is(target error) bool {
	t, ok := target.(*Fault)
	return ok && t.Name == f.Name
}

// internal is what an error without a kind becomes.
var internal = New(Internal, "internal", "系统出错了，我们已经记下，请稍后再试。", "Something went wrong on our side. Please try again later.")

// Of finds the fault in err's chain; an error without one is Internal with err as cause.
// Of(nil) is nil.
func Of(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return internal.Wrap(err)
}
