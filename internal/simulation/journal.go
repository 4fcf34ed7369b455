package simulation

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// Journal is what happened in one run, by virtual time. Its lines name terminals, traces,
// amounts and codes: no card number, no key, and nothing that differs when the seed is
// played again, such as row ids.
type Journal struct {
	began time.Time

	mu    sync.Mutex
	lines []line
}

type line struct {
	at   time.Duration
	text string
}

func newJournal() *Journal { return &Journal{began: time.Now()} }

// add writes a line.
func (j *Journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line{time.Since(j.began), fmt.Sprintf(format, args...)})
}

// Hash is the same for two runs in which the same happened at the same instants. What
// happened at one and the same instant has no order: goroutines may do it in any.
func (j *Journal) Hash() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := slices.SortedFunc(slices.Values(j.lines), func(a, b line) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.text, b.text))
	})
	sum := sha256.New()
	for _, l := range lines {
		_, _ = fmt.Fprintf(sum, "%d %s\n", l.at, l.text) // never fails
	}
	return hex.EncodeToString(sum.Sum(nil)[:12])
}

// WriteTo writes the lines as they came.
func (j *Journal) WriteTo(w io.Writer) (n int64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range j.lines {
		k, err := fmt.Fprintf(w, "%12.6fs  %s\n", l.at.Seconds(), l.text)
		if n += int64(k); err != nil {
			return n, err
		}
	}
	return n, nil
}
