package receipt

import (
	"bytes"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"hawker/internal/channel"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/payment"
	"hawker/internal/signature"
)

var update = flag.Bool("update", false, "write the goldens anew")

// lunch is a card sale at the noodle shop, swiped without a PIN.
func lunch(change ...func(*Receipt)) Receipt {
	zone := time.FixedZone("CST", 8*3600)
	amount := money.New(4650, money.CNY)
	r := Receipt{
		Merchant: merchant.Merchant{ID: 1, MID: "100290058120001", NameZH: "小满面馆", NameEN: "Xiaoman Noodles", Place: "Shanghai", Currency: money.CNY, Zone: zone},
		Payment: payment.Payment{Merchant: 1, ID: 457000000000000, Terminal: "10000001", Method: payment.MethodCard, State: payment.Approved, Amount: amount,
			Refunded: money.Zero(money.CNY), Card: payment.CardFacts{BIN: "622588", Last4: "1234", Entry: "022"}, Created: time.Date(2026, 11, 25, 4, 5, 6, 0, time.UTC)},
		Sale: payment.Attempt{Kind: channel.Sale, Batch: 3, Trace: 17, AuthCode: "A1B2C3"},
		Link: "https://pay.example/r/AQEB",
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func refunded(minor int64) func(*Receipt) {
	return func(r *Receipt) {
		r.Refunds = append(r.Refunds, payment.Attempt{Kind: channel.Refund, State: payment.Approved, Amount: money.New(minor, money.CNY)})
		r.Payment.Refunded = money.New(r.Payment.Refunded.Minor()+minor, money.CNY)
	}
}

func TestWhatASlipSays(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]struct {
		Receipt
		lang Lang
		copy Copy
	}{
		"a card sale without a PIN has room for a signature": {lunch(), ZH, ForMerchant},
		"the payer's copy has none":                          {lunch(), EN, ForPayer},
		"a part was refunded":                                {lunch(refunded(650)), EN, ForPayer},
		"all was refunded":                                   {lunch(refunded(650), refunded(4000)), ZH, ForPayer},
		"what is not known is no proof":                      {lunch(func(r *Receipt) { r.Payment.State = payment.Unknown }), ZH, ForPayer},
		"a wallet has neither card nor trace": {lunch(func(r *Receipt) {
			r.Payment.Method, r.Payment.Card, r.Payment.Terminal, r.Sale = payment.MethodWeChat, payment.CardFacts{}, "pos/1", payment.Attempt{Kind: channel.Sale}
		}), EN, ForPayer},
		"a long name is broken": {lunch(func(r *Receipt) { r.Merchant.NameZH = strings.Repeat("小满面馆", 6) }), ZH, ForPayer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := r.Text(r.lang, r.copy, Narrow, false)
			file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "_")+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file) //nolint:gosec // a golden
			if err != nil || got != string(want) {
				t.Errorf("got\n%s\nwant (%v)\n%s", got, err, want)
			}
			for row := range strings.Lines(got) {
				if columns(strings.TrimSuffix(row, "\n")) > int(Narrow) {
					t.Errorf("%q does not fit the paper", row)
				}
			}
		})
	}
}

func TestNothingButAnApprovalPrintsAsPaid(t *testing.T) {
	t.Parallel()
	for _, state := range []payment.State{payment.Sent, payment.Declined, payment.Unknown, payment.Reversing, payment.Reversed, payment.Voiding, payment.Voided,
		payment.Restoring, payment.Adjusting, "created", "waiting", "cancelling", "cancelled", "expired", "of tomorrow"} {
		r := lunch(func(r *Receipt) { r.Payment.State = state })
		for l, paid := range map[Lang]string{ZH: "收款成功", EN: "Paid\n"} {
			if text := r.Text(l, ForPayer, Narrow, false); strings.Contains(text, paid) {
				t.Errorf("%s prints as paid:\n%s", state, text)
			}
		}
		if r.Paid() {
			t.Errorf("%s counts as paid", state)
		}
	}
}

func TestAPrinterGetsChineseALinkAndACut(t *testing.T) {
	t.Parallel()
	got := lunch().ESCPOS(ZH, ForPayer, Narrow, true)
	name, err := simplifiedchinese.GB18030.NewEncoder().String("小满面馆")
	if err != nil {
		t.Fatal(err)
	}
	link := "https://pay.example/r/AQEB"
	for what, part := range map[string][]byte{
		"begins anew, in two-byte characters": []byte("\x1b@\x1c&"),
		"the name, large and in the middle":   []byte("\x1ba\x01\x1d!\x11" + name + "\n\x1d!\x00\x1ba\x00"),
		"the link, with its length and type":  append([]byte{0x1d, '(', 'k', byte(len(link) + 3), 0, '1', 'P', '0'}, link...),
		"a symbol is printed":                 {0x1d, '(', 'k', 3, 0, '1', 'Q', '0'},
		"the paper is fed and cut":            []byte("\x1bd\x03\x1dVB\x00"),
	} {
		if !bytes.Contains(got, part) {
			t.Errorf("%s: no % x in % x", what, part, got)
		}
	}
}

func TestANameIsNoCommandForThePrinter(t *testing.T) {
	t.Parallel()
	evil := lunch(func(r *Receipt) { r.Merchant.NameZH = "面\x1b@馆\x1dV\x00🍜" })
	if got := evil.ESCPOS(ZH, ForPayer, Wide, false); bytes.Count(got, []byte("\x1b@")) != 1 || bytes.Contains(got, []byte("\x1dV\x00")) {
		t.Errorf("a name commands the printer: % x", got)
	}
}

func TestASignatureIsDrawnAsItWasMade(t *testing.T) {
	t.Parallel()
	// Ten by two pixels: a bar, and a dot at its end.
	got := drawn(signature.Signature{Format: signature.PBM, Picture: append([]byte("P4\n10 2\n"), 0xFF, 0xC0, 0x00, 0x40)})
	img, err := png.Decode(bytes.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	for y, row := range []string{"##########", ".........#"} {
		for x, want := range row {
			if _, _, _, alpha := img.At(x, y).RGBA(); (alpha > 0) != (want == '#') {
				t.Errorf("at %d, %d: alpha %d", x, y, alpha)
			}
		}
	}
	for _, other := range []signature.Signature{{Format: signature.JBIG, Picture: make([]byte, 40)}, {Format: signature.PBM, Picture: []byte("P4\n10 2\n\xFF")}, {Format: signature.PBM}} {
		if drawn(other) != nil {
			t.Errorf("%s of %d bytes is drawn", other.Format, len(other.Picture))
		}
	}
}
