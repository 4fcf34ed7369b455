package qr

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hawker/internal/fault"
)

var update = flag.Bool("update", false, "rewrite testdata/*.golden")

// samples are explained in golden files of their names.
var samples = []struct {
	file, text string
	err        *fault.Fault
}{
	{"the specification's merchant code", specMPM, nil},
	{"a merchant code with a changed amount", strings.Replace(specMPM, "23.72", "93.72", 1), ErrCRC},
	{"a merchant code with a broken template", sealed(plain + "62080309ABCD"), ErrEMVCo},
	{"a static UnionPay code with a fee", sealed(plain + "54044.5055020256043.50"), nil},
	{"the specification's customer code", specCPM, ErrUnknown},
	{"a UnionPay customer code", unionPayCPM, nil},
	{"a WeChat code", "138273645546372819", nil},
	{"an Alipay code", "286273645546372819", nil},
	{"a code that is too short", "1382736455", ErrLength},
	{"no code at all", "hello", ErrUnknown},
	{"a UnionPay static link", "https://qr.95516.com/00010000/01116734936470044423094034227630", nil},
	{"a UnionPay link without a code", "https://qr.95516.com/00010000/", ErrEMVCo},
	{"another link", "https://pay.example/c/secret-token?x=1", nil},
}

func TestExplanationsAreAsInTheirFiles(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, s := range samples {
		name := filepath.Join("testdata", strings.NewReplacer(" ", "-", "'", "").Replace(s.file)+".golden")
		known[name] = true
		e := Known.Explain(s.text)
		if s.err == nil && e.Err != nil || s.err != nil && !errors.Is(e.Err, s.err) {
			t.Errorf("%s: %v", s.file, e.Err)
		}
		var got bytes.Buffer
		if n, err := e.WriteTo(&got); err != nil || n != int64(got.Len()) {
			t.Error(err)
		}
		if *update {
			if err := os.WriteFile(name, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("differs from %s:\n%s", name, got.String())
		}
	}
	files, _ := filepath.Glob("testdata/*.golden")
	for _, f := range files {
		if !known[f] {
			t.Errorf("%s belongs to no sample", f)
		}
	}
}

func TestAnExplanationShowsNoCustomersSecret(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		var out bytes.Buffer
		_, _ = Known.Explain(s.text).WriteTo(&out)
		for _, secret := range []string{"82736455", "62736455", "6261000000", "1234567890123458", "584FD385", "CARDHOLDER", "secret-token", "hello"} {
			if strings.Contains(out.String(), secret) {
				t.Errorf("%s shows %s", s.file, secret)
			}
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestAnExplanationThatCannotBeWrittenSaysSo(t *testing.T) {
	t.Parallel()
	if _, err := Known.Explain(specMPM).WriteTo(brokenWriter{}); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

func FuzzExplain(f *testing.F) {
	for _, s := range samples {
		f.Add(s.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var out bytes.Buffer
		e := Known.Explain(text)
		if _, err := e.WriteTo(&out); err != nil || e.Kind == "" || e.KindZH == "" {
			t.Fatal(err)
		}
		if e.Err == nil && len(e.Rows) == 0 {
			t.Fatal("nothing is explained and nothing is wrong")
		}
	})
}
