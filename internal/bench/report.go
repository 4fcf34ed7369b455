package bench

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Report is what one measurement found. Durations are nanoseconds in JSON.
type Report struct {
	Started   time.Time          `json:"started"`
	Go        string             `json:"go"`
	CPUs      int                `json:"cpus"`
	Database  string             `json:"database"`
	Asked     string             `json:"asked"` // by whom: terminals, REST, echo
	Terminals int                `json:"terminals"`
	Merchants int                `json:"merchants"`
	Cards     int                `json:"cards"`
	Preload   int                `json:"preload"`
	Delay     time.Duration      `json:"delay_ns"`
	Sandbox   bool               `json:"sandbox"`
	Duration  time.Duration      `json:"duration_ns"`
	Batching  bool               `json:"batching"`
	LogLevel  string             `json:"log_level"`
	Payments  int                `json:"payments"`
	Rate      float64            `json:"payments_per_second"`
	Latency   Latency            `json:"latency"`
	Errors    map[string]int     `json:"errors"`             // by response code
	CPU       map[string]float64 `json:"cpu_us_per_payment"` // by process
	Others    float64            `json:"others_share"`       // of the machine's processors that went to nobody of ours: noise
	Commits   *Commits           `json:"commits"`            // nil when the server does not tell
	Memory    Memory             `json:"serve_memory_bytes"`
	Sync      time.Duration      `json:"fdatasync_8k_p50_ns"`
	TPCB      float64            `json:"pgbench_tps,omitempty"` // 0 when not measured
	Audit     Audit              `json:"audit"`
}

// Latency is from a terminal's first byte to the answer's last.
type Latency struct {
	P50  time.Duration `json:"p50_ns"`
	P99  time.Duration `json:"p99_ns"`
	P999 time.Duration `json:"p999_ns"`
	Max  time.Duration `json:"max_ns"`
}

// Commits are the server's on the money path. The quantiles are upper bounds.
type Commits struct {
	PerSecond float64 `json:"per_second"`
	Mean      float64 `json:"commands_mean"`
	P50       float64 `json:"commands_p50"`
	P99       float64 `json:"commands_p99"`
}

// Memory is what the server had resident: signed on and idle, at most, and some
// seconds after the load.
type Memory struct {
	Before int64 `json:"before"`
	Max    int64 `json:"max"`
	After  int64 `json:"after"`
}

// report begins a report with what is known before.
func (c Config) report(s *server) Report {
	database := sqlite
	if s != nil {
		database = throwAway
	}
	asked := "terminals"
	if c.Echo {
		asked = "echo"
	} else if c.REST {
		asked = "REST"
	}
	return Report{Asked: asked, Started: time.Now().UTC(), Go: runtime.Version(), CPUs: runtime.NumCPU(), Database: database, Terminals: c.Terminals, Merchants: c.Merchants,
		Cards: c.Cards, Preload: c.Preload, Delay: c.Delay, Sandbox: c.Sandbox, Duration: c.Duration, Batching: !c.BatchingOff, LogLevel: c.LogLevel}
}

// Own is the median of the time that was not the network's delay: Hawker's own,
// with the wire and the simulated network's work.
func (r Report) Own() time.Duration { return r.Latency.P50 - r.Delay }

// Err is nil when payments were made and every side agrees about them.
func (r Report) Err() error {
	if r.Audit.Difference != "" {
		return fmt.Errorf("the audit found a difference: %s", r.Audit.Difference)
	}
	if r.Payments == 0 {
		return fmt.Errorf("no payment was approved; answers: %s", counts(r.Errors))
	}
	return nil
}

// Print writes the report for people.
func (r Report) Print(w io.Writer) {
	line := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "  %-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	network, batching := "light", ""
	if r.Sandbox {
		network = "simulated"
	}
	if !r.Batching {
		batching = ", batching off"
	}
	switch r.Asked {
	case "REST":
		_, _ = fmt.Fprintf(w, "%s: %d programs by the REST API, %s network with a delay of %s, %s%s\n", r.Database, r.Terminals, network, r.Delay, r.Duration, batching)
	case "echo":
		_, _ = fmt.Fprintf(w, "%s: %d programs of a bare echo that makes the same commits, %s\n", r.Database, r.Terminals, r.Duration)
	default:
		_, _ = fmt.Fprintf(w, "%s: %d terminals of %d merchants, %d cards, %d payments before, %s network with a delay of %s, %s%s\n",
			r.Database, r.Terminals, r.Merchants, r.Cards, r.Preload, network, r.Delay, r.Duration, batching)
	}
	line("payments", "%d, %.0f/s", r.Payments, r.Rate)
	line("time", "p50 %s  p99 %s  p99.9 %s  max %s", millis(r.Latency.P50), millis(r.Latency.P99), millis(r.Latency.P999), millis(r.Latency.Max))
	line("errors", "%s", counts(r.Errors))
	var cpu []string
	for _, name := range slices.Sorted(maps.Keys(r.CPU)) {
		cpu = append(cpu, fmt.Sprintf("%s %.0f", name, r.CPU[name]))
	}
	line("processor", "%s µs a payment; others took %.0f %% of the machine", strings.Join(cpu, "  "), 100*r.Others)
	if c := r.Commits; c != nil {
		line("commits", "%.0f/s of %.1f commands, p50 ≤ %.0f, p99 ≤ %.0f", c.PerSecond, c.Mean, c.P50, c.P99)
	} else {
		line("commits", "not reported")
	}
	line("memory", "serve %s before, %s at most, %s after", megabytes(r.Memory.Before), megabytes(r.Memory.Max), megabytes(r.Memory.After))
	line("fdatasync", "%s for 8 KiB; own time p50 %s, %.1f of them", millis(r.Sync), millis(r.Own()), ratio(float64(r.Own()), float64(r.Sync)))
	if r.TPCB > 0 {
		line("pgbench", "%.0f TPC-B/s (scale %d, %d clients, prepared): %.2f payments for each", r.TPCB, pgbenchScale, pgbenchClients, ratio(r.Rate, r.TPCB))
	}
	if r.Asked == "echo" {
		return
	}
	if r.Audit.Difference == "" {
		line("audit", "%d acknowledged, all of them once in database, ledger and network's books", r.Audit.Acknowledged)
	} else {
		line("audit", "DIFFERENCE: %s", r.Audit.Difference)
	}
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }

func megabytes(b int64) string { return fmt.Sprintf("%d MB", b>>20) }

func counts(by map[string]int) string {
	if len(by) == 0 {
		return "none"
	}
	var list []string
	for _, code := range slices.Sorted(maps.Keys(by)) {
		list = append(list, fmt.Sprintf("%s ×%d", code, by[code]))
	}
	return strings.Join(list, "  ")
}
