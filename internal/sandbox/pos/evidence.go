package pos

import (
	"slices"
	"time"
)

// try is one attempt to end something unfinished: the evidence.
type try struct {
	Time time.Time `json:"time"`
	Code string    `json:"code,omitempty"` // F39; "" when no valid answer came
}

const keptTries = 20

// evidence counts the tries and keeps the last ones.
type evidence struct {
	Count int   `json:"count"`
	Tries []try `json:"tries,omitempty"`
}

func (e evidence) with(code string, now time.Time) evidence {
	tries := append(slices.Clone(e.Tries), try{now, code})
	return evidence{e.Count + 1, tries[max(0, len(tries)-keptTries):]}
}
