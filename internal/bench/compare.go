package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Bar is one requirement and what was measured against it.
type Bar struct {
	Name     string  `json:"name"`
	Measured float64 `json:"measured"`
	Unit     string  `json:"unit"`
	AtLeast  float64 `json:"at_least,omitempty"`
	AtMost   float64 `json:"at_most,omitempty"`
	Pass     bool    `json:"pass"`
}

func atLeast(name, unit string, measured, bar float64) Bar {
	return Bar{Name: name, Measured: measured, Unit: unit, AtLeast: bar, Pass: measured >= bar}
}

func atMost(name, unit string, measured, bar float64) Bar {
	return Bar{Name: name, Measured: measured, Unit: unit, AtMost: bar, Pass: measured > 0 && measured <= bar}
}

// Comparison is the standard set and how it stands against the bars.
type Comparison struct {
	TPCB    float64  `json:"pgbench_tps"`
	Reports []Report `json:"reports"`
	Bars    []Bar    `json:"bars"`
}

// The bars.
const (
	barTPCB    = 2.0       // payments for a transaction of pgbench's
	barSyncs   = 4.0       // fdatasyncs in a lone payment's own time
	barHistory = 0.8       // of the empty tables' rate
	barMemory  = 300 << 20 // bytes
	barReturn  = 1.2       // of the idle server's memory
	barREST    = 0.6       // of the bare echo's rate
	barBatches = 3.0       // times the rate without batching
	short      = 2         // lone and unbatched runs take so much less time
	quiet      = 0.05      // of the machine, for others
)

// Compare makes the standard set on one machine in one go: pgbench; both databases
// under load, alone with one terminal, and with batching off; and, when there is a
// preload, under load again with it.
func Compare(ctx context.Context, c Config) (out Comparison, err error) {
	if err := c.complete(); err != nil {
		return out, err
	}
	database := c.Database
	if database == sqlite {
		database = throwAway
	}
	s, err := startServer(ctx, database)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if out.TPCB, err = s.pgbench(ctx, c.say); err != nil {
		return out, err
	}
	for _, set := range c.sets() {
		for i, on := range []*server{s, nil} {
			c.say(fmt.Sprintf("%s, %s", []string{throwAway, sqlite}[i], set.name))
			r, err := set.config.measure(ctx, on)
			if err == nil {
				err = r.Err()
			}
			if err != nil {
				return out, fmt.Errorf("%s, %s: %w", r.Database, set.name, err)
			}
			out.Reports = append(out.Reports, r)
			out.Bars = append(out.Bars, set.judge(out, out.Reports[i], r)...)
		}
	}
	return out, nil
}

// set is one measurement, made on both databases. It is judged beside the first one
// on the same database: full load on empty tables.
type set struct {
	name   string
	config Config
	judge  func(c Comparison, full, r Report) []Bar
}

func (c Config) sets() []set {
	full, history := c, c
	full.Preload = 0
	lone, off := full, full
	lone.Terminals, lone.Merchants, lone.Duration, lone.Cooldown = 1, 1, c.Duration/short, 0
	off.BatchingOff, off.Duration, off.Cooldown = true, c.Duration/short, 0
	list := []set{{"under load", full, underLoad}, {"alone", lone, alone}, {"batching off", off, unbatched}}
	if c.Preload > 0 {
		list = append(list, set{"with a history", history, withHistory})
	}
	return list
}

func underLoad(c Comparison, _, r Report) []Bar {
	return []Bar{
		atLeast(r.Database+", payments for each TPC-B transaction", "×", ratio(r.Rate, c.TPCB), barTPCB),
		atMost(r.Database+", memory of serve under load", "MB", float64(r.Memory.Max>>20), barMemory>>20),
		atMost(r.Database+", memory afterwards to before", "×", ratio(float64(r.Memory.After), float64(r.Memory.Before)), barReturn),
	}
}

func alone(_ Comparison, _, r Report) []Bar {
	return []Bar{atMost(r.Database+", a lone payment's own time in fdatasyncs", "×", ratio(float64(r.Own()), float64(r.Sync)), barSyncs)}
}

func unbatched(_ Comparison, full, r Report) []Bar {
	return []Bar{atLeast(r.Database+", batching on to off", "×", ratio(full.Rate, r.Rate), barBatches)}
}

func withHistory(_ Comparison, full, r Report) []Bar {
	return []Bar{atLeast(fmt.Sprintf("%s, rate with %d payments to rate without", r.Database, r.Preload), "×", ratio(r.Rate, full.Rate), barHistory)}
}

// CompareREST holds the REST API against a bare echo of net/http that makes the same
// commits, one after the other on fresh tables: with Config.Database "sqlite" there, else
// on the PostgreSQL that it names.
func CompareREST(ctx context.Context, c Config) (out Comparison, err error) {
	c.REST, c.Cards, c.Preload = true, 1, 0
	if err := c.complete(); err != nil {
		return out, err
	}
	var s *server
	if c.Database != sqlite {
		if s, err = startServer(ctx, c.Database); err != nil {
			return out, err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
	}
	for _, c.Echo = range []bool{false, true} {
		r, err := c.measure(ctx, s)
		if err == nil {
			err = r.Err()
		}
		if err != nil {
			return out, err
		}
		out.Reports = append(out.Reports, r)
	}
	api, bare := out.Reports[0], out.Reports[1]
	out.Bars = []Bar{atLeast(api.Database+", rate of the REST API to a bare echo's", "×", ratio(api.Rate, bare.Rate), barREST)}
	return out, nil
}

// Err names the bars that were missed; nil when there are none.
func (c Comparison) Err() error {
	var missed []string
	for _, b := range c.Bars {
		if !b.Pass {
			missed = append(missed, b.Name)
		}
	}
	if len(missed) == 0 {
		return nil
	}
	return errors.New("missed: " + strings.Join(missed, "; "))
}

// Print writes every report and the table of bars.
func (c Comparison) Print(w io.Writer) {
	if c.TPCB > 0 {
		_, _ = fmt.Fprintf(w, "pgbench: %.0f TPC-B/s (scale %d, %d clients, prepared)\n", c.TPCB, pgbenchScale, pgbenchClients)
	}
	for _, r := range c.Reports {
		r.Print(w)
	}
	_, _ = fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, b := range c.Bars {
		wanted, verdict := fmt.Sprintf("≥ %.2f", b.AtLeast), "pass"
		if b.AtMost > 0 {
			wanted = fmt.Sprintf("≤ %.2f", b.AtMost)
		}
		if !b.Pass {
			verdict = "FAIL"
		}
		_, _ = fmt.Fprintf(t, "%s\t%.2f %s\t%s\t%s\n", b.Name, b.Measured, b.Unit, wanted, verdict)
	}
	_ = t.Flush()
	if noise := c.noise(); noise > quiet {
		_, _ = fmt.Fprintf(w, "\nOther programs took up to %.0f %% of the machine meanwhile: take these figures again when it is quiet.\n", 100*noise)
	}
}

// noise is the largest share of the machine that others took during a run.
func (c Comparison) noise() (most float64) {
	for _, r := range c.Reports {
		most = max(most, r.Others)
	}
	return most
}
