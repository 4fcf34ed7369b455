package torture

import (
	"maps"
	"slices"
	"testing"
	"time"
)

func planned() Config {
	return Config{Seed: 42, Duration: 5 * time.Minute, Terminals: 4, Database: Postgres, KillEvery: time.Second, DiskFull: true, FailingIO: true}
}

func TestASeedRepeatsItsPlan(t *testing.T) {
	t.Parallel()
	c := planned()
	first := Plan(c)
	if !slices.Equal(first, Plan(c)) {
		t.Fatal("the same seed made another plan")
	}
	c.Seed++
	if slices.Equal(first, Plan(c)) {
		t.Fatal("another seed made the same plan")
	}
}

func TestAPlanHoldsEveryKindInOrderAndInBounds(t *testing.T) {
	t.Parallel()
	c := planned()
	kinds, kills, moody := map[StrikeKind]int{}, 0, map[string]bool{}
	var last time.Duration
	for _, s := range Plan(c) {
		if s.At < last || s.At >= c.Duration || s.Target < 0 || s.Target >= c.Terminals || s.Length < 0 {
			t.Fatalf("%v", s)
		}
		last = s.At
		kinds[s.Kind]++
		if s.Kind.kill() {
			kills++
		}
		if s.Mood != "" {
			moody[s.Mood] = true
		}
	}
	for _, k := range strikes {
		if kinds[k.Kind] == 0 {
			t.Errorf("no %s in five minutes", k.Kind)
		}
	}
	if want := int(c.Duration / c.KillEvery); kills < want*3/4 || kills > want*5/4 {
		t.Errorf("%d kills, want about %d", kills, want)
	}
	if len(moody) != len(moods) {
		t.Errorf("only the moods %v", slices.Sorted(maps.Keys(moody)))
	}
}

func TestCalmingOneKindLeavesTheOthersWhereTheyAre(t *testing.T) {
	t.Parallel()
	c := planned()
	want := slices.DeleteFunc(Plan(c), func(s Strike) bool { return s.Kind == KillServe })
	calm, err := ParseCalm("kill-serve, drop")
	if err != nil {
		t.Fatal(err)
	}
	c.Calm = calm
	if got := Plan(c); !slices.Equal(got, want) {
		t.Fatal("other strikes have moved")
	}
	if m := moodOf("lossy").without(calm); m.Shares[Drop] != 0 || m.Shares[Delay] == 0 {
		t.Fatalf("%v", m)
	}
	if _, err := ParseCalm("kill-serve,hail"); err == nil {
		t.Fatal("an unknown trouble was taken")
	}
}

func TestWithoutADatabaseOrDiskOfItsOwnNobodyStrikesIt(t *testing.T) {
	t.Parallel()
	c := planned()
	c.Database, c.DiskFull, c.FailingIO = SQLite, false, false
	for _, s := range Plan(c) {
		switch s.Kind {
		case KillDatabase, StopDatabase, FullDisk, FailingIO:
			t.Fatalf("%v", s)
		}
	}
}
