// Package internal_test holds the rules of the house as data and checks them: who
// may import whom, who owns which table, and how files and keys look.
package internal_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// floors holds every package and its floor. A package imports lower floors only,
// never its own and never a higher one. A name that ends in * stands for siblings.
var floors = map[string]int{
	"internal/card": 1, "internal/clock": 1, "internal/dukpt": 1, "internal/emv": 1, "internal/fault": 1, "internal/font": 1, "internal/iso8583": 1,
	"internal/money": 1, "internal/schema": 1, "internal/store": 1, "internal/tdes": 1, "internal/tr31": 1,
	"internal/audit": 2, "internal/cases": 2, "internal/channel": 2, "internal/chips": 2, "internal/events": 2, "internal/jobs": 2, "internal/ledger": 2, "internal/nodes": 2, "internal/password": 2, "internal/qr": 2, "internal/risk": 2,
	"internal/books": 3, "internal/cash": 3, "internal/handover": 3, "internal/keys": 3, "internal/merchant": 3, "internal/plate": 3, "internal/shop": 3, "internal/terminal": 3,
	"internal/custody": 4, "internal/ecr": 4, "internal/download": 4, "internal/identity": 4, "internal/signature": 4, "internal/keys/pkcs11": 4, "internal/paylink": 4, "internal/vault": 4,
	"internal/live":    3,
	"internal/auth":    4,
	"internal/subject": 4,
	"internal/paper":   2, "internal/contract": 6, "internal/training": 5, "internal/feedback": 5, "internal/privacy": 6,
	"internal/apikey":  5,
	"internal/webhook": 7,
	"internal/feelock": 5, "internal/feelock/feelocktest": 10,
	"internal/channel/*": 5,
	"internal/payment":   6,
	"internal/reconcile": 7,
	"internal/web":       7, "internal/report": 7, "internal/receipt": 7,
	// 7: settlement, receipt, dispute, report, when they come
	"internal/door/*":      8,
	"internal/sandbox/*":   8,
	"internal/institution": 2, "internal/papers": 2, "internal/picture": 2, "internal/advice": 4, "internal/onboarding": 5, "internal/standing": 6, "internal/fleet": 6, "internal/onboarding/population": 6, // becoming a merchant
	"internal/app":     9,
	"internal/bench":   10,
	"internal/torture": 10,
	"cmd/hawker":       11,
	// The load generator and the torture start throw-away servers too.
	"internal/store/storetest/postgres": 9,
	// Helpers of tests: above everybody, so that only tests import them.
	"internal/channel/channeltest": 11, "internal/simulation": 11, "internal/store/storetest": 12, "internal/store/storetest/run": 12, "internal/keys/keystest": 13, "internal/web/webtest": 13, "internal/payment/paymenttest": 11,
}

// sideways holds the imports within one floor that are allowed, and why.
var sideways = []struct{ from, to, why string }{
	{"internal/store", "internal/fault", "a full queue is a refusal that a door can tell"},
	{"internal/jobs", "internal/cases", "a job that gave up opens a case in the same transaction"},
	{"internal/books", "internal/merchant", "a fact names its merchant"},
	{"internal/terminal", "internal/merchant", "a terminal belongs to a merchant"},
	{"internal/cash", "internal/merchant", "a drawer belongs to a merchant"},
	{"internal/handover", "internal/merchant", "a payment belongs to a merchant"},
	{"internal/shop", "internal/merchant", "an item belongs to a merchant"},
	{"internal/sandbox/*", "internal/sandbox/cards", "the test cards are one data table"},
}

// only holds packages that may import no more than these of Hawker.
var only = []struct {
	from string
	may  []string
	why  string
}{
	{"internal/sandbox/*", []string{"money", "iso8583", "card", "emv", "tdes", "dukpt", "clock", "sandbox/cards", "qr"}, "a simulator is a second opinion: it shares the codec and the drawing of symbols, never the adapter"},
	{"internal/store", []string{"fault"}, "it knows no business word"},
	{"internal/money", nil, "it is the ground"},
	{"internal/clock", nil, "it is the ground"},
	{"internal/fault", nil, "it is the ground"},
	{"internal/iso8583", nil, "a codec knows bytes, not payments"},
	{"internal/ledger", []string{"store", "money", "clock"}, "it hears debit and credit, never a payment"},
	{"internal/qr", []string{"card", "emv", "fault", "money"}, "a code is text: who is paid, keys and channels are others' business"},
	{"internal/books", []string{"ledger", "money", "clock", "merchant"}, "business facts to postings, and nothing of channels"},
}

// never holds what a package must not know, where an import tells.
var never = []struct {
	from string
	not  []string
	why  string
}{
	{"internal/payment", []string{"hawker/internal/iso8583", "hawker/internal/vault", "hawker/internal/keys", "net/http"}, "it never sees a PAN, a field or a status"},
	{"internal/channel/*", []string{"hawker/internal/payment", "hawker/internal/channel/"}, "it knows the port, and no other channel"},
	{"internal/door/*", []string{"database/sql", "hawker/internal/ledger", "hawker/internal/door/"}, "doors hold no business rules"},
}

// fenced holds what only these packages may import.
var fenced = []struct {
	what string // an import, and all below it
	by   []string
	why  string
}{
	{"crypto/des", []string{"internal/tdes", "internal/emv", "internal/dukpt", "internal/tr31"}, "3DES lives behind a fence"},
	{"github.com/moov-io/iso8583", nil, "the codec is our own; the library is a second opinion of its tests"},
	{"github.com/miekg/pkcs11", []string{"internal/keys/pkcs11"}, "one way to a hardware security module"},
	{"github.com/jackc/pgx", []string{"internal/store", "internal/store/storetest/postgres"}, "one door to the database"},
	{"modernc.org/sqlite", []string{"internal/store"}, "one door to the database"},
	{"github.com/pressly/goose", []string{"internal/store"}, "one door to the database"},
	{"github.com/prometheus", []string{"internal/app"}, "others declare what they count"},
	{"github.com/boombuler/barcode", []string{"internal/qr"}, "one package draws symbols"},
	{"golang.org/x/image", []string{"internal/font"}, "one package reads the typeface"},
	{"github.com/signintech/gopdf", []string{"internal/plate", "internal/paper"}, "a drawing and a text: two ways to make a document"},
	{"github.com/wechatpay-apiv3", []string{"internal/channel/wechat"}, "one way to WeChat Pay"},
	{"github.com/smartwalle", []string{"internal/channel/alipay"}, "one way to Alipay"},
	{"github.com/xuri/excelize", []string{"internal/door/office"}, "one way to a workbook"},
	{"github.com/chromedp", []string{"internal/web/webtest"}, "the server drives no browser"},
	{"github.com/go-webauthn", []string{"internal/auth"}, "one package judges passkeys"},
	{"github.com/pquerna/otp", []string{"internal/auth"}, "one package judges one-time codes"},
	{"golang.org/x/crypto/argon2", []string{"internal/password"}, "one package hashes passwords"},
	{"github.com/danielgtaylor/huma", []string{"internal/door/rest"}, "one door for programs"},
	{"unsafe", nil, "nobody needs it"},
}

// longest is how many lines a file of code may have before it is two subjects.
const longest = 500

type pkg struct {
	ImportPath string
	Dir        string
	Doc        string
	GoFiles    []string
	Imports    []string
}

// name is the import path within the module.
func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, "hawker/") }

// packages lists the module's packages that have code of their own.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-buildvcs=false", "-json=ImportPath,Dir,Doc,GoFiles,Imports", "./...")
	cmd.Dir = ".."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var list []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			list = append(list, p)
		}
	}
	if len(list) < 20 {
		t.Fatalf("go list found only %d packages", len(list))
	}
	return list
}

// covers reports whether a rule's pattern is about a package: equal, or siblings by "folder/*".
func covers(pattern, name string) bool {
	folder, siblings := strings.CutSuffix(pattern, "*")
	rest, below := strings.CutPrefix(name, folder)
	return pattern == name || (siblings && below && !strings.Contains(rest, "/"))
}

func floor(name string) (int, bool) {
	if f, ok := floors[name]; ok {
		return f, true
	}
	for pattern, f := range floors {
		if covers(pattern, name) {
			return f, true
		}
	}
	return 0, false
}

func TestEveryPackageHasAFloor(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if _, ok := floor(p.name()); !ok {
			t.Errorf("%s has no floor: say in floors where it belongs", p.name())
		}
	}
}

func TestImportsGoDown(t *testing.T) {
	t.Parallel()
	used := make([]bool, len(sideways))
	for _, p := range packages(t) {
		from, _ := floor(p.name())
		for _, path := range p.Imports {
			to, ours := strings.CutPrefix(path, "hawker/")
			if !ours {
				continue
			}
			allowed := false
			for i, s := range sideways {
				if covers(s.from, p.name()) && covers(s.to, to) {
					allowed, used[i] = true, true
				}
			}
			on, ok := floor(to)
			switch {
			case !ok:
				t.Errorf("%s imports %s, which has no floor", p.name(), to)
			case on > from:
				t.Errorf("%s (floor %d) imports upwards: %s (floor %d)", p.name(), from, to, on)
			case on == from && !allowed:
				t.Errorf("%s imports sideways: %s, both on floor %d", p.name(), to, on)
			}
		}
	}
	for i, s := range sideways {
		if !used[i] {
			t.Errorf("the exception %s → %s is not needed any more", s.from, s.to)
		}
	}
}

func TestNobodyKnowsMoreThanItMust(t *testing.T) {
	t.Parallel()
	list := packages(t)
	imports := func(rule string, check func(p pkg, path string)) {
		found := false
		for _, p := range list {
			if covers(rule, p.name()) {
				found = true
				for _, path := range p.Imports {
					check(p, path)
				}
			}
		}
		if !found {
			t.Errorf("a rule is about %s, which does not exist", rule)
		}
	}
	for _, rule := range only {
		imports(rule.from, func(p pkg, path string) {
			if ours, ok := strings.CutPrefix(path, "hawker/internal/"); ok && !slices.Contains(rule.may, ours) {
				t.Errorf("%s must not import %s: %s", p.name(), path, rule.why)
			}
		})
	}
	for _, rule := range never {
		imports(rule.from, func(p pkg, path string) {
			for _, no := range rule.not {
				if path == no || strings.HasPrefix(path, strings.TrimSuffix(no, "/")+"/") {
					t.Errorf("%s must not import %s: %s", p.name(), path, rule.why)
				}
			}
		})
	}
	for _, rule := range fenced {
		for _, p := range list {
			for _, path := range p.Imports {
				if (path == rule.what || strings.HasPrefix(path, rule.what+"/")) && !slices.Contains(rule.by, p.name()) {
					t.Errorf("%s must not import %s: %s", p.name(), path, rule.why)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		want := "Package " + filepath.Base(p.name()) + " "
		if filepath.Base(p.Dir) == "hawker" || strings.HasSuffix(p.name(), "/run") {
			want = "Command " + filepath.Base(p.name()) + " "
		}
		if !strings.HasPrefix(p.Doc, want) {
			t.Errorf("%s: its comment must begin with %q, it is %q", p.name(), want, p.Doc)
		}
	}
}

func TestNoFileIsLong(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, file := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(text, []byte("\n")); n > longest {
				t.Errorf("%s/%s has %d lines, more than %d: it is more than one subject", p.name(), file, n, longest)
			}
		}
	}
}
