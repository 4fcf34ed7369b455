package iso

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// journal is a log that knows what must never be in it.
type journal struct {
	mu      sync.Mutex
	text    bytes.Buffer
	secrets map[string]bool
}

func newJournal() *journal {
	j := &journal{secrets: map[string]bool{testPIN: true}}
	for _, c := range testCards {
		// Six digits in front and four behind may be shown; no eight together.
		for pan := c.PAN.Reveal(); len(pan) >= 8; pan = pan[1:] {
			j.secret(pan[:8])
		}
	}
	return j
}

// secret notes what must not be logged, in either case.
func (j *journal) secret(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(text) >= 8 {
		j.secrets[strings.ToLower(text)] = true
	}
}

// Write takes a line.
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

// withoutTime leaves out when a line was written: among a thousand lines the nine digits
// of its nanoseconds are soon eight digits of some card.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func (j *journal) keepsSecrets(t testing.TB) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	log := strings.ToLower(j.text.String())
	for s := range j.secrets {
		if at := strings.Index(log, s); at >= 0 {
			t.Errorf("the log holds %q: …%s…", s, log[max(0, at-100):min(len(log), at+100)])
		}
	}
}

// line is the last entry about a message of a merchant.
func (j *journal) line(mid string) map[string]any {
	j.mu.Lock()
	defer j.mu.Unlock()
	var last map[string]any
	for line := range bytes.Lines(j.text.Bytes()) {
		if !bytes.Contains(line, []byte(mid)) {
			continue
		}
		var entry map[string]any
		if json.Unmarshal(line, &entry) == nil && entry["msg"] == "terminal message" && entry["mid"] == mid {
			last = entry
		}
	}
	return last
}

// has reports whether a line holds all of the texts.
func (j *journal) has(texts ...string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
lines:
	for line := range strings.Lines(j.text.String()) {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue lines
			}
		}
		return true
	}
	return false
}
