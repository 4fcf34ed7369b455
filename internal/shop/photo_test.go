package shop

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

var (
	red, green, blue = color.RGBA{220, 0, 0, 255}, color.RGBA{0, 180, 0, 255}, color.RGBA{0, 0, 220, 255}
)

// corners is a picture whose top left is red, top right green, and all below blue.
func corners(width, height int) *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			switch {
			case y >= height/2:
				p.SetRGBA(x, y, blue)
			case x < width/2:
				p.SetRGBA(x, y, red)
			default:
				p.SetRGBA(x, y, green)
			}
		}
	}
	return p
}

// exif puts a camera's notes into a JPEG: how it was held, and a secret.
func exif(t *testing.T, p image.Image, o turn, secret string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, p, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	tiff := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00")
	tiff = binary.LittleEndian.AppendUint16(tiff, uint16(o))
	tiff = append(tiff, "\x00\x00\x00\x00\x00\x00"+secret...)
	part := append([]byte("Exif\x00\x00"), tiff...)
	head := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(part)+2))...)
	return append(append(head, part...), out.Bytes()[2:]...)
}

func near(a color.Color, b color.RGBA) bool {
	r, g, bl, _ := a.RGBA()
	d := func(x uint32, y uint8) bool { return x>>8 < uint32(y)+40 && uint32(y) < x>>8+40 }
	return d(r, b.R) && d(g, b.G) && d(bl, b.B)
}

func TestAPhotoIsTurnedUprightAndLosesItsNotes(t *testing.T) {
	t.Parallel()
	const secret = "31.2304N 121.4737E"
	// What is seen at the top left, top right, bottom left, bottom right.
	for o, want := range map[turn][4]color.RGBA{
		1: {red, green, blue, blue}, 2: {green, red, blue, blue}, 3: {blue, blue, green, red}, 4: {blue, blue, red, green},
		5: {red, blue, green, blue}, 6: {blue, red, blue, green}, 7: {blue, green, blue, red}, 8: {green, blue, red, blue},
		99: {red, green, blue, blue},
	} {
		upload := exif(t, corners(400, 400), o, secret)
		if !bytes.Contains(upload, []byte(secret)) {
			t.Fatal("the upload holds no secret")
		}
		kept, err := Photo(upload)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(kept, []byte(secret)) || bytes.Contains(kept, []byte("Exif")) {
			t.Error("the camera's notes are kept")
		}
		p, err := jpeg.Decode(bytes.NewReader(kept))
		if err != nil || p.Bounds() != image.Rect(0, 0, PhotoSide, PhotoSide) {
			t.Fatalf("%v, %v", p.Bounds(), err)
		}
		for i, at := range []image.Point{{40, 40}, {280, 40}, {40, 280}, {280, 280}} {
			if !near(p.At(at.X, at.Y), want[i]) {
				t.Errorf("held as %d, at %v is %v, want %v", o, at, p.At(at.X, at.Y), want[i])
			}
		}
	}
}

func pngOf(t *testing.T, p image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, p); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAPhotoIsCutToItsMiddleOnWhite(t *testing.T) {
	t.Parallel()
	p := image.NewRGBA(image.Rect(0, 0, 900, 300)) // transparent
	for y := range 300 {
		for x := range 300 {
			p.SetRGBA(x, y, red) // left of the middle
		}
	}
	kept, err := Photo(pngOf(t, p))
	if err != nil {
		t.Fatal(err)
	}
	got, err := jpeg.Decode(bytes.NewReader(kept))
	if err != nil || !near(got.At(10, 160), color.RGBA{255, 255, 255, 255}) {
		t.Errorf("%v, %v", got.At(10, 160), err)
	}
}

func TestWhatIsNoPhotoIsRefused(t *testing.T) {
	t.Parallel()
	whole := pngOf(t, corners(64, 64))
	huge := bytes.Clone(whole) // says that it is 60,000 pixels wide and high
	copy(huge[16:], []byte{0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60})
	binary.BigEndian.PutUint32(huge[29:], crc(huge[12:29]))
	for name, c := range map[string]struct {
		upload []byte
		want   error
	}{
		"nothing":                          {nil, ErrPhoto},
		"a page":                           {[]byte("<html><script>alert(1)</script>"), ErrPhoto},
		"a drawing with a script":          {[]byte("<svg onload=alert(1)>"), ErrPhoto},
		"a picture that is cut off":        {whole[:len(whole)-40], ErrPhoto},
		"a JPEG's first bytes alone":       {[]byte("\xff\xd8\xff\xe0junk"), ErrPhoto},
		"more pixels than memory is for":   {huge, ErrPhotoBig},
		"more bytes than a photo may have": {append(bytes.Clone(whole), make([]byte, MaxPhoto)...), ErrPhotoBig},
	} {
		if _, err := Photo(c.upload); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// crc is the check value of a PNG's part (ISO 3309).
func crc(b []byte) uint32 {
	c := ^uint32(0)
	for _, v := range b {
		c ^= uint32(v)
		for range 8 {
			c = c>>1 ^ 0xEDB88320*(c&1)
		}
	}
	return ^c
}

func TestAPhotoBelongsToItsItem(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, i := t.Context(), add(t, db, latte())
		put := func(picture string) (digest string, err error) {
			err = write(t, db, func(tx *store.Tx) (err error) {
				digest, err = PutPhoto(ctx, tx, 7, i.ID, []byte(picture), noon)
				return err
			})
			return digest, err
		}
		first, err := put("one picture")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := PhotoOf(ctx, db.Read(), 7, i.ID, first); err != nil || string(got) != "one picture" {
			t.Errorf("%q, %v", got, err)
		}
		second, err := put("another picture")
		if err != nil || second == first {
			t.Fatalf("%s after %s, %v", second, first, err)
		}
		if _, err := PhotoOf(ctx, db.Read(), 7, i.ID, first); !errors.Is(err, ErrUnknown) {
			t.Errorf("the former picture: %v", err)
		}
		if _, err := PhotoOf(ctx, db.Read(), 8, i.ID, second); !errors.Is(err, ErrUnknown) {
			t.Errorf("another merchant's: %v", err)
		}
		if again, err := ByID(ctx, db.Read(), 7, i.ID); err != nil || again.Photo != second {
			t.Errorf("the item has %q, %v", again.Photo, err)
		}
		err = write(t, db, func(tx *store.Tx) error { _, err := PutPhoto(ctx, tx, 8, i.ID, []byte("x"), noon); return err })
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("put by another merchant: %v", err)
		}
	})
}

func FuzzPhoto(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00\x08\x00\x00\x00"))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x20Exif\x00\x00MM\x00*\xff\xff\xff\xff\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if o := orientation(b); o < 1 || o > 8 {
			t.Errorf("turned by %d", o)
		}
	})
}
