package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	oracle "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"hawker/internal/audit"
	"hawker/internal/cases"
	"hawker/internal/events"
	"hawker/internal/jobs"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/webhook"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// sealer hides nothing: tests need no keystore, and see that what was sealed is bound.
type sealer struct{}

func (sealer) Seal(_ context.Context, plain, bound []byte) ([]byte, error) {
	return append(append([]byte(string(bound)+"|"), plain...), '!'), nil
}

func (sealer) OpenSealed(_ context.Context, sealed, bound []byte) ([]byte, error) {
	rest, ok := strings.CutPrefix(string(sealed), string(bound)+"|")
	if !ok {
		return nil, errors.New("bound elsewhere")
	}
	return []byte(strings.TrimSuffix(rest, "!")), nil
}

// shop is a receiver.
type shop struct {
	*httptest.Server
	mu     sync.Mutex
	got    []*http.Request
	bodies [][]byte
	answer func(w http.ResponseWriter, n int)
}

func newShop(t *testing.T) *shop {
	s := &shop{answer: func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusNoContent) }}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got, s.bodies = append(s.got, r), append(s.bodies, body)
		s.answer(w, len(s.got))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *shop) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

type world struct {
	t    *testing.T
	db   *store.DB
	desk *webhook.Desk
	shop *shop
	mu   sync.Mutex
	now  time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, shop: newShop(t), now: time.Now().UTC().Truncate(time.Second)} // the oracle asks the wall clock
	log := slog.New(slog.DiscardHandler)
	w.desk = webhook.New(webhook.Config{DB: db, Jobs: jobs.NewRunner(db, w.clock, log), Seal: sealer{}, Clock: w.clock, Log: log, Loopback: true, Timeout: 10 * time.Second})
	return w
}

func (w *world) add(types ...string) (webhook.Endpoint, webhook.Secret) {
	w.t.Helper()
	e, s, err := w.desk.Add(w.t.Context(), 1, webhook.Wanted{URL: w.shop.URL + "/hooks", Types: types}, audit.System, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return e, s
}

// happen writes events and sends what is due.
func (w *world) happen(kinds ...string) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), func(tx *store.Tx) error {
		for _, k := range kinds {
			if err := events.Append(w.t.Context(), tx, events.Event{Merchant: 1, Kind: k, Ref: "000000000001", At: w.clock(), Body: map[string]int{"amount_minor": 4650}}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	w.desk.FanOut(w.t.Context(), 1)
	w.desk.RunDue(w.t.Context())
}

func (w *world) deliveries() []webhook.Delivery {
	w.t.Helper()
	list, _, err := webhook.Deliveries(w.t.Context(), w.db.Read(), 1, 0, "", "", 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func TestAnEventIsSentSignedAsTheStandardSays(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.happen("payment.approved") // before anybody wants it
		e, secret := w.add("payment.*", "refund.approved")
		w.happen("payment.approved", "refund.declined", "refund.approved", "webhook.disabled")
		if w.shop.count() != 2 {
			t.Fatalf("%d messages came", w.shop.count())
		}
		check, err := oracle.NewWebhook(secret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for i, r := range w.shop.got {
			if err := check.Verify(w.shop.bodies[i], r.Header); err != nil {
				t.Errorf("the standard's own library says: %v", err)
			}
			ids[r.Header.Get("Webhook-Id")] = true
			var told struct {
				Type      string         `json:"type"`
				Timestamp time.Time      `json:"timestamp"`
				Data      map[string]any `json:"data"`
			}
			if err := json.Unmarshal(w.shop.bodies[i], &told); err != nil || told.Data["amount_minor"] != 4650.0 || !told.Timestamp.Equal(w.now) {
				t.Errorf("it reads %s, %v", w.shop.bodies[i], err)
			}
			other, _ := oracle.NewWebhook("whsec_" + strings.Repeat("A", 44))
			if other.Verify(w.shop.bodies[i], r.Header) == nil {
				t.Error("another's secret verifies it")
			}
		}
		if len(ids) != 2 {
			t.Errorf("two messages have %d ids", len(ids))
		}
		next, err := w.desk.Rotate(t.Context(), 1, e.ID, time.Hour, audit.System, "")
		if err != nil {
			t.Fatal(err)
		}
		w.happen("payment.approved")
		fresh, err := oracle.NewWebhook(next.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		for name, by := range map[string]*oracle.Webhook{"the former secret": check, "the new one": fresh} {
			if err := by.Verify(w.shop.bodies[2], w.shop.got[2].Header); err != nil {
				t.Errorf("within the overlap, %s: %v", name, err)
			}
		}
		w.pass(time.Hour)
		w.happen("payment.approved")
		if check.VerifyIgnoringTimestamp(w.shop.bodies[3], w.shop.got[3].Header) == nil {
			t.Error("the former secret signs after its time")
		}
	})
}

func TestADeliveryIsTriedForThreeDaysAndThenTheEndpointIsDisabled(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		e, _ := w.add()
		w.shop.answer = func(rw http.ResponseWriter, _ int) { rw.WriteHeader(http.StatusInternalServerError) }
		began := w.clock()
		w.happen("payment.approved")
		for w.deliveries()[0].State == webhook.Waiting {
			w.pass(time.Minute)
			w.desk.RunDue(t.Context())
			if w.clock().Sub(began) > 80*time.Hour {
				t.Fatal("it is tried for ever")
			}
		}
		if tried := w.clock().Sub(began); tried < 71*time.Hour || w.shop.count() != webhook.Tries {
			t.Errorf("it was tried %d times in %v", w.shop.count(), tried)
		}
		first := w.shop.got[0].Header.Get("Webhook-Id")
		for _, r := range w.shop.got {
			if r.Header.Get("Webhook-Id") != first {
				t.Error("a try has another id")
			}
		}
		now, err := webhook.ByID(t.Context(), db.Read(), 1, e.ID)
		if err != nil || now.State != webhook.Disabled || now.Reason == "" {
			t.Errorf("the endpoint is %+v, %v", now, err)
		}
		open, err := cases.List(t.Context(), db.Read())
		if err != nil || len(open) != 1 || open[0].Kind != "webhook disabled" {
			t.Errorf("a person sees %+v, %v", open, err)
		}
		told, err := events.About(t.Context(), db.Read(), 1, webhook.Ref("we", e.ID))
		if err != nil || len(told) != 1 || told[0].Kind != "webhook.disabled" {
			t.Errorf("screens see %+v, %v", told, err)
		}
		tries, err := webhook.TriesOf(t.Context(), db.Read(), 1, w.deliveries()[0].ID)
		if err != nil || len(tries) != webhook.Tries || tries[0].Status != 500 || tries[0].Failure != "answered 500" {
			t.Errorf("its tries are %+v, %v", tries, err)
		}
		w.happen("payment.approved")
		if w.shop.count() != webhook.Tries {
			t.Error("a disabled endpoint was told")
		}
		if _, err := w.desk.Replay(t.Context(), 1, w.deliveries()[0].ID, audit.System, ""); !errors.Is(err, webhook.ErrState) {
			t.Errorf("a replay to a disabled endpoint: %v", err)
		}
		w.shop.answer = func(rw http.ResponseWriter, _ int) { rw.WriteHeader(http.StatusOK) }
		if _, err := w.desk.Change(t.Context(), 1, e.ID, webhook.Wanted{URL: e.URL}, webhook.Enabled, audit.System, ""); err != nil {
			t.Fatal(err)
		}
		w.happen("refund.approved")
		if n := w.shop.count(); n != webhook.Tries+2 {
			t.Errorf("enabled again, it heard %d of the two it had not", n-webhook.Tries)
		}
	})
}

func TestOneSuccessKeepsAnEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	e, _ := w.add()
	poison := true
	w.shop.answer = func(rw http.ResponseWriter, n int) {
		if poison && strings.Contains(string(w.shop.bodies[n-1]), "payment.poison") {
			rw.WriteHeader(http.StatusBadRequest)
		}
	}
	w.happen("payment.poison")
	for range 80 {
		w.pass(time.Hour)
		w.happen("payment.approved")
	}
	now, err := webhook.ByID(t.Context(), w.db.Read(), 1, e.ID)
	if err != nil || now.State != webhook.Enabled {
		t.Fatalf("one poisonous message ended the endpoint: %+v, %v", now, err)
	}
	failed, _, err := webhook.Deliveries(t.Context(), w.db.Read(), 1, e.ID, webhook.Failed, "", 10)
	if err != nil || len(failed) != 1 || failed[0].Kind != "payment.poison" {
		t.Fatalf("failed are %+v, %v", failed, err)
	}
	w.mu.Lock()
	poison = false
	w.mu.Unlock()
	v, err := w.desk.Replay(t.Context(), 1, failed[0].ID, audit.System, "")
	if err != nil {
		t.Fatal(err)
	}
	w.desk.RunDue(t.Context())
	last := w.shop.got[w.shop.count()-1]
	if last.Header.Get("Webhook-Id") != failed[0].Message() || v.ReplayOf != failed[0].ID || v.Message() != failed[0].Message() {
		t.Errorf("the replay is %+v, sent as %s", v, last.Header.Get("Webhook-Id"))
	}
	if _, err := w.desk.Replay(t.Context(), 2, failed[0].ID, audit.System, ""); !errors.Is(err, webhook.ErrUnknown) {
		t.Errorf("another merchant replays it: %v", err)
	}
}

func TestGoneMeansGoneAndRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	other := newShop(t)
	e, _ := w.add()
	w.shop.answer = func(rw http.ResponseWriter, n int) {
		if n == 1 {
			rw.Header().Set("Location", other.URL)
			rw.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		rw.WriteHeader(http.StatusGone)
	}
	w.happen("payment.approved")
	if other.count() != 0 {
		t.Error("a redirect was followed")
	}
	w.pass(time.Minute)
	w.desk.RunDue(t.Context())
	if now, err := webhook.ByID(t.Context(), w.db.Read(), 1, e.ID); err != nil || now.State != webhook.Disabled {
		t.Errorf("after 410 Gone: %+v, %v", now, err)
	}
}

func TestAnEndpointThatIsRemovedIsToldNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	e, _ := w.add()
	if err := w.desk.Remove(t.Context(), 2, e.ID, audit.System, ""); !errors.Is(err, webhook.ErrUnknown) {
		t.Errorf("another merchant removes it: %v", err)
	}
	if err := w.desk.Remove(t.Context(), 1, e.ID, audit.System, ""); err != nil {
		t.Fatal(err)
	}
	w.happen("payment.approved")
	if w.shop.count() != 0 {
		t.Error("it was told")
	}
	if _, err := webhook.ByID(t.Context(), w.db.Read(), 1, e.ID); !errors.Is(err, webhook.ErrUnknown) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestRunTellsWithoutBeingAsked(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	w := newWorld(t, db)
	log := slog.New(slog.DiscardHandler)
	desk := webhook.New(webhook.Config{DB: db, Jobs: jobs.NewRunner(db, w.clock, log), Seal: sealer{}, Clock: w.clock, Log: log, Loopback: true, Poll: 5 * time.Millisecond})
	if _, _, err := desk.Add(t.Context(), 1, webhook.Wanted{URL: w.shop.URL}, audit.System, ""); err != nil {
		t.Fatal(err)
	}
	came := make(chan struct{}, 10)
	w.shop.answer = func(http.ResponseWriter, int) { came <- struct{}{} }
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); desk.Run(ctx) }()
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		return events.Append(t.Context(), tx, events.Event{Merchant: 1, Kind: "k", At: w.now})
	}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-came:
	case <-time.After(20 * time.Second):
		t.Error("nothing came")
	}
	stop()
	<-done
}

func TestDeliveriesAreListedInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.add()
	w.happen("a", "b", "c", "d", "e")
	var kinds []string
	for cursor := ""; ; {
		list, next, err := webhook.Deliveries(t.Context(), w.db.Read(), 1, 0, webhook.Delivered, cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range list {
			kinds = append(kinds, v.Kind)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if fmt.Sprint(kinds) != "[e d c b a]" {
		t.Errorf("got %v", kinds)
	}
	if _, _, err := webhook.Deliveries(t.Context(), w.db.Read(), 1, 0, "", "x", 2); !errors.Is(err, webhook.ErrCursor) {
		t.Errorf("a bad cursor: %v", err)
	}
}

func TestBadEndpointsAreRefused(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	log := slog.New(slog.DiscardHandler)
	strict := webhook.New(webhook.Config{DB: db, Jobs: jobs.NewRunner(db, time.Now, log), Seal: sealer{}, Clock: time.Now, Log: log})
	for _, bad := range []string{"", "shop.example", "http://shop.example/", "ftp://shop.example/", "https://user:pass@shop.example/", "https://127.0.0.1/", "https://localhost/",
		"https://10.1.2.3/", "https://[::1]/", "https://[fd00::1]/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest/meta-data", "https://metadata.google.internal/",
		"https://printer.local/", "https://intranet/", "https://100.64.0.1/", "https://shop.example/#x", "https://shop.example/ x", "https://" + strings.Repeat("a", 500) + ".example/"} {
		if _, _, err := strict.Add(t.Context(), 1, webhook.Wanted{URL: bad}, audit.System, ""); !errors.Is(err, webhook.ErrURL) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{"", "Payment", "payment..x", "*", "payment.*.x", "a b", strings.Repeat("a", 65)} {
		if _, _, err := strict.Add(t.Context(), 1, webhook.Wanted{URL: "https://shop.example/", Types: []string{bad}}, audit.System, ""); !errors.Is(err, webhook.ErrTypes) {
			t.Errorf("type %q: %v", bad, err)
		}
	}
	for i := range 21 {
		_, s, err := strict.Add(t.Context(), 1, webhook.Wanted{URL: "https://shop.example/"}, audit.System, "")
		if (i < 20) != (err == nil) || i == 20 && !errors.Is(err, webhook.ErrMany) {
			t.Fatalf("endpoint %d: %v", i+1, err)
		}
		if text := fmt.Sprintf("%v %+v %#v", s, s, s); err == nil && strings.Contains(text, s.Reveal()[10:20]) {
			t.Errorf("the secret prints as %s", text)
		}
	}
}
