package emv

import (
	"crypto/cipher"
	"crypto/des" //nolint:gosec // the cryptograms of version 10 are triple DES; an issuer's choice, not ours
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
)

// ErrCryptogram says that a key, number or data object does not fit a cryptogram.
// It never repeats a value.
var ErrCryptogram = errors.New("emv: cannot make a cryptogram")

// MasterKey derives a card's own key of 16 bytes from the issuer's double-length
// key by option A (EMV Book 2, A1.4.1): the right-most 16 digits of the number
// and the sequence number (0 to 99), enciphered as they are and inverted, with
// odd parity. The caller wipes it.
func MasterKey(issuer []byte, pan string, sequence int) ([]byte, error) {
	if len(issuer) != 16 || len(pan) < 12 || len(pan) > 19 || strings.Trim(pan, "0123456789") != "" || sequence < 0 || sequence > 99 {
		return nil, fmt.Errorf("%w: key of 16 bytes, number of 12 to 19 digits or sequence number of two digits", ErrCryptogram)
	}
	digits := fmt.Sprintf("%016s%02d", pan, sequence)
	digits = digits[len(digits)-16:]
	key := make([]byte, 16)
	for i := range 8 {
		key[i] = (digits[2*i]-'0')<<4 | (digits[2*i+1] - '0')
		key[8+i] = ^key[i]
	}
	c := triple(issuer)
	c.Encrypt(key[:8], key[:8])
	c.Encrypt(key[8:], key[8:])
	oddParity(key)
	return key, nil
}

// objects are what a cryptogram covers, with their lengths; something of the
// issuer data follows, as the version has it.
var objects = []struct {
	tag  Tag
	size int
}{
	{Amount, 6}, {AmountOther, 6}, {CountryCode, 2}, {VerificationResult, 5}, {CurrencyCode, 2},
	{TransactionDate, 3}, {TransactionType, 1}, {Unpredictable, 4}, {InterchangeProfile, 2}, {TransactionCounter, 2},
}

// RequestData collects what a request cryptogram of version 10 covers out of
// field 55. A missing object, one of another length, or another version is ErrCryptogram.
func RequestData(t TLV) ([]byte, error) { return CVN10.Data(t) }

// covered collects the objects that every version here covers.
func covered(t TLV) ([]byte, error) {
	var data []byte
	for _, object := range objects {
		value, ok := t.Get(object.tag)
		if !ok || len(value) != object.size {
			return nil, fmt.Errorf("%w: tag %s is missing or not of %d bytes", ErrCryptogram, object.tag, object.size)
		}
		data = append(data, value...)
	}
	return data, nil
}

// ARQC is a cryptogram over data: eight bytes, ISO/IEC 9797-1 algorithm 3 under a card's
// or session key of 16 bytes, zero-padded.
func ARQC(key, data []byte) ([]byte, error) {
	if len(key) != 16 || len(data) == 0 {
		return nil, fmt.Errorf("%w: key of 16 bytes or data", ErrCryptogram)
	}
	chain, block := single(key[:8]), make([]byte, 8)
	for ; len(data) > 8; data = data[8:] {
		subtle.XORBytes(block, block, data[:8])
		chain.Encrypt(block, block)
	}
	subtle.XORBytes(block, block, data)
	triple(key).Encrypt(block, block)
	return block, nil
}

// VerifyARQC compares in constant time whether a card of this key made arqc over data.
func VerifyARQC(key, data, arqc []byte) (bool, error) {
	want, err := ARQC(key, data)
	return err == nil && subtle.ConstantTimeCompare(want, arqc) == 1, err
}

// ARPC is the issuer's answer by method 1 (EMV Book 2, 8.2.1), eight bytes: the
// request cryptogram with the two-character response code laid over it, enciphered
// under the card's own key.
func ARPC(key, arqc []byte, code string) ([]byte, error) {
	if len(key) != 16 || len(arqc) != 8 || len(code) != 2 {
		return nil, fmt.Errorf("%w: key of 16 bytes, cryptogram of 8 or response code of 2", ErrCryptogram)
	}
	block := append([]byte(nil), arqc...)
	subtle.XORBytes(block, block, []byte(code))
	triple(key).Encrypt(block, block)
	return block, nil
}

func triple(key []byte) cipher.Block {
	full := append(append(make([]byte, 0, 24), key...), key[:8]...)
	defer clear(full)
	c, err := des.NewTripleDESCipher(full) //nolint:gosec // see the import
	if err != nil {
		panic(err) // every caller has checked the length
	}
	return c
}

func single(key []byte) cipher.Block {
	c, err := des.NewCipher(key) //nolint:gosec // see the import
	if err != nil {
		panic(err) // every caller has cut eight bytes
	}
	return c
}
