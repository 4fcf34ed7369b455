package webtest

import (
	"bufio"
	"context"
	"fmt"
	"image"
	"image/color"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// Camera is Browser in a Chromium of its own whose camera sees a film, again and again. A
// film that is written anew is seen by whoever opens the camera next.
func Camera(t *testing.T, film string) context.Context {
	t.Helper()
	dir, err := os.MkdirTemp("", "hawker-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	root, stop, err := launch(dir, chromedp.Flag("use-file-for-fake-video-capture", film))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := end(root, stop, dir); err != nil {
			t.Error(err)
		}
	})
	return window(t, root)
}

// Film writes pictures of one size, both sides even, as what a camera saw: 20 in a second, in shades of grey.
func Film(t *testing.T, file string, pictures ...image.Image) {
	t.Helper()
	f, err := os.Create(file) //nolint:gosec // the test's own
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	size := pictures[0].Bounds().Size()
	_, _ = fmt.Fprintf(w, "YUV4MPEG2 W%d H%d F20:1 Ip A1:1 C420jpeg\n", size.X, size.Y) // Flush tells what went wrong
	colours := make([]byte, size.X*size.Y/2)
	for i := range colours {
		colours[i] = 128 // none
	}
	for _, p := range pictures {
		_, _ = w.WriteString("FRAME\n")
		b := p.Bounds()
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				_ = w.WriteByte(color.GrayModel.Convert(p.At(x, y)).(color.Gray).Y)
			}
		}
		_, _ = w.Write(colours)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
