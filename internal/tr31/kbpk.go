package tr31

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // versions A, B and C are defined with it
	"crypto/subtle"
	"fmt"
	"io"
)

// KBPK is a key block protection key, wherever it is kept: only what it enciphers
// comes out. For versions A to C it is triple DES, for D AES.
type KBPK interface {
	Size() int                             // in bytes
	Encrypt(blocks []byte) ([]byte, error) // each block by itself (ECB)
}

// Local is a KBPK whose bytes are at hand, which versions A and C need. It prints as "[key]".
type Local struct{ open func() *material }

type material struct {
	raw   []byte
	whole cipher.Block
}

// NewTDES copies a KBPK of 16 or 24 bytes for versions A, B and C.
func NewTDES(raw []byte) (Local, error) {
	c, err := triple(raw)
	return local(raw, c, err)
}

// NewAES copies a KBPK of 16, 24 or 32 bytes for version D.
func NewAES(raw []byte) (Local, error) {
	c, err := aes.NewCipher(raw)
	return local(raw, c, err)
}

func local(raw []byte, c cipher.Block, err error) (Local, error) {
	if err != nil {
		return Local{}, fmt.Errorf("%w: %d bytes", ErrKBPK, len(raw))
	}
	m := &material{append([]byte(nil), raw...), c}
	return Local{func() *material { return m }}, nil
}

// Size is the length in bytes; 0 for the zero or a wiped Local.
func (l Local) Size() int {
	if l.open == nil {
		return 0
	}
	return len(l.open().raw)
}

// Encrypt enciphers whole blocks, each by itself.
func (l Local) Encrypt(blocks []byte) ([]byte, error) {
	if l.Size() == 0 {
		return nil, ErrKBPK
	}
	c := l.open().whole
	if len(blocks)%c.BlockSize() != 0 {
		return nil, fmt.Errorf("%w: not whole blocks", ErrKBPK)
	}
	out := make([]byte, len(blocks))
	for i := 0; i < len(blocks); i += c.BlockSize() {
		c.Encrypt(out[i:], blocks[i:])
	}
	return out, nil
}

// Format hides the key for every verb.
func (l Local) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[key]") }

// Wipe overwrites the key and drops its schedule; every copy becomes zero.
func (l Local) Wipe() {
	if l.open != nil {
		clear(l.open().raw)
		*l.open() = material{}
	}
}

// CheckValue is an AES key's check value: the first five bytes of the CMAC of a
// zero block (X9.24-1-2017, annex A). It is no secret.
func CheckValue(k KBPK) ([]byte, error) {
	through := remote{k: k, block: aes.BlockSize}
	sum := cmac(&through, make([]byte, aes.BlockSize))
	return sum[:5], through.err
}

// keys makes a block's enciphering key and authentication key.
func (f format) keys(k KBPK, version byte) (enc, auth cipher.Block, err error) {
	step := f.derive
	if !f.derived {
		step = vary
	}
	if enc, err = step(k, 0); err == nil {
		auth, err = step(k, 1)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("version %c: %w", version, err)
	}
	return enc, auth, nil
}

// derivations holds how many bits and which algorithm the derived keys have, by
// the cipher's block and the KBPK's length (X9.143, key derivation binding method).
var derivations = map[[2]int]struct{ algorithm, bits byte }{
	{8, 16}: {0x00, 128}, {8, 24}: {0x01, 192},
	{16, 16}: {0x02, 128}, {16, 24}: {0x03, 192}, {16, 32}: {0x04, 0},
}

// derive makes a key of the KBPK's length by CMAC over a counter: usage 0 enciphers, 1 authenticates.
func (f format) derive(k KBPK, usage byte) (cipher.Block, error) {
	d, ok := derivations[[2]int{f.block, k.Size()}]
	if !ok {
		return nil, fmt.Errorf("%w: %d bytes", ErrKBPK, k.Size())
	}
	bits := []byte{0, d.bits}
	if d.bits == 0 {
		bits = []byte{1, 0} // 256
	}
	var key []byte
	defer func() { clear(key) }()
	through := remote{k: k, block: f.block}
	for counter := byte(1); len(key) < k.Size(); counter++ {
		input := []byte{counter, 0, usage, 0, 0, d.algorithm, bits[0], bits[1]}
		key = append(key, cmac(&through, input)...)
	}
	if through.err != nil {
		return nil, through.err
	}
	if f.block == aes.BlockSize {
		return aes.NewCipher(key[:k.Size()])
	}
	return triple(key[:k.Size()])
}

// vary makes the variant of a KBPK: every byte XOR 'E' enciphers, XOR 'M' authenticates.
func vary(k KBPK, usage byte) (cipher.Block, error) {
	l, ok := k.(Local)
	if !ok || l.Size() == 0 {
		return nil, fmt.Errorf("%w: variants need the key itself", ErrKBPK)
	}
	variant := make([]byte, l.Size())
	defer clear(variant)
	for i, b := range l.open().raw {
		variant[i] = b ^ "EM"[usage]
	}
	return triple(variant)
}

// triple is triple DES under 16 or 24 bytes.
func triple(key []byte) (cipher.Block, error) {
	full := append(make([]byte, 0, 24), key...)
	defer clear(full[:cap(full)])
	if len(key) == 16 {
		full = append(full, key[:8]...)
	}
	return des.NewTripleDESCipher(full) //nolint:gosec // see the import
}

// remote is a KBPK as a cipher; its first error stays.
type remote struct {
	k     KBPK
	block int
	err   error
}

func (r *remote) BlockSize() int { return r.block }

func (r *remote) Encrypt(dst, src []byte) {
	if r.err != nil {
		return
	}
	out, err := r.k.Encrypt(src[:r.block])
	if err == nil && len(out) != r.block {
		err = ErrKBPK
	}
	r.err = err
	copy(dst, out)
}

// encrypter is the half of a cipher that CMAC needs.
type encrypter interface {
	BlockSize() int
	Encrypt(dst, src []byte)
}

// cmac is NIST SP 800-38B's, of a whole block.
func cmac(c encrypter, text []byte) []byte {
	n := c.BlockSize()
	sub := make([]byte, n)
	c.Encrypt(sub, sub)
	double(sub)
	last := make([]byte, n)
	whole := max(0, (len(text)-1)/n*n)
	copy(last, text[whole:])
	if rest := len(text) - whole; rest < n {
		last[rest] = 0x80
		double(sub)
	}
	sum := make([]byte, n)
	for i := 0; i < whole; i += n {
		subtle.XORBytes(sum, sum, text[i:i+n])
		c.Encrypt(sum, sum)
	}
	subtle.XORBytes(sum, sum, last)
	subtle.XORBytes(sum, sum, sub)
	c.Encrypt(sum, sum)
	clear(last)
	clear(sub)
	return sum
}

// double multiplies by x in the field that CMAC uses.
func double(b []byte) {
	carry := b[0] >> 7
	for i := range b {
		b[i] <<= 1
		if i+1 < len(b) {
			b[i] |= b[i+1] >> 7
		}
	}
	reduce := byte(0x1B)
	if len(b) == aes.BlockSize {
		reduce = 0x87
	}
	b[len(b)-1] ^= carry * reduce
}
