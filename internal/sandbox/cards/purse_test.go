package cards

import (
	"errors"
	"testing"

	"hawker/internal/emv"
	"hawker/internal/money"
)

// amount is what a terminal tells of an amount and its currency, in digits.
func amount(fen byte, currency ...byte) []emv.Element {
	return []emv.Element{{Tag: emv.Amount, Value: []byte{0, 0, 0, 0, fen, 0}}, {Tag: emv.CurrencyCode, Value: currency}}
}

func TestAPursePaysWhatItHoldsAndProvesIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		card   string
		spent  int64
		asks   []emv.Element
		want   byte
		spends int64
	}{
		"a part of it":         {"test-purse", 0, amount(0x46, 1, 0x56), TC, 46_00},
		"the last of it":       {"test-purse", 54_00, amount(0x46, 1, 0x56), TC, 46_00},
		"a fen more":           {"test-purse", 54_01, amount(0x46, 1, 0x56), AAC, 0},
		"nothing":              {"test-purse", 0, amount(0, 1, 0x56), AAC, 0},
		"another currency":     {"test-purse", 0, amount(0x46, 8, 0x40), AAC, 0},
		"a chip with no purse": {"test-chip-debit", 0, amount(0x01, 1, 0x56), AAC, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			card, _ := ByName(c.card)
			p, err := card.Insert(Memory{Counter: 4, Spent: c.spent}, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Remove()
			rest := told(t).Elements()[2:] // all but amount and currency
			data, err := emv.New(append(c.asks, rest...)...)
			if err != nil {
				t.Fatal(err)
			}
			a, err := p.Spend(p.FirstList().Collect(data))
			if err != nil || a.Info != c.want {
				t.Fatalf("info %02X, %v", a.Info, err)
			}
			if m := p.Memory(); m != (Memory{Counter: 5, Spent: c.spent + c.spends}) {
				t.Errorf("it remembers %+v", m)
			}
			all, err := emv.New(append(append(data.Elements(), p.Own().Elements()...), emv.Element{Tag: emv.AmountOther, Value: make([]byte, 6)},
				emv.Element{Tag: emv.VerificationResult, Value: make([]byte, 5)}, emv.Element{Tag: emv.IssuerData, Value: a.IssuerData}, emv.Element{Tag: emv.Cryptogram, Value: a.Cryptogram})...)
			if err != nil {
				t.Fatal(err)
			}
			ac, _, err := card.MasterKeys(1)
			if err != nil {
				t.Fatal(err)
			}
			if genuine, err := card.Chip.Version.Verify(ac, all); err != nil || !genuine {
				t.Errorf("its issuer does not know the cryptogram: %v", err)
			}
			for what, again := range map[string]func() (Answer, error){
				"a second payment":    func() (Answer, error) { return p.Spend(p.FirstList().Collect(data)) },
				"a request after it":  func() (Answer, error) { return p.First(p.FirstList().Collect(data)) },
				"a second cryptogram": func() (Answer, error) { return p.Second(make([]byte, p.SecondList().Size()), TC) },
			} {
				if _, err := again(); !errors.Is(err, ErrRefused) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

func TestWhatAPurseHolds(t *testing.T) {
	t.Parallel()
	card, _ := ByName("test-purse")
	if left, ok := card.Chip.Left(Memory{Spent: 30_50}); !ok || left != money.New(69_50, money.CNY) {
		t.Errorf("%s, %t", left, ok)
	}
	card, _ = ByName("test-chip")
	if _, ok := card.Chip.Left(Memory{}); ok {
		t.Error("a chip without a purse has one")
	}
}
