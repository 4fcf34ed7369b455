package cardnet

import (
	"testing"
	"time"

	"hawker/internal/sandbox/cards"
)

// TestIssuer has one row a rule: what the bank answers, and the books after it.
func TestIssuer(t *testing.T) {
	t.Parallel()
	rows := map[string]func(a *acquirer){
		"a credit card pays without a PIN": func(a *acquirer) {
			a.want("00", a.sale("test-credit", 12_345_67))
			a.wantBooks("37654.33", "12345.67")
		},
		"a right PIN pays": func(a *acquirer) { a.want("00", a.sale("test-debit", 5_000_00, a.pin("123456"))) },
		"a debit card pays 1,000.00 by chip without its PIN": func(a *acquirer) {
			a.want("00", a.sale("test-debit", 1_000_00))
		},
		"a debit card pays 1,000.00 contactless without its PIN": func(a *acquirer) {
			a.want("00", a.sale("test-debit", 1_000_00, set(22, "072")))
		},
		"a debit card wants its PIN for a fen more": func(a *acquirer) { a.want("55", a.sale("test-debit", 1_000_01)) },
		"a debit card's stripe wants the PIN":       func(a *acquirer) { a.want("55", a.sale("test-debit", 1, swiped)) },
		"a debit card's typed number wants the PIN": func(a *acquirer) { a.want("55", a.sale("test-debit", 1, typed, unset(35))) },
		"an unknown card is 14": func(a *acquirer) {
			a.want("14", a.sale("test-credit", 100, set(2, "6259000000000000994"), unset(35)))
		},
		"a number that fails its check digit is 14": func(a *acquirer) {
			a.want("14", a.sale("test-credit", 100, set(2, "6259000000000001"), unset(35)))
		},
		"an expired card is 54":                  func(a *acquirer) { a.want("54", a.sale("test-expired", 100)) },
		"an expiry that is not the card's is 54": func(a *acquirer) { a.want("54", a.sale("test-credit", 100, set(14, "3511"))) },
		"a track of another expiry is 54": func(a *acquirer) {
			c, _ := cards.ByName("test-credit")
			c.Expiry = "3511"
			a.want("54", a.sale("test-credit", 100, set(35, string(c.Track2().Reveal()))))
		},
		"a track of another card is 54": func(a *acquirer) {
			c, _ := cards.ByName("test-debit")
			a.want("54", a.sale("test-credit", 100, set(35, string(c.Track2().Reveal()))))
		},
		"a track that is none is 54":           func(a *acquirer) { a.want("54", a.sale("test-credit", 100, set(35, "=="))) },
		"funds are taken to the last fen":      func(a *acquirer) { a.want("00", a.sale("test-low-funds", 1_00)) },
		"a fen more than the funds is 51":      func(a *acquirer) { a.want("51", a.sale("test-low-funds", 1_01)) },
		"the limit of one sale can be reached": func(a *acquirer) { a.want("00", a.sale("test-credit", 20_000_00)) },
		"a fen over the limit is 61":           func(a *acquirer) { a.want("61", a.sale("test-credit", 20_000_01)) },
		"a lost card is 41":                    func(a *acquirer) { a.want("41", a.sale("test-lost", 100)) },
		"a restricted card is 62":              func(a *acquirer) { a.want("62", a.sale("test-blocked", 100)) },
		"a bank that is down is 91":            func(a *acquirer) { a.want("91", a.sale("test-down", 100)) },
		"nothing is no amount":                 func(a *acquirer) { a.want("13", a.sale("test-credit", 0)) },
		"another currency is not exchanged":    func(a *acquirer) { a.want("40", a.sale("test-credit", 100, set(49, "840"))) },
		"a credit card tells its balance": func(a *acquirer) {
			a.want("00", a.sale("test-credit", 100))
			x := a.want("00", a.balance("test-credit"))
			if got := x.answer.Text(54); got != "3002156C000004999900" {
				a.Errorf("field 54 = %s", got)
			}
			if x.answer.Has(4) {
				a.Errorf("a balance inquiry's answer has an amount")
			}
		},
		"a debit card tells its balance for its PIN": func(a *acquirer) {
			a.want("55", a.balance("test-debit"))
			x := a.want("00", a.balance("test-debit", a.pin("123456")))
			if got := x.answer.Text(54); got != "1002156C000001000000" {
				a.Errorf("field 54 = %s", got)
			}
		},
		"a lost card tells no balance": func(a *acquirer) { a.want("41", a.balance("test-lost", a.pin("123456"))) },
		"a PIN block under another key is 99 and no try": func(a *acquirer) {
			a.zpk = testZAK
			for range pinTries {
				a.want("99", a.sale("test-debit", 100, a.pin("123456")))
			}
			a.zpk = testZPK
			a.want("00", a.sale("test-debit", 100, a.pin("123456")))
		},
		"the third wrong PIN locks, whoever asks, until the bank unlocks": func(a *acquirer) {
			a.want("55", a.sale("test-debit", 100, a.pin("000000")))
			a.want("55", a.sale("test-debit", 100, a.pin("000000")))
			a.want("38", a.sale("test-debit", 100, a.pin("000000")))
			a.want("38", a.sale("test-debit", 100, a.pin("123456")))
			a.want("38", a.sale("test-debit", 100))
			a.want("38", a.balance("test-debit", a.pin("123456")))
			if err := a.n.Unlock("test-debit"); err != nil {
				a.Errorf("unlock: %v", err)
			}
			a.want("00", a.sale("test-debit", 100, a.pin("123456")))
		},
		"a right PIN forgives the wrong ones before": func(a *acquirer) {
			for range 4 {
				a.want("55", a.sale("test-debit", 100, a.pin("000000")))
				a.want("00", a.sale("test-debit", 100, a.pin("123456")))
			}
		},
		"a repeated wrong PIN is one try": func(a *acquirer) {
			x := a.want("55", a.sale("test-debit", 100, a.pin("000000")))
			for range pinTries {
				a.want("55", a.again(x))
			}
			a.want("00", a.sale("test-debit", 100, a.pin("123456")))
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

func TestUnlockKnowsItsCards(t *testing.T) {
	t.Parallel()
	if err := newNetwork(t).Unlock("stolen"); err == nil {
		t.Error("unlocked a card that does not exist")
	}
}

func TestCardIsGoodToTheEndOfItsMonthInChina(t *testing.T) {
	t.Parallel()
	end := time.Date(2036, 1, 1, 0, 0, 0, 0, bankZone)
	for want, now := range map[string]time.Time{"00": end.Add(-time.Nanosecond), "54": end} {
		a := newAcquirer(t, func(c *Config) { c.Clock = now.UTC }) // a clock that stands
		a.want(want, a.sale("test-credit", 100))
	}
}
