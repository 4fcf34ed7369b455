package population_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hawker/internal/advice"
	"hawker/internal/auth"
	"hawker/internal/keys"
	"hawker/internal/onboarding"
	"hawker/internal/onboarding/population"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/subject"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

func office(t testing.TB, db *store.DB) *onboarding.Office {
	t.Helper()
	ks, err := keys.Open(t.Context(), db, filepath.Join(t.TempDir(), "master.key"), now)
	if err != nil {
		t.Fatal(err)
	}
	offer, err := advice.Standard()
	if err != nil {
		t.Fatal(err)
	}
	return onboarding.New(onboarding.Config{DB: db, Keys: ks, Subjects: subject.NewRing(ks, now), Clock: now, Offer: offer})
}

func TestTheSameSeedMakesTheSamePeopleAndTheirPapersAreLawful(t *testing.T) {
	t.Parallel()
	one, two := population.Make(3, 1000, noon), population.Make(3, 1000, noon)
	photos := map[string]bool{"id_front": true, "id_back": true, "front": true}
	for i, a := range one {
		if a.Values["id_number"] != two[i].Values["id_number"] || a.Ring != two[i].Ring {
			t.Fatalf("applicant %d differs", i)
		}
		if wrong := onboarding.Check(advice.Micro, a.Values, photos, 20261125); len(wrong) > 0 {
			t.Fatalf("%+v: %v", a.Values, wrong)
		}
	}
}

func TestRingsAreFoundAndHonestPeopleAreNot(t *testing.T) {
	t.Parallel()
	list := population.Make(1, 1200, noon)
	rep, ids, err := population.Measure(t.Context(), office(t, storetest.SQLite(t)), list, time.Now)
	if err != nil || len(ids) != len(list) {
		t.Fatal(err)
	}
	if rep.Recall < 0.8 || rep.Precision < 0.9 {
		t.Errorf("recall %.3f, precision %.3f", rep.Recall, rep.Precision)
	}
	for _, f := range rep.Rings {
		if f.Group != "careful" && f.Group != "chain" && f.Found < f.All*8/10 {
			t.Errorf("of the rings by %s, %d of %d are found", f.Group, f.Found, f.All)
		}
	}
	for _, f := range rep.Honest {
		if slices.Contains([]string{"family", "couple's device", "second shop", "market hall", "provider's tablet"}, f.Group) && f.Found > f.All/50 {
			t.Errorf("of the honest with a %s, %d of %d are suspected", f.Group, f.Found, f.All)
		}
	}
	var b bytes.Buffer
	rep.Print(&b)
	if !strings.Contains(b.String(), "recall") || !strings.Contains(b.String(), "nothing shared") {
		t.Errorf("printed\n%s", &b)
	}
}

// BenchmarkReview is what a reviewer waits for: a page of the queue, the counts above it, and
// opening an application, with 50,000 applications on SQLite.
func BenchmarkReview(b *testing.B) {
	db := storetest.SQLite(b)
	o := office(b, db)
	list := population.Make(1, 50_000, noon)
	var ids []onboarding.ID
	for part := range slices.Chunk(list, 500) {
		var samples []onboarding.Sample
		for _, a := range part {
			samples = append(samples, a.Sample)
		}
		made, err := o.Load(b.Context(), samples)
		if err != nil {
			b.Fatal(err)
		}
		ids = append(ids, made...)
	}
	who := auth.Who{Kind: auth.Operator, ID: 3, Role: auth.Reviewer}
	b.Run("queue", func(b *testing.B) {
		for b.Loop() {
			if list, _, err := o.Queue(b.Context(), onboarding.Filter{}); err != nil || len(list) != 50 {
				b.Fatal(len(list), err)
			}
		}
	})
	b.Run("search", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := o.Queue(b.Context(), onboarding.Filter{Text: "王李", Grade: onboarding.High}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			if _, err := o.Counts(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("application", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, err := o.Review(b.Context(), who, ids[i*7919%len(ids)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
