package live

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"hawker/internal/events"
)

// writeTime is how long a client may take to accept what is written to it.
const writeTime = 10 * time.Second

// Told is an event as it goes to the outside: in streams and in webhooks.
type Told struct {
	ID   int64           `json:"id"`        // of the merchant's events: 1, 2, 3…
	Type string          `json:"type"`      // "payment.approved"
	Ref  string          `json:"ref"`       // of what it is about
	At   string          `json:"timestamp"` // RFC 3339, UTC
	Data json.RawMessage `json:"data"`
}

// Tell writes an event of events.After as JSON.
func Tell(e events.Event) ([]byte, error) {
	body, ok := e.Body.(json.RawMessage)
	if !ok {
		return nil, fmt.Errorf("event %d was not read from the outbox", e.Seq)
	}
	return json.Marshal(Told{ID: e.Seq, Type: e.Kind, Ref: e.Ref, At: e.At.UTC().Format(time.RFC3339Nano), Data: body})
}

// ServeSSE streams a merchant's events that pass the filter, nil for all, as server-sent
// events until the client or the hub goes. It begins after the event that the client names,
// by the header Last-Event-ID or the query's last_event_id, and else with what comes now.
// An error says that nothing was written yet.
func ServeSSE(w http.ResponseWriter, r *http.Request, h *Hub, merchant int64, filter func(events.Event) bool) error {
	ctx := r.Context()
	after, err := h.Now(ctx, merchant)
	if err != nil {
		return err
	}
	if named := lastEventID(r); named != "" {
		if after, err = strconv.ParseInt(named, 10, 64); err != nil {
			return ErrCursor.Wrap(err)
		}
	}
	list, err := h.Subscribe(ctx, merchant, after)
	if err != nil {
		return err
	}
	head := w.Header()
	head.Set("Content-Type", "text/event-stream; charset=utf-8")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no") // proxies must not wait for more
	s := &stream{w: w, c: http.NewResponseController(w)}
	s.write("retry: 2000\nid: %d\n\n", after)
	pulse := time.NewTicker(h.Pulse)
	defer pulse.Stop()
	for told := after; s.err == nil; {
		select {
		case e, open := <-list:
			if !open {
				return nil
			}
			told = e.Seq
			if filter != nil && !filter(e) {
				continue
			}
			data, err := Tell(e)
			if err != nil {
				h.log.Error("an event cannot be told", "err", err)
				continue
			}
			s.write("id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Kind, data)
		case <-pulse.C: // and how far it has heard, so that it need not hear again what was not for it
			s.write(": still here\nid: %d\n\n", told)
		}
	}
	return nil
}

func lastEventID(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("last_event_id")
}

// stream writes until the first error.
type stream struct {
	w   http.ResponseWriter
	c   *http.ResponseController
	err error
}

func (s *stream) write(format string, args ...any) {
	if s.err != nil {
		return
	}
	_ = s.c.SetWriteDeadline(time.Now().Add(writeTime)) // not every writer has deadlines
	if _, s.err = fmt.Fprintf(s.w, format, args...); s.err == nil {
		s.err = s.c.Flush()
	}
}
