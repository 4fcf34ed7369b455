package privacy

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// Words are a text in both languages.
type Words struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// Entry is one row of the data map: what is kept of people, where, what for, on what ground and how long.
type Entry struct {
	Table     string `json:"table"`
	Fields    string `json:"fields"`
	What      Words  `json:"what"`
	Purpose   Words  `json:"purpose"`
	Basis     string `json:"basis"`     // contract, law, consent
	Sensitive bool   `json:"sensitive"` // asks for consent of its own
	Sealed    bool   `json:"sealed"`    // under the subject's or the keystore's key
	Keep      Term   `json:"keep"`
}

// Term is how long something is kept.
type Term struct {
	Years int    `json:"years"`
	From  string `json:"from"` // relation: its end; creation: when it was made
}

//go:embed map.json
var text []byte

// Map is what Hawker keeps of people.
var Map = sync.OnceValues(func() (list []Entry, err error) {
	if err = json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	for _, e := range list {
		switch {
		case e.Table == "" || e.Fields == "" || e.What.ZH == "" || e.What.EN == "" || e.Purpose.ZH == "" || e.Purpose.EN == "":
			return nil, fmt.Errorf("data map: the row of %q is not whole", e.Table)
		case !slices.Contains([]string{"contract", "law", "consent"}, e.Basis):
			return nil, fmt.Errorf("data map: %s has no ground %q", e.Table, e.Basis)
		case e.Keep.Years < 1 || !slices.Contains([]string{"relation", "creation"}, e.Keep.From):
			return nil, fmt.Errorf("data map: %s is kept for no term", e.Table)
		}
	}
	return list, nil
})
