package bench

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hawker/internal/apikey"
	"hawker/internal/app"
	"hawker/internal/iso8583"
	"hawker/internal/ledger"
	"hawker/internal/payment"
)

// A payment by a customer's code gets a voucher, which names it from then on.
func TestTheLightNetworkVouchesForACode(t *testing.T) {
	t.Parallel()
	a := dialLight(t, 0)
	m := networkSale("000001", "000000004650").Set(22, "032").Set(59, iso8583.Build59(iso8583.QRCode, "6212345678901234567"))
	for _, n := range []int{2, 14, 26, 35, 52, 53} {
		m.Unset(n)
	}
	a.send(a.frame(m, a.zak))
	got := a.receive()
	if have, err := iso8583.Find59(got.Bytes(59), iso8583.QRVoucher); got.Text(39) != "00" || have != voucher || err != nil {
		t.Errorf("code %s, voucher %q, %v", got.Text(39), have, err)
	}
}

func TestAProgramCountsWhatItIsTold(t *testing.T) {
	t.Parallel()
	answers := []struct {
		status int
		body   string
	}{{201, `{"state":"approved"}`}, {201, `{"state":"unknown"}`}, {200, `{"id":"1","state":"approved"}`}, {429, `{}`}}
	asked := atomic.Int64{}
	keys := make(chan string, len(answers))
	l := &load{}
	l.phase.Store(int32(measuring))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		keys <- r.Header.Get("Idempotency-Key") + " " + string(body)
		n := asked.Add(1)
		if int(n) == len(answers) {
			l.phase.Store(int32(stopping))
		}
		w.WriteHeader(answers[n-1].status)
		_, _ = io.WriteString(w, answers[n-1].body)
	}))
	defer s.Close()
	p, err := connect(t.Context(), strings.TrimPrefix(s.URL, "http://"), device, apikey.Secret{}, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer p.hangUp()
	if err := p.work(l); err != nil {
		t.Fatal(err)
	}
	// The last answer comes when the measured time is over.
	if want := amountOf(3*perProgram) + amountOf(3*perProgram+2); p.count != 2 || p.sum != want || p.latency.Count() != 2 ||
		!maps.Equal(p.declined, map[string]int{"not approved": 1}) || l.refused.Load() != 2 {
		t.Errorf("%d approved of %d fen, %d measured, %v, %d refused", p.count, p.sum, p.latency.Count(), p.declined, l.refused.Load())
	}
	if first := <-keys; first != `3000000001 {"amount_minor":1000,"currency":"CNY","code":"6200000003000000001"}` {
		t.Errorf("asked %s", first)
	}
	if second := <-keys; !strings.HasPrefix(second, "3000000002 ") {
		t.Errorf("then %s", second)
	}
}

// The echo makes the commits that it is there for: what it says is approved is in the ledger.
func TestTheEchoCommitsWhatItApproves(t *testing.T) {
	t.Parallel()
	w := &world{dir: t.TempDir()}
	var err error
	if w.devices, err = app.Provision(t.Context(), app.Config{Data: w.dir}, 2, 1); err != nil {
		t.Fatal(err)
	}
	w.keys = make([]apikey.Secret, 2) // the echo asks for none
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, says := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Echo{Data: w.dir}.Run(ctx, says) }()
	line := make([]byte, 256)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	w.metrics = strings.TrimSpace(strings.TrimPrefix(string(line[:n]), "metrics "))
	l, err := programs(ctx, w)
	if err != nil {
		t.Fatal(err)
	}
	defer l.hangUp()
	if err := l.run(ctx, 0, 100*time.Millisecond, func() {}, func() {}); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	db, err := app.OpenStore(t.Context(), w.dir, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	told := l.told()
	sold, err := approvedSince(t.Context(), db.Read(), w.devices, 0)
	if err != nil {
		t.Fatal(err)
	}
	under, err := payment.UnderWay(t.Context(), db.Read())
	if !maps.Equal(told, sold) || told.total().Count == 0 || len(l.declined()) > 0 || len(under) > 0 || err != nil {
		t.Errorf("told %v, sold %v, declined %v, %d under way, %v", told, sold, l.declined(), len(under), err)
	}
	if err := ledger.Prove(t.Context(), db.Read()); err != nil {
		t.Error(err)
	}
}
