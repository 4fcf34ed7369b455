package webhook

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"

	"hawker/internal/audit"
	"hawker/internal/events"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// Bounds.
const (
	most       = 20                  // endpoints of a merchant
	maxTypes   = 50                  // event types of an endpoint
	maxOverlap = 30 * 24 * time.Hour // how long a former secret may sign beside the new one
)

// New makes a desk; its job is registered apart, on a runner of its own.
func New(c Config) *Desk {
	d := &Desk{db: c.DB, seal: c.Seal, now: c.Clock, log: c.Log, loopback: c.Loopback, poll: cmp.Or(c.Poll, 2*time.Second),
		client: newClient(cmp.Or(c.Timeout, 15*time.Second), c.Loopback, net.DefaultResolver), dirty: map[int64]bool{}, bell: make(chan struct{}, 1)}
	d.runner = c.Jobs.Apart(kind, d.deliver)
	d.runner.Workers = 16
	d.deaf = events.Listen(c.DB, d.ring)
	return d
}

// Wanted is what an endpoint is to be.
type Wanted struct {
	URL   string
	Types []string // empty for all
}

var typeName = regexp.MustCompile(`^[a-z_]+(\.[a-z_]+)*(\.\*)?$`)

func (d *Desk) check(w Wanted) error {
	if err := checkURL(w.URL, d.loopback); err != nil {
		return err
	}
	if len(w.Types) > maxTypes {
		return ErrTypes.With("at most %d types", maxTypes)
	}
	for _, t := range w.Types {
		if len(t) > 64 || !typeName.MatchString(t) {
			return ErrTypes.With("%.64q is no type", t)
		}
	}
	return nil
}

// Add makes an endpoint, which is told what happens from now on. The secret is shown once.
func (d *Desk) Add(ctx context.Context, m merchant.ID, w Wanted, by audit.Actor, from string) (e Endpoint, s Secret, err error) {
	if err := d.check(w); err != nil {
		return e, s, err
	}
	s = newSecret()
	err = d.db.Write(ctx, func(tx *store.Tx) error {
		list, err := Endpoints(ctx, tx, m)
		if err != nil {
			return err
		}
		if len(list) >= most {
			return ErrMany
		}
		now := d.now()
		e = Endpoint{Merchant: m, ID: store.NewID(now), URL: w.URL, Types: w.Types, State: Enabled, Created: now}
		if e.heard, err = events.Head(ctx, tx, int64(m)); err != nil {
			return err
		}
		if e.secret, err = d.seal.Seal(ctx, s.raw, e.bound()); err != nil {
			return fmt.Errorf("seal a webhook's secret: %w", err)
		}
		_, err = tx.Exec(ctx, `INSERT INTO webhook_endpoints (merchant_id, endpoint_id, url, types, secret, former, former_until, state, reason, heard, failing_since, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, 0, $7, '', $8, 0, $9, $9)`,
			m, e.ID, e.URL, strings.Join(e.Types, ","), e.secret, []byte{}, string(e.State), e.heard, store.At(now))
		if err != nil {
			return fmt.Errorf("add endpoint: %w", err)
		}
		return d.note(ctx, tx, "webhook.create", e, by, from)
	})
	return e, s, err
}

// bound ties a secret to its endpoint.
func (e Endpoint) bound() []byte { return fmt.Appendf(nil, "webhook/%d/%d", e.Merchant, e.ID) }

func (d *Desk) note(ctx context.Context, tx *store.Tx, what string, e Endpoint, by audit.Actor, from string) error {
	return audit.Append(ctx, tx, audit.Entry{Merchant: int64(e.Merchant), Who: by, What: what, Object: "webhook/" + Ref("we", e.ID), From: from, At: d.now(),
		After: map[string]any{"url": e.URL, "types": e.Types, "state": e.State}})
}

// Change gives an endpoint another address or other types, and enables or disables it. One
// that is enabled again is told what it missed since it was disabled.
func (d *Desk) Change(ctx context.Context, m merchant.ID, id int64, w Wanted, s State, by audit.Actor, from string) (e Endpoint, err error) {
	if err := d.check(w); err != nil {
		return e, err
	}
	if s != Enabled && s != Disabled {
		return e, ErrState.With("state %q", s)
	}
	err = d.change(ctx, m, id, func(tx *store.Tx, now Endpoint) error {
		e = now
		e.URL, e.Types = w.URL, w.Types
		if e.State != s {
			e.State, e.Reason, e.Failing = s, "", time.Time{}
		}
		_, err := tx.Exec(ctx, `UPDATE webhook_endpoints SET url = $1, types = $2, state = $3, reason = $4, failing_since = $5, updated_at = $6 WHERE merchant_id = $7 AND endpoint_id = $8`,
			e.URL, strings.Join(e.Types, ","), string(e.State), e.Reason, store.At(e.Failing), store.At(d.now()), m, id)
		if err != nil {
			return fmt.Errorf("change endpoint: %w", err)
		}
		return d.note(ctx, tx, "webhook.change", e, by, from)
	})
	if err == nil {
		d.ring(int64(m))
	}
	return e, err
}

// Remove ends an endpoint. What waits for it is not sent any more.
func (d *Desk) Remove(ctx context.Context, m merchant.ID, id int64, by audit.Actor, from string) error {
	return d.change(ctx, m, id, func(tx *store.Tx, e Endpoint) error {
		e.State = removed
		if _, err := tx.Exec(ctx, `UPDATE webhook_endpoints SET state = $1, updated_at = $2 WHERE merchant_id = $3 AND endpoint_id = $4`,
			string(removed), store.At(d.now()), m, id); err != nil {
			return fmt.Errorf("remove endpoint: %w", err)
		}
		return d.note(ctx, tx, "webhook.remove", e, by, from)
	})
}

// Rotate gives an endpoint a new secret. The former one signs beside it for overlap, so
// that the receiver changes over without losing anything.
func (d *Desk) Rotate(ctx context.Context, m merchant.ID, id int64, overlap time.Duration, by audit.Actor, from string) (s Secret, err error) {
	s = newSecret()
	err = d.change(ctx, m, id, func(tx *store.Tx, e Endpoint) error {
		sealed, err := d.seal.Seal(ctx, s.raw, e.bound())
		if err != nil {
			return fmt.Errorf("seal a webhook's secret: %w", err)
		}
		until := d.now().Add(min(max(overlap, 0), maxOverlap))
		if _, err := tx.Exec(ctx, `UPDATE webhook_endpoints SET secret = $1, former = $2, former_until = $3, updated_at = $4 WHERE merchant_id = $5 AND endpoint_id = $6`,
			sealed, e.secret, store.At(until), store.At(d.now()), m, id); err != nil {
			return fmt.Errorf("rotate a webhook's secret: %w", err)
		}
		return d.note(ctx, tx, "webhook.rotate", e, by, from)
	})
	return s, err
}

func (d *Desk) change(ctx context.Context, m merchant.ID, id int64, do func(*store.Tx, Endpoint) error) error {
	return d.db.Write(ctx, func(tx *store.Tx) error {
		e, err := scanEndpoint(tx.QueryRow(ctx, endpointQuery+` AND endpoint_id = $2 AND state <> 'removed' FOR UPDATE`, m, id).Scan)
		if err != nil {
			return err
		}
		return do(tx, e)
	})
}

const endpointQuery = `SELECT merchant_id, endpoint_id, url, types, secret, former, former_until, state, reason, heard, failing_since, created_at FROM webhook_endpoints WHERE merchant_id = $1`

func scanEndpoint(scan func(...any) error) (e Endpoint, err error) {
	var types string
	var until, failing, created store.Time
	err = scan(&e.Merchant, &e.ID, &e.URL, &types, &e.secret, &e.former, &until, &e.State, &e.Reason, &e.heard, &failing, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return e, ErrUnknown
	} else if err != nil {
		return e, fmt.Errorf("read endpoint: %w", err)
	}
	if types != "" {
		e.Types = strings.Split(types, ",")
	}
	e.until, e.Failing, e.Created = until.Time(), failing.Time(), created.Time()
	return e, nil
}

// ByID finds an endpoint that was not removed; ErrUnknown when there is none.
func ByID(ctx context.Context, q store.Querier, m merchant.ID, id int64) (Endpoint, error) {
	return scanEndpoint(q.QueryRow(ctx, endpointQuery+` AND endpoint_id = $2 AND state <> 'removed'`, m, id).Scan)
}

// Endpoints lists a merchant's, oldest first.
func Endpoints(ctx context.Context, q store.Querier, m merchant.ID) (list []Endpoint, err error) {
	rows, err := q.Query(ctx, endpointQuery+` AND state <> 'removed' ORDER BY endpoint_id`, m)
	if err != nil {
		return nil, fmt.Errorf("list endpoints: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		e, err := scanEndpoint(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// listening are the merchants with enabled endpoints.
func listening(ctx context.Context, q store.Querier) (list []int64, err error) {
	rows, err := q.Query(ctx, `SELECT DISTINCT merchant_id FROM webhook_endpoints WHERE state = 'enabled'`)
	if err != nil {
		return nil, fmt.Errorf("list endpoints: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var m int64
		if err := rows.Scan(&m); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, rows.Err()
}
