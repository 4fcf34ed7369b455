package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// deepest is how many levels a request's JSON may have.
const deepest = 16

// unmarshal reads JSON as encoding/json does, and refuses an object that names a field
// twice: two readers could understand it differently.
func unmarshal(text []byte, to any) error {
	if _, first := to.(*any); first { // huma reads twice: to validate, and into the struct
		if err := plain(text); err != nil {
			return err
		}
	}
	return json.Unmarshal(text, to)
}

// level is one array or object on the way to a token.
type level struct {
	object bool
	key    bool // the next text is a name
	names  map[string]bool
}

func plain(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var stack []level
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil // json.Unmarshal says what is missing
		} else if err != nil {
			return err
		}
		n := len(stack) - 1
		switch v := t.(type) {
		case json.Delim:
			if v == '}' || v == ']' {
				if stack = stack[:n]; n > 0 && stack[n-1].object {
					stack[n-1].key = true
				}
				continue
			}
			if len(stack) == deepest {
				return fmt.Errorf("more than %d levels", deepest)
			}
			stack = append(stack, level{object: v == '{', key: v == '{', names: map[string]bool{}})
			continue
		case string:
			if n >= 0 && stack[n].object && stack[n].key {
				if stack[n].names[v] {
					return fmt.Errorf("the field %.40q comes twice", v)
				}
				stack[n].names[v], stack[n].key = true, false
				continue
			}
		}
		if n >= 0 && stack[n].object {
			stack[n].key = true
		}
	}
}
