package simulation_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"hawker/internal/simulation"
)

func TestTwice(t *testing.T) {
	if *seeds == 0 {
		t.Skip()
	}
	bad := 0
	for s := range *seeds {
		p := simulation.Plan{Seed: simulation.Seed(s + 1), Tier: simulation.Tier(os.Getenv("TIER"))}
		a, err := play(t, p)
		if err != nil {
			fmt.Println("SEED", s+1, err)
		}
		b, _ := play(t, p)
		if a.Hash() != b.Hash() {
			bad++
			var x, y strings.Builder
			a.WriteTo(&x)
			b.WriteTo(&y)
			fmt.Println("DIFFERS", s+1, a.Len(), b.Len())
			if true {
				os.WriteFile(fmt.Sprintf("/tmp/tw/%d.a", s+1), []byte(x.String()), 0o600)
				os.WriteFile(fmt.Sprintf("/tmp/tw/%d.b", s+1), []byte(y.String()), 0o600)
			}
		}
	}
	fmt.Println("differ", bad, "of", *seeds)
}
