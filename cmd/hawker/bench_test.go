package main

import (
	"os"
	"testing"
	"time"

	"hawker/internal/bench"
)

// roleEnv makes the test binary be hawker instead of testing, so that a bench can
// start its roles as real processes.
const roleEnv = "HAWKER_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleEnv) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestABenchAuditsClean loads a serving process over a history for two seconds, and
// wants every payment once on every side.
func TestABenchAuditsClean(t *testing.T) {
	t.Setenv(roleEnv, "1")
	r, err := bench.Run(t.Context(), bench.Config{Database: "sqlite", Terminals: 8, Merchants: 4, Cards: 20, Preload: 40,
		Delay: time.Millisecond, Warmup: 200 * time.Millisecond, Duration: 2 * time.Second, LogLevel: "warn"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	if r.Audit.Acknowledged < int64(r.Payments) || !r.Audit.Proven || len(r.Errors) > 0 {
		t.Errorf("%d payments, errors %v, audit %+v", r.Payments, r.Errors, r.Audit)
	}
	if r.Latency.P50 < time.Millisecond || r.Latency.P50 > r.Latency.P99 || r.Latency.P99 > r.Latency.Max {
		t.Errorf("times %+v", r.Latency)
	}
}
