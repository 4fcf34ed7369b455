package cardnet

import "testing"

// TestOriginals has one row a rule of requests about earlier requests.
func TestOriginals(t *testing.T) {
	t.Parallel()
	rows := map[string]func(a *acquirer){
		"a void gives a sale back": func(a *acquirer) {
			a.want("00", a.void(a.sale("test-credit", 100_00)))
			a.wantBooks("50000.00", "0.00")
		},
		"a void of part of a sale is 13": func(a *acquirer) {
			a.want("13", a.void(a.sale("test-credit", 100_00), set(4, "000000009999")))
		},
		"a second void is 12": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			a.want("00", a.void(x))
			a.want("12", a.void(x))
			a.wantBooks("50000.00", "0.00")
		},
		"a void of a refunded sale is 12": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			a.want("00", a.refund(x, 1))
			a.want("12", a.void(x))
		},
		"a void of a reversed sale is 12": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			a.want("00", a.reverse(x))
			a.want("12", a.void(x))
		},
		"a void of a declined sale is 12": func(a *acquirer) { a.want("12", a.void(a.sale("test-credit", 9051))) },
		"a void of nothing is 25, and leaves no tombstone": func(a *acquirer) {
			x := exchange{request: a.saleOf("test-credit", 100_00)}
			a.want("25", a.void(x))
			a.want("00", a.again(x))
		},
		"a void for another merchant is 25": func(a *acquirer) {
			a.want("25", a.void(a.sale("test-credit", 100), set(42, "898310058120002")))
		},
		"a void for another card is 25": func(a *acquirer) {
			other := a.saleOf("test-debit", 100).Text(2)
			a.want("25", a.void(a.sale("test-credit", 100), set(2, other)))
		},
		"a void in another currency is 25": func(a *acquirer) {
			a.want("25", a.void(a.sale("test-credit", 100), set(49, "840")))
		},
		"a void from another forwarder is 25": func(a *acquirer) {
			x := a.sale("test-credit", 100)
			ref := Reference{"0200", x.request.Text(11), x.request.Text(7), zeroFill("48029900"), zeroFill("1")}
			a.want("25", a.void(x, set(90, ref.F90())))
		},
		"a void of a void is 25": func(a *acquirer) { a.want("25", a.void(a.void(a.sale("test-credit", 100)))) },
		"a void with a wrong PIN is 55": func(a *acquirer) {
			a.want("55", a.void(a.sale("test-credit", 100), a.pin("000000")))
			a.wantBooks("49999.00", "1.00")
		},
		"a void works on a card lost since": func(a *acquirer) {
			x := a.sale("test-credit", 100)
			a.n.SetFault(func(i Info) Behaviour {
				if i.Kind == Sale {
					return Behaviour{Code: "41"}
				}
				return Behaviour{}
			})
			a.want("41", a.sale("test-credit", 100))
			a.want("00", a.void(x))
		},

		"refunds in parts end at the sale's amount": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			a.want("00", a.refund(x, 30_00))
			a.want("00", a.refund(x, 30_00))
			a.want("13", a.refund(x, 40_01))
			a.wantBooks("49960.00", "40.00")
			a.want("00", a.refund(x, 40_00))
			a.want("13", a.refund(x, 1))
			a.wantBooks("50000.00", "0.00")
		},
		"a refund of nothing is 13": func(a *acquirer) { a.want("13", a.refund(a.sale("test-credit", 100), 0)) },
		"a refund of a voided sale is 12": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			a.void(x)
			a.want("12", a.refund(x, 1))
		},
		"a refund of a reversed sale is 12": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			a.reverse(x)
			a.want("12", a.refund(x, 1))
		},
		"a refund of a declined sale is 12": func(a *acquirer) { a.want("12", a.refund(a.sale("test-credit", 9051), 1)) },
		"a refund of an unknown sale is 25": func(a *acquirer) {
			a.want("25", a.refund(exchange{request: a.saleOf("test-credit", 100)}, 1))
		},
		"a refund to an unknown card is 14": func(a *acquirer) {
			a.want("14", a.refund(a.sale("test-credit", 100), 1, set(2, "6259000000000000994")))
		},

		"a reversal undoes a sale": func(a *acquirer) {
			a.want("00", a.reverse(a.sale("test-credit", 100_00)))
			a.wantBooks("50000.00", "0.00")
		},
		"a second reversal is approved and moves nothing": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			a.want("00", a.reverse(x))
			a.want("00", a.reverse(x))
			a.wantBooks("50000.00", "0.00")
			if r := a.n.Books()[0].Reversals; r.Count != 1 {
				a.Errorf("%d reversals are booked, want 1", r.Count)
			}
		},
		"a reversal of a declined sale is 12": func(a *acquirer) { a.want("12", a.reverse(a.sale("test-credit", 9051))) },
		"a reversal of another amount is 64": func(a *acquirer) {
			a.want("64", a.reverse(a.sale("test-credit", 100), set(4, "000000000099")))
			a.wantBooks("49999.00", "1.00")
		},
		"a reversal by another merchant is 25 and harms nobody": func(a *acquirer) {
			x := a.sale("test-credit", 100)
			a.want("25", a.reverse(x, set(42, "898310058120002")))
			a.want("00", a.again(x))
			a.wantBooks("49999.00", "1.00")
		},
		"a reversal that calls a sale a void is 25": func(a *acquirer) {
			a.want("25", a.reverse(a.sale("test-credit", 100), set(3, "200000")))
		},
		"a reversal of a voided sale is 12": func(a *acquirer) {
			x := a.sale("test-credit", 100)
			a.void(x)
			a.want("12", a.reverse(x))
		},
		"a reversal of a partly refunded sale is 12": func(a *acquirer) {
			x := a.sale("test-credit", 100)
			a.refund(x, 1)
			a.want("12", a.reverse(x))
		},
		"a reversal of a refund is 12 and leaves no tombstone": func(a *acquirer) {
			x := a.sale("test-credit", 100)
			r := exchange{request: a.followUp(x, "0220", "200000", 100, nil)}
			a.want("12", a.reverse(r))
			a.want("00", a.again(r))
			a.want("12", a.reverse(r))
		},
		"a reversal of a void restores the sale, which can be voided again": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			v := a.void(x)
			a.want("00", a.reverse(v))
			a.wantBooks("49900.00", "100.00")
			a.want("00", a.reverse(v))
			a.wantBooks("49900.00", "100.00")
			a.want("00", a.void(x))
			a.want("00", a.reverse(v))
			a.want("12", a.refund(x, 1))
			a.wantBooks("50000.00", "0.00")
		},
		"a reversal of a void takes money that was spent meanwhile": func(a *acquirer) {
			x := a.sale("test-low-funds", 1_00)
			v := a.void(x)
			a.want("00", a.sale("test-low-funds", 60))
			a.want("00", a.reverse(v))
			if got := a.available("test-low-funds"); got != "-0.60" {
				a.Errorf("the card has %s, want -0.60", got)
			}
		},

		"a reversal that overtakes is 25, and the sale that comes later 12": func(a *acquirer) {
			x := exchange{request: a.saleOf("test-credit", 100_00)}
			r := a.want("25", a.reverse(x))
			a.want("12", a.again(x))
			a.want("12", a.again(x))
			a.want("25", a.again(r))
			a.wantBooks("50000.00", "0.00")
		},
		"a reversal that overtakes a void stops the void": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			v := exchange{request: a.followUp(x, "0200", "200000", 100_00, nil)}
			a.want("25", a.reverse(v))
			a.want("12", a.again(v))
			a.wantBooks("49900.00", "100.00")
		},
		"a reversal of a card nobody knows is 25": func(a *acquirer) {
			x := exchange{request: a.saleOf("test-credit", 100, set(2, "6259000000000000994"))}
			a.want("25", a.reverse(x))
		},

		"a repeated sale is booked once and answered alike": func(a *acquirer) {
			x := a.want("00", a.sale("test-credit", 100_00))
			y := a.again(x)
			if !y.answer.Equal(x.answer) {
				a.Errorf("answers differ: %v and %v", x.answer, y.answer)
			}
			a.wantBooks("49900.00", "100.00")
			if c := a.n.Counts(); c.Repeats != 1 || c.Requests["0200"] != 2 {
				a.Errorf("counts = %+v", c)
			}
		},
		"a repeated decline stays one": func(a *acquirer) {
			x := a.want("51", a.sale("test-low-funds", 1_01))
			a.want("51", a.again(x))
		},
		"a repeated balance inquiry tells the balance of then": func(a *acquirer) {
			x := a.balance("test-credit")
			a.sale("test-credit", 100)
			if y := a.again(x); y.answer.Text(54) != x.answer.Text(54) {
				a.Errorf("balance %s, then %s", x.answer.Text(54), y.answer.Text(54))
			}
		},
		"a repeated refund, void and reversal book once": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			a.want("00", a.again(a.refund(x, 10_00)))
			a.wantBooks("49910.00", "90.00")
			y := a.sale("test-credit", 100_00)
			a.want("00", a.again(a.void(y)))
			z := a.sale("test-credit", 100_00)
			a.want("00", a.again(a.reverse(z)))
			a.wantBooks("49910.00", "90.00")
		},
		"one reference with other content is 94, and the first outcome stays": func(a *acquirer) {
			x := a.sale("test-credit", 100_00)
			for _, other := range []change{
				set(4, "000000010001"), set(42, "898310058120002"), set(41, "10000002"), set(49, "840"),
				set(37, "RRN999999999"), set(2, a.saleOf("test-debit", 1).Text(2)), set(3, "310000"),
			} {
				changed := x.request.Clone()
				other(changed)
				if changed.Text(3) == "310000" {
					changed.Unset(4)
				}
				a.want("94", a.ask(changed))
			}
			a.want("00", a.again(x))
			a.wantBooks("49900.00", "100.00")
		},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAcquirer(t)
			row(a)
			if err := a.n.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}
