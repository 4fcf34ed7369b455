package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"regexp"

	"github.com/pressly/goose/v3"
)

// Migrate brings the schema forward with the numbered *.sql files of files. On
// PostgreSQL an advisory lock lets only one node migrate a schema at a time.
func (db *DB) Migrate(ctx context.Context, files fs.FS) error {
	dialect, options := goose.DialectSQLite3, []goose.ProviderOption{}
	if db.dialect == Postgres {
		dialect, options = goose.DialectPostgres, append(options, goose.WithSessionLocker(schemaLock{}))
	}
	p, err := goose.NewProvider(dialect, db.write, dialectFiles{files, db.dialect}, options...)
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

// dialectFiles shows migrations as one dialect is to read them: "/* sqlite: WORDS */" or
// "/* postgres: WORDS */" as WORDS.
type dialectFiles struct {
	fs.FS
	dialect Dialect
}

var dialectWords = regexp.MustCompile(`/\* (sqlite|postgres): (.*?) \*/`)

// Open opens a file, or a directory as it is.
func (d dialectFiles) Open(name string) (fs.File, error) {
	f, err := d.FS.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return f, err
	}
	text, err := io.ReadAll(f)
	text = dialectWords.ReplaceAllFunc(text, func(words []byte) []byte {
		if m := dialectWords.FindSubmatch(words); string(m[1]) == string(d.dialect) {
			return m[2]
		}
		return nil
	})
	return &dialectFile{f, bytes.NewReader(text)}, err
}

type dialectFile struct {
	fs.File
	text *bytes.Reader
}

// Read gives the text with the dialect's words.
func (f *dialectFile) Read(b []byte) (int, error) { return f.text.Read(b) }
