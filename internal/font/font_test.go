package font

import (
	"bytes"
	"compress/gzip"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// box is a pen that remembers how far it went and whether its contours are closed.
type box struct {
	left, top, right, bottom float64
	contours, open           int
	points                   int
}

func newBox() *box { return &box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1), 0, 0, 0} }

func (b *box) at(x, y float64) {
	b.left, b.right = min(b.left, x), max(b.right, x)
	b.top, b.bottom = min(b.top, y), max(b.bottom, y)
	b.points++
}
func (b *box) MoveTo(x, y float64)                     { b.at(x, y); b.open++ }
func (b *box) LineTo(x, y float64)                     { b.at(x, y) }
func (b *box) QuadTo(_, _, x, y float64)               { b.at(x, y) }
func (b *box) CubeTo(_, _, _, _ float64, x, y float64) { b.at(x, y) }
func (b *box) Close()                                  { b.open--; b.contours++ }

func load(t testing.TB) *Face {
	t.Helper()
	f, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTheTypefaceHasWhatMerchantsAreCalled(t *testing.T) {
	t.Parallel()
	f := load(t)
	for _, r := range "老明豆浆店麵包坊鑫堃淼犇喆赟微信支付宝云闪数字人民币Ming's Bakery & Café 0123456789·，。（）￥¥" {
		if !f.Has(r) {
			t.Errorf("no %q", r)
		}
	}
	for _, r := range "😀\uE000" {
		if f.Has(r) {
			t.Errorf("%U should be missing", r)
		}
	}
	if again := load(t); again != f || len(f.TTF()) < 1<<20 {
		t.Error("it is unpacked twice, or too small")
	}
}

func TestWidths(t *testing.T) {
	t.Parallel()
	f := load(t)
	if f.Width("") != 0 || f.Width("老明") != 2 {
		t.Error("a Chinese character is one em wide:", f.Width("老明"))
	}
	if i, m := f.Width("i"), f.Width("M"); i <= 0 || i >= m || m > 1 {
		t.Error(i, m)
	}
	rapid.Check(t, func(t *rapid.T) {
		chars := rapid.RuneFrom([]rune("老明豆浆 AZaz09.😀"))
		a, b := rapid.StringOf(chars).Draw(t, "a"), rapid.StringOf(chars).Draw(t, "b")
		if sum := f.Width(a) + f.Width(b); math.Abs(sum-f.Width(a+b)) > 1e-9 {
			t.Fatal("widths do not add up")
		}
	})
}

func TestOutlines(t *testing.T) {
	t.Parallel()
	f := load(t)
	for _, c := range []struct {
		text     string
		contours int
	}{{"一", 1}, {"口", 2}, {"i", 2}, {"O", 2}, {"一一", 2}, {" ", 0}, {"", 0}} {
		b := newBox()
		if err := f.Outline(c.text, b); err != nil {
			t.Fatal(err)
		}
		if b.contours != c.contours || b.open != 0 {
			t.Errorf("%q has %d contours, %d open", c.text, b.contours, b.open)
		}
		if c.contours > 0 && (b.left < -0.1 || b.right > f.Width(c.text)+0.1 || b.top < -1.1 || b.bottom > 0.3 || b.top >= 0) {
			t.Errorf("%q lies at %+v", c.text, *b)
		}
	}
}

func TestADamagedTypefaceIsTold(t *testing.T) {
	t.Parallel()
	var empty bytes.Buffer
	z := gzip.NewWriter(&empty)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"no gzip": []byte("x"), "cut": packed[:1000], "no typeface": empty.Bytes(), "nothing": nil} {
		if _, err := parse(b); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
