package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hawker/internal/cases"
	"hawker/internal/events"
	"hawker/internal/jobs"
	"hawker/internal/live"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// pauses are between the tries of a delivery: ten in three days, as Standard Webhooks advises.
var pauses = [...]time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 20 * time.Hour}

// Tries is how often a delivery is tried.
const Tries = len(pauses) + 1

// batch is how many events are taken at once.
const batch = 100

// ring notes that a merchant may have new events.
func (d *Desk) ring(m int64) {
	d.mu.Lock()
	d.dirty[m] = true
	d.mu.Unlock()
	select {
	case d.bell <- struct{}{}:
	default:
	}
}

// Run makes deliveries of events and sends them until ctx ends.
func (d *Desk) Run(ctx context.Context) {
	defer d.deaf()
	sent := make(chan struct{})
	go func() { defer close(sent); d.runner.Run(ctx) }()
	defer func() { <-sent }()
	tick := time.NewTicker(d.poll)
	defer tick.Stop()
	var known map[int64]bool // merchants with endpoints, as of the last tick
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			list, err := listening(ctx, d.db.Read())
			if err != nil {
				d.log.Warn("webhooks: endpoints cannot be read; looking again", "err", err)
				continue
			}
			known = map[int64]bool{}
			for _, m := range list {
				known[m] = true
				d.FanOut(ctx, m)
			}
		case <-d.bell:
			d.mu.Lock()
			dirty := d.dirty
			d.dirty = map[int64]bool{}
			d.mu.Unlock()
			for m := range dirty {
				if known == nil || known[m] { // who has just made his first endpoint waits for a tick
					d.FanOut(ctx, m)
				}
			}
		}
	}
}

// FanOut makes deliveries of what a merchant's endpoints have not heard yet.
func (d *Desk) FanOut(ctx context.Context, m int64) {
	list, err := Endpoints(ctx, d.db.Read(), merchant.ID(m))
	for _, e := range list {
		for more := e.State == Enabled; more && err == nil; {
			more, err = d.hear(ctx, e)
		}
	}
	if err != nil && ctx.Err() == nil {
		d.log.Warn("webhooks: events cannot be taken; trying again", "merchant", m, "err", err)
	}
}

// hear takes the next events for one endpoint; more says that there may be others.
func (d *Desk) hear(ctx context.Context, e Endpoint) (more bool, err error) {
	if head, err := events.Head(ctx, d.db.Read(), int64(e.Merchant)); err != nil || head <= e.heard {
		return false, err
	}
	err = d.db.Write(ctx, func(tx *store.Tx) error {
		more = false
		now, err := scanEndpoint(tx.QueryRow(ctx, endpointQuery+` AND endpoint_id = $2 FOR UPDATE`, e.Merchant, e.ID).Scan)
		if err != nil || now.State != Enabled {
			return err
		}
		list, err := events.After(ctx, tx, int64(e.Merchant), now.heard, batch)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, ev := range list {
			if now.wants(ev.Kind) && ev.Kind != eventDisabled {
				if _, err := d.add(ctx, tx, now, ev, 0); err != nil {
					return err
				}
			}
		}
		more = len(list) == batch
		_, err = tx.Exec(ctx, `UPDATE webhook_endpoints SET heard = $1 WHERE merchant_id = $2 AND endpoint_id = $3`, list[len(list)-1].Seq, e.Merchant, e.ID)
		return err
	})
	d.runner.Wake()
	return more, err
}

// add makes a delivery and its job.
func (d *Desk) add(ctx context.Context, tx *store.Tx, e Endpoint, ev events.Event, replayOf int64) (id int64, err error) {
	now := d.now()
	id = store.NewID(now)
	if _, err := tx.Exec(ctx, `INSERT INTO webhook_deliveries (merchant_id, delivery_id, endpoint_id, seq, kind, replay_of, state, tries, created_at, ended_at)
		VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 0, $7, 0)`, e.Merchant, id, e.ID, ev.Seq, ev.Kind, replayOf, store.At(now)); err != nil {
		return 0, fmt.Errorf("add delivery: %w", err)
	}
	// The job has more tries than we make, so that what ends it is ours: a delivery that failed is no case of its own.
	return id, jobs.Add(ctx, tx, now, jobs.Job{Merchant: int64(e.Merchant), Kind: kind, Ref: Ref("wd", id), MaxTries: 2 * Tries, Due: now})
}

// deliver is one try of one delivery.
func (d *Desk) deliver(ctx context.Context, j jobs.Job) error {
	id, err := ParseRef("wd", j.Ref)
	if err != nil {
		return err
	}
	v, err := deliveryByID(ctx, d.db.Read(), merchant.ID(j.Merchant), id)
	if err != nil {
		return err
	}
	if v.State != Waiting {
		return nil // a worker died after the work and before the mark
	}
	e, err := scanEndpoint(d.db.Read().QueryRow(ctx, endpointQuery+` AND endpoint_id = $2`, v.Merchant, v.Endpoint).Scan)
	if err != nil {
		return err
	}
	if e.State != Enabled {
		return d.end(ctx, v, e, Try{At: d.now(), Failure: "the endpoint is " + string(e.State)}, false)
	}
	body, err := d.body(ctx, v)
	if err != nil {
		return err
	}
	t := d.send(ctx, v, e, body)
	gone := t.Status == http.StatusGone
	last := v.Tries+1 >= Tries || gone
	if err := d.end(ctx, v, e, t, !last && t.Failure != ""); err != nil {
		return err
	}
	if t.Failure == "" || last {
		return nil
	}
	return jobs.After(pauses[v.Tries], errors.New(t.Failure))
}

// body is what is sent: the same bytes at each try and replay.
func (d *Desk) body(ctx context.Context, v Delivery) ([]byte, error) {
	list, err := events.After(ctx, d.db.Read(), int64(v.Merchant), v.Seq-1, 1)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || list[0].Seq != v.Seq {
		return nil, fmt.Errorf("event %d of merchant %d is gone", v.Seq, v.Merchant)
	}
	return live.Tell(list[0])
}

// send makes one request. Whatever is wrong is in the Try.
func (d *Desk) send(ctx context.Context, v Delivery, e Endpoint, body []byte) (t Try) {
	t.At = d.now()
	began := time.Now()
	defer func() { t.Took = time.Since(began) }()
	secrets, err := d.secrets(ctx, e)
	if err != nil {
		d.log.Error("webhooks: a secret cannot be opened", "endpoint", Ref("we", e.ID), "err", err)
		t.Failure = "our secret cannot be opened"
		return t
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		t.Failure = "the address cannot be called"
		return t
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Hawker-Webhooks/1")
	sign(r.Header, v.Message(), t.At, body, secrets...)
	res, err := d.client.Do(r)
	if err != nil {
		t.Failure = why(err)
		return t
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection may be used again
	if t.Status = res.StatusCode; t.Status < 200 || t.Status > 299 {
		t.Failure = "answered " + strconv.Itoa(t.Status)
	}
	return t
}

// why tells an error without what a stranger could have put into it.
func why(err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, errInside):
		return errInside.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case strings.Contains(err.Error(), "certificate"):
		return "its certificate is not valid"
	}
	return "cannot be reached"
}

func (d *Desk) secrets(ctx context.Context, e Endpoint) ([]Secret, error) {
	list := [][]byte{e.secret}
	if len(e.former) > 0 && d.now().Before(e.until) {
		list = append(list, e.former)
	}
	var out []Secret
	for _, sealed := range list {
		raw, err := d.seal.OpenSealed(ctx, sealed, e.bound())
		if err != nil {
			return nil, err
		}
		out = append(out, Secret{raw})
	}
	return out, nil
}

// eventDisabled tells, to screens and not to webhooks, that an endpoint was disabled.
const eventDisabled = "webhook.disabled"

// end writes a try down, and what it means for the delivery and the endpoint. An endpoint
// that took nothing for as long as a delivery was tried is disabled, and a person is told.
func (d *Desk) end(ctx context.Context, v Delivery, e Endpoint, t Try, again bool) error {
	now := d.now()
	return d.db.Write(ctx, func(tx *store.Tx) error {
		state, ended := Delivered, now
		switch {
		case again:
			state, ended = Waiting, time.Time{}
		case t.Failure != "":
			state = Failed
		}
		n, err := tx.Exec(ctx, `UPDATE webhook_deliveries SET state = $1, tries = $2, ended_at = $3 WHERE merchant_id = $4 AND delivery_id = $5 AND tries = $6 AND state = 'waiting'`,
			string(state), v.Tries+1, store.At(ended), v.Merchant, v.ID, v.Tries)
		if err != nil || n == 0 { // n == 0: another worker told already
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO webhook_tries (merchant_id, delivery_id, try, at, status, took, failure) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			v.Merchant, v.ID, v.Tries+1, store.At(t.At), t.Status, t.Took.Microseconds(), t.Failure); err != nil {
			return fmt.Errorf("note a webhook's try: %w", err)
		}
		if e.State != Enabled {
			return nil
		}
		if t.Failure == "" {
			_, err := tx.Exec(ctx, `UPDATE webhook_endpoints SET failing_since = 0 WHERE merchant_id = $1 AND endpoint_id = $2 AND failing_since <> 0`, v.Merchant, e.ID)
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE webhook_endpoints SET failing_since = $1 WHERE merchant_id = $2 AND endpoint_id = $3 AND failing_since = 0`,
			store.At(t.At), v.Merchant, e.ID); err != nil {
			return err
		}
		if state == Failed {
			return d.giveUp(ctx, tx, v, e.ID, t)
		}
		return nil
	})
}

// giveUp disables an endpoint that took nothing since a delivery was first tried, or that says it is gone.
func (d *Desk) giveUp(ctx context.Context, tx *store.Tx, v Delivery, endpoint int64, t Try) error {
	now, reason := d.now(), "it took nothing for three days"
	e, err := scanEndpoint(tx.QueryRow(ctx, endpointQuery+` AND endpoint_id = $2 FOR UPDATE`, v.Merchant, endpoint).Scan)
	if err != nil || e.State != Enabled {
		return err
	}
	switch {
	case t.Status == http.StatusGone:
		reason = "it answered 410 Gone"
	case e.Failing.IsZero() || now.Sub(e.Failing) < total()*9/10:
		return nil // others got through meanwhile
	}
	if _, err := tx.Exec(ctx, `UPDATE webhook_endpoints SET state = 'disabled', reason = $1, updated_at = $2 WHERE merchant_id = $3 AND endpoint_id = $4`,
		reason, store.At(now), v.Merchant, endpoint); err != nil {
		return fmt.Errorf("disable endpoint: %w", err)
	}
	ref := Ref("we", endpoint)
	if err := cases.Open(ctx, tx, cases.Case{Merchant: int64(v.Merchant), Kind: "webhook disabled", Ref: ref, Detail: e.URL + ": " + reason, Opened: now}); err != nil {
		return err
	}
	return events.Append(ctx, tx, events.Event{Merchant: int64(v.Merchant), Kind: eventDisabled, Ref: ref, At: now,
		Body: map[string]string{"endpoint": ref, "url": e.URL, "reason": reason}})
}

// total is how long a delivery is tried.
func total() (sum time.Duration) {
	for _, p := range pauses {
		sum += p
	}
	return sum
}
