package money_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"hawker/internal/money"
)

func TestDecimalsComeFromISO4217(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor    int64
		currency money.Currency
		want     string
	}{
		{4650, money.CNY, "46.50"}, {5, money.CNY, "0.05"}, {0, money.CNY, "0.00"}, {-5, money.CNY, "-0.05"},
		{4650, money.JPY, "4650"}, {0, money.JPY, "0"}, {-1, money.JPY, "-1"},
		{4650, money.KWD, "4.650"}, {1, money.KWD, "0.001"}, {-1000, money.KWD, "-1.000"},
	} {
		a := money.New(c.minor, c.currency)
		if got := a.Decimal(); got != c.want {
			t.Errorf("%d %s prints %s, want %s", c.minor, c.currency, got, c.want)
		}
		if back, err := money.Parse(c.want, c.currency); err != nil || back != a {
			t.Errorf("%s %s reads %v, %v", c.want, c.currency, back, err)
		}
	}
}

func TestParseRefusesWhatIsNoAmount(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "-", ".5", "1.", "1.234", "1,000.00", "+1", "1e3", "--1", " 1", "1 ", "１", "9999999999999999999", "NaN"} {
		if a, err := money.Parse(s, money.CNY); err == nil {
			t.Errorf("%q reads as %v", s, a)
		}
	}
	if _, err := money.Parse("0.5", money.JPY); err == nil {
		t.Error("JPY has no decimals")
	}
	if _, err := money.Parse("1", "XXX"); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("unknown currency: %v", err)
	}
}

func TestArithmeticRefusesMixingAndOverflow(t *testing.T) {
	t.Parallel()
	if _, err := money.New(1, money.CNY).Add(money.New(1, money.JPY)); !errors.Is(err, money.ErrCurrency) {
		t.Error(err)
	}
	if _, err := (money.Amount{}).Add(money.Amount{}); !errors.Is(err, money.ErrCurrency) {
		t.Error("the zero Amount adds to nothing:", err)
	}
	for _, c := range [][2]int64{{math.MaxInt64, 1}, {-math.MaxInt64, -1}, {-math.MaxInt64, -2}} {
		if _, err := money.New(c[0], money.CNY).Add(money.New(c[1], money.CNY)); !errors.Is(err, money.ErrOverflow) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

func TestSplitRoundsHalfAwayFromZero(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor int64
		rate  money.BasisPoints
		want  int64
	}{
		{4650, 60, 28},                // 27.9
		{250, 60, 2},                  // 1.5
		{241, 60, 1},                  // 1.446
		{-250, 60, -2},                // symmetric
		{1, 10000, 1},                 // all of it
		{1, 4999, 0},                  // 0.4999
		{1, 5000, 1},                  // 0.5
		{12345, 0, 0},                 // nothing
		{1 << 62, 1, 461168601842739}, // no overflow inside
	} {
		part, rest, err := money.New(c.minor, money.CNY).Split(c.rate, money.HalfUp)
		if err != nil || part.Minor() != c.want || part.Minor()+rest.Minor() != c.minor {
			t.Errorf("%d at %d bp: %v + %v, %v; want %d", c.minor, c.rate, part, rest, err, c.want)
		}
	}
	for _, rate := range []money.BasisPoints{-1, 10001} {
		if _, _, err := money.New(1, money.CNY).Split(rate, money.HalfUp); !errors.Is(err, money.ErrOverflow) {
			t.Errorf("rate %d: %v", rate, err)
		}
	}
}

func TestNoFenIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		a := money.New(rapid.Int64Range(-math.MaxInt64, math.MaxInt64).Draw(r, "minor"), money.CNY)
		den := rapid.Int64Range(1, math.MaxInt64).Draw(r, "den")
		num := rapid.Int64Range(0, den).Draw(r, "num")
		part, rest, err := a.Share(num, den, rapid.SampledFrom([]money.Rounding{money.HalfUp, money.Down}).Draw(r, "rounding"))
		if err != nil || part.Minor()+rest.Minor() != a.Minor() {
			r.Fatalf("%v: %v + %v, %v", a, part, rest, err)
		}
		if part.Sign()*a.Sign() < 0 || rest.Sign()*a.Sign() < 0 {
			r.Fatalf("%v: %v and %v have the wrong sign", a, part, rest)
		}
		text, err := money.Parse(a.Decimal(), money.CNY)
		if len(a.Decimal()) < 18 && (err != nil || text != a) {
			r.Fatalf("%v reads back as %v, %v", a, text, err)
		}
	})
}

func TestJSONCarriesTheCurrency(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(money.New(4650, money.CNY))
	if err != nil || string(b) != `{"amount_minor":4650,"currency":"CNY"}` {
		t.Fatal(string(b), err)
	}
	var a money.Amount
	if err := json.Unmarshal(b, &a); err != nil || a != money.New(4650, money.CNY) {
		t.Fatal(a, err)
	}
	if err := json.Unmarshal([]byte(`{"amount_minor":1,"currency":"XXX"}`), &a); !errors.Is(err, money.ErrCurrency) {
		t.Fatal(err)
	}
}

func TestEveryCurrencyIsFoundByItsNumber(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]money.Currency{"156": money.CNY, "392": money.JPY, "414": money.KWD} {
		if c, ok := money.ByNumeric(code); !ok || c != want || c.Numeric() != code {
			t.Errorf("%s: %s %v", code, c, ok)
		}
	}
	if _, ok := money.ByNumeric("000"); ok {
		t.Error("000 is no currency")
	}
}
