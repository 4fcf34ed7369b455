package iso8583

import "fmt"

// FormatError is a precise complaint about protocol bytes. It holds no card
// data: Got of a secret or PAN field is a length or the position of a bad character.
type FormatError struct {
	Field    int // 0 when the complaint is about frame, MTI or bitmap
	Offset   int // bytes into the packed message (MTI = 0), into the frame for its own parts, into the field's value for body parsers
	Expected string
	Got      string
}

// Error is one line for the log.
func (e *FormatError) Error() string {
	where := "message"
	if e.Field > 0 {
		where = fmt.Sprintf("field %d", e.Field)
	}
	return fmt.Sprintf("iso8583: %s at offset %d: expected %s, got %s", where, e.Offset, e.Expected, e.Got)
}
