package picture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"

	"hawker/internal/picture"
)

// card draws something like a paper: fields of different grey, by seed.
func card(w, h int, seed uint64) *image.RGBA {
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	var fields [8][9]uint8
	for y := range 8 {
		for x := range 9 {
			fields[y][x] = uint8(r.IntN(256)) //nolint:gosec // a byte
		}
	}
	for y := range h {
		for x := range w {
			v := fields[y*8/h][x*9/w]
			p.SetRGBA(x, y, color.RGBA{v, v, v / 2, 255})
		}
	}
	return p
}

func asJPEG(t testing.TB, p image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, p image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// noted puts notes into a JPEG as a camera does: how it was held, and where.
func noted(photo []byte, turn uint16) []byte {
	tiff := append([]byte("MM\x00*\x00\x00\x00\x08"), 0, 1)
	tiff = binary.BigEndian.AppendUint16(tiff, 0x0112)
	tiff = append(tiff, 0, 3, 0, 0, 0, 1)
	tiff = binary.BigEndian.AppendUint16(tiff, turn)
	tiff = append(tiff, 0, 0, 0, 0, 0, 0)
	tiff = append(tiff, "GPSLatitude 31.2304"...)
	body := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{}, photo[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2)) //nolint:gosec // small
	return append(append(out, body...), photo[2:]...)
}

func TestWhatACameraNotedIsGone(t *testing.T) {
	t.Parallel()
	upload := append(noted(asJPEG(t, card(1200, 800, 1), 90), 1), "<script>alert(1)</script>"...)
	p, err := picture.Clean(upload)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"GPS", "Exif", "script"} {
		if bytes.Contains(p.JPEG, []byte(secret)) {
			t.Errorf("%s survived", secret)
		}
	}
	if p.Width != 1200 || p.Height != 800 {
		t.Errorf("%d × %d", p.Width, p.Height)
	}
}

func TestAPhotoIsUprightHoweverTheCameraWasHeld(t *testing.T) {
	t.Parallel()
	straight := card(900, 600, 2)
	want, err := picture.Clean(asPNG(t, straight))
	if err != nil {
		t.Fatal(err)
	}
	// Held so that the sensor saw the picture turned: 6 says turn it clockwise.
	turned := image.NewRGBA(image.Rect(0, 0, 600, 900))
	for y := range 600 {
		for x := range 900 {
			turned.Set(y, 899-x, straight.At(x, y))
		}
	}
	got, err := picture.Clean(noted(asJPEG(t, turned, 95), 6))
	if err != nil || got.Width != 900 || got.Height != 600 || !picture.Alike(got.Look, want.Look) {
		t.Errorf("%d × %d, look %x and %x, %v", got.Width, got.Height, got.Look, want.Look, err)
	}
}

func TestTheSamePhotoSavedAgainLooksAlikeAndAnotherDoesNot(t *testing.T) {
	t.Parallel()
	same := 0
	for seed := range uint64(12) {
		first, err := picture.Clean(asPNG(t, card(1500, 1000, seed)))
		if err != nil {
			t.Fatal(err)
		}
		again, err := picture.Clean(asJPEG(t, card(900, 600, seed), 60))
		if err != nil {
			t.Fatal(err)
		}
		if !picture.Alike(first.Look, again.Look) {
			t.Errorf("%x and %x of one photo", first.Look, again.Look)
		}
		if first.Top() == again.Top() || first.Bottom() == again.Bottom() {
			same++
		}
		other, err := picture.Clean(asPNG(t, card(900, 600, seed+100)))
		if err != nil || picture.Alike(first.Look, other.Look) {
			t.Errorf("%x and %x of two photos, %v", first.Look, other.Look, err)
		}
	}
	if same < 11 {
		t.Errorf("only %d of 12 have a half that is the very same", same)
	}
}

func TestALargePhotoIsMadeSmaller(t *testing.T) {
	t.Parallel()
	p, err := picture.Clean(asJPEG(t, card(3200, 1800, 4), 70))
	if err != nil || p.Width != 1600 || p.Height != 900 || len(p.JPEG) > 400_000 {
		t.Errorf("%d × %d, %d bytes, %v", p.Width, p.Height, len(p.JPEG), err)
	}
}

// header is a PNG that says it is w by h, and nothing else.
func header(t testing.TB, w, h uint32) []byte {
	b := asPNG(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	binary.BigEndian.PutUint32(b[16:], w)
	binary.BigEndian.PutUint32(b[20:], h)
	// Its checksum is wrong now, which the decoder says; right or wrong it must not be drawn.
	return b
}

func TestWhatIsNoPhotoIsRefusedInOneSentence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		upload []byte
		want   error
	}{
		{"nothing", nil, picture.ErrFormat},
		{"a PDF with a script", []byte("%PDF-1.7\n1 0 obj << /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>"), picture.ErrFormat},
		{"a page that says it is a photo", []byte("<html><script>alert(1)</script>"), picture.ErrFormat},
		{"an SVG", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), picture.ErrFormat},
		{"twenty megabytes", append([]byte("\xff\xd8\xff"), make([]byte, 20<<20)...), picture.ErrBig},
		{"a broken JPEG", asJPEG(t, card(700, 700, 5), 80)[:900], picture.ErrFormat},
		{"a bomb: huge and empty", header(t, 60000, 60000), picture.ErrFormat},
		{"a stamp", asPNG(t, card(300, 200, 6)), picture.ErrSmall},
		{"darkness", asPNG(t, image.NewGray(image.Rect(0, 0, 800, 600))), picture.ErrBlank},
	} {
		if _, err := picture.Clean(c.upload); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAWatermarkIsAllOverThePicture(t *testing.T) {
	t.Parallel()
	plain := image.NewRGBA(image.Rect(0, 0, 1200, 800))
	for i := range plain.Pix {
		plain.Pix[i] = 150
	}
	kept := asJPEG(t, plain, 82)
	marked, err := picture.Watermark(kept, "仅供商户审核使用", "审核员 3 · 2026-11-25 12:00")
	if err != nil {
		t.Fatal(err)
	}
	after, err := jpeg.Decode(bytes.NewReader(marked))
	if err != nil {
		t.Fatal(err)
	}
	for y := range 4 {
		for x := range 4 {
			changed := 0
			for py := y * 200; py < (y+1)*200; py++ {
				for px := x * 300; px < (x+1)*300; px++ {
					if r, _, _, _ := after.At(px, py).RGBA(); r>>8 > 165 || r>>8 < 135 {
						changed++
					}
				}
			}
			if changed < 300 {
				t.Errorf("only %d pixels of part %d, %d are marked", changed, x, y)
			}
		}
	}
	if _, err := picture.Watermark([]byte("no picture"), "x"); err == nil {
		t.Error("marked what is no picture")
	}
}

func FuzzClean(f *testing.F) {
	f.Add(asJPEG(f, card(620, 30, 1), 50))
	f.Add(noted(asJPEG(f, card(620, 30, 1), 50), 8))
	f.Add(asPNG(f, card(620, 20, 2)))
	f.Add([]byte("\xff\xd8\xff\xe1\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := picture.Clean(b)
		if err == nil && (p.Width < 1 || p.Height < 1 || max(p.Width, p.Height) > 1600 || len(p.JPEG) == 0) {
			t.Errorf("kept %d × %d", p.Width, p.Height)
		}
	})
}
