package dukpt

import (
	"crypto/aes"
	"crypto/subtle"
)

// macSize is how many bytes of a MAC a message carries.
const macSize = 8

// cmac is the 16 bytes of AES-CMAC (NIST SP 800-38B, RFC 4493) of data under a key of 16 bytes.
func cmac(key, data []byte) []byte {
	c := block(key)
	last := make([]byte, aes.BlockSize) // the subkey: K1 for a whole last block, K2 for a padded one
	c.Encrypt(last, last)
	double(last)
	sum := make([]byte, aes.BlockSize)
	for len(data) > aes.BlockSize {
		subtle.XORBytes(sum, sum, data[:aes.BlockSize])
		c.Encrypt(sum, sum)
		data = data[aes.BlockSize:]
	}
	if len(data) < aes.BlockSize {
		double(last)
		sum[len(data)] ^= 0x80
	}
	subtle.XORBytes(sum, sum, data)
	subtle.XORBytes(sum, sum, last)
	c.Encrypt(sum, sum)
	clear(last)
	return sum
}

// double multiplies by x in GF(2¹²⁸): a shift, and 0x87 for the bit that falls out.
func double(b []byte) {
	carry := b[0] >> 7
	for i := range len(b) - 1 {
		b[i] = b[i]<<1 | b[i+1]>>7
	}
	b[len(b)-1] = b[len(b)-1]<<1 ^ 0x87*carry
}

// same compares a MAC in constant time with what mac makes of data.
func same(mac func([]byte) ([]byte, error), data, got []byte) error {
	want, err := mac(data)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(want, got) != 1 {
		return ErrMAC
	}
	return nil
}
