package channeltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"hawker/internal/channel"
	"hawker/internal/fault"
)

// walletPlay is one row under way. It is the merchant's book, and his door for notices.
type walletPlay struct {
	*testing.T
	WalletWorld
	Net   *Net
	heard chan int // the status of each notice, once it is answered

	mu       sync.Mutex
	orders   int
	requests map[string]channel.Request
	told     []told
	doubts   []string    // of authentic notices that did not fit
	asked    []time.Time // when it was told that the customer is typing
	fails    int         // so many notices are not taken
	last     *http.Request
	lastBody []byte
}

func (p *walletPlay) waits(context.Context, channel.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, time.Now())
}

var errUnknown = fault.New(fault.NotFound, "unknown", "没有。", "None.")

// Order is the book's.
func (p *walletPlay) Order(_ context.Context, number string) (channel.Request, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.requests[number]
	if !ok {
		return r, errUnknown
	}
	return r, nil
}

// Tell is the book's.
func (p *walletPlay) Tell(_ context.Context, r channel.Request, o channel.Outcome) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fails > 0 {
		p.fails--
		return errors.New("the database is away")
	}
	p.told = append(p.told, told{r, o})
	return nil
}

// Doubt is the book's.
func (p *walletPlay) Doubt(_ context.Context, r channel.Request, why string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doubts = append(p.doubts, r.Ref+": "+why)
	return nil
}

func (p *walletPlay) doubted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.doubts)
}

// ServeHTTP is the door.
func (p *walletPlay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	p.last, p.lastBody = r.Clone(context.Background()), body
	p.mu.Unlock()
	p.heard <- p.hand(w, r, body)
}

// hand gives a notice to the channel.
func (p *walletPlay) hand(w http.ResponseWriter, r *http.Request, body []byte) int {
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	p.Wallet().Notices(p).ServeHTTP(rec, r)
	if w != nil {
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	}
	return rec.Code
}

// notice waits for the next notice and gives the status it was answered with.
func (p *walletPlay) notice() int {
	p.Helper()
	longest := 48 * time.Hour
	if p.Net.real {
		longest = patience
	}
	select {
	case status := <-p.heard:
		return status
	case <-time.After(longest):
		p.Fatal("no notice came")
		return 0
	}
}

// wantTold holds the book to n notices, all about r and all with that result.
func (p *walletPlay) wantTold(n int, r channel.Request, want channel.Result) {
	p.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.told) != n {
		p.Errorf("told %d times, want %d: %v", len(p.told), n, p.told)
	}
	for _, t := range p.told {
		if t.request.Ref != r.Ref || t.outcome.Result != want || want == channel.Approved && t.outcome.Number == "" {
			p.Errorf("told that %s is %s (number %q), want that %s is %s", t.request.Ref, results[t.outcome.Result], t.outcome.Number, r.Ref, results[want])
		}
	}
}

// order is the next request, over the price, known to the book.
func (p *walletPlay) order(k channel.Kind) channel.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.orders++
	r := channel.Request{Kind: k, Attempt: int64(p.orders), Ref: fmt.Sprintf("R%011d", p.orders), STAN: p.orders, At: time.Now(),
		Merchant: p.Merchant(), Terminal: "T0000001", Amount: yuan(price)}
	if k == channel.Sale {
		r.Code = p.Code()
	}
	p.requests[number(r)] = r
	return r
}

func number(r channel.Request) string { return r.Merchant.MID + r.Ref }

// about is a request about r; a query and a closing name nothing new.
func (p *walletPlay) about(r channel.Request, k channel.Kind) channel.Request {
	n := p.order(k)
	n.Amount, n.Expires = r.Amount, r.Expires
	n.Original = channel.Original{Kind: r.Kind, Ref: r.Ref, STAN: r.STAN, At: r.At, Amount: r.Amount}
	if r.Kind == channel.Refund {
		n.Original.Of = r.Original.Ref
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests[number(n)] = n
	return n
}

func (p *walletPlay) refund(of channel.Request, fen int64) channel.Request {
	r := p.about(of, channel.Refund)
	r.Amount = yuan(fen)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests[number(r)] = r
	return r
}

// do sends r and holds the channel to how it must end.
func (p *walletPlay) do(r channel.Request, want channel.Result) channel.Outcome {
	p.Helper()
	o := p.Wallet().Do(p.Context(), r)
	if o.Result != want {
		p.Errorf("%s %s ended as %s (code %q, %s), want %s", r.Kind, r.Ref, results[o.Result], o.Code, o.Detail, results[want])
	}
	switch {
	case o.Result == channel.Declined && o.Code == "":
		p.Errorf("%s %s was declined without a code", r.Kind, r.Ref)
	case (o.Result == channel.Silent || o.Result == channel.Unsent) && o.Detail == "":
		p.Errorf("%s %s ended %s, and the log will not say why", r.Kind, r.Ref, results[o.Result])
	case o.Result == channel.Approved && (r.Kind == channel.Sale || r.Kind == channel.Refund) && (o.Code == "" || o.Number == ""):
		p.Errorf("%s %s was approved with code %q and number %q", r.Kind, r.Ref, o.Code, o.Number)
	}
	return o
}

func (p *walletPlay) under(f Fault, r channel.Request, want channel.Result) channel.Outcome {
	p.Helper()
	p.Meet(f)
	o := p.do(r, want)
	p.Meet(None)
	return o
}

// until repeats r unchanged, half a minute apart, while nothing is known.
func (p *walletPlay) until(r channel.Request, want channel.Result) {
	p.Helper()
	for range 300 {
		o := p.Wallet().Do(p.Context(), r)
		if o.Result == want {
			return
		}
		if o.Result != channel.Silent && o.Result != channel.Unsent {
			p.Fatalf("%s %s ended as %s (%s %s), want %s", r.Kind, r.Ref, results[o.Result], o.Code, o.Detail, results[want])
		}
		time.Sleep(30 * time.Second) // of the bubble
	}
	p.Fatalf("%s %s never ended as %s", r.Kind, r.Ref, results[want])
}

func (p *walletPlay) owes(fen int64) {
	p.Helper()
	net, err := p.WalletWorld.Net()
	if err != nil {
		p.Errorf("the wallet's books: %v", err)
	}
	if net != yuan(fen) {
		p.Errorf("the wallet owes %s, want %s", net, yuan(fen))
	}
}

// present draws a merchant's code and gives its link.
func (p *walletPlay) present(r channel.Request) string {
	p.Helper()
	o := p.do(r, channel.Waiting)
	if o.Link == "" {
		p.Fatal("a merchant's code without a link")
	}
	return o.Link
}

// pay lets a customer scan a code and confirm.
func (p *walletPlay) pay(r channel.Request, link string) {
	p.Helper()
	if err := p.Scan(link); err != nil {
		p.Fatal(err)
	}
	if err := p.Confirm(number(r)); err != nil {
		p.Fatal(err)
	}
}
