package tr31

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Header says what a key is and may be used for. It is authenticated and not
// secret. The zero Header cannot be written.
type Header struct {
	Version       byte       // A, B, C or D: how the block is protected
	Usage         string     // two characters: "P0" enciphers PINs, "K1" protects key blocks
	Algorithm     byte       // of the key: 'T' triple DES, 'A' AES, 'D' DES, 'H' HMAC
	Mode          byte       // 'B' encipher and decipher, 'C' make and verify codes, 'X' derive, 'N' anything …
	KeyVersion    string     // two characters; "00" is unnumbered, "c…" a component
	Exportability byte       // 'E' under a KBPK, 'S' with the owner's consent, 'N' not at all
	Blocks        []Optional // in their order, without padding
}

// Optional is one optional block: two characters that name it, and printable ASCII.
type Optional struct{ ID, Data string }

const (
	headerSize = 16
	padding    = "PB" // the optional block that fills up to the cipher's block
	maxLength  = 9999
)

// parsed is a block taken apart.
type parsed struct {
	Header
	format format
	header int // characters before the enciphered key
	cipher []byte
	mac    []byte
}

// ParseHeader reads what a block says of its key, which nobody has verified: use
// it to find the KBPK, and believe what Unwrap returns.
func ParseHeader(text string) (Header, error) {
	b, err := parse(text)
	return b.Header, err
}

func parse(text string) (b parsed, err error) {
	if len(text) < headerSize {
		return b, &FormatError{len(text), fmt.Sprintf("%d characters of header", headerSize), fmt.Sprintf("%d", len(text))}
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return b, &FormatError{i, "printable ASCII", fmt.Sprintf("byte %02X", text[i])}
		}
	}
	ok := false
	if b.format, ok = formats[text[0]]; !ok {
		return b, &FormatError{0, "version A, B, C or D", fmt.Sprintf("%q", text[0])}
	}
	length, err := number(text, 1, 4, "the block's length in 4 digits", 10)
	if err != nil {
		return b, err
	}
	if length != len(text) {
		return b, &FormatError{1, fmt.Sprintf("the block's length, %04d", len(text)), text[1:5]}
	}
	b.Header = Header{Version: text[0], Usage: text[5:7], Algorithm: text[7], Mode: text[8], KeyVersion: text[9:11], Exportability: text[11]}
	if err := b.check(); err != nil {
		return b, err
	}
	count, err := number(text, 12, 2, "the number of optional blocks in 2 digits", 10)
	if err != nil {
		return b, err
	}
	if text[14:16] != "00" {
		return b, &FormatError{14, "00 (reserved)", text[14:16]}
	}
	b.header = headerSize
	for range count {
		o, end, err := optional(text, b.header)
		if err != nil {
			return b, err
		}
		if o.ID != padding {
			b.Blocks = append(b.Blocks, o)
		}
		b.header = end
	}
	if b.header%b.format.block != 0 {
		return b, &FormatError{b.header, fmt.Sprintf("a header of a multiple of %d characters", b.format.block), fmt.Sprintf("%d", b.header)}
	}
	return b, b.body(text)
}

// body reads the enciphered key and the code behind the header.
func (b *parsed) body(text string) error {
	size := len(text) - b.header - 2*b.format.mac
	if size < 2*b.format.block || size%(2*b.format.block) != 0 {
		return &FormatError{b.header, fmt.Sprintf("an enciphered key of whole blocks of %d bytes and %d bytes of code", b.format.block, b.format.mac),
			fmt.Sprintf("%d characters", len(text)-b.header)}
	}
	for i := b.header; i < len(text); i++ {
		if !strings.ContainsRune("0123456789ABCDEF", rune(text[i])) {
			return &FormatError{i, "hexadecimal digits 0-9 A-F", fmt.Sprintf("%q", text[i])}
		}
	}
	raw, err := hex.DecodeString(text[b.header:])
	if err != nil {
		return &FormatError{b.header, "hexadecimal digits", "others"}
	}
	b.cipher, b.mac = raw[:size/2], raw[size/2:]
	return nil
}

// optional reads one optional block at a position and says where the next begins.
func optional(text string, at int) (o Optional, end int, err error) {
	if len(text)-at < 4 {
		return o, 0, &FormatError{at, "an optional block's name and length", fmt.Sprintf("%d characters", len(text)-at)}
	}
	if !alphanumeric(text[at : at+2]) {
		return o, 0, &FormatError{at, "an optional block's name", fmt.Sprintf("%q", text[at:at+2])}
	}
	head := 4
	size, err := number(text, at+2, 2, "an optional block's length in 2 hexadecimal digits", 16)
	if err == nil && size == 0 { // extended: the length of the length, then the length
		var digits int
		if digits, err = number(text, at+4, 2, "the length of an optional block's length", 16); err == nil {
			if digits == 0 || digits > 4 {
				return o, 0, &FormatError{at + 4, "a length of 1 to 4 digits", fmt.Sprintf("%d", digits)}
			}
			head = 6 + digits
			size, err = number(text, at+6, digits, "an optional block's length in hexadecimal digits", 16)
		}
	}
	if err != nil {
		return o, 0, err
	}
	if size < head || size > len(text)-at {
		return o, 0, &FormatError{at + 2, fmt.Sprintf("an optional block's length, %d to %d", head, len(text)-at), fmt.Sprintf("%d", size)}
	}
	return Optional{text[at : at+2], text[at+head : at+size]}, at + size, nil
}

// number reads digits of a base.
func number(text string, at, digits int, what string, base int) (n int, err error) {
	if len(text)-at < digits {
		return 0, &FormatError{at, what, "the end"}
	}
	for i := at; i < at+digits; i++ {
		d := strings.IndexByte("0123456789ABCDEF"[:base], text[i])
		if d < 0 {
			return 0, &FormatError{i, what, fmt.Sprintf("%q", text[i])}
		}
		n = n*base + d
	}
	return n, nil
}

// check refuses characters that the header has no place for.
func (h Header) check() error {
	for _, part := range []struct {
		at         int
		what, text string
		size       int
	}{
		{5, "a key usage", h.Usage, 2}, {7, "an algorithm", string(rune(h.Algorithm)), 1}, {8, "a mode of use", string(rune(h.Mode)), 1},
		{9, "a key version number", h.KeyVersion, 2},
	} {
		if len(part.text) != part.size || !alphanumeric(part.text) {
			return &FormatError{part.at, part.what, fmt.Sprintf("%q", part.text)}
		}
	}
	if !strings.ContainsRune("ENS", rune(h.Exportability)) {
		return &FormatError{11, "exportability E, N or S", fmt.Sprintf("%q", h.Exportability)}
	}
	return nil
}

// write is the header of a block whose enciphered key and code have so many characters.
func (h Header) write(f format, behind int) (string, error) {
	if err := h.check(); err != nil {
		return "", err
	}
	blocks, at := "", headerSize
	for _, o := range h.Blocks {
		size := 4 + len(o.Data)
		length := fmt.Sprintf("%02X", size)
		if size > 0xFF {
			size += 6
			length = fmt.Sprintf("0004%04X", size)
		}
		if !alphanumeric(o.ID) || len(o.ID) != 2 || o.ID == padding || size > maxLength || !printable(o.Data) {
			return "", &FormatError{at, "an optional block of printable ASCII", fmt.Sprintf("%.4q with %d characters", o.ID, len(o.Data))}
		}
		blocks += o.ID + length + o.Data
		at = headerSize + len(blocks)
	}
	count := len(h.Blocks)
	if over := at % f.block; over != 0 {
		fill := f.block - over
		if fill < 4 {
			fill += f.block
		}
		blocks += fmt.Sprintf("%s%02X%s", padding, fill, strings.Repeat("0", fill-4))
		count++
	}
	total := headerSize + len(blocks) + behind
	if total > maxLength || count > 99 {
		return "", &FormatError{1, fmt.Sprintf("at most %d characters and 99 optional blocks", maxLength), fmt.Sprintf("%d and %d", total, count)}
	}
	return fmt.Sprintf("%c%04d%s%c%c%s%c%02d00%s", h.Version, total, h.Usage, h.Algorithm, h.Mode, h.KeyVersion, h.Exportability, count, blocks), nil
}

func alphanumeric(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' })
}
