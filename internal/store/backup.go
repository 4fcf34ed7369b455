package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// ErrNoBackup says that a PostgreSQL database is backed up by its own tools.
var ErrNoBackup = errors.New("a PostgreSQL database is backed up with pg_dump")

// Backup writes a consistent copy of a SQLite database to a new file, mode 0600, while
// others go on writing. The file must not exist; it is synced before Backup returns.
func (db *DB) Backup(ctx context.Context, file string) error {
	if db.dialect != SQLite {
		return ErrNoBackup
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the caller's choice of file
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() { _ = f.Close() }()
	conn, err := db.read.Conn(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("backup: %w", err), os.Remove(file))
	}
	defer func() { _ = conn.Close() }()
	// A reader may not write, not even a copy, until it is told so.
	for _, statement := range []string{"PRAGMA query_only = 0", "VACUUM INTO '" + strings.ReplaceAll(file, "'", "''") + "'", "PRAGMA query_only = 1"} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return errors.Join(fmt.Errorf("backup: %w", err), os.Remove(file))
		}
	}
	return f.Sync()
}

// Extension reports whether a PostgreSQL extension is installed in the database; never on SQLite.
func (db *DB) Extension(ctx context.Context, name string) (bool, error) {
	if db.dialect != Postgres {
		return false, nil
	}
	var n int
	err := db.Read().QueryRow(ctx, "SELECT COUNT(*) FROM pg_extension WHERE extname = $1", name).Scan(&n)
	return n > 0, err
}
