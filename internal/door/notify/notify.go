// Package notify is where wallets report what became of payments, of their own accord.
// Whether a report is authentic, of this time and about one of ours is the wallet's
// channel to judge; what it changes is the payments' matter. The door only knows which
// address belongs to which wallet, and how much it takes at once.
package notify

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"hawker/internal/channel"
)

// Path is where a wallet reports: behind the address under which it reaches us.
const Path = "/notify/"

// Metrics is told of every notice: the wallet's name and the status of the answer.
type Metrics interface {
	Notice(wallet string, status int)
}

// Config is what the door needs.
type Config struct {
	Wallets []channel.Wallet
	Book    func(wallet string) channel.Book // what a wallet's notices are held against
	Metrics Metrics
	AtOnce  int // notices in hand; more are told to come again. 64 when 0
}

// answerWithin bounds reading and answering one notice: wallets wait five seconds.
const answerWithin = 5 * time.Second

// Mount adds an address for each wallet to mux. A wallet's name is a word of its own in
// the address; two of one name are an error.
func Mount(mux *http.ServeMux, c Config) error {
	if c.AtOnce == 0 {
		c.AtOnce = 64
	}
	slots, seen := make(chan struct{}, c.AtOnce), map[string]bool{}
	for _, w := range c.Wallets {
		name := w.Name()
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || seen[name] {
			return fmt.Errorf("notices of %q: a name of its own of small letters and digits is needed", name)
		}
		seen[name] = true
		takes := w.Notices(c.Book(name))
		mux.HandleFunc("POST "+Path+name, func(out http.ResponseWriter, r *http.Request) {
			told := &status{ResponseWriter: out, code: http.StatusOK}
			defer func() { c.Metrics.Notice(name, told.code) }()
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
			default: // the wallet sends it again
				told.Header().Set("Retry-After", "5")
				http.Error(told, "busy", http.StatusServiceUnavailable)
				return
			}
			_ = http.NewResponseController(out).SetReadDeadline(time.Now().Add(answerWithin)) // not every writer can
			takes.ServeHTTP(told, r)
		})
	}
	return nil
}

// status remembers what was answered.
type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader notes the status.
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap gives what it wraps, for http.ResponseController.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }
