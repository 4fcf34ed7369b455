package shop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"time"

	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// Refusals of a photo.
var (
	ErrPhoto    = fault.New(fault.Invalid, "photo_invalid", "这不是能用的照片，请用 JPEG 或 PNG。", "This is no photo that can be used. Please take a JPEG or PNG.")
	ErrPhotoBig = fault.New(fault.Invalid, "photo_big", "照片太大：最多 8 MB、1,600 万像素。", "The photo is too big: at most 8 MB and 16 million pixels.")
)

// The bounds of an upload, and the side of what is kept.
const (
	MaxPhoto  = 8 << 20    // bytes
	maxPixels = 16_000_000 // decoded they are 64 MB
	PhotoSide = 320        // pixels, square
)

// decoding bounds how many photos are decoded at once, because each takes so much memory.
var decoding = make(chan struct{}, 1)

// Photo makes the picture that we keep of an upload: upright, square, PhotoSide pixels, a
// JPEG of our own. Of the upload nothing else survives: no place, no camera, no comment.
func Photo(upload []byte) ([]byte, error) {
	if len(upload) > MaxPhoto {
		return nil, ErrPhotoBig
	}
	decode, measure, turned := jpeg.Decode, jpeg.DecodeConfig, orientation(upload)
	switch {
	case bytes.HasPrefix(upload, []byte("\xff\xd8\xff")):
	case bytes.HasPrefix(upload, []byte("\x89PNG\r\n\x1a\n")):
		decode, measure, turned = png.Decode, png.DecodeConfig, upright
	default:
		return nil, ErrPhoto
	}
	size, err := measure(bytes.NewReader(upload))
	if err != nil {
		return nil, ErrPhoto.Wrap(err)
	}
	if size.Width < 1 || size.Height < 1 || size.Width > maxPixels/size.Height {
		return nil, ErrPhotoBig.With("%d × %d pixels", size.Width, size.Height)
	}
	decoding <- struct{}{}
	defer func() { <-decoding }()
	picture, err := decode(bytes.NewReader(upload))
	if err != nil {
		return nil, ErrPhoto.Wrap(err)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, square(picture, turned), &jpeg.Options{Quality: 80}); err != nil {
		return nil, fmt.Errorf("write photo: %w", err)
	}
	return out.Bytes(), nil
}

// samples is how many points on a side are averaged for one pixel.
const samples = 4

// square cuts the middle out of a picture, turns it upright and makes it PhotoSide wide, on white.
func square(p image.Image, o turn) *image.RGBA {
	b := p.Bounds()
	side := min(b.Dx(), b.Dy())
	left, top := b.Min.X+(b.Dx()-side)/2, b.Min.Y+(b.Dy()-side)/2
	out := image.NewRGBA(image.Rect(0, 0, PhotoSide, PhotoSide))
	const points = PhotoSide * samples
	for y := range PhotoSide {
		for x := range PhotoSide {
			var sum [3]uint32
			for i := range samples * samples {
				sx, sy := o.source(x*samples+i%samples, y*samples+i/samples, points)
				r, g, bl, a := p.At(left+sx*side/points, top+sy*side/points).RGBA()
				for k, c := range [3]uint32{r, g, bl} {
					sum[k] += (c + 0xffff - a) >> 8
				}
			}
			const n = samples * samples
			out.SetRGBA(x, y, color.RGBA{eight(sum[0] / n), eight(sum[1] / n), eight(sum[2] / n), 255})
		}
	}
	return out
}

func eight(v uint32) uint8 { return uint8(min(v, 255)) } //nolint:gosec // bounded the line it is made

// PutPhoto keeps a picture that Photo made as the item's, in place of any other.
func PutPhoto(ctx context.Context, tx *store.Tx, m merchant.ID, item int64, picture []byte, at time.Time) (digest string, err error) {
	sum := sha256.Sum256(picture)
	digest = hex.EncodeToString(sum[:8])
	n, err := tx.Exec(ctx, `UPDATE shop_items SET photo = $1, changed_at = $2 WHERE merchant_id = $3 AND item_id = $4`, digest, store.At(at), m, item)
	if err := found(n, err); err != nil {
		return "", err
	}
	_, err = tx.Exec(ctx, `INSERT INTO item_photos (merchant_id, item_id, digest, picture) VALUES ($1, $2, $3, $4)
		ON CONFLICT (merchant_id, item_id) DO UPDATE SET digest = excluded.digest, picture = excluded.picture`, m, item, digest, picture)
	if err != nil {
		return "", fmt.Errorf("keep photo: %w", err)
	}
	return digest, nil
}

// PhotoOf gives an item's JPEG of a digest; ErrUnknown when that is not its picture.
func PhotoOf(ctx context.Context, q store.Querier, m merchant.ID, item int64, digest string) (picture []byte, err error) {
	err = q.QueryRow(ctx, `SELECT picture FROM item_photos WHERE merchant_id = $1 AND item_id = $2 AND digest = $3`, m, item, digest).Scan(&picture)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("read photo: %w", err)
	}
	return picture, nil
}
