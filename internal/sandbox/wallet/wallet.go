// Package wallet imitates WeChat Pay (API v3) and Alipay (open platform) and the
// people who pay with them: one HTTP server that speaks both protocols with their
// signatures both ways, draws platform certificates, takes customers' codes, draws
// merchants' codes, sends signed notices until they are acknowledged, refunds, and
// writes the daily bills. It misbehaves on demand, and a page plays the customer.
// It is a second opinion on Hawker's wallet channels: it shares nothing with them,
// and keeps books of its own to compare with. It moves no money and guards nothing.
//
// What a payment meets is chosen by its amount: 90.51, 90.54 and 90.61 are refused;
// 90.88, 90.89 and 90.90 ask for the password, which is cancelled, never typed, or
// typed; 90.91 is paid and answered "system error"; 90.93 is answered under a wrong
// signature, 90.95 by half an answer, 90.96 with another amount, 90.97 late, 90.98
// and 90.99 never: of these only 90.98 is not paid. The notices of 90.81 to 90.84 come
// twice, forged, with another amount, and about another merchant.
package wallet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Brand is one of the two wallets.
type Brand string

// The brands.
const (
	WeChat Brand = "wechat"
	Alipay Brand = "alipay"
)

// Config is what a Simulator is made from. Only the accounts have no default.
type Config struct {
	Accounts  *Accounts
	Clock     func() time.Time // nil: the machine's
	Log       *slog.Logger     // nil: nothing is logged
	LateAfter time.Duration    // how late a late answer is; 0 means 90 s
	Types     time.Duration    // how long a customer takes to type the password; 0 means 8 s
	FeeBP     int64            // what the wallets keep, in basis points; 0 means 60
	BillsNow  bool             // a day's bill exists at once, as the day stands; the real ones come at ten on the next day
	Manual    bool             // every customer is asked for the password, and waits for the page
	Client    *http.Client     // sends the notices; nil: one with a time limit of 5 s, as WeChat has

	// StateFile holds every entry, one JSON line each, so that a simulator killed
	// and started again knows every order; "" forgets. A line is written before its
	// answer leaves, and not synced. One process at a time may have it.
	StateFile string
}

// Simulator is both wallets. Any number of goroutines may use it.
type Simulator struct {
	cfg   Config
	keys  keys
	fault atomic.Pointer[func(Info) Behaviour]
	mux   *http.ServeMux

	mu    sync.Mutex // guards books and state: one entry at a time
	books *books
	state *stateFile

	stop context.CancelFunc // ends late answers, customers and notices
	life context.Context    //nolint:containedctx // the life of the simulator itself, which outlasts any request
	busy sync.WaitGroup
}

// New makes a simulator and reads back its state file if there is one; notices
// that were not acknowledged are sent anew. Close frees what it holds.
func New(cfg Config) (*Simulator, error) {
	if cfg.Accounts == nil {
		return nil, errors.New("wallet: accounts are required")
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.LateAfter == 0 {
		cfg.LateAfter = 90 * time.Second
	}
	if cfg.Types == 0 {
		cfg.Types = 8 * time.Second
	}
	if cfg.FeeBP == 0 {
		cfg.FeeBP = 60
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 5 * time.Second}
	}
	k, err := cfg.Accounts.open()
	if err != nil {
		return nil, fmt.Errorf("wallet: %w", err)
	}
	s := &Simulator{cfg: cfg, keys: k, books: newBooks(), mux: http.NewServeMux()}
	s.life, s.stop = context.WithCancel(context.Background())
	if cfg.StateFile != "" {
		if s.state, err = openState(cfg.StateFile, s.books.apply); err != nil {
			return nil, fmt.Errorf("wallet: %w", err)
		}
	}
	s.routeWeChat()
	s.routeAlipay()
	s.routePage()
	for _, o := range s.books.orders {
		s.resume(o)
	}
	return s, nil
}

// Close ends late answers, customers and notices, and waits for them.
func (s *Simulator) Close() error {
	s.stop()
	s.busy.Wait()
	if s.state != nil {
		return s.state.close()
	}
	return nil
}

// ServeHTTP answers both wallets' interfaces and the customer's page.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	s.mux.ServeHTTP(w, r)
}

// wait lets d pass; it reports whether the simulator still lives.
func (s *Simulator) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.life.Done():
	}
	return false
}
