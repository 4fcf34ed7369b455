package fleet

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/events"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/onboarding"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// Refusals of registering a machine.
var (
	ErrSerial  = fault.New(fault.Invalid, "terminal_serial", "请照机身标签填写序列号：4 到 40 位字母、数字或短横线。", "Please write the serial number as it stands on the machine: 4 to 40 letters, digits or hyphens.")
	ErrTaken   = fault.New(fault.Conflict, "terminal_taken", "这个序列号已经登记过：一台机器只能属于一个商户。", "A machine with this serial number is registered already: it belongs to one merchant only.")
	ErrModel   = fault.New(fault.Invalid, "terminal_model", "请填写机型（1 到 40 字）。", "Please say which model it is, in 1 to 40 characters.")
	ErrProfile = fault.New(fault.Invalid, "terminal_profile", "请选择终端使用的报文规范。", "Please choose the host profile that the terminal speaks.")
	ErrFull    = fault.New(fault.Conflict, "terminal_numbers", "这个商户的终端号已用完。", "The terminal numbers of this merchant are used up.")
)

// Machine is an ordered terminal as it stands before the operator.
type Machine struct {
	Serial  string // as on its label
	Model   string
	Profile string // the host profile that it speaks
	Lang    string // "zh-CN" or "en"
}

var serials = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{2,38}[A-Z0-9]$`)

// OrderObject names an order where a proof or the trail is about it.
func OrderObject(m merchant.ID, order int64) string { return fmt.Sprintf("order/%d/%d", m, order) }

// Register makes an ordered terminal a registered one: one serial, one merchant, one number. Its keys are none yet and
// come by ceremony; before them it can say nothing that is believed. profiles are the host profiles that there are.
func (d *Desk) Register(ctx context.Context, w auth.Who, proof auth.StepUp, m merchant.ID, order int64, x Machine, profiles []string) (t terminal.Terminal, err error) {
	if w.Kind != auth.Operator || !auth.Allows(w, auth.TerminalWrite) {
		return t, auth.ErrForbidden.With("%s %d registers a terminal", w.Kind, w.ID)
	}
	t = terminal.Terminal{Merchant: m, Serial: strings.ToUpper(strings.TrimSpace(x.Serial)), Model: strings.Join(strings.Fields(x.Model), " "), Profile: x.Profile, Lang: x.Lang,
		State: terminal.Active, Batch: 1}
	if t.Lang != "en" {
		t.Lang = "zh-CN"
	}
	known := false
	for _, p := range profiles {
		known = known || p == t.Profile
	}
	switch n := len([]rune(t.Model)); {
	case !serials.MatchString(t.Serial):
		return t, ErrSerial
	case n < 1 || n > 40:
		return t, ErrModel
	case !known:
		return t, ErrProfile
	}
	shop, err := merchant.ByID(ctx, d.DB.Read(), m)
	if err != nil {
		return t, err
	}
	if _, err := onboarding.OrderOf(ctx, d.DB.Read(), m, order); err != nil {
		return t, err
	}
	if _, err := terminal.BySerial(ctx, d.DB.Read(), t.Serial); err == nil {
		return t, ErrTaken.With("serial %s", t.Serial)
	} else if fault.Of(err).Kind != fault.NotFound {
		return t, err
	}
	now := d.Clock()
	if err := proof.Use(w, auth.TerminalWrite, OrderObject(m, order), now); err != nil {
		return t, err
	}
	t.BatchDay = shop.Day(now)
	err = d.DB.Write(ctx, func(tx *store.Tx) error {
		if t.ID, err = next(ctx, tx, m); err != nil {
			return err
		}
		if err := onboarding.Delivered(ctx, tx, m, order, t.ID); err != nil {
			return err
		}
		if err := terminal.Add(ctx, tx, t); err != nil {
			return err
		}
		entry := w.Entry("terminal.register", Object(m, t.ID), map[string]any{"order": order, "state": "ordered"},
			map[string]any{"serial": t.Serial, "model": t.Model, "profile": t.Profile, "state": t.State}, now)
		entry.Merchant = int64(m)
		if err := audit.Append(ctx, tx, entry); err != nil {
			return err
		}
		return events.Append(ctx, tx, events.Event{Merchant: int64(m), Kind: "terminal.registered", Ref: Object(m, t.ID), At: now,
			Body: map[string]any{"terminal": string(t.ID), "model": t.Model}})
	})
	if store.IsUnique(err) { // somebody was faster with the same machine, or the same number
		return t, ErrTaken.Wrap(err)
	}
	return t, err
}

// next is the terminal number after a merchant's highest: T0000001, T0000002, …
func next(ctx context.Context, tx *store.Tx, m merchant.ID) (terminal.ID, error) {
	list, err := terminal.List(ctx, tx, m)
	if err != nil {
		return "", err
	}
	last := 0
	for _, t := range list {
		if n, err := strconv.Atoi(strings.TrimPrefix(string(t.ID), "T")); err == nil && n > last {
			last = n
		}
	}
	if last >= 9_999_999 {
		return "", ErrFull
	}
	return terminal.ID(fmt.Sprintf("T%07d", last+1)), nil
}
