package cardhost

import (
	"testing"

	"hawker/internal/channel"
	"hawker/internal/iso8583"
	"hawker/internal/money"
)

// TestCodesMeanWhatTheyMeanForTheKind holds every code that is not a plain refusal,
// and some that are, to its meaning for each kind.
func TestCodesMeanWhatTheyMeanForTheKind(t *testing.T) {
	t.Parallel()
	const approved, declined, silent = channel.Approved, channel.Declined, channel.Silent
	for _, row := range []struct {
		codes            string
		payment          channel.Result // sale, void and balance inquiry
		refund, reversal channel.Result
		because          string
	}{
		{"00 11 A2 A4 A5 A6", approved, approved, approved, "approved, if need be confirmed later"},
		{"10", silent, silent, silent, "a part was never asked for: it is taken back as if nothing were known"},
		{"68 96 98", silent, silent, silent, "somebody behind the network was silent"},
		{"91 92", declined, silent, silent, "nothing was charged; an advice is asked again until it has an outcome"},
		{"25", declined, declined, approved, "what never was needs no reversal"},
		{"12", declined, declined, approved, "what does not stand needs no reversal"},
		{"05 51 55 64 94 A0 99 ZZ", declined, declined, declined, "refused"},
	} {
		for _, code := range fields(row.codes) {
			for kind, want := range map[channel.Kind]channel.Result{
				channel.Sale: row.payment, channel.Void: row.payment, channel.Balance: row.payment,
				channel.Refund: row.refund, channel.Reversal: row.reversal,
			} {
				o := outcome(iso8583.New("0210").Set(39, code), channel.Request{Kind: kind})
				if o.Result != want || o.Code != code {
					t.Errorf("%s of a %s: result %d with code %q, want %d: %s", code, kind, o.Result, o.Code, want, row.because)
				}
			}
		}
	}
}

func fields(codes string) (list []string) {
	for len(codes) >= 2 {
		list, codes = append(list, codes[:2]), codes[min(3, len(codes)):]
	}
	return list
}

func TestAnOutcomeCarriesWhatTheAnswerTells(t *testing.T) {
	t.Parallel()
	answer := iso8583.New("0210").Set(39, "00").Set(38, "123456").Set(44, "99625900   48029900   ")
	want := channel.Outcome{Result: channel.Approved, Code: "00", AuthCode: "123456", Issuer: "99625900   48029900"}
	if o := outcome(answer, channel.Request{Kind: channel.Sale}); o != want {
		t.Errorf("got %+v", o)
	}
}

func TestABalanceIsTheAvailableOne(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		f54  string
		want money.Amount
	}{
		"available alone":              {"1002156C000000012345", money.New(12345, money.CNY)},
		"ledger first":                 {"1001156C000000099999" + "1002156C000000012345", money.New(12345, money.CNY)},
		"overdrawn":                    {"1002156D000000000100", money.New(-100, money.CNY)},
		"another currency's decimals":  {"1002392C000000000100", money.New(100, money.JPY)},
		"ledger only":                  {"1001156C000000099999", money.Amount{}},
		"a currency that nobody knows": {"1002999C000000000100", money.Amount{}},
		"no balance at all":            {"", money.Amount{}},
		"what cannot be read":          {"1002156X000000000100", money.Amount{}},
	} {
		o := outcome(iso8583.New("0210").Set(39, "00").Set(54, row.f54), channel.Request{Kind: channel.Balance})
		if o.Result != channel.Approved || o.Balance != row.want {
			t.Errorf("%s: %+v", name, o)
		}
	}
}
