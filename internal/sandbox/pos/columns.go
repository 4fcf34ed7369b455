package pos

import (
	"strings"
)

// width is how many columns a character takes on a printer: Chinese two, the rest one.
func width(r rune) int {
	for _, wide := range [...][2]rune{
		{0x1100, 0x115F}, {0x2E80, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},
		{0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD},
	} {
		if r >= wide[0] && r <= wide[1] {
			return 2
		}
	}
	return 1
}

func columns(s string) (n int) {
	for _, r := range s {
		n += width(r)
	}
	return n
}

// wrap breaks s into lines of at most limit columns: at spaces where there are
// any, else between characters.
func wrap(s string, limit int) []string {
	var lines []string
	line := ""
	for _, word := range words(s) {
		if columns(line)+columns(strings.TrimRight(word, " ")) > limit && line != "" {
			lines = append(lines, strings.TrimRight(line, " "))
			line = ""
		}
		for _, r := range word { // a word longer than the line
			if columns(line)+width(r) > limit && r != ' ' {
				lines = append(lines, line)
				line = ""
			}
			line += string(r)
		}
	}
	return append(lines, strings.TrimRight(line, " "))
}

// words are the unbreakable parts of s: Latin words with the spaces after them, single wide characters.
func words(s string) []string {
	var parts []string
	begin := true
	for _, r := range s {
		if begin || width(r) == 2 {
			parts = append(parts, "")
		}
		parts[len(parts)-1] += string(r)
		begin = r == ' ' || width(r) == 2
	}
	return parts
}
