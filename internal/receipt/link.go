package receipt

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"

	"hawker/internal/merchant"
)

const (
	// use is what the keystore's key is used for here.
	use = "receipt link v1"
	// Path stands between the address and the token.
	Path = "/r/"
	// tagSize is how many bytes of HMAC-SHA-256 a link carries: nobody guesses 128 bits.
	tagSize = 16
	// maxToken bounds the token's characters: two numbers of ten bytes and the tag.
	maxToken = 48
)

// Link is the address of a payment's receipt. It is the same each time: whoever has it
// sees the receipt, and nobody finds another's by counting.
func (d *Desk) Link(ctx context.Context, m merchant.ID, id int64) (string, error) {
	content := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(m)), uint64(id)) //nolint:gosec // ids are positive
	tag, err := d.voucher.Vouch(ctx, use, content)
	if err != nil {
		return "", fmt.Errorf("sign receipt link: %w", err)
	}
	return d.base + Path + base64.RawURLEncoding.EncodeToString(append(content, tag[:tagSize]...)), nil
}

// read tells whose receipt a token names.
func (d *Desk) read(ctx context.Context, token string) (m merchant.ID, id int64, err error) {
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") { // the decoder skips line breaks
		return 0, 0, ErrUnknown
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= tagSize {
		return 0, 0, ErrUnknown
	}
	content, tag := raw[:len(raw)-tagSize], raw[len(raw)-tagSize:]
	want, err := d.voucher.Vouch(ctx, use, content)
	if err != nil {
		return 0, 0, fmt.Errorf("check receipt link: %w", err)
	}
	if !hmac.Equal(tag, want[:tagSize]) {
		return 0, 0, ErrUnknown
	}
	first, n := binary.Uvarint(content)
	second, rest := binary.Uvarint(content[max(n, 0):])
	if n <= 0 || rest <= 0 || n+rest != len(content) {
		return 0, 0, ErrUnknown
	}
	return merchant.ID(first), int64(second), nil //nolint:gosec // we wrote them
}
