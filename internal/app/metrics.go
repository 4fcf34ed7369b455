package app

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"hawker/internal/cases"
	"hawker/internal/channel"
	"hawker/internal/jobs"
	"hawker/internal/payment"
)

// metrics are the figures of one server. Labels are from closed sets: kinds,
// states and two-character codes; never a card, a merchant or an amount.
type metrics struct {
	commands atomic.Int64 // committed so far

	registry    *prometheus.Registry
	messages    *prometheus.HistogramVec
	bad         *prometheus.CounterVec
	connections prometheus.Gauge
	attempts    *prometheus.CounterVec
	commits     prometheus.Histogram
	notices     *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		messages: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "hawker_terminal_message_seconds",
			Help: "Time from a terminal's message to its answer.", Buckets: prometheus.ExponentialBuckets(0.001, 3, 10)}, []string{"name", "code"}),
		bad: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hawker_terminal_bad_messages_total",
			Help: "Messages and connections dropped, by reason."}, []string{"why"}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{Name: "hawker_terminal_connections", Help: "Open terminal connections."}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hawker_attempts_total",
			Help: "Attempts by how they stand after an answer or a silence."}, []string{"kind", "state", "code"}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "hawker_commit_commands",
			Help: "Commands written by one commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
	}
	m.notices = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hawker_notices_total", Help: "Wallets' notices by the status of our answer."}, []string{"wallet", "status"})
	m.registry.MustRegister(m.messages, m.bad, m.connections, m.attempts, m.commits, m.notices,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Message implements iso.Metrics.
func (m *metrics) Message(name, code string, took time.Duration) {
	m.messages.WithLabelValues(name, code).Observe(took.Seconds())
}

// BadMessage implements iso.Metrics.
func (m *metrics) BadMessage(why string) { m.bad.WithLabelValues(why).Inc() }

// Connections implements iso.Metrics.
func (m *metrics) Connections(open int) { m.connections.Set(float64(open)) }

// Attempt implements payment.Metrics.
func (m *metrics) Attempt(kind channel.Kind, state payment.State, code string) {
	m.attempts.WithLabelValues(string(kind), string(state), code).Inc()
}

// Notice implements notify.Metrics.
func (m *metrics) Notice(wallet string, status int) {
	m.notices.WithLabelValues(wallet, strconv.Itoa(status)).Inc()
}

// Commit implements payment.Metrics.
func (m *metrics) Commit(commands int) {
	m.commits.Observe(float64(commands))
	m.commands.Add(int64(commands))
}

var (
	jobsWaiting = prometheus.NewDesc("hawker_jobs_waiting", "Jobs not done, by kind and state.", []string{"kind", "state"}, nil)
	waiting     = prometheus.NewDesc("hawker_commit_waiting", "Commands that wait for a commit.", nil, nil)
	casesOpen   = prometheus.NewDesc("hawker_cases_open", "Cases that wait for a person.", nil, nil)
)

// backlog reads from the database, when asked, what waits.
type backlog struct{ s *Server }

func (b backlog) Describe(ch chan<- *prometheus.Desc) {
	ch <- jobsWaiting
	ch <- casesOpen
	ch <- waiting
}

func (b backlog) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	ch <- prometheus.MustNewConstMetric(waiting, prometheus.GaugeValue, float64(b.s.Engine.Waiting()))
	if list, err := jobs.List(ctx, b.s.DB.Read()); err == nil {
		count := map[[2]string]float64{}
		for _, j := range list {
			count[[2]string{j.Kind, string(j.State)}]++
		}
		for k, n := range count {
			ch <- prometheus.MustNewConstMetric(jobsWaiting, prometheus.GaugeValue, n, k[0], k[1])
		}
	}
	if list, err := cases.List(ctx, b.s.DB.Read()); err == nil {
		ch <- prometheus.MustNewConstMetric(casesOpen, prometheus.GaugeValue, float64(len(list)))
	}
}

func (m *metrics) handler(s *Server) http.Handler {
	m.registry.MustRegister(backlog{s})
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
