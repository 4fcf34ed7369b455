// Package auth knows who asks and what he may do: the accounts of merchants' staff
// and of operators, how they prove themselves, their sessions and devices, and the
// one table of roles and actions. It refuses to know pages, payments and what an
// action does.
package auth

import (
	"context"

	"hawker/internal/fault"
	"hawker/internal/merchant"
)

// Refusals of whoever asks.
var (
	ErrAnonymous = fault.New(fault.Anonymous, "sign_in_needed", "请先登录。", "Please sign in first.")
	ErrForbidden = fault.New(fault.Forbidden, "not_permitted", "您的角色不能做这件事，请找店主或管理员。", "Your role may not do this. Please ask the owner or an administrator.")
	// ErrForeign is what belongs to another merchant. It says nothing else than that there is no such thing.
	ErrForeign = fault.New(fault.NotFound, "not_found", "没有找到。", "There is no such thing.")
)

// Kind is what kind of party asks.
type Kind string

// The kinds. The first, third and fourth act for one merchant, an operator for the institution.
const (
	Staff    Kind = "staff"    // a person of a merchant
	Operator Kind = "operator" // a person of the institution or provider
	Key      Kind = "key"      // a program of a merchant, by its API key
	Device   Kind = "device"   // a paired POS device at which nobody has signed in
)

// Who is whoever asks, as one request sees him. The zero Who is nobody and may nothing.
type Who struct {
	Kind     Kind
	ID       int64       // of the account, key or device
	Merchant merchant.ID // 0 for operators
	Role     Role        // of a person or device; "" for a key
	Scopes   []Scope     // of a key
	Name     string      // as people call him
	Session  int64       // 0 where there is none: a key
	Device   int64       // the paired device he works at; 0 for none
	From     string      // the address the request came from
	// Enrolling is an operator who has no second way to prove himself yet: he may set one up and nothing else.
	Enrolling bool
}

type contextKey struct{}

// With puts whoever asks into a context.
func With(ctx context.Context, who Who) context.Context {
	return context.WithValue(ctx, contextKey{}, who)
}

// From tells who asks; false when nobody has said.
func From(ctx context.Context) (Who, bool) {
	who, ok := ctx.Value(contextKey{}).(Who)
	return who, ok && who.Kind != ""
}

// Require gives whoever asks if he may do an action: else ErrAnonymous or ErrForbidden.
func Require(ctx context.Context, action Action) (Who, error) {
	who, ok := From(ctx)
	switch {
	case !ok:
		return Who{}, ErrAnonymous
	case !Allows(who, action):
		return Who{}, ErrForbidden.With("%s %d (%s) wants %s", who.Kind, who.ID, who.Role, action)
	}
	return who, nil
}

// Owns reports whether what belongs to a merchant is within his reach: a merchant's
// own things for its people, keys and devices; everything for operators.
func (w Who) Owns(m merchant.ID) bool {
	return w.Kind == Operator || (w.Merchant == m && m != 0 && w.Kind != "")
}

// Must returns nil if Owns, else ErrForeign: a stranger's thing does not exist for him.
func (w Who) Must(m merchant.ID) error {
	if !w.Owns(m) {
		return ErrForeign.With("%s %d of merchant %d wants what is merchant %d's", w.Kind, w.ID, w.Merchant, m)
	}
	return nil
}
