package torture

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hawker/internal/app"
	"hawker/internal/cases"
	"hawker/internal/channel"
	"hawker/internal/jobs"
	"hawker/internal/ledger"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/sandbox/cardnet"
	"hawker/internal/sandbox/pos"
)

func cny(minor int64) money.Amount { return money.New(minor, money.CNY) }

// day is a small day on which everybody agrees: a sale, one that was taken back, its void
// refused, a refund.
func day() evidence {
	slip := func(kind pos.Kind, state pos.State, trace int, minor int64, id int64) pos.Transaction {
		t := pos.Transaction{Kind: kind, State: state, Batch: 1, Trace: trace, Amount: cny(minor)}
		if state == pos.Approved {
			t.Code, t.RRN, t.AuthCode = "00", payment.Ref(id), "000001"
		}
		return t
	}
	attempt := func(kind channel.Kind, state payment.State, trace int, minor int64, id int64) payment.Attempt {
		a := payment.Attempt{Merchant: 101, Terminal: "T9900001", ID: id, Payment: 7, Kind: kind, State: state,
			Batch: 1, Trace: trace, Amount: cny(minor)}
		if state == payment.Approved {
			a.Code, a.AuthCode = "00", "000001"
		}
		if trace == 2 {
			a.Payment = 8
		}
		return a
	}
	entry := func(kind cardnet.Kind, id int64, stan, of, code string, booked int64) cardnet.Entry {
		e := cardnet.Entry{Code: code, Booked: cny(booked)}
		e.Kind, e.RRN, e.Merchant, e.Ref = kind, payment.Ref(id), "100290058120101", cardnet.Reference{MTI: "0200", STAN: stan}
		if of != "" {
			e.Original = cardnet.Reference{MTI: "0200", STAN: of}
		}
		return e
	}
	unknown := slip(pos.Sale, pos.Unknown, 2, 300, 12)
	return evidence{
		At:   time.Unix(1_000_000, 0),
		Jobs: []jobs.Job{{Kind: "wallet bill", State: jobs.Waiting, Due: time.Unix(1_003_600, 0)}}, // tomorrow's work
		Terminals: []memory{{station{Name: "terminal-1", Merchant: 101, MID: "100290058120101", TID: "T9900001"}, []Line{
			{Op: "sale", Told: "approved", Slips: []pos.Transaction{slip(pos.Sale, pos.Approved, 1, 1000, 11)}},
			{Op: "sale", Told: "unknown", Slips: []pos.Transaction{unknown}},
			{Op: "void", Told: "declined", Slips: []pos.Transaction{slip(pos.Sale, pos.Reversed, 2, 300, 12), slip(pos.Void, pos.Declined, 3, 1000, 0)}},
			{Op: "refund", Told: "approved", Slips: []pos.Transaction{slip(pos.Refund, pos.Approved, 4, 250, 14)}},
		}}},
		Payments: []payment.Payment{
			{Merchant: 101, ID: 7, State: payment.Approved, Amount: cny(1000), Refunded: cny(250)},
			{Merchant: 101, ID: 8, State: payment.Reversed, Amount: cny(300)},
		},
		Attempts: []payment.Attempt{
			attempt(channel.Sale, payment.Approved, 1, 1000, 11),
			attempt(channel.Sale, payment.Reversed, 2, 300, 12),
			attempt(channel.Reversal, payment.Approved, 2, 300, 13),
			attempt(channel.Refund, payment.Approved, 4, 250, 14),
		},
		Trial: []ledger.Line{
			{Owner: 101, Account: app.CardReceivable(), Balance: cny(750)},
			{Owner: 101, Account: "pending", Balance: cny(-750)},
		},
		Entries: []cardnet.Entry{
			entry(cardnet.Sale, 11, "1", "", "00", 1000),
			entry(cardnet.Sale, 12, "2", "", "00", 300),
			entry(cardnet.Reversal, 13, "3", "2", "00", -300),
			entry(cardnet.Refund, 14, "4", "1", "00", -250),
		},
		Books: []cardnet.MerchantBook{{Merchant: "100290058120101", Net: cny(750)}},
	}
}

func TestADayOnWhichAllAgreeHasNoDifference(t *testing.T) {
	t.Parallel()
	e := day()
	v := e.compare()
	if len(v.Differences) > 0 {
		t.Fatal(strings.Join(v.Differences, "\n"))
	}
	if v.Compared.Slips != 4 || v.Compared.Attempts != 4 || v.Compared.Entries != 4 {
		t.Fatalf("%+v", v.Compared)
	}
}

func TestWhatWasTamperedWithIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper func(*evidence)
		want   string // in one of the differences
	}{
		"a slip is lost": {func(e *evidence) { e.Terminals[0].Lines = e.Terminals[0].Lines[1:] },
			"its terminal knows nothing of it"},
		"an acknowledged sale is not at the host": {func(e *evidence) { e.Attempts = e.Attempts[1:] },
			"is approved (code 00, RRN 00000000000B), and at the host absent"},
		"an attempt is doubled": {func(e *evidence) {
			twin := e.Attempts[0]
			twin.ID = 99
			e.Attempts = append(e.Attempts, twin)
		}, "exists 2 times at the host"},
		"an amount at the host is off by one": {func(e *evidence) { e.Attempts[0].Amount = cny(1001) },
			"is of 10.01 CNY at the host"},
		"an amount at the network is off by one": {func(e *evidence) { e.Entries[0].Booked = cny(1001) },
			"is approved, and the network moved 1001"},
		"the bank keeps what the host took back": {func(e *evidence) { e.Entries = slices.Delete(e.Entries, 2, 3) },
			"is reversed, and the network moved 300"},
		"the bank charged what nobody knows": {func(e *evidence) {
			stray := e.Entries[0]
			stray.RRN, stray.Ref.STAN = "00000000ZZZZ", "9"
			e.Entries = append(e.Entries, stray)
		}, "the host knows nothing of it"},
		"the bank approved one request twice": {func(e *evidence) {
			twin, back := e.Entries[0], e.Entries[2]
			twin.Ref.STAN, back.Original.STAN, back.Booked = "9", "9", cny(-1000)
			e.Entries = append(e.Entries, twin, back)
		}, "was approved 2 times"},
		"the host charged what the merchant was told is declined": {func(e *evidence) { e.Terminals[0].Lines[0].Slips[0].State = pos.Declined },
			"is declined (code 00, RRN 00000000000B), and at the host approved"},
		"an approved slip was taken back": {func(e *evidence) {
			gone := e.Terminals[0].Lines[0].Slips[0]
			gone.State = pos.Reversed
			e.Terminals[0].Lines[3].Slips = append(e.Terminals[0].Lines[3].Slips, gone)
		}, "was approved and is not any more"},
		"an unknown slip never ended": {func(e *evidence) { e.Terminals[0].Lines[2].Slips = e.Terminals[0].Lines[2].Slips[1:] },
			"is unknown (code , RRN ), and at the host reversed"},
		"an RRN differs": {func(e *evidence) { e.Terminals[0].Lines[0].Slips[0].RRN = "00000000000C" },
			"has RRN 00000000000C"},
		"a kind differs": {func(e *evidence) { e.Attempts[3].Kind = channel.Void },
			"is a void at the host"},
		"an attempt hangs": {func(e *evidence) { e.UnderWay = e.Attempts[1:2] },
			"is still reversed"},
		"a payment rests on the way": {func(e *evidence) { e.Payments[0].State = payment.Voiding },
			"rests in state voiding, by its attempts approved"},
		"a payment's refunded amount is off by one": {func(e *evidence) { e.Payments[0].Refunded = cny(251) },
			"has 2.51 CNY refunded, by its attempts 250"},
		"a job that waited for its day was not done": {func(e *evidence) { e.At = e.At.Add(2 * time.Hour) },
			"job wallet bill"},
		"a job waits": {func(e *evidence) { e.Jobs = []jobs.Job{{Kind: "reversal", State: jobs.Exhausted}} },
			"job reversal"},
		"a case that chaos does not explain": {func(e *evidence) { e.Cases = []cases.Case{{Kind: "reversal exhausted"}} },
			"case reversal exhausted"},
		"the ledger is not proven": {func(e *evidence) { e.Ledger = errors.New("ledger: entry does not sum to zero") },
			"does not sum to zero"},
		"the network's books are not": {func(e *evidence) { e.Network = errors.New("card test-debit: 1 is gone") },
			"is gone"},
		"the trial balance is off by one": {func(e *evidence) { e.Trial[1].Balance = cny(-751) },
			"off by -1 CNY"},
		"the network's book is off by one": {func(e *evidence) { e.Books[0].Net = cny(751) },
			"merchant 101: slips 750, host 750, ledger 750, network 751"},
		"the ledger's receivable is off by one": {func(e *evidence) { e.Trial[0].Balance, e.Trial[1].Balance = cny(749), cny(-749) },
			"ledger 749"},
		"nothing happened": {func(e *evidence) { *e = evidence{} },
			"nothing was ever approved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := day()
			c.tamper(&e)
			found := e.compare().Differences
			if !slices.ContainsFunc(found, func(d string) bool { return strings.Contains(d, c.want) }) {
				t.Fatalf("found %q, want %q", found, c.want)
			}
		})
	}
}

func TestEveryPairOfStatesIsDecided(t *testing.T) {
	t.Parallel()
	held := map[string]bool{}
	for _, terminal := range []pos.State{pos.Approved, pos.Declined, pos.Reversed, pos.Unknown} {
		row, ok := lawful[terminal]
		if !ok {
			t.Errorf("nothing is said about %s", terminal)
		}
		for _, host := range []payment.State{absent, payment.Sent, payment.Approved, payment.Declined, payment.Unknown, payment.Reversing, payment.Reversed} {
			if row[host] {
				held[string(terminal)+" "+string(host)] = true
			}
			if money := host == payment.Approved; row[host] && money != (terminal == pos.Approved) {
				t.Errorf("%s at the terminal and %s at the host are told apart by money", terminal, host)
			}
		}
	}
	if len(held) != 7 {
		t.Errorf("%d pairs are lawful: %v", len(held), held)
	}
}

func TestACaseThatChaosExplainsIsCounted(t *testing.T) {
	t.Parallel()
	e := day()
	e.Cases = []cases.Case{{Kind: "batch break"}, {Kind: "batch break"}}
	if v := e.compare(); len(v.Differences) > 0 || v.Cases["batch break"] != 2 {
		t.Fatalf("%+v", v)
	}
}
