package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"hawker/internal/app"
	"hawker/internal/card"
	"hawker/internal/channel"
	"hawker/internal/clock"
	"hawker/internal/feelock"
	"hawker/internal/jobs"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
)

// Echo is what the REST API is held against: net/http alone, which reads a payment's
// JSON, has it committed as Hawker does, and writes JSON back. It knows no keys, no rates,
// no problems, no log, and its wallet approves at once within the process.
type Echo struct {
	Data     string // directory of a provisioned world
	Database string // as serve's
}

// echoed is its request and its answer.
type echoed struct {
	Amount   int64  `json:"amount_minor"`
	Currency string `json:"currency"`
	Code     string `json:"code"`
	ID       string `json:"id"`
	State    string `json:"state"`
}

// Run says where it listens and serves until ctx ends.
func (e Echo) Run(ctx context.Context, out io.Writer) (err error) {
	db, err := app.OpenStore(ctx, e.Data, e.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ks, err := app.OpenKeystore(ctx, db, e.Data, "")
	if err != nil {
		return err
	}
	quiet := slog.New(slog.DiscardHandler)
	runner := jobs.NewRunner(db, clock.System, quiet)
	engine := payment.New(payment.Config{DB: db, Clock: clock.System, Card: atOnce{}, Wallets: []channel.Wallet{atOnce{}}, Jobs: runner, Log: quiet, Metrics: uncounted{},
		Fees: feelock.Open(feelock.Config{DB: db, Seal: ks, Clock: clock.System}), Remember: time.Minute})
	first, err := merchant.ByID(ctx, db.Read(), app.FirstProvisioned)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(context.WithoutCancel(ctx), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: echo(engine, first), ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	if _, err := fmt.Fprintf(out, "metrics http://%s/metrics\n", listener.Addr()); err != nil {
		return err
	}
	if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// echo takes payments for merchants that differ from the first in nothing but their number.
func echo(engine *payment.Engine, first merchant.Merchant) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /v1/payments", func(w http.ResponseWriter, r *http.Request) {
		var in echoed
		key := r.Header.Get("Idempotency-Key")
		number, err := strconv.Atoi(key)
		if err == nil {
			err = json.NewDecoder(r.Body).Decode(&in)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		code, err := card.NewCode(in.Code)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		m := first
		m.ID += merchant.ID(number / perProgram)
		p, err := engine.Create(r.Context(), payment.Order{Merchant: m, Device: "echo", Key: key, Amount: money.New(in.Amount, money.CNY), Code: code})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(echoed{Amount: in.Amount, Currency: in.Currency, ID: payment.Ref(p.ID), State: string(p.State)})
	})
	return mux
}

// atOnce approves whatever it is asked, within the process.
type atOnce struct{}

func (atOnce) Name() string { return payment.MethodUnionPay }
func (atOnce) Patience() channel.Pace {
	return channel.Pace{First: time.Second, Longest: time.Second, Deadline: time.Second}
}
func (atOnce) Do(context.Context, channel.Request) channel.Outcome {
	return channel.Outcome{Result: channel.Approved, Code: approved, AuthCode: voucher}
}
func (atOnce) Notices(channel.Book) http.Handler { return http.NotFoundHandler() }
func (atOnce) Bill(context.Context, clock.Day) (channel.Bill, error) {
	return channel.Bill{}, channel.ErrNoBill
}

// uncounted takes figures of nothing.
type uncounted struct{}

func (uncounted) Attempt(channel.Kind, payment.State, string) {}
func (uncounted) Commit(int)                                  {}

// runEcho starts the echo where the server would be.
func (c Config) runEcho(w *world, role func(name string, args ...string) (*process, error)) (err error) {
	if w.serve, err = role("echo", "bench", "--as-echo", w.dir, "--database", w.target); err != nil {
		return err
	}
	w.metrics, err = w.serve.says("metrics")
	return err
}
