package card

import (
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
)

// PINField is the clear PIN field of ISO 9564-1 format 4, 16 bytes: the PIN, filled
// with A to fourteen digits, and eight random bytes. The caller enciphers it
// together with AccountField, and wipes it.
func PINField(pin PIN) ([]byte, error) {
	digits := pin.Reveal()
	if len(digits) < 4 || len(digits) > 12 {
		return nil, errors.New("card: a PIN has 4 to 12 digits")
	}
	field := make([]byte, 16)
	put := func(at int, nibble byte) { field[at/2] |= nibble << (4 * (1 - at%2)) }
	put(0, 4)
	put(1, byte(len(digits))) //nolint:gosec // 4 to 12
	for at := 2; at < 16; at++ {
		nibble := byte(10)
		if i := at - 2; i < len(digits) {
			nibble = digits[i] - '0'
		}
		put(at, nibble)
	}
	_, _ = rand.Read(field[8:]) // never fails: crypto/rand ends the process instead
	return field, nil
}

// AccountField is the card's part of format 4, 16 bytes: how many digits the number
// has over twelve, then its digits, then zeros.
func AccountField(pan PAN) ([]byte, error) {
	digits := pan.Reveal()
	if digits == "" {
		return nil, errors.New("card: PIN block format 4 needs a card number")
	}
	text := strconv.Itoa(len(digits)-12) + digits
	text += strings.Repeat("0", 32-len(text))
	field := make([]byte, 16)
	for i := range field {
		field[i] = (text[2*i]-'0')<<4 | (text[2*i+1] - '0')
	}
	return field, nil
}

// ParsePINField returns the PIN of a clear field of format 4, which the caller wipes
// like the PIN. Anything that the format does not allow is ErrPINBlock.
func ParsePINField(field []byte) (PIN, error) {
	if len(field) != 16 || field[0]>>4 != 4 {
		return PIN{}, ErrPINBlock
	}
	size := int(field[0] & 15)
	if size < 4 || size > 12 {
		return PIN{}, ErrPINBlock
	}
	text := make([]byte, size)
	for i := range 14 {
		at := i + 2
		nibble := field[at/2] >> (4 * (1 - at%2)) & 15
		if i < size && nibble > 9 || i >= size && nibble != 10 {
			clear(text)
			return PIN{}, ErrPINBlock
		}
		if i < size {
			text[i] = '0' + nibble
		}
	}
	return PIN{hide(text)}, nil
}
