package password

import (
	"embed"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

//go:embed words/leaked.txt words/english.txt words/habits.txt
var wordFiles embed.FS

// words are the known words with what it takes to guess each.
var words = sync.OnceValue(func() map[string]part {
	all := map[string]part{}
	for _, list := range []struct {
		file string
		why  why
	}{{"english", word}, {"leaked", leaked}, {"habits", leaked}} {
		text, _ := wordFiles.ReadFile("words/" + list.file + ".txt")
		for i, w := range strings.Fields(string(text)) {
			p := part{why: list.why, bits: math.Log2(float64(i + 2))}
			if list.why == leaked && isLetters(w) && isPinyin(w) {
				p.why = pinyin
			} else if list.why == leaked && i > 300 && isLetters(w) {
				p.why = word
			}
			if old, ok := all[w]; !ok || p.bits < old.bits {
				all[w] = p
			}
		}
	}
	return all
})

// numbers are those that people append: they sound like words, or bring luck.
var numbers = map[string]bool{"123": true, "321": true, "520": true, "521": true, "1314": true, "5201314": true, "666": true, "888": true, "168": true, "518": true,
	"1234": true, "4321": true, "12345": true, "000": true, "111": true, "999": true, "110": true, "119": true, "120": true, "007": true, "233": true, "996": true, "1688": true, "8888": true, "6666": true}

func isLetters(w string) bool {
	return strings.IndexFunc(w, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
}

// isPinyin reports whether letters fall apart into syllables.
func isPinyin(w string) bool {
	fits := make([]bool, len(w)+1)
	fits[0] = true
	for to := 1; to <= len(w); to++ {
		for from := max(0, to-6); from < to && !fits[to]; from++ {
			fits[to] = fits[from] && syllables().is[w[from:to]]
		}
	}
	return fits[len(w)]
}

// known is what people know of somebody, as it would be typed.
func known(about []string) map[string]bool {
	all := map[string]bool{}
	add := func(w string) {
		if len([]rune(w)) >= 3 || (len([]rune(w)) == 2 && unicode.Is(unicode.Han, []rune(w)[0])) {
			all[w] = true
		}
	}
	for _, a := range about {
		a = strings.ToLower(a)
		for _, w := range strings.FieldsFunc(a, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			add(w)
			whole, initials := spoken(w)
			add(whole)
			add(initials)
			if n := len(w); n >= 8 && strings.Trim(w, "0123456789") == "" { // a phone number's ends
				add(w[n-4:])
				add(w[n-6:])
				add(w[n-8:])
			}
		}
		add(strings.Join(strings.Fields(a), ""))
	}
	return all
}

// plain undoes the replacements that everybody knows: P@ssw0rd.
var plain = strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// find lists every part of a password that somebody would try.
func find(runes []rune, about map[string]bool) (parts []part) {
	lower := make([]rune, len(runes))
	for i, r := range runes {
		lower[i] = unicode.ToLower(r)
	}
	for from := range lower {
		for to := from + 2; to <= min(len(lower), from+32); to++ {
			text := string(lower[from:to])
			twisted := 0.0
			if string(runes[from:to]) != text {
				twisted = 1
			}
			if p, ok := dictionary(text, about); ok {
				parts = append(parts, part{from, to, p.why, p.bits + twisted})
			} else if p, ok := dictionary(plain.Replace(text), about); ok {
				parts = append(parts, part{from, to, p.why, p.bits + twisted + 2})
			}
			if bits, w, ok := digits(text); ok {
				parts = append(parts, part{from, to, w, bits})
			}
		}
		parts = append(parts, runs(lower, from)...)
	}
	return append(parts, again(lower)...)
}

func dictionary(text string, about map[string]bool) (part, bool) {
	if about[text] {
		return part{why: personal, bits: 2}, true
	}
	if p, ok := words()[text]; ok {
		return p, true
	}
	if numbers[text] {
		return part{why: repeat, bits: 4}, true
	}
	if syllables().is[text] {
		return part{why: pinyin, bits: 5.5}, true
	}
	return part{}, false
}

var (
	phoneNumber = regexp.MustCompile(`^1[3-9][0-9]{9}$`)
	idNumber    = regexp.MustCompile(`^[1-9][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9x]$`)
)

// digits recognises phone and identity numbers and dates.
func digits(text string) (bits float64, w why, ok bool) {
	switch {
	case len(text) == 11 && phoneNumber.MatchString(text):
		return 18, phone, true
	case len(text) == 18 && idNumber.MatchString(text):
		return 20, phone, true
	}
	bare := text
	if len(text) >= 8 && len(text) <= 10 {
		bare = strings.NewReplacer("-", "", ".", "", "/", "").Replace(text)
	}
	n, err := strconv.Atoi(bare)
	if err != nil || n < 0 || bare[0] == '+' {
		return 0, nothing, false
	}
	switch len(bare) {
	case 8: // 19900101, 01011990
		if dated(n/10000, n/100%100, n%100) || dated(n%10000, n/1000000, n/10000%100) || dated(n%10000, n/10000%100, n/1000000) {
			return 14, date, true
		}
	case 6: // 900101, 199001
		if dated(1900+n/10000, n/100%100, n%100) || dated(2000+n/10000, n/100%100, n%100) || dated(n/100, n%100, 1) {
			return 13, date, true
		}
	case 4: // 1990
		if dated(n, 1, 1) {
			return 7, date, true
		}
	}
	return 0, nothing, false
}

func dated(y, m, d int) bool {
	return y >= 1930 && y <= 2039 && m >= 1 && m <= 12 && d >= 1 && d <= 31
}

// keyboard holds the rows of keys, and where each stands.
var keyboard = func() map[rune][2]int {
	at := map[rune][2]int{}
	for y, row := range []string{"1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"} {
		for x, r := range row {
			at[r] = [2]int{x, y}
		}
	}
	for i, r := range "!@#$%^&*()" {
		at[r] = [2]int{i, 0}
	}
	return at
}()

// beside reports whether two keys touch: in a row, or in a column of the keyboard.
func beside(a, b rune) bool {
	p, okA := keyboard[a]
	q, okB := keyboard[b]
	dx, dy := q[0]-p[0], q[1]-p[1]
	return okA && okB && ((dy == 0 && (dx == 1 || dx == -1)) || (dx == 0 && (dy == 1 || dy == -1)) || (dx == -1 && dy == 1) || (dx == 1 && dy == -1))
}

// runs recognises from one place on: walks over keys, counting, and one character many times.
func runs(s []rune, from int) (parts []part) {
	grow := func(step func(i int) bool) int {
		to := from + 1
		for to < len(s) && step(to) {
			to++
		}
		return to
	}
	for _, run := range []struct {
		to   int
		why  why
		bits float64
	}{
		{grow(func(i int) bool { return beside(s[i-1], s[i]) }), walk, 7},
		{grow(func(i int) bool { return s[i] == s[i-1]+1 }), repeat, 4},
		{grow(func(i int) bool { return s[i] == s[i-1]-1 }), repeat, 4},
		{grow(func(i int) bool { return s[i] == s[i-1] }), repeat, 4},
	} {
		for to := from + 3; to <= run.to; to++ {
			parts = append(parts, part{from, to, run.why, run.bits + math.Log2(float64(to-from))})
		}
	}
	return parts
}

// again recognises a block that follows itself: it costs little more than the first time.
func again(s []rune) (parts []part) {
	for from := range s {
		for size := 2; from+2*size <= len(s); size++ {
			to := from + size
			for to+size <= len(s) && string(s[from:from+size]) == string(s[to:to+size]) {
				to += size
				parts = append(parts, part{from + size, to, repeat, 2})
			}
		}
	}
	return parts
}
