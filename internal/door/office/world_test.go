package office_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"hawker/internal/auth"
	"hawker/internal/door/office"
	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/payment"
	"hawker/internal/payment/paymenttest"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
	"hawker/internal/web"
	"hawker/internal/web/webtest"
)

func TestMain(m *testing.M) { storetest.Main(webtest.Tests(m)) }

// signed signs everybody in as one person; a request's X-Role and X-Merchant make it another.
type signed struct{}

func (signed) Authenticate(_ http.ResponseWriter, r *http.Request) (context.Context, error) {
	who := auth.Who{Kind: auth.Staff, ID: 12, Merchant: 1, Role: auth.Owner, Name: "陈晨"}
	if role := r.Header.Get("X-Role"); role != "" {
		who.Role = auth.Role(role)
	}
	if r.Header.Get("X-Merchant") == "other" {
		who.Merchant = 2
	}
	return auth.With(r.Context(), who), nil
}

// world is a merchant's office over the real engine.
type world struct {
	*paymenttest.World
	url    string
	refuse error // what giving back answers, when it is not nil
	given  map[string]payment.Attempt
	asked  int
}

// GiveBack refunds over the merchant's terminal; a key gives the same refund again.
func (w *world) GiveBack(_ context.Context, r payment.RefundOrder) (payment.Attempt, error) {
	w.asked++
	if w.refuse != nil {
		return payment.Attempt{}, w.refuse
	}
	if a, again := w.given[r.Key]; again {
		return a, nil
	}
	p, err := payment.Get(context.Background(), w.DB.Read(), r.Merchant.ID, r.Payment)
	if err != nil {
		return payment.Attempt{}, err
	}
	tries, err := payment.Attempts(context.Background(), w.DB.Read(), r.Merchant.ID, p.ID)
	if err != nil {
		return payment.Attempt{}, err
	}
	a := w.Refund(tries[0], r.Amount.Minor())
	w.given[r.Key] = a
	return a, nil
}

// open serves the office of a merchant who has sold for two weeks.
func open(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{World: paymenttest.Open(t, db, paymenttest.Noon.AddDate(0, 0, -14)), given: map[string]payment.Attempt{}}
	other := w.Merchant
	other.ID, other.MID = 2, "100290058120002"
	w.Write(func(ctx context.Context, tx *store.Tx) error { return merchant.Add(ctx, tx, other, w.Clock()) })
	o := office.New(office.Config{DB: db, Engine: w, Fees: w.Fees, Clock: w.Clock, Receipt: func(_ context.Context, p payment.Payment) (string, error) {
		return "/r/" + payment.Ref(p.ID), nil
	}})
	mux := http.NewServeMux()
	k, err := web.Mount(mux, web.Config{Auth: signed{}, Place: func(context.Context, auth.Who) string { return w.Merchant.NameZH }}, o.Door())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(k.Guard(mux))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// sell fills today and the days before: the hours of a café.
func (w *world) sell() (latest payment.Attempt) {
	for _, day := range []int{-8, -7, -1, 0} {
		for i, hour := range []int{-4, -3, -3, -2, -1, 0} {
			w.At(paymenttest.Noon.AddDate(0, 0, day).Add(time.Duration(hour)*time.Hour + time.Duration(7*i)*time.Minute))
			latest = w.Sell(int64(18_00 + 950*i + 300*(day+8)))
		}
	}
	w.Sell(45_51)
	w.Sell(66_98)
	w.At(paymenttest.Noon.Add(80 * time.Minute))
	return latest
}

// get asks for a page as somebody.
func (w *world) get(t *testing.T, path string, headers ...string) (int, string) {
	t.Helper()
	return w.do(t, http.MethodGet, path, nil, headers...)
}

func (w *world) do(t *testing.T, method, path string, body io.Reader, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

var errBank = fault.New(fault.Declined, "bank_says_no", "银行没有同意退款。", "The bank did not agree to the refund.")
