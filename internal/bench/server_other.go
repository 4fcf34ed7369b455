//go:build !unix

package bench

import (
	"context"
	"errors"
)

// startPostgres needs a system that can start a server without its owner's rights.
func startPostgres(context.Context) (url string, stop func() error, err error) {
	return "", nil, errors.New("a throw-away PostgreSQL needs Unix here: name one with --database postgres://…")
}
