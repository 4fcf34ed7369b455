package cardnet

import (
	"path/filepath"
	"testing"
)

func (a *acquirer) preauth(cardName string, fen int64, changes ...change) exchange {
	return a.ask(a.saleOf(cardName, fen, append([]change{mti("0100"), set(3, "030000"), set(25, "06"), swiped}, changes...)...))
}

// onHold is a request about a pre-authorization, with its authorization code.
func (a *acquirer) onHold(x exchange, kind, processing string, fen int64, changes ...change) exchange {
	return a.ask(a.followUp(x, kind, processing, fen, append([]change{set(25, "06"), set(38, x.answer.Text(38))}, changes...)))
}

func (a *acquirer) complete(x exchange, fen int64, changes ...change) exchange {
	return a.onHold(x, "0200", "000000", fen, changes...)
}

func (a *acquirer) release(x exchange, fen int64, changes ...change) exchange {
	return a.onHold(x, "0100", "200000", fen, changes...)
}

func (a *acquirer) uncomplete(x exchange) exchange {
	return a.ask(a.followUp(x, "0200", "200000", fenOf(x), []change{set(25, "06"), unset(38)}))
}

func TestHolds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(a *acquirer){
		"a hold takes funds and owes nothing": func(a *acquirer) {
			a.want("00", a.preauth("test-credit", 100_00))
			a.wantBooks("49900.00", "0.00")
		},
		"a completion owes its amount and frees the rest": func(a *acquirer) {
			x := a.want("00", a.preauth("test-credit", 100_00))
			a.want("00", a.complete(x, 90_00))
			a.wantBooks("49910.00", "90.00")
			a.want("12", a.complete(x, 1))
			a.want("12", a.release(x, 100_00))
		},
		"a completion takes up to 115 percent": func(a *acquirer) {
			x := a.want("00", a.preauth("test-credit", 100_01))
			a.want("61", a.complete(x, 115_02))
			a.want("00", a.complete(x, 115_01))
			a.wantBooks("49884.99", "115.01")
		},
		"a completion beyond the funds": func(a *acquirer) {
			x := a.want("00", a.preauth("test-low-funds", 1_00, a.pin("123456")))
			a.want("51", a.complete(x, 1_15))
			a.want("00", a.complete(x, 1_00))
		},
		"a void frees the whole hold, once": func(a *acquirer) {
			x := a.want("00", a.preauth("test-credit", 100_00))
			a.want("13", a.release(x, 99_00))
			a.want("00", a.release(x, 100_00))
			a.want("12", a.release(x, 100_00))
			a.want("12", a.complete(x, 100_00))
			a.wantBooks("50000.00", "0.00")
		},
		"another code or card finds nothing": func(a *acquirer) {
			x := a.want("00", a.preauth("test-credit", 100_00))
			a.want("25", a.complete(x, 100_00, set(38, "999999")))
			y := a.want("00", a.preauth("test-duplicate", 100_00))
			a.want("25", a.complete(x, 100_00, set(2, y.request.Text(2))))
		},
		"a completion's void makes the hold stand again": func(a *acquirer) {
			x := a.want("00", a.preauth("test-credit", 100_00))
			y := a.want("00", a.complete(x, 90_00))
			a.want("00", a.uncomplete(y))
			a.wantBooks("49900.00", "0.00")
			a.want("12", a.uncomplete(y))
			a.want("00", a.complete(x, 80_00))
			a.wantBooks("49920.00", "80.00")
		},
		"every step is reversed to what was before it": func(a *acquirer) {
			x := a.want("00", a.preauth("test-credit", 100_00))
			y := a.want("00", a.release(x, 100_00))
			a.want("00", a.reverse(y, unset(38)))
			a.wantBooks("49900.00", "0.00")
			y = a.want("00", a.complete(x, 90_00))
			a.want("12", a.reverse(x))
			z := a.want("00", a.uncomplete(y))
			a.want("00", a.reverse(z))
			a.wantBooks("49910.00", "90.00")
			a.want("12", a.complete(x, 1))
			a.want("00", a.reverse(y, unset(38)))
			a.want("00", a.reverse(y, unset(38)))
			a.wantBooks("49900.00", "0.00")
			a.want("00", a.reverse(x))
			a.wantBooks("50000.00", "0.00")
		},
		"a completion's void cannot be reversed when the hold went on": func(a *acquirer) {
			x := a.want("00", a.preauth("test-credit", 100_00))
			z := a.want("00", a.uncomplete(a.want("00", a.complete(x, 90_00))))
			a.want("00", a.complete(x, 70_00))
			a.want("12", a.reverse(z))
			a.wantBooks("49930.00", "70.00")
		},
		"a notice is no reversal's business, and can be refunded": func(a *acquirer) {
			x := a.want("00", a.preauth("test-credit", 100_00))
			y := a.want("00", a.onHold(x, "0220", "000000", 90_00))
			a.want("12", a.reverse(y, unset(38)))
			a.want("00", a.refund(y, 40_00, set(25, "00"), unset(38)))
			a.wantBooks("49950.00", "50.00")
		},
		"a reversal may come first": func(a *acquirer) {
			m := a.saleOf("test-credit", 100_00, mti("0100"), set(3, "030000"), set(25, "06"), swiped)
			a.want("25", a.reverse(exchange{request: m}))
			a.want("12", a.ask(m))
			a.wantBooks("50000.00", "0.00")
		},
		"a chip's hold is verified": func(a *acquirer) {
			a.want("00", a.preauth("test-chip", 1_00, set(22, "052")))
			a.want("45", a.preauth("test-chip", 1_00))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAcquirer(t)
			test(a)
			if err := a.n.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHoldsSurviveARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "network.jsonl")
	a := newAcquirer(t, func(c *Config) { c.StateFile = file })
	x := a.want("00", a.preauth("test-credit", 100_00))
	y := a.want("00", a.uncomplete(a.want("00", a.complete(x, 90_00))))
	if err := a.n.Close(); err != nil {
		t.Fatal(err)
	}
	a.n = newNetwork(t, func(c *Config) { c.StateFile = file })
	defer func() { _ = a.n.Close() }()
	a.wantBooks("49900.00", "0.00")
	a.want("00", a.again(y))
	a.want("00", a.complete(x, 100_00))
	a.wantBooks("49900.00", "100.00")
}
