package simulation_test

import (
	"os"
	"strings"
	"testing"

	"hawker/internal/simulation"
)

func TestDiff(t *testing.T) {
	if *oneSeed == 0 {
		t.Skip()
	}
	p := simulation.Plan{Seed: simulation.Seed(*oneSeed), Tier: simulation.Tier(os.Getenv("TIER"))}
	first, _ := play(t, p)
	n := 0
	for range 60 {
		j, _ := play(t, p)
		if j.Hash() != first.Hash() {
			n++
			var a, b strings.Builder
			first.WriteTo(&a)
			j.WriteTo(&b)
			os.WriteFile("/tmp/tw/x.a", []byte(a.String()), 0o600)
			os.WriteFile("/tmp/tw/x.b", []byte(b.String()), 0o600)
		}
	}
	t.Log(n, "of 60 differ")
}
