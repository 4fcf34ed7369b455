package password

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"hawker/internal/fault"
)

// Refusals of a new password, each with what to do about it.
var (
	ErrShort      = fault.New(fault.Invalid, "password_short", "密码太短：至少 12 个字符。可以用三四个不相干的词连起来。", "This password is too short: 12 characters at least. Three or four unrelated words will do.")
	ErrLong       = fault.New(fault.Invalid, "password_long", "密码太长：最多 128 个字符。", "This password is too long: 128 characters at most.")
	ErrCharacters = fault.New(fault.Invalid, "password_characters", "密码里有看不见的控制字符，请重新输入。", "This password holds invisible control characters. Please type it again.")
	ErrPersonal   = fault.New(fault.Invalid, "password_personal", "密码里有您的姓名、账号、手机号或店名，认识您的人很容易猜到。请换掉这一部分。", "This password holds your name, account, phone number or shop's name, which people who know you would try. Please replace that part.")
	ErrLeaked     = fault.New(fault.Invalid, "password_leaked", "这个密码（或它的主要部分）在泄露的密码库里很常见，攻击者会最先尝试。请换一个。", "This password, or most of it, is common in leaked lists, which thieves try first. Please choose another.")
	ErrDate       = fault.New(fault.Invalid, "password_date", "密码主要是日期，比如生日，几千次就能试出来。请加上不相干的词。", "This password is mostly a date, such as a birthday, and takes only thousands of tries. Please add unrelated words.")
	ErrPhone      = fault.New(fault.Invalid, "password_phone", "密码主要是手机号或证件号，别人查得到。请换一个。", "This password is mostly a phone or ID number, which others can look up. Please choose another.")
	ErrWalk       = fault.New(fault.Invalid, "password_keyboard", "密码是键盘上挨着的一串键，很容易猜到。请换一个。", "This password follows keys side by side on the keyboard, which is easily guessed. Please choose another.")
	ErrRepeat     = fault.New(fault.Invalid, "password_repeat", "密码里重复或连续的字符太多，很容易猜到。请换一个。", "This password repeats characters or counts up or down, which is easily guessed. Please choose another.")
	ErrPinyin     = fault.New(fault.Invalid, "password_pinyin", "密码主要是常见拼音，攻击者会按拼音来猜。请加上不相干的词或数字。", "This password is mostly common pinyin, which thieves try syllable by syllable. Please add unrelated words or digits.")
	ErrWord       = fault.New(fault.Invalid, "password_word", "密码主要是一个常见单词。请用三四个不相干的词连起来。", "This password is mostly one common word. Please join three or four unrelated words.")
	ErrSimple     = fault.New(fault.Invalid, "password_simple", "密码太简单，容易猜到。请再长一些，或加上不相干的词。", "This password is too simple and easily guessed. Please make it longer, or add unrelated words.")
)

const (
	shortest = 12
	longest  = 128
	// enough is the logarithm of the guesses that a password must withstand: with argon2id
	// and a few tries a lock-out, a hundred machines would need centuries.
	enough = 40.0
)

// Check returns nil for a password that is hard to guess, or the reason why it is not.
// about is what people know of its owner: names, account, phone number, shop.
func Check(secret string, about ...string) error {
	secret = norm.NFKC.String(secret)
	switch n := utf8.RuneCountInString(secret); {
	case n < shortest:
		return ErrShort
	case n > longest:
		return ErrLong
	case !utf8.ValidString(secret) || strings.ContainsFunc(secret, unicode.IsControl):
		return ErrCharacters
	}
	bits, worst := guesses(secret, known(about))
	if bits >= enough {
		return nil
	}
	return reasons[worst]
}

// why is what a part of a password was recognised as.
type why int

const (
	nothing why = iota
	personal
	leaked
	date
	phone
	walk
	repeat
	pinyin
	word
)

var reasons = map[why]error{nothing: ErrSimple, personal: ErrPersonal, leaked: ErrLeaked, date: ErrDate, phone: ErrPhone,
	walk: ErrWalk, repeat: ErrRepeat, pinyin: ErrPinyin, word: ErrWord}

// part is a recognised piece of a password: runes from up to to, and what it takes to guess it.
type part struct {
	from, to int
	why      why
	bits     float64
}

// guesses covers a password with the recognised parts that make it cheapest to guess,
// and tells what most of it was.
func guesses(secret string, about map[string]bool) (bits float64, worst why) {
	runes := []rune(secret)
	parts := find(runes, about)
	ending := make([][]part, len(runes)+1)
	for _, p := range parts {
		ending[p.to] = append(ending[p.to], p)
	}
	cost := make([]float64, len(runes)+1)
	by := make([]part, len(runes)+1)
	for to := 1; to <= len(runes); to++ {
		cost[to], by[to] = cost[to-1]+alone(runes[to-1]), part{from: to - 1, to: to}
		for _, p := range ending[to] {
			// One bit for where a part begins: many small parts are harder to put together.
			if c := cost[p.from] + p.bits + 1; c < cost[to] {
				cost[to], by[to] = c, p
			}
		}
	}
	var covered [word + 1]int
	for to := len(runes); to > 0; to = by[to].from {
		covered[by[to].why] += to - by[to].from
	}
	if covered[personal] > 0 {
		return cost[len(runes)], personal
	}
	for w := leaked; w <= word; w++ {
		if covered[w]*3 >= len(runes) && (worst == nothing || covered[w] > covered[worst]) {
			worst = w
		}
	}
	return cost[len(runes)], worst
}

// alone is what a character takes that belongs to nothing recognised.
func alone(r rune) float64 {
	switch {
	case r >= '0' && r <= '9':
		return math.Log2(10)
	case r >= 'a' && r <= 'z':
		return math.Log2(26)
	case r >= 'A' && r <= 'Z':
		return math.Log2(26) + 1
	case r == ' ' || r == '.' || r == '-' || r == '_' || r == '!' || r == '@':
		return 3
	case unicode.Is(unicode.Han, r):
		return 8 // among the few hundred that people type
	}
	return 5
}
