package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"hawker/internal/apikey"
	"hawker/internal/app"
	"hawker/internal/audit"
	"hawker/internal/auth"
	"hawker/internal/clock"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// giveKeys makes a key of the REST API for every device's merchant.
func (w *world) giveKeys(ctx context.Context, db *store.DB) error {
	desk := apikey.New(db, clock.System, apikey.Test)
	for _, d := range w.devices {
		_, secret, err := desk.Create(ctx, apikey.Wanted{Merchant: d.Merchant, Name: "load generator", Scopes: auth.Scopes()}, audit.System, "")
		if err != nil {
			return fmt.Errorf("key of %s: %w", d.MID, err)
		}
		w.keys = append(w.keys, secret)
	}
	return nil
}

// program is one user of the REST API: it charges a customer's code, waits for the
// answer, and charges the next. It speaks HTTP by hand, to leave the processors to the server.
type program struct {
	noted
	conn   net.Conn
	in     *bufio.Reader
	head   string // of a request, up to its idempotency key
	number int
	out    []byte
}

// programs connect one program for each device's merchant.
func programs(ctx context.Context, w *world) (*load, error) {
	u, err := url.Parse(w.metrics) // the port of pages and metrics is the API's
	if err != nil {
		return nil, err
	}
	return dialled(len(w.devices), func(i int) (asker, error) { return connect(ctx, u.Host, w.devices[i], w.keys[i], i) })
}

func connect(ctx context.Context, address string, d app.Device, key apikey.Secret, i int) (*program, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &program{conn: conn, in: bufio.NewReaderSize(conn, 16<<10), number: i * perProgram,
		noted: noted{name: "program of " + d.MID, merchant: merchant.ID(d.Merchant), declined: map[string]int{}},
		head: "POST /v1/payments HTTP/1.1\r\nHost: " + address + "\r\nAuthorization: Bearer " + key.Reveal() +
			"\r\nContent-Type: application/json\r\nIdempotency-Key: "}, nil
}

// perProgram keeps programs' codes apart: none is shown twice.
const perProgram = 1_000_000_000

func (p *program) hangUp() { _ = p.conn.Close() } // nothing is expected of it any more

// request writes the next payment by a UnionPay customer's code.
func (p *program) request(amount int64) []byte {
	p.number++
	body := fmt.Sprintf(`{"amount_minor":%d,"currency":"CNY","code":"62%017d"}`, amount, p.number)
	p.out = append(p.out[:0], p.head...)
	p.out = strconv.AppendInt(p.out, int64(p.number), 10)
	p.out = append(p.out, "\r\nContent-Length: "...)
	p.out = strconv.AppendInt(p.out, int64(len(body)), 10)
	p.out = append(p.out, "\r\n\r\n"...)
	p.out = append(p.out, body...)
	return p.out
}

var stateApproved = []byte(`"state":"approved"`)

// work charges until the load stops.
func (p *program) work(l *load) error {
	for l.now() != stopping {
		amount := amountOf(p.number)
		began := time.Now()
		if _, err := p.conn.Write(p.request(amount)); err != nil {
			return err
		}
		response, err := http.ReadResponse(p.in, nil)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		took := time.Since(began)
		switch {
		case response.StatusCode >= 300:
			l.note(&p.noted, response.Status, amount, took)
		case !bytes.Contains(body, stateApproved):
			l.note(&p.noted, "not approved", amount, took)
		default:
			l.note(&p.noted, "", amount, took)
		}
	}
	return nil
}
