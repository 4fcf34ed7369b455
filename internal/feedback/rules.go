package feedback

import (
	"regexp"
	"strings"
	"unicode"
)

// numbers finds what looks like a telephone, a document or a card: seven digits or more, also
// with blanks and strokes between them; links finds addresses on the net.
var (
	numbers = regexp.MustCompile(`(?:[0-9０-９][ \t\-.—－]{0,2}){7,}`)
	links   = regexp.MustCompile(`(?i)(https?://|www\.|[a-z0-9-]+\.(com|cn|net|org|top|xyz|cc|shop|vip)\b|[\w.]+@[\w-]+\.)`)
	contact = regexp.MustCompile(`(?i)(加|＋|\+)?\s*(微信|薇信|vx|v信|wechat|qq)\s*[:：号]?\s*[a-z0-9_-]{5,}`)
)

// private reports whether a text holds what nobody should publish, of himself or others.
func private(text string) bool {
	return numbers.MatchString(text) || links.MatchString(text) || contact.MatchString(text)
}

// rude are words that a moderator should look at; none of them refuses a review by itself.
var rude = []string{"骗子", "傻逼", "去死", "垃圾", "滚蛋", "scam", "fraud", "idiot", "fuck", "shit"}

// findings are what the rules notice, for the moderator's eye.
func findings(text string, stars int) (list []string) {
	lower := strings.ToLower(text)
	for _, w := range rude {
		if strings.Contains(lower, w) {
			list = append(list, "rude")
			break
		}
	}
	if repeats(text) {
		list = append(list, "repeats")
	}
	letters, upper := 0, 0
	for _, r := range text {
		if unicode.IsLetter(r) && r < 0x2E80 {
			letters++
			if unicode.IsUpper(r) {
				upper++
			}
		}
	}
	if letters > 20 && upper*2 > letters {
		list = append(list, "shouts")
	}
	if stars == 5 && len([]rune(text)) < 20 || stars == 1 && len([]rune(text)) < 20 {
		list = append(list, "extreme and short")
	}
	return list
}

// repeats reports whether few different characters fill a text, as when a key is held down.
func repeats(text string) bool {
	chars := []rune(text)
	seen := map[rune]bool{}
	for _, r := range chars {
		seen[r] = true
	}
	return len(chars) >= 20 && len(seen)*6 < len(chars)
}
