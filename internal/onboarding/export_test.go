package onboarding

import (
	"context"

	"hawker/internal/store"
)

// SetSeries sets the last number of a series.
func SetSeries(ctx context.Context, tx *store.Tx, series string, last int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO number_series (series, last_number) VALUES ($1, $2)`, series, last)
	return err
}
