package paylink_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/paylink"
)

const base = "https://pay.example"

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// key vouches as the keystore does.
type key string

func (k key) Vouch(_ context.Context, use string, data []byte) ([]byte, error) {
	h := hmac.New(sha256.New, []byte(k))
	h.Write([]byte(use + "\x00"))
	h.Write(data)
	return h.Sum(nil), nil
}

// closed is a keystore that cannot be reached.
type closed struct{}

var errClosed = errors.New("closed")

func (closed) Vouch(context.Context, string, []byte) ([]byte, error) { return nil, errClosed }

func static() paylink.Code {
	return paylink.Code{Kind: paylink.Static, Merchant: 7, Payee: "老明豆浆 Ming's", Plate: 3}
}

func dynamic() paylink.Code {
	return paylink.Code{Kind: paylink.Dynamic, Merchant: 7, Payee: "老明豆浆 Ming's", Amount: money.New(4650, money.CNY), Payment: 91, Expires: now.Add(2 * time.Minute)}
}

func mustMake(t testing.TB, v paylink.Voucher, c paylink.Code) string {
	t.Helper()
	link, err := paylink.Make(t.Context(), v, base, c)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// TestLinksStayReadable: plates are on walls for years.
func TestLinksStayReadable(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]paylink.Code{
		"https://pay.example/c/CwcT6ICB5piO6LGG5rWGIE1pbmcncwM":             static(),
		"https://pay.example/c/DAcT6ICB5piO6LGG5rWGIE1pbmcnc5wBqiRb-MKK2AY": dynamic(),
	} {
		made := mustMake(t, key("k"), want)
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(made, base+"/c/"))
		if err != nil {
			t.Fatal(err)
		}
		if got := base + "/c/" + base64.RawURLEncoding.EncodeToString(raw[:len(raw)-16]); got != link {
			t.Errorf("the content is %s, want %s", got, link)
		}
	}
}

func TestALinkSaysWhatItWasMadeOf(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := static()
		if rapid.Bool().Draw(t, "dynamic") {
			c = dynamic()
			currency := rapid.SampledFrom([]money.Currency{money.CNY, money.JPY, money.KWD, "BHD"}).Draw(t, "currency")
			c.Amount = money.New(rapid.Int64Range(1, 1<<62).Draw(t, "minor"), currency)
			c.Payment = rapid.Int64Range(1, 1<<62).Draw(t, "payment")
			c.Expires = now.Add(time.Duration(rapid.IntRange(1, 1e6).Draw(t, "seconds")) * time.Second)
		} else {
			c.Plate = rapid.Int64Range(1, 1<<62).Draw(t, "plate")
		}
		c.Merchant = merchant.ID(rapid.Int64Range(1, 1<<62).Draw(t, "merchant"))
		c.Payee = rapid.StringOfN(rapid.RuneFrom([]rune("老明豆浆Az9&'")), 1, 120, 120).Draw(t, "payee")
		link, err := paylink.Make(context.Background(), key("k"), base, c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := paylink.Read(context.Background(), key("k"), link, now)
		if err != nil || got != c {
			t.Fatal(got, err)
		}
	})
}

func TestNobodyAltersALink(t *testing.T) {
	t.Parallel()
	for _, c := range []paylink.Code{static(), dynamic()} {
		link := mustMake(t, key("k"), c)
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(link, base+"/c/"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range raw {
			for bit := range 8 {
				raw[i] ^= 1 << bit
				if got, err := paylink.Read(t.Context(), key("k"), base+"/c/"+base64.RawURLEncoding.EncodeToString(raw), now); !errors.Is(err, paylink.ErrForged) || got != (paylink.Code{}) {
					t.Fatalf("bit %d of byte %d: %v", bit, i, err)
				}
				raw[i] ^= 1 << bit
			}
		}
		if !paylink.Is(link) || paylink.Is(strings.TrimPrefix(link, base)) || paylink.Is(link+"!") || paylink.Is(base+"/c/") || paylink.Is(base) {
			t.Error("its form is not recognised, or another is")
		}
		token := strings.TrimPrefix(link, base+"/c/")
		for _, elsewhere := range []string{"https://pay.example.evil", "https://pay.example/x", "https://pay.example:8443", "https://ｐay.example"} {
			if _, err := paylink.Read(t.Context(), key("k"), elsewhere+"/c/"+token, now); !errors.Is(err, paylink.ErrForged) {
				t.Errorf("our token at %s: %v", elsewhere, err)
			}
		}
		if got, err := paylink.Read(t.Context(), key("k"), "HTTPS://Pay.Example/c/"+token, now); err != nil || got != c {
			t.Error("the same address in capitals:", err)
		}
		if _, err := paylink.Read(t.Context(), key("k"), token, now); !errors.Is(err, paylink.ErrNotOurs) {
			t.Error("a token that says not where it leads:", err)
		}
		if _, err := paylink.Read(t.Context(), key("another"), link, now); !errors.Is(err, paylink.ErrForged) {
			t.Error("another institution's key:", err)
		}
	}
}

func TestWhatIsNoLinkOfOurs(t *testing.T) {
	t.Parallel()
	good := mustMake(t, key("k"), static())
	for name, c := range map[string]struct {
		text string
		want *fault.Fault
	}{
		"nothing":                        {"", paylink.ErrNotOurs},
		"another address":                {"https://pay.example/about", paylink.ErrNotOurs},
		"a token that is too short":      {base + "/c/AAAA", paylink.ErrNotOurs},
		"a signature without content":    {base + "/c/AAAAAAAAAAAAAAAAAAAAAA", paylink.ErrNotOurs},
		"no base64":                      {good + "!", paylink.ErrNotOurs},
		"a line break inside":            {good[:len(good)-4] + "\n" + good[len(good)-4:], paylink.ErrNotOurs},
		"a token longer than any":        {base + "/c/" + strings.Repeat("A", 400), paylink.ErrNotOurs},
		"the last four cut off":          {good[:len(good)-4], paylink.ErrForged},
		"a stranger's token":             {base + "/c/" + strings.Repeat("A", 40), paylink.ErrForged},
		"signed content of another form": {sign("\x0b"), paylink.ErrNotOurs},
		"of another kind":                {sign("\x0d\x07\x01M\x03"), paylink.ErrNotOurs},
		"with something behind it":       {sign("\x0b\x07\x01M\x03\x00"), paylink.ErrNotOurs},
		"with a number in a longer form": {sign("\x0b\x87\x00\x01M\x03"), paylink.ErrNotOurs},
		"with a payee beyond the end":    {sign("\x0b\x07\x7fM\x03"), paylink.ErrNotOurs},
		"with an unknown currency":       {sign("\x0c\x07\x01M\x01\x01\x01\x01"), paylink.ErrNotOurs},
		"and well-formed, to compare":    {sign("\x0b\x07\x01M\x03"), nil},
	} {
		_, err := paylink.Read(t.Context(), key("k"), c.text, now)
		if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// sign makes a link of any content.
func sign(content string) string {
	tag, _ := key("k").Vouch(context.Background(), "payment link v1", []byte(base+"\x00"+content))
	return base + "/c/" + base64.RawURLEncoding.EncodeToString(append([]byte(content), tag[:16]...))
}

func TestADynamicLinkExpires(t *testing.T) {
	t.Parallel()
	link := mustMake(t, key("k"), dynamic())
	for _, c := range []struct {
		name  string
		after time.Duration
		want  error
	}{
		{"at once", 0, nil},
		{"in its last moment", 2*time.Minute - 1, nil},
		{"when its time is over", 2 * time.Minute, paylink.ErrExpired},
		{"a year later", 365 * 24 * time.Hour, paylink.ErrExpired},
	} {
		got, err := paylink.Read(t.Context(), key("k"), link, now.Add(c.after))
		if !errors.Is(err, c.want) || got != dynamic() {
			t.Errorf("%s: %v, paying %q", c.name, err, got.Payee)
		}
	}
	plate := mustMake(t, key("k"), static())
	if _, err := paylink.Read(t.Context(), key("k"), plate, now.AddDate(10, 0, 0)); err != nil {
		t.Error("a plate expires by itself:", err)
	}
}

func TestWhatIsNotSigned(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		of    func() paylink.Code
		spoil func(*paylink.Code)
	}{
		"no kind":                       {static, func(c *paylink.Code) { c.Kind = 0 }},
		"no merchant":                   {static, func(c *paylink.Code) { c.Merchant = 0 }},
		"no payee":                      {static, func(c *paylink.Code) { c.Payee = "" }},
		"a payee that is too long":      {static, func(c *paylink.Code) { c.Payee = strings.Repeat("明", 41) }},
		"a payee between blanks":        {static, func(c *paylink.Code) { c.Payee = " Ming" }},
		"a payee written right to left": {static, func(c *paylink.Code) { c.Payee = "Ming\u202egnim" }},
		"a payee of broken bytes":       {static, func(c *paylink.Code) { c.Payee = "M\xff" }},
		"a plate without number":        {static, func(c *paylink.Code) { c.Plate = 0 }},
		"a plate with an amount":        {static, func(c *paylink.Code) { c.Amount = money.New(1, money.CNY) }},
		"a plate with an expiry":        {static, func(c *paylink.Code) { c.Expires = now }},
		"a plate with a payment":        {static, func(c *paylink.Code) { c.Payment = 1 }},
		"an amount of nothing":          {dynamic, func(c *paylink.Code) { c.Amount = money.Zero(money.CNY) }},
		"an amount below zero":          {dynamic, func(c *paylink.Code) { c.Amount = c.Amount.Neg() }},
		"an unknown currency":           {dynamic, func(c *paylink.Code) { c.Amount = money.New(1, "XXX") }},
		"no payment":                    {dynamic, func(c *paylink.Code) { c.Payment = 0 }},
		"no expiry":                     {dynamic, func(c *paylink.Code) { c.Expires = time.Time{} }},
		"half a second":                 {dynamic, func(c *paylink.Code) { c.Expires = c.Expires.Add(time.Second / 2) }},
		"a payment on a plate's number": {dynamic, func(c *paylink.Code) { c.Plate = 1 }},
	} {
		code := c.of()
		c.spoil(&code)
		if link, err := paylink.Make(t.Context(), key("k"), base, code); !errors.Is(err, paylink.ErrContent) || link != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhereALinkMayLead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://pay.example":       "https://pay.example",
		"https://pay.example/":      "https://pay.example",
		"https://a.example:8443/x/": "https://a.example:8443/x",
		"http://127.0.0.1:8080":     "http://127.0.0.1:8080",
		"http://[::1]:8080":         "http://[::1]:8080",
		"http://localhost":          "http://localhost",
		"http://pay.example":        "",
		"http://localhost.evil.com": "",
		"ftp://pay.example":         "",
		"HTTPS://Pay.Example/X":     "https://pay.example/X",
		"https://":                  "",
		"pay.example":               "",
		"https://user@pay.example":  "",
		"https://pay.example?x=1":   "",
		"https://pay.example/?":     "",
		"https://pay.example/#x":    "",
		"https://pay.example\n":     "",
		"":                          "",
	} {
		got, err := paylink.ParseBase(text)
		if got != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, paylink.ErrContent) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
		if _, err := paylink.Make(t.Context(), key("k"), text, static()); (err == nil) != (want != "") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestWithoutTheKeystoreNothingIsSignedOrBelieved(t *testing.T) {
	t.Parallel()
	if _, err := paylink.Make(t.Context(), closed{}, base, static()); !errors.Is(err, errClosed) {
		t.Error(err)
	}
	if c, err := paylink.Read(t.Context(), closed{}, mustMake(t, key("k"), static()), now); !errors.Is(err, errClosed) || c != (paylink.Code{}) {
		t.Error(err)
	}
}

func TestAStaticCodeTakesClassDsLimitADay(t *testing.T) {
	t.Parallel()
	cny := func(fen int64) money.Amount { return money.New(fen, money.CNY) }
	for _, c := range []struct {
		name          string
		code          paylink.Code
		amount, today money.Amount
		want          error
	}{
		{"the whole limit at once", static(), cny(500_00), cny(0), nil},
		{"a fen more", static(), cny(500_01), cny(0), paylink.ErrLimit},
		{"the rest of the day's limit", static(), cny(100_00), cny(400_00), nil},
		{"a fen more than the rest", static(), cny(100_00), cny(400_01), paylink.ErrLimit},
		{"nothing", static(), cny(0), cny(0), paylink.ErrContent},
		{"less than nothing", static(), cny(-1), cny(0), paylink.ErrContent},
		{"no amount at all", static(), money.Amount{}, cny(0), paylink.ErrContent},
		{"more than can be added", static(), cny(1<<63 - 1), cny(1<<63 - 1), paylink.ErrContent},
		{"today in another currency", static(), cny(1), money.New(1, money.USD), paylink.ErrContent},
		{"a currency of which the rule says nothing", static(), money.New(900_00, money.USD), money.Zero(money.USD), nil},
		{"a dynamic code's amount", dynamic(), cny(46_50), cny(500_00), nil},
		{"another amount than the dynamic code's", dynamic(), cny(46_51), cny(0), paylink.ErrContent},
	} {
		if err := c.code.Allows(c.amount, c.today); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, c := range []paylink.Code{static(), dynamic()} {
		link := mustMake(f, key("k"), c)
		raw, _ := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(link, base+"/c/"))
		f.Add(raw[:len(raw)-16])
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		link := sign(string(content)) // whoever had the key could sign anything
		c, err := paylink.Read(t.Context(), key("k"), link, now)
		if err != nil && !errors.Is(err, paylink.ErrExpired) {
			return
		}
		if again, err := paylink.Make(t.Context(), key("k"), base, c); err != nil || again != link {
			t.Fatal("made again it differs", err)
		}
	})
}
