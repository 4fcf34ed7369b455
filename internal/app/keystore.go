package app

import (
	"context"
	"fmt"
	"os"

	"hawker/internal/clock"
	"hawker/internal/keys"
	"hawker/internal/store"
)

// OpenKeystore opens the keystore of a server's database for a command beside the
// server. master is the master key file; "" is master.key in the data directory.
// It must be there: a new one would open nothing.
func OpenKeystore(ctx context.Context, db *store.DB, data, master string) (*keys.Keystore, error) {
	file := Config{Data: data, Master: master}.masterKey()
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("no master key: is --data right? %w", err)
	}
	return keys.Open(ctx, db, file, clock.System)
}
