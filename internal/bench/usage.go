package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit in which Linux tells processor time to programs.
const tick = 10 * time.Millisecond

// cpuTime is what a process has used. Where there is no /proc it is 0, as for a
// process that is gone.
func cpuTime(pid int) time.Duration {
	s := statOf(pid)
	return s.ticks(utime, stime)
}

// familyTime is what a process and its children have used, those that ended
// included: a PostgreSQL server is its postmaster and a child for each connection.
func familyTime(pid int) time.Duration {
	if pid == 0 {
		return 0
	}
	s := statOf(pid)
	all := s.ticks(utime, stime, cutime, cstime)
	found, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range found {
		child, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if s := statOf(child); s.field(ppid) == strconv.Itoa(pid) {
			all += s.ticks(utime, stime)
		}
	}
	return all
}

// machineTime is what all processes together have used, and what there was to use.
func machineTime() (used, all time.Duration) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, f := range strings.Fields(line) {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil || i > 8 { // guest time is in user time already
			continue
		}
		all += time.Duration(n) * tick
		if i != 4 && i != 5 { // idle, waiting for disks
			used += time.Duration(n) * tick
		}
	}
	return used, all
}

// resident is a process's memory in bytes; 0 where it cannot be told.
func resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	line, _, _ := strings.Cut(rest, "\n")
	kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(line, "kB")), 10, 64)
	return kb << 10
}

// stat is /proc/PID/stat after the program's name.
type stat []string

// Places in stat.
const (
	ppid   = 1
	utime  = 11
	stime  = 12
	cutime = 13
	cstime = 14
)

func statOf(pid int) stat {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}

func (s stat) field(i int) string {
	if i >= len(s) {
		return ""
	}
	return s[i]
}

func (s stat) ticks(fields ...int) (sum time.Duration) {
	for _, i := range fields {
		n, _ := strconv.ParseInt(s.field(i), 10, 64)
		sum += time.Duration(n) * tick
	}
	return sum
}
