package onboarding

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/fault"
	"hawker/internal/papers"
	"hawker/internal/store"
)

// Refusals of the list.
var (
	ErrListKind   = fault.New(fault.Invalid, "list_kind", "请选择要列入什么。", "Please choose what is to be listed.")
	ErrListReason = fault.New(fault.Invalid, "list_reason", "请写明依据（2 到 200 字），不要写号码本身。", "Please say on what ground, in 2 to 200 characters, without the number itself.")
	ErrListUntil  = fault.New(fault.Invalid, "list_until", "截止日期必须在今天以后。", "The last day must lie ahead.")
	ErrListDevice = fault.New(fault.Invalid, "list_device", "请填写设备编号（1 到 100 字）。", "Please write the device's number, in 1 to 100 characters.")
	ErrListNone   = fault.New(fault.NotFound, "list_none", "名单上没有这一条，可能刚被移除。", "There is no such entry. Somebody may have taken it off.")
)

// Listable are the kinds of marks that people put on the list, with how each is called.
var Listable = []struct {
	Kind string
	Say  Text
}{
	{MarkPerson, say("身份证号码", "ID number")}, {MarkLicence, say("统一社会信用代码", "Unified social credit code")}, {MarkPhone, say("手机号", "Mobile number")},
	{MarkAccount, say("银行账号", "Bank account")}, {MarkDevice, say("设备编号", "Device number")},
}

// plain is a value as it is marked: as the application's own field would keep it.
func (o *Office) plain(kind, value string) (string, error) {
	switch kind {
	case MarkPerson:
		id, err := papers.ParseID(value, o.today())
		return string(id), err
	case MarkLicence:
		return papers.ParseUSCC(value)
	case MarkPhone:
		return papers.ParseMobile(value)
	case MarkAccount:
		return papers.ParseAccount(value)
	case MarkDevice:
		if value = strings.TrimSpace(value); value == "" || len(value) > 100 {
			return "", ErrListDevice
		}
		return value, nil
	}
	return "", ErrListKind
}

// Entry is one entry of the list. What it is about is not kept: only its mark.
type Entry struct {
	Kind   string
	Mark   string // hexadecimal
	Stance Stance
	Reason string
	By     string
	Until  time.Time // zero: until it is taken off
	At     time.Time
}

// Code is what people call the entry by.
func (e Entry) Code() string { return strings.ToUpper(e.Mark[:min(len(e.Mark), 8)]) }

// Holds reports whether the entry still counts.
func (e Entry) Holds(at time.Time) bool { return e.Until.IsZero() || e.Until.After(at) }

// object names an entry in the trail and in proofs.
func (e Entry) object() string { return "list/" + e.Kind + "/" + e.Mark }

// ListObject is what a proof for putting something on the list is about, and Entry's own when it is taken off.
const ListObject = "list"

// Object is what a proof for taking the entry off is about.
func (e Entry) Object() string { return e.object() }

func lister(w auth.Who) error {
	if w.Kind != auth.Operator || !auth.Allows(w, auth.RiskWrite) {
		return auth.ErrForbidden.With("%s %d changes the list", w.Kind, w.ID)
	}
	return nil
}

func ground(reason string) (string, error) {
	reason = strings.Join(strings.Fields(reason), " ")
	if n := utf8.RuneCountInString(reason); n < 2 || n > 200 || longest(reason) >= 11 {
		return "", ErrListReason
	}
	return reason, nil
}

// longest is the longest run of digits, blanks and strokes between them left out.
func longest(text string) (most int) {
	n := 0
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			n++
			most = max(most, n)
		case r == ' ' || r == '-':
		default:
			n = 0
		}
	}
	return most
}

// Enlist puts something on the list as an operator who may, with the ground that stays in the trail. What it is
// about is marked and forgotten. The proof is for auth.RiskWrite on ListObject. The zero until: until it is taken off.
func (o *Office) Enlist(ctx context.Context, w auth.Who, proof auth.StepUp, kind, value string, s Stance, reason string, until time.Time) (e Entry, err error) {
	if err := lister(w); err != nil {
		return e, err
	}
	if s != Blocked && s != Known {
		return e, ErrListKind
	}
	if value, err = o.plain(kind, value); err != nil {
		return e, err
	}
	if reason, err = ground(reason); err != nil {
		return e, err
	}
	now := o.Clock()
	if !until.IsZero() && !until.After(now) {
		return e, ErrListUntil
	}
	m, err := o.mark(ctx, kind, value)
	if err != nil {
		return e, err
	}
	if err := proof.Use(w, auth.RiskWrite, ListObject, now); err != nil {
		return e, err
	}
	e = Entry{Kind: kind, Mark: hex.EncodeToString(m.Sum), Stance: s, Reason: reason, By: Name(w), Until: until, At: now}
	err = o.DB.Write(ctx, func(tx *store.Tx) error {
		before, err := entry(ctx, tx, kind, m.Sum, " FOR UPDATE")
		if err != nil && !errors.Is(err, ErrListNone) {
			return err
		}
		if err := putEntry(ctx, tx, m, e); err != nil {
			return err
		}
		return audit.Append(ctx, tx, w.Entry("list.put", e.object(), before.told(), e.told(), now))
	})
	return e, err
}

// Delist takes an entry off the list. The proof is for auth.RiskWrite on the entry's Object.
func (o *Office) Delist(ctx context.Context, w auth.Who, proof auth.StepUp, kind, mark, reason string) error {
	if err := lister(w); err != nil {
		return err
	}
	reason, err := ground(reason)
	if err != nil {
		return err
	}
	sum, err := hex.DecodeString(mark)
	if err != nil {
		return ErrListNone.Wrap(err)
	}
	now := o.Clock()
	before, err := entry(ctx, o.DB.Read(), kind, sum, "")
	if err != nil {
		return err
	}
	if err := proof.Use(w, auth.RiskWrite, before.object(), now); err != nil {
		return err
	}
	return o.DB.Write(ctx, func(tx *store.Tx) error {
		before, err := entry(ctx, tx, kind, sum, " FOR UPDATE")
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM listed_marks WHERE kind = $1 AND mark = $2`, kind, sum); err != nil {
			return fmt.Errorf("take %s off the list: %w", before.Code(), err)
		}
		return audit.Append(ctx, tx, w.Entry("list.off", before.object(), before.told(), map[string]any{"why": reason}, now))
	})
}

// told is the entry as the trail tells it; nil for none.
func (e Entry) told() any {
	if e.Mark == "" {
		return nil
	}
	until := ""
	if !e.Until.IsZero() {
		until = e.Until.UTC().Format(time.RFC3339)
	}
	return map[string]any{"stance": e.Stance, "reason": e.Reason, "by": e.By, "until": until}
}

func putEntry(ctx context.Context, tx *store.Tx, m Mark, e Entry) error {
	_, err := tx.Exec(ctx, `INSERT INTO listed_marks (kind, mark, stance, reason, listed_by, until, listed_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (kind, mark) DO UPDATE SET stance = excluded.stance, reason = excluded.reason, listed_by = excluded.listed_by, until = excluded.until, listed_at = excluded.listed_at`,
		m.Kind, m.Sum, string(e.Stance), e.Reason, e.By, store.At(e.Until), store.At(e.At))
	if err != nil {
		return fmt.Errorf("list a %s: %w", m.Kind, err)
	}
	return nil
}

const selectEntries = `SELECT kind, mark, stance, reason, listed_by, until, listed_at FROM listed_marks `

func scanEntry(scan func(...any) error) (e Entry, err error) {
	var sum []byte
	var until, at store.Time
	err = scan(&e.Kind, &sum, &e.Stance, &e.Reason, &e.By, &until, &at)
	e.Mark, e.Until, e.At = hex.EncodeToString(sum), until.Time(), at.Time()
	return e, err
}

func entry(ctx context.Context, q store.Querier, kind string, sum []byte, lock string) (Entry, error) {
	list, err := entries(ctx, q, `WHERE kind = $1 AND mark = $2`+lock, kind, sum)
	if err == nil && len(list) == 0 {
		err = ErrListNone
	}
	if err != nil {
		return Entry{}, err
	}
	return list[0], nil
}

func entries(ctx context.Context, q store.Querier, where string, args ...any) (list []Entry, err error) {
	rows, err := q.Query(ctx, selectEntries+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read the list: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		e, err := scanEntry(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// Entries are the list's newest entries, at most limit.
func Entries(ctx context.Context, q store.Querier, limit int) ([]Entry, error) {
	return entries(ctx, q, `ORDER BY listed_at DESC, kind, mark LIMIT $1`, limit)
}

// EntryOf finds an entry by its kind and mark; ErrListNone when there is none.
func EntryOf(ctx context.Context, q store.Querier, kind, mark string) (Entry, error) {
	sum, err := hex.DecodeString(mark)
	if err != nil {
		return Entry{}, ErrListNone.Wrap(err)
	}
	return entry(ctx, q, kind, sum, "")
}
