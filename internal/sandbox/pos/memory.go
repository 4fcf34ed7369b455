package pos

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// hexBytes are key bytes: hexadecimal in the state file, and nowhere else.
type hexBytes []byte

// MarshalText writes hexadecimal digits.
func (h hexBytes) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

// UnmarshalText reads hexadecimal digits. Its error does not repeat them.
func (h *hexBytes) UnmarshalText(text []byte) error {
	b, err := hex.AppendDecode(nil, text)
	if err != nil {
		return errors.New("not hexadecimal")
	}
	*h = b
	return nil
}

// Format hides the bytes for every verb.
func (h hexBytes) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[key]") }

// LogValue hides the bytes in structured logs.
func (h hexBytes) LogValue() slog.Value { return slog.StringValue("[key]") }

// Format hides the keys for every verb.
func (k secure) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[keys]") }

// seal enciphers card data that an unanswered refund must repeat, AES-256-GCM.
// PCI DSS 3.3.2 allows to keep it so until the authorization is complete; the
// caller drops it with the answer. label binds it to its transaction.
func (k secure) seal(data []byte, label string) ([]byte, error) {
	box, err := k.box()
	if err != nil {
		return nil, err
	}
	return box.Seal(nil, nil, data, []byte(label)), nil
}

// unseal undoes seal, and fails for a changed text or another label.
func (k secure) unseal(sealed []byte, label string) ([]byte, error) {
	box, err := k.box()
	if err != nil {
		return nil, err
	}
	return box.Open(nil, nil, sealed, []byte(label))
}

func (k secure) box() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.Memory)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
