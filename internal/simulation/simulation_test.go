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

	"hawker/internal/sandbox/cards"
	"hawker/internal/simulation"
	"hawker/internal/store/storetest"
)

var (
	oneSeed = flag.Uint64("seed", 0, "play this seed only, and print its journal")
	seeds   = flag.Uint64("seeds", 0, "play the seeds 1 to this; 0 plays fresh ones for some seconds")
)

func TestMain(m *testing.M) { storetest.Main(m) }

// budget is how long a tier plays when nobody says how many seeds.
const budget = 6 * time.Second

func TestLeanSeeds(t *testing.T) { t.Parallel(); many(t, simulation.Lean) }

func TestFullSeeds(t *testing.T) { t.Parallel(); many(t, simulation.Full) }

// TestASeedIsPlayedAgain plays seeds twice: the same must happen at the same instants.
func TestASeedIsPlayedAgain(t *testing.T) {
	t.Parallel()
	for _, tier := range []simulation.Tier{simulation.Lean, simulation.Full} {
		began := time.Now()
		for seed := simulation.Seed(1); seed <= 1+simulation.Seed(*seeds/10) || time.Since(began) < budget/6; seed++ {
			p := simulation.Plan{Seed: seed, Tier: tier}
			first, err := play(t, p)
			again, err2 := play(t, p)
			if err != nil || err2 != nil || first.Hash() != again.Hash() {
				t.Errorf("seed %d, %s: %s, %v; again %s, %v", seed, tier, first.Hash(), err, again.Hash(), err2)
			}
		}
	}
}

// TestTheJournalNamesNoCard looks for card numbers in all that a replay prints.
func TestTheJournalNamesNoCard(t *testing.T) {
	t.Parallel()
	for _, tier := range []simulation.Tier{simulation.Lean, simulation.Full} {
		printed := &text{}
		j, err := play(t, simulation.Plan{Seed: 4, Tier: tier, Log: slog.New(slog.NewTextHandler(printed, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.WriteTo(printed); err != nil {
			t.Fatal(err)
		}
		for _, c := range cards.All() {
			if strings.Contains(printed.String(), c.PAN.Reveal()) {
				t.Errorf("%s: the number of %s", tier, c.Name)
			}
		}
		if !strings.Contains(printed.String(), "sale") {
			t.Errorf("%s: there was nothing to print", tier)
		}
	}
}

// ground is laid once. Runs put their files into memory where there is such a place.
var ground = sync.OnceValues(func() (*simulation.Ground, error) {
	dir := "/dev/shm"
	if _, err := os.Stat(dir); err != nil {
		dir = ""
	}
	return simulation.NewGround(context.Background(), dir)
})

// play runs a plan in a bubble of its own. What panics, or waits for ever, is an error.
func play(t *testing.T, p simulation.Plan) (j *simulation.Journal, err error) {
	t.Helper()
	g, err := ground()
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	synctest.Test(t, func(*testing.T) { j, err = simulation.Run(g, p) })
	return j, err
}

// many plays seeds on every processor until there are enough, time is over, or one fails.
func many(t *testing.T, tier simulation.Tier) {
	if *oneSeed != 0 {
		replay(t, simulation.Plan{Seed: simulation.Seed(*oneSeed), Tier: tier})
		return
	}
	began := time.Now()
	first, last := uint64(began.UnixMicro()), uint64(0)
	if *seeds > 0 {
		first, last = 1, *seeds
	}
	var next atomic.Uint64
	var failed atomic.Bool
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for !failed.Load() {
				seed := first + next.Add(1) - 1
				if last > 0 && seed > last || last == 0 && time.Since(began) > budget {
					next.Add(^uint64(0))
					return
				}
				p := simulation.Plan{Seed: simulation.Seed(seed), Tier: tier}
				if _, err := play(t, p); err != nil && !failed.Swap(true) {
					t.Errorf("seed %d, %s: %v", seed, tier, err)
					replay(t, p)
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%s: %d seeds from %d, %.0f a second", tier, next.Load(), first, float64(next.Load())/time.Since(began).Seconds())
}

// replay plays a seed and prints its journal and the system's own log.
func replay(t *testing.T, p simulation.Plan) {
	t.Helper()
	var journal strings.Builder
	log := &text{}
	p.Log = slog.New(slog.NewTextHandler(log, nil))
	j, err := play(t, p)
	if j != nil {
		_, _ = j.WriteTo(&journal)
	}
	t.Logf("seed %d, %s; play it again with: go test ./internal/simulation -run %s -seed=%d -v\n%s\nThe system's log:\n%s", p.Seed, p.Tier, t.Name(), p.Seed, &journal, log)
	if err != nil {
		t.Errorf("seed %d, %s: %v", p.Seed, p.Tier, err)
	}
}

// text is a log in memory.
type text struct {
	mu sync.Mutex
	b  strings.Builder
}

func (t *text) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(b)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}
