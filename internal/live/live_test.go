package live_test

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"hawker/internal/events"
	"hawker/internal/fault"
	"hawker/internal/live"
	"hawker/internal/schema"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

func add(t testing.TB, db *store.DB, merchant int64, kinds ...string) {
	t.Helper()
	var list []events.Event
	for _, k := range kinds {
		list = append(list, events.Event{Merchant: merchant, Kind: k, Ref: "000000000001", At: noon, Body: map[string]string{"名": "面\n条"}})
	}
	if err := db.Write(context.Background(), func(tx *store.Tx) error { return events.Append(context.Background(), tx, list...) }); err != nil {
		t.Error(err)
	}
}

// never is an interval that no test lives to see: what arrives was told by the commit itself.
const never = time.Hour

// run starts a hub that ends with the test.
func run(t testing.TB, db *store.DB, poll time.Duration) *live.Hub {
	t.Helper()
	h := live.New(db, slog.New(slog.DiscardHandler))
	h.Poll, h.Pulse = poll, never
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return h
}

func subscribe(t testing.TB, h *live.Hub, merchant, after int64) <-chan events.Event {
	t.Helper()
	c, err := h.Subscribe(t.Context(), merchant, after)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// take reads n events, which must be numbered from after+1 on.
func take(t testing.TB, c <-chan events.Event, after int64, n int) {
	t.Helper()
	for i := range n {
		select {
		case e, open := <-c:
			if !open || e.Seq != after+int64(i)+1 {
				t.Fatalf("after %d came %d (open %v)", after+int64(i), e.Seq, open)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("nothing came after %d", after+int64(i))
		}
	}
}

func TestAListenerHearsEveryEventInOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, 1, "a", "b", "c")
		h := run(t, db, never)
		const listeners, writers, each = 5, 4, 40
		var wg sync.WaitGroup
		for i := range listeners {
			c := subscribe(t, h, 1, int64(i%4)) // from different places in history
			wg.Go(func() { take(t, c, int64(i%4), 3-i%4+writers*each) })
		}
		other := subscribe(t, h, 2, 0)
		for range writers {
			wg.Go(func() {
				for range each {
					add(t, db, 1, "d")
				}
			})
		}
		wg.Wait()
		add(t, db, 2, "only")
		take(t, other, 0, 1)
	})
}

func TestACommitWakesItsListenersAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := run(t, db, never)
		c := subscribe(t, h, 1, 0)
		for i := range 20 {
			add(t, db, 1, "a")
			take(t, c, int64(i), 1)
		}
	})
}

func TestWhatAnotherProcessWritesIsHeardToo(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	var dbs [2]*store.DB
	for i := range dbs {
		var err error
		if dbs[i], err = store.Open(t.Context(), url); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = dbs[i].Close() }()
	}
	if err := dbs[0].Migrate(t.Context(), schema.Files); err != nil {
		t.Fatal(err)
	}
	c := subscribe(t, run(t, dbs[0], 5*time.Millisecond), 1, 0)
	add(t, dbs[1], 1, "a", "b")
	take(t, c, 0, 2)
}

func TestWhoDoesNotReadDelaysNobody(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	h := run(t, db, 5*time.Millisecond)
	lazy, quick := subscribe(t, h, 1, 0), subscribe(t, h, 1, 0)
	const many = 1000 // more than is kept in memory
	for range many / 100 {
		add(t, db, 1, strings.Split(strings.Repeat("a ", 100), " ")[:100]...)
	}
	take(t, quick, 0, many)
	take(t, lazy, 0, many)
}

func TestListenersAreRefusedAndEnded(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	for range live.Behind/500 + 1 {
		add(t, db, 1, strings.Split(strings.Repeat("a ", 500), " ")[:500]...)
	}
	h := live.New(db, slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		name  string
		after int64
		want  *fault.Fault
	}{
		{"too far behind", 0, live.ErrBehind},
		{"an event that has not been yet", live.Behind + 501, live.ErrCursor},
		{"an event before the first", -1, live.ErrCursor},
	} {
		if _, err := h.Subscribe(t.Context(), 1, c.after); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var all []<-chan events.Event
	for {
		c, err := h.Subscribe(ctx, 2, 0)
		if errors.Is(err, live.ErrFull) {
			break
		} else if err != nil || len(all) > 1000 {
			t.Fatal(len(all), err)
		}
		all = append(all, c)
	}
	stop()
	for _, c := range all {
		if _, open := <-c; open {
			t.Fatal("an event out of nothing")
		}
	}
	running, end := context.WithCancel(t.Context())
	kept, err := h.Subscribe(t.Context(), 2, 0)
	for errors.Is(err, live.ErrFull) { // those that ended leave one by one
		kept, err = h.Subscribe(t.Context(), 2, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	end()
	h.Run(running)
	if _, open := <-kept; open {
		t.Error("the hub ended, its listener did not")
	}
}

// sse is a client that reads a stream line by line.
type sse struct {
	t     testing.TB
	lines *bufio.Scanner
}

func (s sse) next(prefix string) string {
	s.t.Helper()
	for s.lines.Scan() {
		if rest, ok := strings.CutPrefix(s.lines.Text(), prefix); ok {
			return rest
		}
	}
	s.t.Fatalf("the stream ended before %q: %v", prefix, s.lines.Err())
	return ""
}

func TestAStreamResumesWhereItBroke(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	h := run(t, db, 5*time.Millisecond)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := live.ServeSSE(w, r, h, 1, func(e events.Event) bool { return e.Kind != "secret" }); err != nil {
			http.Error(w, fault.Of(err).Name, http.StatusBadRequest)
		}
	}))
	t.Cleanup(web.Close)
	open := func(header, query string) (*http.Response, sse) {
		ctx, stop := context.WithCancel(t.Context())
		t.Cleanup(stop)
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, web.URL+query, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			r.Header.Set("Last-Event-ID", header)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		return res, sse{t, bufio.NewScanner(res.Body)}
	}
	add(t, db, 1, "old")
	res, s := open("", "")
	if ct := res.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/event-stream") {
		t.Fatal(ct)
	}
	if id := s.next("id: "); id != "1" {
		t.Fatalf("a new stream begins after %s", id)
	}
	add(t, db, 1, "secret", "payment.approved")
	if id, kind, data := s.next("id: "), s.next("event: "), s.next("data: "); id != "3" || kind != "payment.approved" ||
		data != `{"id":3,"type":"payment.approved","ref":"000000000001","timestamp":"2026-11-22T04:00:00Z","data":{"名":"面\n条"}}` {
		t.Fatalf("got %s %s %s", id, kind, data)
	}
	_ = res.Body.Close()
	add(t, db, 1, "payment.declined", "payment.voided")
	for _, named := range [][2]string{{"3", ""}, {"", "?last_event_id=3"}} {
		_, s = open(named[0], named[1])
		if got := s.next("event: ") + " " + s.next("event: "); got != "payment.declined payment.voided" {
			t.Errorf("after 3 came %s", got)
		}
	}
	for _, bad := range []string{"x", "-1", "99", "3;DROP", strings.Repeat("9", 40)} {
		if res, _ := open(bad, ""); res.StatusCode != http.StatusBadRequest {
			t.Errorf("Last-Event-ID %q: %s", bad, res.Status)
		}
	}
}

func TestASilentStreamGivesSignsOfLife(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	h := run(t, db, 5*time.Millisecond)
	h.Pulse = 5 * time.Millisecond
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = live.ServeSSE(w, r, h, 1, func(events.Event) bool { return false })
	}))
	t.Cleanup(web.Close)
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, web.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	s := sse{t, bufio.NewScanner(res.Body)}
	s.next(": still here")
	add(t, db, 1, "not for it")
	for s.next("id: ") != "1" {
	}
}
