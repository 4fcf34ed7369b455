//go:build unix

package bench

import (
	"context"

	"hawker/internal/store/storetest/postgres"
)

// startPostgres starts a throw-away server that loses nothing at a power cut.
func startPostgres(ctx context.Context) (url string, stop func() error, err error) {
	s, err := postgres.Start(ctx, "", true)
	if err != nil {
		return "", nil, err
	}
	return s.URL, s.Stop, nil
}
