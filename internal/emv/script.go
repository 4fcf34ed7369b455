package emv

import (
	"crypto/subtle"
	"fmt"
	"slices"
)

// Command is one command of an issuer script as it goes to a card: the header
// CLA INS P1 P2, and the data behind the length. It prints as its header.
type Command struct {
	Header [4]byte
	Data   []byte // up to 247 bytes, without the MAC
}

// String is the header in hexadecimal.
func (c Command) String() string { return fmt.Sprintf("%X", c.Header[:]) }

// scriptMAC is how long a command's MAC is here; EMV allows four to eight bytes.
const scriptMAC = 8

// header is what the MAC covers: the header with the whole length, and the data.
func (c Command) covered() []byte {
	b := append(c.Header[:], byte(len(c.Data)+scriptMAC)) //nolint:gosec // checked by Protect
	return append(b, c.Data...)
}

// Protect is the command with its MAC (EMV Book 2, 9.2): algorithm 3 under the
// session key that the request cryptogram gives from master, the card's key for
// secure messaging.
func (c Command) Protect(master, arqc []byte) ([]byte, error) {
	if len(c.Data) > 255-scriptMAC {
		return nil, fmt.Errorf("%w: a command of %d bytes", ErrCryptogram, len(c.Data))
	}
	key, err := SessionKey(master, arqc)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	mac, err := ARQC(key, pad80(c.covered()))
	if err != nil {
		return nil, err
	}
	return append(c.covered(), mac...), nil
}

// OpenCommand takes a protected command apart at the card; genuine is false when
// the MAC is not that of master and arqc. What is no such command is ErrTLV.
func OpenCommand(b, master, arqc []byte) (c Command, genuine bool, err error) {
	if len(b) < 5+scriptMAC || int(b[4]) != len(b)-5 {
		return Command{}, false, fmt.Errorf("%w: a command of %d bytes", ErrTLV, len(b))
	}
	c = Command{Header: [4]byte(b[:4]), Data: slices.Clone(b[5 : len(b)-scriptMAC])}
	want, err := c.Protect(master, arqc)
	if err != nil {
		return Command{}, false, err
	}
	return c, subtle.ConstantTimeCompare(want, b) == 1, nil
}

// Script is an issuer script as field 55 carries it: tag 71 or 72 with an
// identifier of four bytes and the commands. Another tag or no command is ErrTLV.
func Script(tag Tag, id []byte, commands ...[]byte) (Element, error) {
	if tag != ScriptBefore && tag != ScriptAfter || len(id) != 4 || len(commands) == 0 {
		return Element{}, fmt.Errorf("%w: no script", ErrTLV)
	}
	e := Element{Tag: tag, Inner: []Element{{Tag: ScriptID, Value: id}}}
	for _, c := range commands {
		e.Inner = append(e.Inner, Element{Tag: ScriptCommand, Value: c})
	}
	return e, nil
}

// Scripts lists the scripts of a kind in t with their identifiers (four zero bytes when one has none) and commands.
func Scripts(t TLV, tag Tag) (list []ScriptBody) {
	for _, e := range t.Elements() {
		if e.Tag != tag {
			continue
		}
		s := ScriptBody{ID: make([]byte, 4)}
		for _, in := range e.Inner {
			switch {
			case in.Tag == ScriptID && len(in.Value) == 4:
				s.ID = in.Value
			case in.Tag == ScriptCommand:
				s.Commands = append(s.Commands, in.Value)
			}
		}
		list = append(list, s)
	}
	return list
}

// ScriptBody is one issuer script: its identifier and its protected commands.
type ScriptBody struct {
	ID       []byte
	Commands [][]byte
}

// Script results, the first digit of their first byte (EMV Book 4, A5); the second is the
// number of the failed command, 1 to 14, or 0.
const (
	ScriptNotDone byte = 0x00
	ScriptFailed  byte = 0x10
	ScriptDone    byte = 0x20
)
