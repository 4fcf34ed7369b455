package tdes

import (
	"encoding/hex"
	"errors"
	"strings"
)

// ErrTrack says that a text is no track, or does not decipher to one. It never repeats the text.
var ErrTrack = errors.New("tdes: not a track")

// window is how many characters of a track are enciphered: one block, two a byte.
const window = 2 * BlockSize

// EncryptTrack enciphers, under a TDK, sixteen characters near the end of a
// track of digits and '=' (or 'D'), and leaves the rest clear: the window ends
// two characters before the end of an even text, one before that of an odd one.
// In it stand hexadecimal digits. A text shorter than 17 first grows to 17 with
// 'F' on its left, as published terminals do (docs/terminal-protocol.md, Track encryption).
func EncryptTrack(k Key, text string) (string, error) {
	if text == "" || strings.Trim(text, "0123456789=D") != "" {
		return "", ErrTrack
	}
	if short := window + 1 - len(text); short > 0 {
		text = strings.Repeat("F", short) + text
	}
	return throughWindow(k.Encrypt, text)
}

// DecryptTrack undoes EncryptTrack; separators come back as '='. What does not
// decipher to digits and separators (wrong key, changed text) is ErrTrack.
func DecryptTrack(k Key, text string) (string, error) { return DecryptTrackBy(k.Decrypt, text) }

// DecryptTrackBy is DecryptTrack with a key that need not be at hand: decrypt
// deciphers one block, and its errors pass as they are.
func DecryptTrackBy(decrypt func(block []byte) ([]byte, error), text string) (string, error) {
	if len(text) <= window {
		return "", ErrTrack
	}
	clearText, err := throughWindow(decrypt, text)
	if err != nil {
		return "", err
	}
	if len(clearText) == window+1 {
		clearText = strings.TrimLeft(clearText, "F")
	}
	clearText = strings.ReplaceAll(clearText, "D", "=")
	if clearText == "" || strings.Trim(clearText, "0123456789=") != "" {
		return "", ErrTrack
	}
	return clearText, nil
}

// throughWindow replaces the window of text, of 17 characters or more, by what step makes of it.
func throughWindow(step func([]byte) ([]byte, error), text string) (string, error) {
	start := len(text) - 17 - (len(text)+1)%2
	nibbles := strings.ReplaceAll(text[start:start+window], "=", "D")
	block, err := hex.DecodeString(nibbles)
	if err != nil || strings.ToUpper(nibbles) != nibbles {
		return "", ErrTrack // the decoder's own error quotes a character of the track
	}
	defer clear(block)
	out, err := step(block)
	if err != nil {
		return "", err
	}
	defer clear(out)
	return text[:start] + strings.ToUpper(hex.EncodeToString(out)) + text[start+window:], nil
}
