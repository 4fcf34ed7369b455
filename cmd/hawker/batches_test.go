package main

import (
	"strings"
	"testing"
	"time"

	"hawker/internal/channel"
	"hawker/internal/money"
	"hawker/internal/payment"
)

func TestABatchShowsWhatAPersonMustKnow(t *testing.T) {
	t.Parallel()
	yuan := func(fen int64) money.Amount { return money.New(fen, money.CNY) }
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	b := payment.Batch{Merchant: 1, Terminal: "T0000001", Day: 20261122, Number: 7, Settled: at, State: payment.BatchReconciled,
		Host: payment.Totals{Debit: yuan(1500), DebitCount: 2, Credit: yuan(0)}, Claimed: payment.Totals{Debit: yuan(1000), DebitCount: 1, Credit: yuan(0)}}
	breaks := []payment.Break{
		{Trace: 3, Ref: "00000000000A", Kind: channel.Sale, Host: yuan(500), Terminal: yuan(0)},
		{Trace: 777, Host: yuan(0), Terminal: yuan(400)},
	}
	for name, row := range map[string]struct {
		state  payment.BatchState
		breaks []payment.Break
		want   []string
	}{
		"the totals agree":               {payment.BatchBalanced, nil, []string{"The totals agree. 3 details"}},
		"the upload is under way":        {payment.BatchUnbalanced, breaks, []string{"has not ended: 3 details so far"}},
		"only the totals differed":       {payment.BatchReconciled, nil, []string{"the 3 details agree"}},
		"each difference has both sides": {payment.BatchReconciled, breaks, []string{"2 differences in 3 details", "trace 000003 (sale 00000000000A): host 5.00 CNY, terminal nothing", "trace 000777: host nothing, terminal 4.00 CNY"}},
	} {
		b.State = row.state
		var out strings.Builder
		if err := printBatch(&out, b, row.breaks, 3); err != nil {
			t.Fatal(err)
		}
		for _, want := range append(row.want, "000007", "2: 15.00 CNY", "1: 10.00 CNY", string(row.state)) {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, out.String())
			}
		}
		if shown := strings.Contains(out.String(), "trace 0"); shown != strings.HasPrefix(name, "each") {
			t.Errorf("%s: differences shown %t", name, shown)
		}
	}
}
