package torture

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what a run did and found. It went well when there are no Differences.
type Report struct {
	Seed        uint64                    `json:"seed"`
	Database    string                    `json:"database"`
	Chaos       time.Duration             `json:"chaos"`
	Healing     time.Duration             `json:"healing"` // until the last pending matter had ended
	Operations  map[string]map[string]int `json:"operations"`
	Frames      map[string]map[Fault]int  `json:"frames"` // by hop
	Strikes     map[StrikeKind]int        `json:"strikes"`
	Kills       int                       `json:"kills"`
	Processes   []Life                    `json:"processes"`
	Cases       map[string]int            `json:"cases"`
	Compared    Compared                  `json:"compared"`
	Differences []string                  `json:"differences"`
}

// Life is what became of one process, or of all terminals together.
type Life struct {
	Name       string        `json:"name"`
	Kills      int           `json:"kills"`
	Stops      int           `json:"stops"`
	Recoveries int           `json:"recoveries"` // starts that worked, but for the first
	Failures   int           `json:"failures"`   // starts that did not, while a part that it needs was away
	Slowest    time.Duration `json:"slowest"`    // from a start until it worked
}

// Compared counts what the audit looked at.
type Compared struct {
	Slips    int   `json:"slips"`    // transactions of the terminals
	Attempts int   `json:"attempts"` // of the host
	Entries  int   `json:"entries"`  // of the network
	Files    int   `json:"files"`    // searched for card data
	Bytes    int64 `json:"bytes"`
}

// report puts together what was done and what the audit found.
func (w *world) report(v verdict, operations map[string]map[string]int) Report {
	r := Report{Seed: w.Seed, Database: w.Database, Operations: operations,
		Frames: map[string]map[Fault]int{"terminals–server": w.toServe.Counts(), "server–network": w.toBank.Counts()},
		Cases:  v.Cases, Compared: v.Compared, Differences: v.Differences}
	w.mu.Lock()
	r.Strikes = maps.Clone(w.hits)
	w.mu.Unlock()
	r.Processes = []Life{together("server", w.serve), together("network", w.network), together("terminals", w.workers...)}
	if w.postgres != nil {
		r.Processes = append(r.Processes, w.postgres.lived().report("PostgreSQL"))
	}
	for _, p := range r.Processes {
		r.Kills += p.Kills
	}
	return r
}

// report is a life as the summary shows it.
func (l life) report(name string) Life {
	return Life{name, l.Kills, l.Stops, l.Recoveries, l.Failures, l.Slowest}
}

// together is what became of several processes.
func together(name string, list ...*process) Life {
	var sum life
	for _, p := range list {
		one := p.lived()
		sum.Kills += one.Kills
		sum.Stops += one.Stops
		sum.Recoveries += one.Recoveries
		sum.Failures += one.Failures
		sum.Slowest = max(sum.Slowest, one.Slowest)
	}
	return sum.report(name)
}

// WriteJSON writes the report as one JSON object; durations are nanoseconds.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteTo writes the summary: tables, and every difference on a line of its own.
func (r Report) WriteTo(out io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nTorture, seed %d, %s: %s of chaos, at rest %s after it\n\n", r.Seed, r.Database, seconds(r.Chaos), seconds(r.Healing))
	table(&b, "operation", r.Operations)
	table(&b, "frames", r.Frames)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "process\tkills\tstops\trecoveries\tfailed starts\tslowest start\t")
	for _, p := range r.Processes {
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\t\n", p.Name, p.Kills, p.Stops, p.Recoveries, p.Failures, seconds(p.Slowest))
	}
	_ = t.Flush()
	fmt.Fprintf(&b, "\n%d kills. Strikes: %s\nCompared: %d slips, %d attempts, %d entries of the network; %d files of %d MB searched for card data\n", r.Kills,
		counts(r.Strikes), r.Compared.Slips, r.Compared.Attempts, r.Compared.Entries, r.Compared.Files, r.Compared.Bytes>>20)
	if len(r.Cases) > 0 {
		fmt.Fprintf(&b, "Cases for a person: %s\n", counts(r.Cases))
	}
	for _, d := range r.Differences {
		fmt.Fprintf(&b, "DIFFERENCE %s\n", d)
	}
	fmt.Fprintf(&b, "%d differences\n", len(r.Differences))
	n, err := io.WriteString(out, b.String())
	return int64(n), err
}

// table writes rows by name with a column for every key that any row has.
func table[K cmp.Ordered](b *strings.Builder, title string, rows map[string]map[K]int) {
	columns := map[K]bool{}
	for _, row := range rows {
		for k := range row {
			columns[k] = true
		}
	}
	names := sortedKeys(columns)
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(t, "%s\t", title)
	for _, k := range names {
		_, _ = fmt.Fprintf(t, "%v\t", k)
	}
	_, _ = fmt.Fprintln(t)
	for _, name := range sortedKeys(rows) {
		_, _ = fmt.Fprintf(t, "%s\t", name)
		for _, k := range names {
			_, _ = fmt.Fprintf(t, "%d\t", rows[name][k])
		}
		_, _ = fmt.Fprintln(t)
	}
	_ = t.Flush()
	b.WriteByte('\n')
}

// counts writes "name n, name n".
func counts[K ~string](m map[K]int) string {
	var list []string
	for _, k := range sortedKeys(m) {
		list = append(list, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(list, ", ")
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
