package simulation_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hawker/internal/simulation"
	"hawker/internal/store/storetest"
)

var (
	oneSeed = flag.Uint64("seed", 0, "play this seed only, and print its journal")
	seeds   = flag.Uint64("seeds", 0, "play the seeds 1 to this; 0 plays fresh ones for a few seconds")
)

func TestMain(m *testing.M) { storetest.Main(m) }

// budget is how long a tier plays when nobody says how many seeds.
const budget = 6 * time.Second

var ground = sync.OnceValues(func() (*simulation.Ground, error) {
	const memory = "/dev/shm"
	parent := ""
	if _, err := os.Stat(memory); err == nil {
		parent = memory
	}
	dir, err := os.MkdirTemp(parent, "hawker-simulation-")
	if err != nil {
		return nil, err
	}
	return simulation.NewGround(context.Background(), dir)
})

// play runs a plan in a bubble of its own. What panics or never comes to rest is an error, too.
func play(t *testing.T, p simulation.Plan) (j *simulation.Journal, err error) {
	t.Helper()
	g, err := ground()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	synctest.Test(t, func(*testing.T) { j, err = simulation.Run(g, p) })
	return j, err
}

func TestLeanSeeds(t *testing.T) { t.Parallel(); many(t, simulation.Lean) }

func TestFullSeeds(t *testing.T) { t.Parallel(); many(t, simulation.Full) }

// many plays seeds on every processor until there are enough, time is over, or one fails.
func many(t *testing.T, tier simulation.Tier) {
	if *oneSeed != 0 {
		replay(t, tier, simulation.Seed(*oneSeed))
		return
	}
	began := time.Now()
	first, last := uint64(began.UnixMicro()), uint64(0)
	if *seeds > 0 {
		first, last = 1, *seeds
	}
	var played, next atomic.Uint64
	var failed atomic.Bool
	t.Run("seeds", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("worker", func(t *testing.T) {
				t.Parallel()
				for !failed.Load() {
					seed := first + next.Add(1) - 1
					if last > 0 && seed > last || last == 0 && time.Since(began) > budget {
						return
					}
					if _, err := play(t, simulation.Plan{Seed: simulation.Seed(seed), Tier: tier}); err != nil {
						failed.Store(true)
						t.Errorf("seed %d: %v", seed, err)
						replay(t, tier, simulation.Seed(seed))
					}
					played.Add(1)
				}
			})
		}
	})
	took := time.Since(began).Seconds()
	t.Logf("%s: %d seeds from %d, %.1f a second", tier, played.Load(), first, float64(played.Load())/took)
}

// replay plays one seed, and prints its journal when it fails or was asked for.
func replay(t *testing.T, tier simulation.Tier, seed simulation.Seed) {
	t.Helper()
	var out strings.Builder
	j, err := play(t, simulation.Plan{Seed: seed, Tier: tier})
	if j != nil {
		_, _ = j.WriteTo(&out)
	}
	t.Logf("seed %d, %s, to be played again by: go test ./internal/simulation -run %s -seed=%d\n%s", seed, tier, t.Name(), seed, &out)
	if err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
}

var _ = slog.Default
