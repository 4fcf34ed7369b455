package paper

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func sample(t testing.TB) *Doc {
	t.Helper()
	d, err := New("收单服务合同 Agreement", "合同 12 · Agreement 12")
	if err != nil {
		t.Fatal(err)
	}
	d.Title("银行卡收单服务合同")
	d.Title("Merchant services agreement")
	d.Heading("1. 费用 Fees")
	d.Text(strings.Repeat("没有您的同意，新费率不会生效，继续按现在的费率收取。", 6))
	d.Text(strings.Repeat("Without your consent the new fee does not apply, and the present fee stays. ", 5))
	d.Marked(strings.Repeat("提前三十天通知，并经您同意。Thirty days' notice and your consent. ", 8))
	d.Table([]float64{3, 2, 2}, []string{"项目 For", "费率 Rate", "封顶 Cap"}, []string{"刷卡（借记卡）Card (debit)", "0.50%", "20.00 CNY"}, []string{strings.Repeat("很长的名字", 9), "0.60%", ""})
	for range 60 {
		d.Text("另一段文字。Another paragraph.")
	}
	img := image.NewGray(image.Rect(0, 0, 60, 20))
	for x := range 60 {
		img.Set(x, x/3, color.White)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	if err := d.Picture(b.Bytes(), 60, 25, "签名 Signature"); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestNothingLeavesThePageAndNothingIsLost(t *testing.T) {
	t.Parallel()
	d := sample(t)
	if len(d.pages) < 2 {
		t.Fatal("one page only")
	}
	var all strings.Builder
	for n, p := range d.pages {
		for _, i := range p.items {
			w := i.w
			if i.text != "" {
				w = d.face.Width(i.text) * i.size
				all.WriteString(i.text)
			}
			if i.x < left-0.01 || i.x+w > width-right+0.5 || i.y+i.h > height-bottom+textSize {
				t.Errorf("page %d: %.40q at %.1f, %.1f leaves the page", n+1, i.text, i.x, i.y)
			}
		}
	}
	plain := strings.NewReplacer(" ", "", "\n", "").Replace(all.String())
	if n := strings.Count(plain, "没有您的同意，新费率不会生效，继续按现在的费率收取。"); n != 6 {
		t.Errorf("%d of 6 sentences", n)
	}
	if n := strings.Count(plain, "Withoutyourconsentthenewfeedoesnotapply,andthepresentfeestays."); n != 5 {
		t.Errorf("%d of 5 sentences", n)
	}
	if n := strings.Count(plain, "另一段文字。"); n != 60 {
		t.Errorf("%d of 60 paragraphs", n)
	}
}

func TestALineBreaksWhereItMay(t *testing.T) {
	t.Parallel()
	d := sample(t)
	for _, text := range []string{strings.Repeat("同意。", 50), strings.Repeat("word ", 80), strings.Repeat("x", 200), "", "短", strings.Repeat("（同意）", 40)} {
		lines := d.wrap(text, textSize, column)
		for i, l := range lines {
			if d.face.Width(l)*textSize > column+textSize {
				t.Errorf("%.20q is too wide", l)
			}
			if i > 0 && strings.HasPrefix(l, "。") || strings.HasPrefix(l, "）") {
				t.Errorf("a line begins with a closing mark: %.20q", l)
			}
		}
		if got := strings.ReplaceAll(strings.Join(lines, ""), " ", ""); got != strings.ReplaceAll(text, " ", "") {
			t.Errorf("%.20q lost something", text)
		}
	}
	if lines := d.wrap("a\n\nb", textSize, column); len(lines) != 3 {
		t.Error("line breaks are kept:", lines)
	}
}

func TestTheSameDocumentIsTheSameFileAndReadable(t *testing.T) {
	t.Parallel()
	one, err1 := sample(t).PDF()
	two, err2 := sample(t).PDF()
	if err1 != nil || err2 != nil || !bytes.Equal(one, two) || !bytes.HasPrefix(one, []byte("%PDF-1.")) {
		t.Fatal("two files differ", err1, err2)
	}
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext is not installed")
	}
	file := filepath.Join(t.TempDir(), "d.pdf")
	if err := os.WriteFile(file, one, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), program, file, "-").Output()
	if err != nil || !bytes.Contains(text, []byte("银行卡收单服务合同")) {
		t.Errorf("%.200q, %v", text, err)
	}
}
