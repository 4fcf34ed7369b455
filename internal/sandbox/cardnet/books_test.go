package cardnet

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hawker/internal/money"
	"hawker/internal/sandbox/cards"
)

func TestBooksAddUpByKind(t *testing.T) {
	t.Parallel()
	a := newAcquirer(t)
	other := &acquirer{tb: t, n: a.n, zpk: testZPK, zak: testZAK, merchant: "898310058120002", stan: 1000}
	x := a.sale("test-credit", 100_00)
	a.refund(x, 25_00)
	a.void(a.sale("test-debit", 10_00))
	a.reverse(a.sale("test-debit", 20_00))
	a.reverse(a.void(a.sale("test-debit", 40_00)))
	other.sale("test-credit", 7_00)
	other.sale("test-low-funds", 7_00)

	cny := func(fen int64) money.Amount { return money.New(fen, money.CNY) }
	want := []MerchantBook{
		{
			"898310058120001", Total{4, cny(170_00)}, Total{2, cny(50_00)}, Total{1, cny(25_00)},
			Total{2, cny(-20_00)}, cny(115_00),
		},
		{
			"898310058120002", Total{1, cny(7_00)}, Total{0, cny(0)}, Total{0, cny(0)}, Total{0, cny(0)}, cny(7_00),
		},
	}
	if got := a.n.Books(); !slices.Equal(got, want) {
		t.Errorf("books\n%v\nwant\n%v", got, want)
	}
	journal := a.n.Journal()
	if got := len(journal); got != 11 {
		t.Errorf("%d entries, want 11", got)
	}
	e := journal[0]
	if e.Time != noon.UTC() || e.Kind != Sale || e.Ref.MTI != "0200" || e.Terminal != "10000001" || e.RRN != "RRN000000001" ||
		e.Ref.STAN != "000001" || e.Card != "test-credit" || e.Amount != cny(100_00) || e.Code != "00" || e.Available != cny(49_900_00) {
		t.Errorf("first entry %+v", e)
	}
}

// Check must be able to fail, or its nil says nothing.
func TestCheckFindsEveryContradiction(t *testing.T) {
	t.Parallel()
	rows := map[string]func(*books){
		"a card lost money nobody booked": func(b *books) { b.accounts["test-credit"].available-- },
		"a merchant got money from no card": func(b *books) {
			for _, t := range b.merchants {
				t.net++
			}
		},
		"a declined sale is booked":         func(b *books) { b.records[0].Code = "51" },
		"a sale took more than its amount":  func(b *books) { b.records[0].Amount = money.New(99_99, money.CNY) },
		"a refund gave back more":           func(b *books) { b.records[1].Booked = money.New(-100_01, money.CNY) },
		"a refund is booked upon no sale":   func(b *books) { b.records[1].Original = Reference{} },
		"a merchant's book stands for none": func(b *books) { b.merchants[merchantKey{"?", money.JPY}] = &tally{net: 1} },
	}
	for name, spoil := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAcquirer(t)
			a.refund(a.sale("test-credit", 100_00), 1_00)
			spoil(a.n.books)
			if a.n.Check() == nil {
				t.Error("not found")
			}
		})
	}
}

// TestAnySequenceKeepsTheBooks runs random requests, among them repeats,
// overtaking reversals and requests about the wrong thing, and after each of
// them audits the books, that a repeat changed nothing, and that no merchant is owed less than nothing.
func TestAnySequenceKeepsTheBooks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names := []string{"test-credit", "test-debit", "test-low-funds", "test-lost", "test-late"}
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		a := newAcquirer(t, func(c *Config) {
			if run%10 == 0 { // a file each time costs most of the run
				c.StateFile = dir + "/" + strings.Repeat("x", run/10)
			}
		})
		var sent []exchange
		pick := func(label string) exchange {
			if len(sent) == 0 {
				return exchange{request: a.saleOf("test-credit", 100)}
			}
			return rapid.SampledFrom(sent).Draw(t, label)
		}
		keep := func(x exchange) { sent = append(sent, x) }
		amount := rapid.OneOf(rapid.Int64Range(0, 200), rapid.Int64Range(9050, 9100), rapid.SampledFrom([]int64{20_000_00, 20_000_01}))
		steps := map[string]func(*rapid.T){
			"sale": func(t *rapid.T) {
				keep(a.sale(rapid.SampledFrom(names).Draw(t, "card"), amount.Draw(t, "amount")))
			},
			"sale with PIN": func(t *rapid.T) {
				keep(a.sale("test-debit", amount.Draw(t, "amount"), a.pin(rapid.SampledFrom([]string{"123456", "000000"}).Draw(t, "pin"))))
			},
			"void":   func(t *rapid.T) { keep(a.void(pick("of"))) },
			"refund": func(t *rapid.T) { keep(a.refund(pick("of"), amount.Draw(t, "amount"))) },
			"reverse": func(t *rapid.T) {
				keep(a.reverse(pick("of"), set(3, rapid.SampledFrom([]string{"000000", "200000"}).Draw(t, "as"))))
			},
			"reverse what comes later": func(t *rapid.T) {
				x := exchange{request: a.saleOf("test-credit", 100)}
				a.want("25", a.reverse(x))
				a.want("12", a.again(x))
			},
			"again": func(t *rapid.T) {
				x := pick("what")
				entries := len(a.n.Journal())
				before, cardsBefore := a.n.Books(), a.n.Cards()
				y := a.again(x)
				if x.answer != nil && y.code() != x.code() {
					t.Fatalf("answered %s, then %s", x.code(), y.code())
				}
				if x.answer != nil && (len(a.n.Journal()) != entries || !slices.Equal(before, a.n.Books()) || !slices.Equal(cardsBefore, a.n.Cards())) {
					t.Fatalf("a repeat changed the books")
				}
			},
			"unlock": func(*rapid.T) { _ = a.n.Unlock("test-debit") },
			"restart": func(t *rapid.T) {
				if a.n.cfg.StateFile != "" {
					restart(t, a)
				}
			},
			"": func(t *rapid.T) {
				if err := a.n.Check(); err != nil {
					t.Fatalf("books: %v", err)
				}
				for _, b := range a.n.Books() {
					if b.Net.Sign() < 0 {
						t.Fatalf("merchant owes %s", b.Net)
					}
				}
			},
		}
		t.Repeat(steps)
		_ = a.n.Close()
	})
}

// The bank's limits hold in any order of cards: what a card has spent is never
// above its funds, as long as no void is reversed.
func TestFundsAreNeverOverdrawnBySales(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := newAcquirer(t)
		c, _ := cards.ByName("test-low-funds")
		for range rapid.IntRange(1, 6).Draw(t, "sales") {
			a.sale(c.Name, rapid.Int64Range(1, c.Funds.Minor()+1).Draw(t, "amount"))
		}
		for _, b := range a.n.Cards() {
			if b.Available.Sign() < 0 {
				t.Fatalf("%s has %s", b.Card, b.Available)
			}
		}
	})
}
