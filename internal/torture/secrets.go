package torture

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hawker/internal/app"
	"hawker/internal/card"
	"hawker/internal/sandbox/cards"
)

// secret is a run of bytes that no file may hold.
type secret struct {
	name  string
	bytes []byte
}

// control is what the database must hold in the clear: a search that does not find it has looked at nothing.
var control = secret{"a card's token", []byte("tok_")}

// secrets are the test cards' numbers, tracks and clear PIN blocks as programs may write
// them, and the keys of this run.
func (w *world) secrets() (list []secret, err error) {
	for _, one := range cards.All() {
		more, err := ofCard(one)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	raw := func(name string, b []byte) {
		list = append(list, secret{name, b}, secret{name + " in hexadecimal", []byte(hex.EncodeToString(b))},
			secret{name + " in hexadecimal", []byte(strings.ToUpper(hex.EncodeToString(b)))})
	}
	key := func(name, text string) error {
		b, err := hex.DecodeString(strings.TrimSpace(text))
		if err != nil || len(b) < 16 {
			return fmt.Errorf("%s is no key", name)
		}
		raw(name, b)
		return nil
	}
	master, err := os.ReadFile(filepath.Join(w.data(), masterKey))
	if err != nil {
		return nil, err
	}
	zpk, zak, err := app.SandboxKeys(w.data())
	if err != nil {
		return nil, err
	}
	raw("the network's PIN key", zpk.Reveal())
	raw("the network's MAC key", zak.Reveal())
	errs := []error{key("the master key", string(master))}
	for _, s := range w.stations {
		var device struct {
			Secure struct{ TMK, Memory string } `json:"secure_memory"`
		}
		errs = append(errs, readJSON(s.State, &device),
			key("the master key of "+s.Name, device.Secure.TMK), key("the memory key of "+s.Name, device.Secure.Memory))
	}
	return list, errors.Join(errs...)
}

// ofCard lists the forms in which a card's data could lie about.
func ofCard(c cards.Card) ([]secret, error) {
	pan := c.PAN.Reveal()
	even := pan
	if len(pan)%2 == 1 {
		even = "0" + pan
	}
	packed, err := hex.DecodeString(even)
	if err != nil {
		return nil, err
	}
	left, err := hex.DecodeString(pan[:len(pan)/2*2])
	if err != nil {
		return nil, err
	}
	pin, err := card.NewPIN(c.PIN)
	if err != nil {
		return nil, err
	}
	block, err := card.EncodePIN(card.ISO0, pin, c.PAN)
	if err != nil {
		return nil, err
	}
	return []secret{
		{"the number of " + c.Name, []byte(pan)}, // its track begins with it
		{"the packed number of " + c.Name, packed},
		{"the packed number of " + c.Name, left},
		{"the number of " + c.Name + " in hexadecimal", []byte(hex.EncodeToString([]byte(pan)))},
		{"a clear PIN block of " + c.Name, block},
		{"a clear PIN block of " + c.Name + " in hexadecimal", []byte(hex.EncodeToString(block))},
		{"a clear PIN block of " + c.Name + " in hexadecimal", []byte(strings.ToUpper(hex.EncodeToString(block)))},
	}, nil
}

func readJSON(file string, to any) error {
	b, err := os.ReadFile(file) //nolint:gosec // of our own run
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, to); err != nil {
		return errors.New(file + " does not read") // the decoder's words may quote a key
	}
	return nil
}

// The files of a data directory that hold keys: the keystore's own, and the simulated network's.
const (
	masterKey   = "master.key"
	networkKeys = "network.json"
)
