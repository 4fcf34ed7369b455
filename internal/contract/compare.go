package contract

import "unicode"

// Change says what happened to a clause between two versions.
type Change string

// The changes.
const (
	Same    Change = "same"
	Changed Change = "changed"
	Added   Change = "added"
	Removed Change = "removed"
)

// Piece is a run of words: in both texts, only in the old one, or only in the new one.
type Piece struct {
	Text string
	Kind Change // Same, Removed or Added
}

// Difference is one clause of two versions.
type Difference struct {
	Key    string
	Change Change
	Must   bool // in the newer version, or in the only one that has it
	Title  Words
	ZH, EN []Piece
}

// Compare lists every clause of both versions, in the newer one's order; what was taken out
// stands where it stood.
func Compare(old, fresh Template) []Difference {
	was := map[string]Clause{}
	for _, c := range old.Clauses {
		was[c.Key] = c
	}
	is := map[string]bool{}
	for _, c := range fresh.Clauses {
		is[c.Key] = true
	}
	var list []Difference
	gone := 0
	dropped := func(until string) { // clauses of the old version that stood before one that stays
		for ; gone < len(old.Clauses); gone++ {
			c := old.Clauses[gone]
			if c.Key == until {
				gone++
				return
			}
			if !is[c.Key] {
				list = append(list, Difference{c.Key, Removed, c.Must, c.Title, []Piece{{c.Text.ZH, Removed}}, []Piece{{c.Text.EN, Removed}}})
			}
		}
	}
	for _, c := range fresh.Clauses {
		before, ok := was[c.Key]
		if !ok {
			list = append(list, Difference{c.Key, Added, c.Must, c.Title, []Piece{{c.Text.ZH, Added}}, []Piece{{c.Text.EN, Added}}})
			continue
		}
		dropped(c.Key)
		d := Difference{c.Key, Same, c.Must, c.Title, pieces(before.Text.ZH, c.Text.ZH), pieces(before.Text.EN, c.Text.EN)}
		if before.Text != c.Text || before.Title != c.Title || before.Must != c.Must {
			d.Change = Changed
		}
		list = append(list, d)
	}
	dropped("")
	return list
}

// words splits a text: Latin by word, Chinese by character, so that what changed reads as words.
func words(text string) (list []string) {
	var word []rune
	flush := func() {
		if len(word) > 0 {
			list = append(list, string(word))
			word = nil
		}
	}
	for _, r := range text {
		if r < 0x2E80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '\'' || r == '’') {
			word = append(word, r)
			continue
		}
		flush()
		list = append(list, string(r))
	}
	flush()
	return list
}

// pieces is the shortest way from one text to another, by their longest common part.
func pieces(old, fresh string) (list []Piece) {
	a, b := words(old), words(fresh)
	common := make([][]int, len(a)+1) // of the ends a[i:] and b[j:]
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	add := func(text string, k Change) {
		if n := len(list); n > 0 && list[n-1].Kind == k {
			list[n-1].Text += text
			return
		}
		list = append(list, Piece{text, k})
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			add(a[i], Same)
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			add(a[i], Removed)
			i++
		default:
			add(b[j], Added)
			j++
		}
	}
	return list
}
