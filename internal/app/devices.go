package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"hawker/internal/dukpt"
	"hawker/internal/identity"
	"hawker/internal/iso8583"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/sandbox/pos"
	"hawker/internal/store"
	"hawker/internal/tdes"
	"hawker/internal/terminal"
)

// seedTerminal is one software terminal of the sandbox.
type seedTerminal struct {
	id      terminal.ID
	profile *iso8583.Profile
	reader  []byte // the key serial number of its reader; nil where working keys are sent
}

// seedTerminals are one of each host profile.
var seedTerminals = []seedTerminal{
	{"T0000001", iso8583.UnionPayPOS, nil},
	{"T0000002", iso8583.PSP, nil},
	{"T0000003", iso8583.DUKPT, []byte{0xFF, 0xFF, 0x48, 0x41, 0x57, 0x00, 0x00, 0x20, 0, 0}},
	{"T0000004", iso8583.DUKPTAES, []byte{0x48, 0x41, 0x57, 0x4B, 0x00, 0x00, 0x00, 0x01, 0, 0, 0, 0}},
}

// file is the terminal's memory.
func (s sandbox) file(d seedTerminal) string { return pos.FileOf(s.TerminalFile(), d.profile.Name) }

// terminal registers a terminal and gives keystore and device their keys, unless
// they have them.
func (s sandbox) terminal(ctx context.Context, m merchant.Merchant, d seedTerminal) error {
	if err := s.register(ctx, m, d); err != nil {
		return err
	}
	file, owner := s.file(d), m.MID+"/"+string(d.id)
	if _, err := os.Stat(file); err == nil {
		_, err := s.keys.KCV(ctx, d.rootKey(owner))
		if errors.Is(err, keys.ErrNoKey) {
			return s.keyless(ctx, m, d)
		}
		return err
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	device := pos.Device{Profile: d.profile.Name, Host: s.host, Language: pos.Chinese,
		Shop: pos.Shop{Name: pos.Words{ZH: m.NameZH, EN: m.NameEN}, MerchantID: m.MID, TerminalID: string(d.id), Operator: "001"}}
	if !d.profile.Chinese() {
		device.Language = pos.English
	}
	switch err := s.loadKeys(ctx, owner, d, &device); {
	case errors.Is(err, keys.ErrExists):
		s.Log.Info("the sandbox's terminal was provisioned in another data directory", "terminal", string(d.id))
		return nil
	case err != nil:
		return err
	}
	if s.authority != nil {
		proof, err := identify(ctx, s.authority, identity.Terminal{Merchant: m.ID, MID: m.MID, ID: d.id, Serial: d.serial()}, s.ISO.Cert)
		if err != nil {
			return err
		}
		device.Identity = &proof
	}
	return pos.Provision(file, device)
}

// serial is the machine's.
func (d seedTerminal) serial() string { return "SIM-" + string(d.id[1:]) }

// keyless tells a terminal whose key was destroyed from one of another database.
func (s sandbox) keyless(ctx context.Context, m merchant.Merchant, d seedTerminal) error {
	t, err := terminal.ByID(ctx, s.db.Read(), m.ID, d.id)
	if err != nil {
		return err
	}
	if t.State == terminal.Tampered || !t.SignedOn.IsZero() {
		s.Log.Warn("the sandbox's terminal has no key any more", "terminal", string(d.id), "state", string(t.State))
		return nil
	}
	return fmt.Errorf("%s belongs to another database: move it away", s.file(d))
}

// register adds the terminal's row.
func (s sandbox) register(ctx context.Context, m merchant.Merchant, d seedTerminal) error {
	_, err := terminal.ByID(ctx, s.db.Read(), m.ID, d.id)
	if !errors.Is(err, terminal.ErrUnknown) {
		return err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		return terminal.Add(ctx, tx, terminal.Terminal{Merchant: m.ID, ID: d.id, Serial: d.serial(), Model: "software terminal",
			Profile: d.profile.Name, Lang: "zh-CN", State: terminal.Active, Batch: 1, BatchDay: m.Day(s.Clock())})
	})
	if store.IsUnique(err) { // another node was faster
		return nil
	}
	return err
}

// rootKey is the key that everything of the terminal hangs on.
func (d seedTerminal) rootKey(owner string) keys.Ref {
	switch d.profile.Protection {
	case iso8583.DerivedTDES:
		return keys.BDK(dukpt.KSN(d.reader).KeySet())
	case iso8583.DerivedAES:
		return keys.AESBDK(dukpt.AESKSN(d.reader).KeySet())
	default:
		return keys.TMK(owner)
	}
}

// loadKeys makes the terminal's root key; keystore and device get their parts of it.
func (s sandbox) loadKeys(ctx context.Context, owner string, d seedTerminal, device *pos.Device) error {
	root, err := tdes.Generate(16, rand.Reader)
	if err != nil {
		return err
	}
	if d.reader == nil {
		device.TMK = root
		return s.inject(ctx, keys.TMK(owner), root, keys.Keep)
	}
	mask := make([]byte, 16)
	_, _ = rand.Read(mask) // never fails: crypto/rand ends the process instead
	raw := root.Reveal()
	defer clear(raw)
	rest, err := tdes.XOR(raw, mask)
	if err != nil {
		return err
	}
	if _, err := s.keys.InjectBDK(ctx, d.rootKey(owner), keys.Keep, mask, rest); err != nil {
		return err
	}
	if err := s.keys.BindReader(ctx, owner, d.reader); err != nil {
		return err
	}
	initial, err := initialKey(raw, d)
	if err != nil {
		return err
	}
	defer clear(initial)
	device.Reader = d.reader
	device.Initial, err = tdes.NewKey(initial)
	return err
}

func initialKey(base []byte, d seedTerminal) ([]byte, error) {
	if d.profile.Protection == iso8583.DerivedAES {
		return dukpt.AESInitialKey(base, d.reader[:8])
	}
	return dukpt.InitialKey(base, dukpt.KSN(d.reader))
}
