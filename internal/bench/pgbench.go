package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What pgbench is asked for: its standard transaction, TPC-B.
const (
	pgbenchScale   = 50
	pgbenchClients = 32
	pgbenchWarmup  = 3  // seconds
	pgbenchSeconds = 10 // seconds
)

var pgbenchTPS = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)

// pgbench measures the transactions a second that the server's own benchmark gets
// out of it, in a database of its own.
func (s *server) pgbench(ctx context.Context, say func(string)) (tps float64, err error) {
	program, err := pgbenchProgram()
	if err != nil {
		return 0, err
	}
	target, drop, err := s.fresh(ctx, "hawker_bench_tpcb")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	run := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, program, append(args, target)...).CombinedOutput() //nolint:gosec // found in a fixed place
		if err != nil {
			return "", fmt.Errorf("pgbench: %w: %s", err, lastLine(string(out)))
		}
		return string(out), nil
	}
	say(fmt.Sprintf("pgbench fills its tables, scale %d", pgbenchScale))
	if _, err := run("-i", "-q", "-s", strconv.Itoa(pgbenchScale)); err != nil {
		return 0, err
	}
	if err := s.exec(ctx, target, "CHECKPOINT"); err != nil {
		return 0, err
	}
	say(fmt.Sprintf("pgbench runs TPC-B, %d clients, %d s", pgbenchClients, pgbenchSeconds))
	var out string
	for _, seconds := range []int{pgbenchWarmup, pgbenchSeconds} {
		if out, err = run("-n", "-M", "prepared", "-c", strconv.Itoa(pgbenchClients), "-j", "2", "-T", strconv.Itoa(seconds)); err != nil {
			return 0, err
		}
	}
	found := pgbenchTPS.FindStringSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("pgbench told no rate: %s", lastLine(out))
	}
	return strconv.ParseFloat(found[1], 64)
}

func pgbenchProgram() (string, error) {
	if path, err := exec.LookPath("pgbench"); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if len(found) == 0 {
		return "", errors.New("there is no pgbench: install the package postgresql, or leave it out with --no-pgbench")
	}
	return slices.Max(found), nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
