package payment_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"hawker/internal/payment"
)

var update = flag.Bool("update", false, "rewrite what is printed into the docs")

// TestTheDocsShowTheMovesAsTheyAre holds docs/payment-states.md, which is printed from the tables.
func TestTheDocsShowTheMovesAsTheyAre(t *testing.T) {
	t.Parallel()
	const file = "../../docs/payment-states.md"
	text := "# The life of a payment\n\nPrinted from `internal/payment/state.go` by `go test ./internal/payment -run Docs -update`. What is absent is refused as a conflict.\n" +
		"\n## Payment\n" + diagram(payment.PaymentMoves, payment.Created, payment.Sent) + "\n## Hold\n" + diagram(payment.HoldMoves, payment.Sent) +
		"\n## Attempt\n" + diagram(payment.AttemptMoves, payment.Sent)
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != text {
		t.Fatalf("%s is not what the tables say; run with -update (%v)", file, err)
	}
}

// diagram is a table and a mermaid drawing of it, with the states that a life begins in.
func diagram(m payment.Moves, begins ...payment.State) string {
	var table, drawing strings.Builder
	table.WriteString("\n| from | event | to |\n|---|---|---|\n")
	drawing.WriteString("\n```mermaid\nstateDiagram-v2\n")
	for _, s := range begins {
		fmt.Fprintf(&drawing, "    [*] --> %s\n", s)
	}
	for _, from := range slices.SortedFunc(maps.Keys(m), order) {
		for _, e := range slices.Sorted(maps.Keys(m[from])) {
			fmt.Fprintf(&table, "| %s | %s | %s |\n", from, e, m[from][e])
			fmt.Fprintf(&drawing, "    %s --> %s: %s\n", from, m[from][e], e)
		}
	}
	drawing.WriteString("```\n")
	return table.String() + drawing.String()
}

// order lists the states as a payment meets them.
func order(a, b payment.State) int {
	life := []payment.State{payment.Created, payment.Sent, payment.Waiting, payment.Unknown, payment.Closing, payment.Cancelling, payment.Approved, payment.Voiding, payment.Voided, payment.Restoring, payment.Held, payment.Completing, payment.Completed,
		payment.Reopening, payment.Resuming, payment.Reversing, payment.Expiring}
	return cmp.Compare(slices.Index(life, a), slices.Index(life, b))
}
