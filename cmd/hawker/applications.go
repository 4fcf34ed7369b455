package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hawker/internal/advice"
	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/keys"
	"hawker/internal/onboarding"
	"hawker/internal/onboarding/population"
	"hawker/internal/schema"
	"hawker/internal/store"
	"hawker/internal/subject"
)

type applicationsCommand struct {
	Measure applicationsMeasure `cmd:"" help:"Generate applicants with planted rings; report how many of the rings the findings see, how many honest people they suspect, and how long a review page takes."`
}

type applicationsMeasure struct {
	Applicants int    `help:"How many." default:"50000"`
	Seed       uint64 `help:"The same seed makes the same applicants." default:"1"`
	Database   string `help:"postgres://… of an empty database instead of a SQLite file that is thrown away." placeholder:"URL"`
}

// Run measures on a database of its own.
func (c applicationsMeasure) Run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "hawker-applicants-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	target := c.Database
	if target == "" {
		target = filepath.Join(dir, "hawker.db")
	}
	db, err := store.Open(ctx, target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx, schema.Files); err != nil {
		return err
	}
	ks, err := keys.Open(ctx, db, filepath.Join(dir, "master.key"), clock.System)
	if err != nil {
		return err
	}
	offer, err := advice.Standard()
	if err != nil {
		return err
	}
	o := onboarding.New(onboarding.Config{DB: db, Keys: ks, Subjects: subject.NewRing(ks, clock.System), Clock: clock.System, Offer: offer})
	list := population.Make(c.Seed, c.Applicants, clock.System())
	rep, ids, err := population.Measure(ctx, o, list, time.Now)
	if err != nil {
		return err
	}
	rep.Print(os.Stdout)
	return pages(ctx, o, ids)
}

// reviewer is whose looks are measured.
var reviewer = auth.Who{Kind: auth.Operator, ID: 1, Role: auth.Reviewer, Name: "measure"}

// pages measures what a reviewer waits for: the queue with its counts, and an application.
func pages(ctx context.Context, o *onboarding.Office, ids []onboarding.ID) error {
	const looks = 200
	var queue, one time.Duration
	for i := range looks {
		begun := time.Now()
		if _, _, err := o.Queue(ctx, onboarding.Filter{}); err != nil {
			return err
		}
		if _, err := o.Counts(ctx); err != nil {
			return err
		}
		queue += time.Since(begun)
		begun = time.Now()
		if _, err := o.Review(ctx, reviewer, ids[i*7919%len(ids)]); err != nil {
			return err
		}
		one += time.Since(begun)
	}
	fmt.Printf("the queue with its counts takes %s, an application %s, each the mean of %d\n",
		(queue / looks).Round(10*time.Microsecond), (one / looks).Round(10*time.Microsecond), looks)
	return nil
}
