package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"hawker/internal/clock"
	"hawker/internal/keys"
	"hawker/internal/merchant"
	"hawker/internal/money"
	"hawker/internal/paylink"
	"hawker/internal/plate"
	"hawker/internal/qr"
	"hawker/internal/schema"
	"hawker/internal/store"
)

const (
	mid       = "102900158120001"
	suspended = "102900158120002"
)

var midday = time.Date(2026, 11, 22, 12, 0, 0, 500, time.UTC)

// serverData is a data directory as a server leaves it: two merchants and a keystore.
func serverData(t *testing.T) string {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	db, err := store.Open(ctx, filepath.Join(dir, "hawker.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(ctx, schema.Files); err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(ctx, func(tx *store.Tx) error {
		m := merchant.Merchant{ID: 7, MID: mid, NameZH: "老明豆浆店", NameEN: "Ming's Soy Milk", MCC: "5812", Currency: money.CNY, Zone: zone, State: merchant.Active}
		other := m
		other.ID, other.MID, other.State = 8, suspended, merchant.Suspended
		return errors.Join(merchant.Add(ctx, tx, m, midday), merchant.Add(ctx, tx, other, midday))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Open(ctx, db, filepath.Join(dir, "master.key"), clock.System); err != nil {
		t.Fatal(err)
	}
	return dir
}

// runQR parses a command line and runs it at an instant.
func runQR(t *testing.T, in string, now time.Time, args ...string) (string, error) {
	t.Helper()
	var c qrCommand
	parser, err := kong.New(&c, kong.Name("qr"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	switch parsed.Command() {
	case "explain <text>":
		err = c.Explain.run(t.Context(), strings.NewReader(in), &out, now)
	case "build static":
		err = c.Build.Static.run(t.Context(), &out)
	case "build dynamic":
		err = c.Build.Dynamic.run(t.Context(), &out, now)
	case "build emvco":
		err = c.Build.EMVCo.run(&out)
	default:
		t.Fatal(parsed.Command())
	}
	return out.String(), err
}

// lineWith is the line of text that begins with start.
func lineWith(text, start string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, start) {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

func TestASignedCodeIsMadeAndExplained(t *testing.T) {
	t.Parallel()
	data := serverData(t)
	shown, err := runQR(t, "", midday, "build", "dynamic", "--data", data, "--merchant", mid, "--checkout", "https://pay.example", "--amount", "46.5", "--payment", "91")
	if err != nil {
		t.Fatal(err)
	}
	link := lineWith(shown, "https://")
	if !paylink.Is(link) || !strings.Contains(shown, "▀") || !strings.Contains(shown, "Pays 老明豆浆店 46.50 CNY, payment 91, until 2026-11-22T12:02:00Z.") {
		t.Fatal(shown)
	}
	told, err := runQR(t, link+"\n", midday.Add(time.Minute), "explain", "--data", data, "-")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"signed by us", "老明豆浆店", "46.50 CNY", "91", "2026-11-22T12:02:00Z"} {
		if !strings.Contains(told, want) {
			t.Errorf("%q is not told:\n%s", want, told)
		}
	}
	for name, c := range map[string]struct {
		text, data string
		now        time.Time
		want       string
		sound      bool
	}{
		"expired, it still says whom it paid":    {link, data, midday.Add(2 * time.Minute), "老明豆浆店", false},
		"expired, it says so":                    {link, data, midday.Add(2 * time.Minute), "expired", false},
		"altered":                                {link[:len(link)-8] + "AAAAAAAA", data, midday, "altered", false},
		"our token at another address":           {strings.Replace(link, "pay.example", "evil.example", 1), data, midday, "not signed by us", false},
		"without the server's data nobody knows": {link, t.TempDir(), midday, "nobody can tell", true},
		"another institution's":                  {link, serverData(t), midday, "not signed by us", false},
		"a link of another form":                 {"https://pay.example/about", data, midday, "leads to", true},
	} {
		told, err := runQR(t, "", c.now, "explain", "--data", c.data, c.text)
		if (err == nil) != c.sound || !strings.Contains(told, c.want) {
			t.Errorf("%s: %v\n%s", name, err, told)
		}
	}
}

func TestAPlateIsWrittenAsSVGAndPDF(t *testing.T) {
	t.Parallel()
	data, dir := serverData(t), t.TempDir()
	svg, pdf := filepath.Join(dir, "plate.svg"), filepath.Join(dir, "plate.pdf")
	shown, err := runQR(t, "", midday, "build", "static", "--data", data, "--merchant", mid, "--checkout", "https://pay.example", "--plate", "3", "--svg", svg, "--pdf", pdf, "--paper", "A5")
	if err != nil || strings.Contains(shown, "▀") || !strings.Contains(shown, "Pays 老明豆浆店, plate 3.") {
		t.Fatal(shown, err)
	}
	for file, start := range map[string]string{svg: `<svg xmlns="http://www.w3.org/2000/svg" width="148mm"`, pdf: "%PDF-"} {
		b, err := os.ReadFile(file)
		if err != nil || !bytes.HasPrefix(b, []byte(start)) {
			t.Errorf("%s: %v %.60q", file, err, b)
		}
	}
	told, err := runQR(t, "", midday.AddDate(3, 0, 0), "explain", "--data", data, lineWith(shown, "https://"))
	if err != nil || !strings.Contains(told, "at most 500.00 CNY per customer per day") {
		t.Error(told, err)
	}
}

func TestAnEMVCoCodeIsBuiltAndExplained(t *testing.T) {
	t.Parallel()
	line := []string{"build", "emvco", "--acquirer", "48270000", "--mid", mid, "--mcc", "5812", "--name", "MING", "--city", "BEIJING"}
	for _, c := range []struct {
		name string
		more []string
		want []string
	}{
		{"static", nil, []string{"static: for many payments", "acquirer 48270000, forwarder 48270000, merchant " + mid, "right"}},
		{"dynamic", []string{"--amount", "46.50", "--bill", "91", "--terminal", "T1", "--name-zh", "老明豆浆店", "--city-zh", "北京"},
			[]string{"dynamic: for one payment", "46.50", "bill number", "老明豆浆店", "北京", "right"}},
		{"in yen", []string{"--amount", "500", "--currency", "JPY", "--country", "JP"}, []string{"500", "JPY", "right"}},
	} {
		shown, err := runQR(t, "", midday, append(line[:len(line):len(line)], c.more...)...)
		if err != nil {
			t.Fatal(err)
		}
		told, err := runQR(t, "", midday, "explain", lineWith(shown, "0002"))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, want := range c.want {
			if !strings.Contains(told, want) {
				t.Errorf("%s: %q is not told:\n%s", c.name, want, told)
			}
		}
	}
}

func TestACustomersCodeIsExplainedMasked(t *testing.T) {
	t.Parallel()
	told, err := runQR(t, "138273645546372819\r\n", midday, "explain", "-")
	if err != nil || !strings.Contains(told, "WeChat Pay") || strings.Contains(told, "827364") {
		t.Error(told, err)
	}
	if told, err = runQR(t, "", midday, "explain", "13827364554637281"); err == nil || !strings.Contains(told, "not complete") || strings.Contains(told+err.Error(), "827364") {
		t.Error(told, err)
	}
}

func TestWhatIsNotBuilt(t *testing.T) {
	t.Parallel()
	data := serverData(t)
	static := []string{"build", "static", "--data", data, "--checkout", "https://pay.example"}
	dynamic := []string{"build", "dynamic", "--data", data, "--checkout", "https://pay.example", "--merchant", mid, "--payment", "1"}
	emvco := []string{"build", "emvco", "--acquirer", "48270000", "--mid", mid, "--mcc", "5812", "--city", "BEIJING"}
	lost := serverData(t)
	if err := os.Remove(filepath.Join(lost, "master.key")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		line []string
		more []string
		want error // nil: any
	}{
		"an unknown merchant":              {static, []string{"--merchant", "000000000000000"}, merchant.ErrUnknown},
		"a suspended merchant":             {static, []string{"--merchant", suspended}, merchant.ErrSuspended},
		"a plate without number":           {static, []string{"--merchant", mid, "--plate", "0"}, paylink.ErrContent},
		"an unknown scheme":                {static, []string{"--merchant", mid, "--schemes", "jd", "--svg", filepath.Join(t.TempDir(), "x.svg")}, plate.ErrText},
		"paper of another size":            {static, []string{"--merchant", mid, "--paper", "A4"}, nil},
		"a checkout that is not encrypted": {static, []string{"--merchant", mid, "--checkout", "http://pay.example"}, paylink.ErrContent},
		"a directory that is not there":    {static, []string{"--merchant", mid, "--pdf", filepath.Join(t.TempDir(), "no", "x.pdf")}, os.ErrNotExist},
		"no data directory":                {static, []string{"--merchant", mid, "--data", t.TempDir()}, os.ErrNotExist},
		"no master key, and none is made":  {static, []string{"--merchant", mid, "--data", lost}, os.ErrNotExist},
		"no amount":                        {dynamic, nil, nil},
		"an amount of nothing":             {dynamic, []string{"--amount", "0"}, paylink.ErrContent},
		"an amount with a comma":           {dynamic, []string{"--amount", "46,50"}, money.ErrSyntax},
		"a code that is valid for no time": {dynamic, []string{"--amount", "1", "--valid", "0s"}, nil},
		"a code that is valid for days":    {dynamic, []string{"--amount", "1", "--valid", "48h"}, nil},
		"a name in Chinese for ASCII":      {emvco, []string{"--name", "老明"}, qr.ErrEMVCo},
		"an acquirer of seven digits":      {emvco, []string{"--name", "MING", "--acquirer", "4827000"}, qr.ErrEMVCo},
		"a Chinese city without a name":    {emvco, []string{"--name", "MING", "--city-zh", "北京"}, nil},
		"an unknown currency":              {emvco, []string{"--name", "MING", "--currency", "XXX"}, qr.ErrEMVCo},
		"an amount in an unknown currency": {emvco, []string{"--name", "MING", "--currency", "XXX", "--amount", "1"}, money.ErrCurrency},
	} {
		shown, err := runQR(t, "", midday, append(c.line[:len(c.line):len(c.line)], c.more...)...)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || shown != "" {
			t.Errorf("%s: %v\n%s", name, err, shown)
		}
	}
	if _, err := os.Stat(filepath.Join(lost, "master.key")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a master key was made that opens nothing:", err)
	}
}

func TestARefusalIsToldInBothLanguages(t *testing.T) {
	t.Parallel()
	err := told(merchant.ErrSuspended)
	if !errors.Is(err, merchant.ErrSuspended) || !strings.Contains(err.Error(), "商户已停用") || !strings.Contains(err.Error(), "suspended") {
		t.Error(err)
	}
	if err := told(os.ErrNotExist); !errors.Is(err, os.ErrNotExist) || told(nil) != nil || strings.Contains(err.Error(), "系统") {
		t.Error(err)
	}
}
