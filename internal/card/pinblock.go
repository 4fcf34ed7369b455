package card

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
)

// PINFormat is a clear PIN block format of ISO 9564-1; its number is the
// block's first digit.
type PINFormat byte

const (
	// ISO0 binds the PIN to the card number and fills with F.
	ISO0 PINFormat = 0
	// ISO2 knows no card number; chips take it for offline PINs.
	ISO2 PINFormat = 2
	// ISO3 is ISO0 with a random fill of A to F, so that equal PINs differ.
	ISO3 PINFormat = 3
)

// ErrPINBlock says that a clear block has not the form of its format: a wrong
// key, a wrong card number or a broken terminal. It never repeats the block.
var ErrPINBlock = errors.New("card: not a PIN block of this format")

// EncodePIN returns the clear block of eight bytes, which the caller enciphers
// and wipes. ISO2 ignores pan; the others need one.
func EncodePIN(format PINFormat, pin PIN, pan PAN) ([]byte, error) {
	digits := pin.Reveal()
	if len(digits) < 4 || len(digits) > 12 {
		return nil, errors.New("card: a PIN has 4 to 12 digits")
	}
	account, err := pinAccount(format, pan)
	if err != nil {
		return nil, err
	}
	nibbles := [16]byte{byte(format), byte(len(digits))} //nolint:gosec // 4 to 12
	defer clear(nibbles[:])
	fill := fillF
	if format == ISO3 {
		fill = fillRandom
	}
	fill(nibbles[2:])
	for i, d := range digits {
		nibbles[2+i] = d - '0' //nolint:gosec // 12 digits at most, of 14 nibbles
	}
	block := make([]byte, 8)
	for i := range block {
		block[i] = nibbles[2*i]<<4 | nibbles[2*i+1]
	}
	subtle.XORBytes(block, block, account[:])
	return block, nil
}

// DecodePIN returns the PIN of a clear block of eight bytes, which the caller
// wipes like the PIN. Anything that format does not allow, the fill included, is ErrPINBlock.
func DecodePIN(format PINFormat, block []byte, pan PAN) (PIN, error) {
	account, err := pinAccount(format, pan)
	if err != nil {
		return PIN{}, err
	}
	if len(block) != 8 {
		return PIN{}, ErrPINBlock
	}
	var nibbles [16]byte
	defer clear(nibbles[:])
	for i, b := range block {
		b ^= account[i]
		nibbles[2*i], nibbles[2*i+1] = b>>4, b&15
	}
	size := int(nibbles[1])
	if nibbles[0] != byte(format) || size < 4 || size > 12 {
		return PIN{}, ErrPINBlock
	}
	digits, rest := nibbles[2:2+size], nibbles[2+size:]
	for _, n := range rest {
		if n < 10 || format != ISO3 && n != 15 {
			return PIN{}, ErrPINBlock
		}
	}
	text := make([]byte, size)
	for i, n := range digits {
		if n > 9 {
			clear(text)
			return PIN{}, ErrPINBlock
		}
		text[i] = '0' + n
	}
	return PIN{hide(text)}, nil
}

// pinAccount is the account number field: four zero digits, then the twelve
// right-most digits of the card number without its check digit.
func pinAccount(format PINFormat, pan PAN) (field [8]byte, err error) {
	switch format {
	case ISO2:
		return field, nil
	case ISO0, ISO3:
	default:
		return field, fmt.Errorf("card: no PIN block format %d", byte(format))
	}
	number := pan.Reveal()
	if number == "" {
		return field, fmt.Errorf("card: PIN block format %d needs a card number", byte(format))
	}
	number = number[:len(number)-1]
	for i, at := len(number)-1, 15; i >= 0 && at >= 4; i, at = i-1, at-1 {
		field[at/2] |= (number[i] - '0') << (4 * (1 - at%2))
	}
	return field, nil
}

func fillF(nibbles []byte) {
	for i := range nibbles {
		nibbles[i] = 15
	}
}

// fillRandom draws from A to F without a bias: of 256 values the 252 below 42×6 count.
func fillRandom(nibbles []byte) {
	var b [1]byte
	for i := range nibbles {
		for b[0] = 255; b[0] >= 252; {
			_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
		}
		nibbles[i] = 10 + b[0]%6
	}
}
