package dukpt

import (
	"crypto/cipher"
	"errors"
	"fmt"
)

// ErrData says that bytes do not decipher to padded data: another key, or changed on the way.
var ErrData = errors.New("dukpt: not enciphered data")

// dataVariant is the mask of the key for data that the reader sends. It is
// enciphered under itself before use (X9.24-1:2009, A.4.1), so that it tells
// nothing about the transaction key.
const dataVariant = 0x0000000000FF0000

// EncryptData enciphers what the reader keeps from others, a track: triple DES in
// CBC from a zero vector, padded by 80 and zeros. A key of one transaction needs
// no other vector.
func (s Session) EncryptData(data []byte) ([]byte, error) {
	if s.key() == nil {
		return nil, ErrKey
	}
	key := s.dataKey()
	defer clear(key)
	return encryptCBC(triple(key), data), nil
}

// DecryptData undoes EncryptData; the caller wipes what comes. Bytes that are no
// padded blocks are ErrData.
func (s Session) DecryptData(sealed []byte) ([]byte, error) {
	if s.key() == nil {
		return nil, ErrKey
	}
	key := s.dataKey()
	defer clear(key)
	return decryptCBC(triple(key), sealed)
}

func (s Session) dataKey() []byte {
	variant := vary(s.key(), dataVariant)
	defer clear(variant)
	c, key := triple(variant), make([]byte, 16)
	c.Encrypt(key[:8], variant[:8])
	c.Encrypt(key[8:], variant[8:])
	return key
}

// VerifyResponse does for the reader what VerifyRequest does for the host.
func (s Session) VerifyResponse(data, mac []byte) error { return same(s.ResponseMAC, data, mac) }

// Reader names base key and reader: the number with a counter of zero.
func (k KSN) Reader() string {
	k[7] &^= 0x1f
	k[8], k[9] = 0, 0
	return k.String()
}

// KeySet names the base key: the first five bytes.
func (k KSN) KeySet() string { return fmt.Sprintf("%X", k[:5]) }

// Next is the number of the reader's next transaction: counters with more than
// ten ones are left out. ErrKSN when there is none any more.
func (k KSN) Next() (KSN, error) {
	counter, ok := next(uint64(k.Counter()), counterOnes, counterMask)
	if !ok {
		return KSN{}, fmt.Errorf("%w: the reader has spent its counter", ErrKSN)
	}
	k[7] = k[7]&^0x1f | byte(counter>>16)             //nolint:gosec // five bits
	k[8], k[9] = byte(counter>>8), byte(counter&0xff) //nolint:gosec // the lower bytes
	return k, nil
}

func encryptCBC(c cipher.Block, data []byte) []byte {
	size := c.BlockSize()
	padded := make([]byte, len(data)/size*size+size)
	copy(padded, data)
	padded[len(data)] = 0x80
	cipher.NewCBCEncrypter(c, make([]byte, size)).CryptBlocks(padded, padded) //nolint:gosec // X9.24 says a vector of zeros; each key is used once
	return padded
}

func decryptCBC(c cipher.Block, sealed []byte) ([]byte, error) {
	size := c.BlockSize()
	if len(sealed) == 0 || len(sealed)%size != 0 {
		return nil, fmt.Errorf("%w: %d bytes", ErrData, len(sealed))
	}
	out := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(c, make([]byte, size)).CryptBlocks(out, sealed)
	end := len(out) - 1
	for end > len(out)-size && out[end] == 0 {
		end--
	}
	if out[end] != 0x80 {
		clear(out)
		return nil, ErrData
	}
	return out[:end], nil
}
