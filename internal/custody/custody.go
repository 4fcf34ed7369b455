// Package custody is what people, and incidents, do with keys: a ceremony brings a
// key in, two custodians at a time; key blocks go out and in; working keys are
// renewed; a terminal that was opened loses its keys. Each act is one record of a
// transcript that cannot be changed unseen. It refuses to know what a key computes:
// that is package keys.
package custody

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hawker/internal/clock"
	"hawker/internal/fault"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/store"
	"hawker/internal/terminal"
)

// Refusals.
var (
	// ErrPeople: the act takes two people, with names that differ.
	ErrPeople = fault.New(fault.Invalid, "custodians", "需要两位不同的保管人，请填写各自的姓名。", "Two custodians with different names are needed.")
	// ErrSheet: the sheets are not two different ones of one key, typed as printed.
	ErrSheet = fault.New(fault.Invalid, "key_sheet", "密钥分量单不符，请核对编号和内容。", "The key sheets do not fit together. Please check their numbers and texts.")
	// ErrTerminal: a terminal is named by merchant and terminal number, "MID/TID".
	ErrTerminal = fault.New(fault.Invalid, "terminal_name", "终端格式应为“商户号/终端号”。", "A terminal is named MERCHANT/TERMINAL.")
	// ErrReason: what destroys keys says why.
	ErrReason = fault.New(fault.Invalid, "reason_missing", "请说明原因。", "Please give a reason.")
	// ErrSound: only a terminal that was tampered with can be reinstated.
	ErrSound = fault.New(fault.Conflict, "terminal_sound", "该终端没有被封锁。", "This terminal is not blocked.")
)

// Keeper performs the acts. Any number of goroutines may use it.
type Keeper struct {
	DB     *store.DB
	Keys   *keys.Keystore
	Clock  clock.Clock
	Signer *Signer
}

// people checks the two-person rule: names are compared without case and outer blanks.
func people(names ...string) ([]string, error) {
	var trimmed, folded []string
	for _, n := range names {
		n = strings.Join(strings.Fields(n), " ")
		if n == "" || len(n) > 100 {
			return nil, ErrPeople.With("a name of %d bytes", len(n))
		}
		trimmed, folded = append(trimmed, n), append(folded, strings.ToLower(n))
	}
	slices.Sort(folded)
	if len(slices.Compact(folded)) < 2 {
		return nil, ErrPeople
	}
	return trimmed, nil
}

// Load stores the key whose two sheets two custodians typed, and returns its check
// value, which must be that of the sheets.
func (k *Keeper) Load(ctx context.Context, ref keys.Ref, over keys.Overwrite, kcv string, one, two Share) (string, error) {
	names, err := people(one.Custodian, two.Custodian)
	if err != nil {
		return "", err
	}
	parts, err := combine(one, two)
	if err != nil {
		return "", err
	}
	if kcv == "" {
		return "", ErrSheet.With("no check value of the key")
	}
	err = k.again(ctx, func() (err error) {
		kcv, err = k.Keys.InjectAs(ctx, ref, keys.Injection{Over: over, KCV: kcv, Also: k.record(Record{
			Act: "load", Ref: string(ref), People: names, Detail: fmt.Sprintf("sheets %d and %d of 3, two of which make the key", one.Sheet, two.Sheet),
		})}, parts...)
		return err
	})
	return kcv, err
}

// Import stores the key of a key block; kcv is the sender's, or "".
func (k *Keeper) Import(ctx context.Context, ref keys.Ref, over keys.Overwrite, kbpk keys.Ref, block, kcv string, names ...string) (string, error) {
	names, err := people(names...)
	if err != nil {
		return "", err
	}
	var out string
	err = k.again(ctx, func() (err error) {
		out, err = k.Keys.ImportBlock(ctx, ref, keys.Injection{Over: over, KCV: kcv, Also: k.record(Record{
			Act: "import", Ref: string(ref), People: names, Detail: "in a key block under " + string(kbpk),
		})}, kbpk, block)
		return err
	})
	return out, err
}

// Export gives a key in a key block, once that is on record.
func (k *Keeper) Export(ctx context.Context, ref, kbpk keys.Ref, as keys.Exportability, names ...string) (block, kcv string, err error) {
	if names, err = people(names...); err != nil {
		return "", "", err
	}
	if block, kcv, err = k.Keys.ExportBlock(ctx, ref, kbpk, as); err != nil {
		return "", "", err
	}
	if err := k.write(ctx, func(tx *store.Tx) error {
		return k.append(ctx, tx, Record{Act: "export", Ref: string(ref), KCV: kcv, People: names, Detail: fmt.Sprintf("in a key block under %s, exportability %s", kbpk, as)})
	}); err != nil {
		return "", "", err
	}
	return block, kcv, nil
}

// Destroy removes keys for good. What is not there is ErrNoKey, and nothing is destroyed.
func (k *Keeper) Destroy(ctx context.Context, reason string, refs []keys.Ref, names ...string) error {
	names, err := people(names...)
	if err != nil {
		return err
	}
	if strings.TrimSpace(reason) == "" {
		return ErrReason
	}
	defer k.Keys.Forget(refs...)
	return k.write(ctx, func(tx *store.Tx) error {
		for _, ref := range refs {
			kcv, err := k.Keys.KCV(ctx, ref)
			if err != nil {
				return err
			}
			if err := k.append(ctx, tx, Record{Act: "destroy", Ref: string(ref), KCV: kcv, People: names, Detail: reason}); err != nil {
				return err
			}
		}
		return k.Keys.Remove(ctx, tx, refs...)
	})
}

// place is a terminal with its merchant.
type place struct {
	merchant merchant.Merchant
	id       terminal.ID
}

// owner names a terminal in the keystore.
func (p place) owner() string { return p.merchant.MID + "/" + string(p.id) }

// find reads "MID/TID".
func (k *Keeper) find(ctx context.Context, name string) (place, error) {
	mid, tid, ok := strings.Cut(name, "/")
	if !ok || len(tid) != 8 {
		return place{}, ErrTerminal.With("%.40q", name)
	}
	m, err := merchant.ByMID(ctx, k.DB.Read(), mid)
	if err != nil {
		return place{}, err
	}
	if _, err := terminal.ByID(ctx, k.DB.Read(), m.ID, terminal.ID(tid)); err != nil {
		return place{}, err
	}
	return place{m, terminal.ID(tid)}, nil
}

// record appends in the transaction that stores a key.
func (k *Keeper) record(r Record) func(context.Context, *store.Tx, string) error {
	return func(ctx context.Context, tx *store.Tx, kcv string) error {
		r.KCV = kcv
		return k.append(ctx, tx, r)
	}
}

// write runs a transaction, and notes where the transcript ends after it.
func (k *Keeper) write(ctx context.Context, do func(tx *store.Tx) error) error {
	return k.again(ctx, func() error { return k.DB.Write(ctx, do) })
}

// maxTries bounds how often an act is tried whose place in the transcript another process took.
const maxTries = 8

func (k *Keeper) again(ctx context.Context, do func() error) (err error) {
	for range maxTries {
		if err = do(); !store.IsUnique(err) {
			break
		}
	}
	if f := (*fault.Fault)(nil); err != nil && !errors.As(err, &f) {
		return keys.ErrUnavailable.Wrap(err)
	}
	if err != nil {
		return err
	}
	return k.Signer.keepHead(ctx, k.DB.Read())
}
