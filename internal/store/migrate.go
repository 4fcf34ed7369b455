package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// Migrate brings the schema forward with the numbered *.sql files of files. On
// PostgreSQL an advisory lock lets only one node migrate a schema at a time.
func (db *DB) Migrate(ctx context.Context, files fs.FS) error {
	dialect, options := goose.DialectSQLite3, []goose.ProviderOption{}
	if db.dialect == Postgres {
		dialect, options = goose.DialectPostgres, append(options, goose.WithSessionLocker(schemaLock{}))
	}
	p, err := goose.NewProvider(dialect, db.write, files, options...)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// schemaLock is one advisory lock a schema. Whoever comes second waits within
// PostgreSQL and goes on at once; goose's own lock polls every five seconds and
// makes every schema of the database wait for every other.
type schemaLock struct{}

const lockOf = `(838352, hashtext(current_schema()))`

// SessionLock waits for the lock.
func (schemaLock) SessionLock(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, `SELECT pg_advisory_lock`+lockOf)
	return err
}

// SessionUnlock gives it back.
func (schemaLock) SessionUnlock(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, `SELECT pg_advisory_unlock`+lockOf)
	return err
}
