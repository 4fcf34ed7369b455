package bench

import (
	"testing"
	"time"

	"hawker/internal/app"
	"hawker/internal/ledger"
	"hawker/internal/payment"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestAHistoryAddsUp(t *testing.T) {
	t.Parallel()
	for name, target := range map[string]func(*testing.T) string{
		"sqlite":   func(*testing.T) string { return "" },
		"postgres": func(t *testing.T) string { return storetest.PostgresURL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const payments, merchants, terminals = 1000, 3, 2
			data, database := t.TempDir(), target(t)
			devices, err := app.Provision(t.Context(), app.Config{Data: data, Database: database}, merchants, terminals)
			if err != nil {
				t.Fatal(err)
			}
			db, err := app.OpenStore(t.Context(), data, database)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			h := history{db: db, payments: payments, first: devices[0].Merchant, merchants: merchants, terminals: terminals}
			if err := h.write(t.Context(), func(string) {}); err != nil {
				t.Fatal(err)
			}
			check(t, db, devices, payments)
		})
	}
}

func check(t *testing.T, db *store.DB, devices []app.Device, payments int64) {
	t.Helper()
	if err := ledger.Prove(t.Context(), db.Read()); err != nil {
		t.Error(err)
	}
	sales, err := approvedSince(t.Context(), db.Read(), devices[:1], 0)
	if err != nil {
		t.Fatal(err)
	}
	owed, err := receivables(t.Context(), db.Read(), app.CardReceivable())
	if err != nil {
		t.Fatal(err)
	}
	if first := devices[0].Merchant; sales[first].Minor != owed[first].Minor || sales[first].Count != (payments+2)/3 {
		t.Errorf("%v sold, %v owed", sales[first], owed[first])
	}
	now, err := approvedSince(t.Context(), db.Read(), devices, store.NewID(time.Now()))
	if err != nil || now.total().Count != 0 {
		t.Errorf("%d payments are not of the past, %v", now.total().Count, err)
	}
	if under, err := payment.UnderWay(t.Context(), db.Read()); err != nil || len(under) > 0 {
		t.Errorf("%d under way, %v", len(under), err)
	}
}
