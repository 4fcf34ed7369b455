package app

import (
	"fmt"
	"net/http"

	"hawker/internal/cases"
	"hawker/internal/door/notify"
	"hawker/internal/jobs"
	"hawker/internal/payment"
	"hawker/internal/web"
)

// routes are what operators' machines ask (alive, ready, figures), and every page.
func (s *Server) routes() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", s.metrics.handler(s))
	if err := notify.Mount(mux, notify.Config{Wallets: s.wallets, Book: s.Engine.Book, Metrics: s.metrics}); err != nil {
		return nil, err
	}
	mux.Handle("/v1/", s.programs)
	kit, err := web.Mount(mux, s.webConfig(), s.doors()...)
	if err != nil {
		return nil, err
	}
	return kit.Guard(mux), nil
}

// readyz is 200 while the database answers, and says what waits for the network or a person.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if err := s.DB.Ping(r.Context()); err != nil {
		http.Error(w, "database does not answer", http.StatusServiceUnavailable)
		return
	}
	waiting, err := jobs.List(r.Context(), s.DB.Read())
	if err != nil {
		http.Error(w, "jobs cannot be read", http.StatusServiceUnavailable)
		return
	}
	open, err := cases.List(r.Context(), s.DB.Read())
	if err != nil {
		http.Error(w, "cases cannot be read", http.StatusServiceUnavailable)
		return
	}
	now, later := s.Config.Clock(), 0
	for _, j := range waiting {
		if j.Tries == 0 && j.Due.After(now) || j.Kind == payment.JobPaymentExpiry { // such as the expiry of a pre-authorization
			later++
		}
	}
	_, _ = fmt.Fprintf(w, "ready\njobs waiting: %d\njobs for later: %d\ncases open: %d\n", len(waiting)-later, later, len(open))
}
