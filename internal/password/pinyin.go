package password

import (
	_ "embed"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

//go:embed words/pinyin.txt
var pinyinText string

// sounds are the syllables, and where in GB 2312 each begins.
type sounds struct {
	from []uint16 // code of the first character
	say  []string
	is   map[string]bool
}

var syllables = sync.OnceValue(func() sounds {
	s := sounds{is: map[string]bool{"lo": true, "lue": true, "nue": true, "shei": true, "pou": true, "cen": true, "er": true}}
	for _, word := range strings.Fields(pinyinText) {
		r, size := utf8.DecodeLastRuneInString(word)
		code, _ := gbCode(r)
		s.from, s.say = append(s.from, code), append(s.say, word[:len(word)-size])
		s.is[word[:len(word)-size]] = true
	}
	return s
})

// gbCode is the GB 2312 code of a character of its first level, the 3,755 common ones.
func gbCode(r rune) (code uint16, ok bool) {
	b, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(string(r)))
	if err != nil || len(b) != 2 {
		return 0, false
	}
	code = uint16(b[0])<<8 | uint16(b[1])
	return code, code >= 0xB0A1 && code <= 0xD7F9 && b[1] >= 0xA1
}

// say is how a common character is read, without its tone; "" for any other.
func say(r rune) string {
	code, ok := gbCode(r)
	if !ok {
		return ""
	}
	s := syllables()
	i := sort.Search(len(s.from), func(i int) bool { return s.from[i] > code })
	if i == 0 {
		return ""
	}
	return s.say[i-1]
}

// spoken gives the ways in which a word of Chinese characters is typed with letters: whole and by initials.
func spoken(word string) (whole, initials string) {
	for _, r := range word {
		if p := say(r); p != "" {
			whole += p
			initials += p[:1]
		}
	}
	return whole, initials
}
