// Package bank imitates a bank: it books transfers to accounts once for a reference,
// refuses or forgets to answer where the account's number says so, and shows what arrived.
// It knows nothing of who sends the money and why.
package bank

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"hawker/internal/clock"
	"hawker/internal/money"
)

// How a transfer ends when it does not succeed. An account's two digits before the last
// choose it: 90 is closed, 91 belongs to somebody else, 92 gets no answer at the first
// time although the money arrives.
var (
	ErrClosed = errors.New("bank: the account is closed")
	ErrHolder = errors.New("bank: the holder's name differs")
	ErrReused = errors.New("bank: the reference was used for another transfer")
	ErrSilent = errors.New("bank: no answer")
)

// Transfer is money that goes to an account.
type Transfer struct {
	Ref     string       `json:"ref"` // of the sender: booked once
	Holder  string       `json:"holder"`
	Account string       `json:"account"`
	Bank    string       `json:"bank"`
	Amount  money.Amount `json:"amount"`
	Memo    string       `json:"memo"`
	At      time.Time    `json:"at"` // when it was booked
}

// Bank is one simulated bank.
type Bank struct {
	now    clock.Clock
	m      sync.Mutex
	booked map[string]Transfer // by ref
	lines  []Transfer
	file   *os.File // nil: in memory only
}

// Open makes a bank that remembers in a file; "" remembers nothing beyond the process.
func Open(file string, now clock.Clock) (*Bank, error) {
	b := &Bank{now: now, booked: map[string]Transfer{}}
	if file == "" {
		return b, nil
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // the caller's own data directory
	if err != nil {
		return nil, fmt.Errorf("open the simulated bank: %w", err)
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var t Transfer
		if json.Unmarshal(lines.Bytes(), &t) == nil { // a half line is a transfer that nobody was told of
			b.book(t)
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return nil, errors.Join(fmt.Errorf("read the simulated bank: %w", err), f.Close())
	}
	b.file = f
	return b, nil
}

// Close ends the bank.
func (b *Bank) Close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}

func (b *Bank) book(t Transfer) {
	b.booked[t.Ref] = t
	b.lines = append(b.lines, t)
}

// Pay books a transfer. The same one again changes nothing.
func (b *Bank) Pay(t Transfer) error {
	b.m.Lock()
	defer b.m.Unlock()
	if old, ok := b.booked[t.Ref]; ok {
		if t.At = old.At; t != old {
			return ErrReused
		}
		return nil
	}
	if t.Ref == "" || t.Amount.Sign() <= 0 || len(t.Account) < 8 {
		return ErrClosed
	}
	class := t.Account[len(t.Account)-3 : len(t.Account)-1]
	switch class {
	case "90":
		return ErrClosed
	case "91":
		return ErrHolder
	}
	t.At = b.now()
	if b.file != nil {
		line, err := json.Marshal(t)
		if err != nil {
			return err
		}
		if _, err := b.file.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("book: %w", err)
		}
	}
	b.book(t)
	if class == "92" {
		return ErrSilent
	}
	return nil
}

// Statement lists what arrived at an account, newest first.
func (b *Bank) Statement(account string) (list []Transfer) {
	b.m.Lock()
	defer b.m.Unlock()
	for _, t := range slices.Backward(b.lines) {
		if t.Account == account {
			list = append(list, t)
		}
	}
	return list
}
