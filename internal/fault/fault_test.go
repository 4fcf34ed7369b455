package fault_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"hawker/internal/fault"
)

var (
	errSpent  = fault.New(fault.Conflict, "already_spent", "已使用。", "It is spent.")
	errClosed = fault.New(fault.Declined, "closed", "已关闭。", "It is closed.")
)

func TestAFaultIsFoundUnderItsWrapping(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		err  error
		kind fault.Kind
		id   string
	}{
		{"bare", errSpent, fault.Conflict, "already_spent"},
		{"wrapped with what we were doing", fmt.Errorf("post x: %w", errSpent), fault.Conflict, "already_spent"},
		{"with a cause", errSpent.Wrap(io.EOF), fault.Conflict, "already_spent"},
		{"with a formatted cause, wrapped", fmt.Errorf("a: %w", errSpent.With("row %d", 7)), fault.Conflict, "already_spent"},
		{"joined with another error", errors.Join(io.EOF, errClosed), fault.Declined, "closed"},
		{"the outer fault decides", errClosed.Wrap(errSpent), fault.Declined, "closed"},
		{"an error without a kind is a fault of ours", io.ErrUnexpectedEOF, fault.Internal, "internal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := fault.Of(c.err)
			if f.Kind != c.kind || f.Name != c.id {
				t.Errorf("got %v %s", f.Kind, f.Name)
			}
			if f.ZH == "" || f.EN == "" {
				t.Error("it has nothing to say to the payer")
			}
		})
	}
	if fault.Of(nil) != nil {
		t.Error("no error is no fault")
	}
}

func TestAFaultKeepsItsCauseForTheLogOnly(t *testing.T) {
	t.Parallel()
	f := errSpent.With("row %d: %w", 7, io.EOF)
	if f.Error() != "already_spent: row 7: EOF" || !errors.Is(f, io.EOF) {
		t.Errorf("the log reads %q", f)
	}
	if f.ZH != errSpent.ZH || f.EN != errSpent.EN || strings.Contains(f.EN, "row") {
		t.Errorf("the payer reads %q, %q", f.ZH, f.EN)
	}
	if errSpent.Error() != "already_spent" || errSpent.Unwrap() != nil {
		t.Error("adding a cause changed the definition")
	}
	if hidden := fault.Of(errors.New("secret detail")); strings.Contains(hidden.EN+hidden.ZH, "secret") || hidden.Error() != "internal: secret detail" {
		t.Errorf("an unknown error shows %q and logs %q", hidden.EN, hidden)
	}
}

func TestFaultsAreTheSameByName(t *testing.T) {
	t.Parallel()
	if !errors.Is(fmt.Errorf("x: %w", errSpent.With("y")), errSpent) {
		t.Error("a copy with a cause is not recognised")
	}
	if errors.Is(errSpent, errClosed) || errors.Is(errSpent, io.EOF) {
		t.Error("different faults are taken for one")
	}
	if !errors.Is(errClosed.Wrap(errSpent), errSpent) {
		t.Error("a fault in the cause is not found")
	}
}

func TestEveryKindHasAName(t *testing.T) {
	t.Parallel()
	want := []string{"internal", "invalid", "not_found", "conflict", "declined", "unavailable", "anonymous", "forbidden", "limited"}
	for k := fault.Internal; k <= fault.Limited; k++ {
		if k.String() != want[k] {
			t.Errorf("kind %d is %q", int(k), k)
		}
	}
	if int(fault.Limited)+1 != len(want) {
		t.Error("a kind has no name")
	}
}
