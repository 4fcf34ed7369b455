package onboarding

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"hawker/internal/papers"
	"hawker/internal/store"
	"hawker/internal/subject"
)

// Of is the application that a subject is; false when it is none.
func Of(id subject.ID) (ID, bool) {
	text, ok := strings.CutPrefix(string(id), "application/")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return ID(n), err == nil && n > 0
}

// PurgeViews destroys who looked at an application, once it is nobody's any more.
func PurgeViews(ctx context.Context, tx *store.Tx, id subject.ID) (int64, error) {
	return purge(ctx, tx, id, `DELETE FROM application_views WHERE application_id = $1`)
}

// PurgeMarks destroys the hashes by which an application would be seen to share something.
func PurgeMarks(ctx context.Context, tx *store.Tx, id subject.ID) (int64, error) {
	return purge(ctx, tx, id, `DELETE FROM application_marks WHERE application_id = $1`)
}

func purge(ctx context.Context, tx *store.Tx, id subject.ID, statement string) (int64, error) {
	a, ok := Of(id)
	if !ok {
		return 0, nil
	}
	n, err := tx.Exec(ctx, statement, a)
	if err != nil {
		return 0, fmt.Errorf("purge application %d: %w", a, err)
	}
	return n, nil
}

// Masked is a value as it may stand in a file that leaves the house: numbers of papers and accounts
// and telephones show their ends only.
func Masked(field, value string) string {
	keep := func(first, last int) string {
		if len(value) <= first+last {
			return strings.Repeat("*", len(value))
		}
		return value[:first] + strings.Repeat("*", len(value)-first-last) + value[len(value)-last:]
	}
	switch field {
	case "id_number", "owner_id":
		if len(value) == 18 {
			return papers.ID(value).Masked()
		}
		return keep(0, 0)
	case "phone", "service_phone":
		return keep(3, 4)
	case "account":
		return keep(0, 4)
	}
	return value
}
