package bench

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestAQuantileIsAtMostOnePercentTooLong(t *testing.T) {
	t.Parallel()
	var h Histogram
	var all []time.Duration
	random := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		d := time.Duration(random.ExpFloat64() * float64(30*time.Millisecond))
		all = append(all, d)
		h.Record(d)
	}
	slices.Sort(all)
	for _, q := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[max(0, int(q*float64(len(all)))-1)]
		got := h.Quantile(q)
		if got < want || got > want+want/100+time.Microsecond {
			t.Errorf("quantile %v: got %s, the sample is %s", q, got, want)
		}
	}
	if h.Max() != all[len(all)-1] || h.Count() != len(all) {
		t.Errorf("longest %s of %d", h.Max(), h.Count())
	}
}

func TestEveryDurationLiesInItsBucket(t *testing.T) {
	t.Parallel()
	for us := time.Duration(0); us < 1<<14; us++ {
		d := us * time.Microsecond
		i := bucket(d)
		if d > upper(i) || i > 0 && d <= upper(i-1) {
			t.Fatalf("%s is in bucket %d, which ends at %s", d, i, upper(i))
		}
	}
	for _, d := range []time.Duration{-time.Second, 0, time.Hour, 1 << 62} {
		if i := bucket(d); i < 0 || i >= len(Histogram{}.counts) {
			t.Errorf("%s is in bucket %d", d, i)
		}
	}
}

func TestHistogramsAddUp(t *testing.T) {
	t.Parallel()
	var a, b Histogram
	if a.Quantile(0.5) != 0 {
		t.Error("an empty histogram has a median")
	}
	a.Record(time.Millisecond)
	b.Record(3 * time.Millisecond)
	b.Record(3 * time.Millisecond)
	a.Add(&b)
	if a.Count() != 3 || a.Quantile(0.5) != 3*time.Millisecond || a.Max() != 3*time.Millisecond {
		t.Errorf("%d, median %s, longest %s", a.Count(), a.Quantile(0.5), a.Max())
	}
}
