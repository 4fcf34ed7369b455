package pos

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden slips anew")

func TestSlips(t *testing.T) {
	t.Parallel()
	s := &state{Device: newHost(t).device().withDefaults(), Batch: 8}
	sale := Transaction{
		Kind: Sale, State: Approved, Batch: 7, Trace: 2, Amount: yuan("46.50"), Code: "00", RRN: "112612000002", AuthCode: "654321",
		MaskedPAN: "622200*********0011", Entry: Chip, PINEntered: true, Issuer: "01020000",
		Time: time.Date(2026, 11, 22, 12, 34, 56, 0, beijing),
	}
	signature := sale
	signature.PINEntered, signature.Entry = false, Swipe
	void := signature
	void.Kind, void.Trace, void.Original, void.OriginalRRN, void.RRN = Void, 3, 2, sale.RRN, "112612000003"
	refund := void
	refund.Kind, refund.Batch, refund.Amount = Refund, 8, yuan("6.50")
	declined := sale
	declined.State, declined.Code, declined.RRN, declined.AuthCode = Declined, "51", "", ""
	unknown := declined
	unknown.State, unknown.Code = Unknown, ""
	reversed := unknown
	reversed.State = Reversed
	reprint := s.report(sale)
	reprint.Reprint = true

	own := Totals{12, yuan("1234.50"), 1, yuan("46.50")}
	balanced := s.report(Transaction{Kind: Settlement, State: Accepted, Batch: 7, Trace: 20, Time: sale.Time})
	balanced.Settlement = &SettlementReport{Own: own, Host: own, Balanced: true}
	unbalanced := balanced
	host := own
	host.DebitCount, host.DebitAmount = 11, yuan("1188.00")
	unbalanced.Settlement = &SettlementReport{Own: own, Host: host, Uploaded: 13}

	for name, row := range map[string]struct {
		r Result
		c Copy
	}{
		"sale": {s.report(sale), Merchant}, "sale-customer": {s.report(sale), Customer}, "sale-signature": {s.report(signature), Merchant},
		"sale-duplicate": {reprint, Customer}, "void": {s.report(void), Merchant}, "refund": {s.report(refund), Merchant},
		"declined": {s.report(declined), Customer}, "unknown": {s.report(unknown), Merchant}, "reversed": {s.report(reversed), Customer},
		"settlement": {balanced, Merchant}, "settlement-unbalanced": {unbalanced, Merchant},
	} {
		for _, l := range []Language{Chinese, English} {
			got := Slip(row.r, row.c, l)
			golden(t, filepath.Join("testdata", "slip", name+"."+string(l)+".txt"), got)
			for _, line := range strings.Split(got, "\n") {
				if columns(line) > paper {
					t.Errorf("%s in %s: %q has %d columns", name, l, line, columns(line))
				}
			}
		}
	}
	if got := Slip(s.report(Transaction{Kind: Echo, State: Accepted}), Merchant, Chinese); got != "" {
		t.Errorf("an echo prints %q", got)
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		text  string
		limit int
		want  string
	}{
		"between Chinese characters": {"老王煎饼铺", 5, "老王|煎饼|铺"},
		"at spaces":                  {"Lao Wang Pancakes", 8, "Lao Wang|Pancakes"},
		"inside an endless word":     {"abcdefgh", 3, "abc|def|gh"},
		"both":                       {"老王 Pancakes 铺", 9, "老王|Pancakes|铺"},
		"nothing":                    {"", 3, ""},
	} {
		if got := strings.Join(wrap(row.text, row.limit), "|"); got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}
