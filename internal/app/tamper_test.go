package app

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hawker/internal/cases"
	"hawker/internal/custody"
	"hawker/internal/money"
	"hawker/internal/sandbox/pos"
	"hawker/internal/terminal"
)

// TestATamperedTerminalIsBlocked has a thief copy a terminal's memory just before the
// terminal notices and reports: the copy takes no money.
func TestATamperedTerminalIsBlocked(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s, stop := start(t, Config{Data: data, Network: Network{Timeout: 300 * time.Millisecond, LateAfter: 400 * time.Millisecond}})
	defer stop()
	open := func(path string) *pos.Terminal {
		t.Helper()
		device, err := pos.Open(path, pos.Options{Timeout: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = device.Close() })
		return device
	}
	device := open(s.Config.TerminalFile())
	if r, err := device.SignOn(t.Context()); err != nil || r.State != pos.Accepted {
		t.Fatal(r, err)
	}
	memory, err := os.ReadFile(s.Config.TerminalFile())
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "terminal.json")
	if err := os.WriteFile(copied, memory, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := device.Tamper(t.Context(), "case switch"); err != nil || r.State != pos.Accepted {
		t.Fatal(r, err)
	}
	thief := open(copied)
	for range 3 {
		card, err := present("test-credit", "123456")
		if err != nil {
			t.Fatal(err)
		}
		r, err := thief.Sale(t.Context(), money.New(1, money.CNY), card)
		if err == nil && r.State == pos.Approved || err != nil && !errors.Is(err, pos.ErrSignOn) && !errors.Is(err, pos.ErrReversalPending) {
			t.Fatalf("the copy's sale is %s, %v", r.State, err)
		}
	}
	if err := s.DB.Read().QueryRow(t.Context(), `SELECT 1 FROM payments`).Scan(new(int)); err == nil {
		t.Error("a payment was made")
	}
	if x, err := terminal.ByID(t.Context(), s.DB.Read(), 1, seedTerminals[0].id); err != nil || x.State != terminal.Tampered {
		t.Error(x.State, err)
	}
	if r, err := thief.Echo(t.Context()); err == nil && r.Code != "58" {
		t.Errorf("the copy's echo is answered %s", r.Code)
	}
	if list, err := cases.List(t.Context(), s.DB.Read()); err != nil || len(list) != 1 || list[0].Kind != custody.TamperedCase {
		t.Error(list, err)
	}
	stop()
	again, stopAgain := start(t, Config{Data: data}) // a terminal without keys keeps no server from starting
	defer stopAgain()
	if x, err := terminal.ByID(t.Context(), again.DB.Read(), 1, seedTerminals[0].id); err != nil || x.State != terminal.Tampered {
		t.Error(x.State, err)
	}
}
