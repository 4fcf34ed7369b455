package training

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"

	"hawker/internal/auth"
)

// Words are a text in both languages.
type Words struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// Question is one of the test's. A fatal one must be right, whatever the score.
type Question struct {
	Text    Words   `json:"text"`
	Options []Words `json:"options"`
	Right   int     `json:"right"`
	Why     Words   `json:"why"`
	Fatal   bool    `json:"fatal"`
}

// Lesson is one short lesson, of a minute or two.
type Lesson struct {
	Key       string     `json:"key"`
	Minutes   int        `json:"minutes"`
	Title     Words      `json:"title"`
	Points    []Words    `json:"points"`
	Questions []Question `json:"questions"`
}

// Course is an edition of all lessons.
type Course struct {
	Edition int      `json:"edition"`
	Lessons []Lesson `json:"lessons"`
}

//go:embed lessons.json
var lessons []byte

// Lessons is the course that comes with Hawker.
var Lessons = sync.OnceValues(func() (c Course, err error) {
	if err = json.Unmarshal(lessons, &c); err == nil {
		err = c.check()
	}
	return c, err
})

func (c Course) check() error {
	if c.Edition < 1 || len(c.Lessons) == 0 {
		return fmt.Errorf("training: an edition and lessons are needed")
	}
	seen := map[string]bool{}
	for _, l := range c.Lessons {
		if l.Key == "" || seen[l.Key] || len(l.Questions) < perLesson || len(l.Points) == 0 || l.Minutes < 1 {
			return fmt.Errorf("training: lesson %q is not whole", l.Key)
		}
		seen[l.Key] = true
		texts := append([]Words{l.Title}, l.Points...)
		for _, q := range l.Questions {
			if len(q.Options) < 3 || q.Right < 0 || q.Right >= len(q.Options) {
				return fmt.Errorf("training: a question of lesson %s has no right answer, or no choice", l.Key)
			}
			texts = append(append(texts, q.Text, q.Why), q.Options...)
		}
		for _, w := range texts {
			if w.ZH == "" || w.EN == "" {
				return fmt.Errorf("training: a text of lesson %s is missing in one language", l.Key)
			}
		}
	}
	return nil
}

// The test's rules.
const (
	perLesson  = 2  // questions drawn from each lesson
	passMark   = 80 // percent
	triesADay  = 3  // of one person in 24 hours
	testLasts  = 60 // minutes from its beginning
	validYears = 1
	renewDays  = 30 // before the end a renewal is asked for
)

// required are the lessons of each role; who is not listed needs none.
var required = map[auth.Role][]string{
	auth.Owner: {"card", "pin", "fake", "cashout", "refund", "privacy"}, auth.Manager: {"card", "pin", "fake", "cashout", "refund", "privacy"},
	auth.Cashier: {"card", "pin", "fake", "cashout", "refund", "privacy"}, auth.Accountant: {"cashout", "refund", "privacy"},
}

// Required reports whether a role learns before it first does live work.
func Required(r auth.Role) bool { return len(required[r]) > 0 }

// For are a role's lessons, in the course's order.
func (c Course) For(r auth.Role) (list []Lesson) {
	for _, l := range c.Lessons {
		for _, key := range required[r] {
			if key == l.Key {
				list = append(list, l)
			}
		}
	}
	return list
}

// Asked is a question as one test asks it: its options in an order of its own.
type Asked struct {
	Lesson string
	Question
	Order []int // Order[i] is the option that stands at place i
}

// paper draws a test's questions. The same attempt draws the same, so nothing of it is stored.
func (c Course) paper(r auth.Role, attempt int64) (list []Asked) {
	source := rand.New(rand.NewPCG(uint64(attempt), 0x5EED)) //nolint:gosec // questions are no secret
	for _, l := range c.For(r) {
		for _, i := range source.Perm(len(l.Questions))[:perLesson] {
			list = append(list, Asked{l.Key, l.Questions[i], source.Perm(len(l.Questions[i].Options))})
		}
	}
	source.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}
