// Package store opens a database, runs transactions and migrations, and hides
// which of SQLite and PostgreSQL is behind it. It knows SQL dialects and no
// business word or table name. Queries are written once, in the common subset,
// with $N placeholders.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // driver "sqlite"
)

// Dialect names the database behind a DB.
type Dialect string

// The two databases that the same queries run on.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// DB is an open database. It can only begin transactions and hand out readers;
// functions that write take a *Tx.
type DB struct {
	dialect Dialect
	write   *sql.DB // SQLite: one connection, because it has one writer
	read    *sql.DB

	writes, reads *statements // prepared, SQLite only; pgx prepares by itself

	bells bells
}

// Open connects to target: "postgres://…" or "postgresql://…", or the path of a
// SQLite file, made when absent. It does not migrate.
func Open(ctx context.Context, target string) (*DB, error) {
	if strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://") {
		return openPostgres(ctx, target)
	}
	// Without _txlock=immediate a transaction that reads and then writes is lost under load.
	dsn := "file:" + (&url.URL{Path: target}).EscapedPath() +
		"?_pragma=foreign_keys(1)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(5000)"
	write, err := sql.Open("sqlite", dsn+"&_txlock=immediate&_pragma=temp_store(memory)&_pragma=cache_size(-65536)&_pragma=wal_autocheckpoint(4000)")
	if err != nil {
		return nil, fmt.Errorf("open sqlite: %w", err)
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", dsn+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open sqlite: %w", err), write.Close())
	}
	read.SetMaxOpenConns(4)
	db := &DB{dialect: SQLite, write: write, read: read, writes: newStatements(write), reads: newStatements(read)}
	if err := write.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open sqlite %s: %w", target, err), db.Close())
	}
	return db, nil
}

// byKey makes PostgreSQL look rows up by their keys. A batch names every row that it
// reads or changes, but a planner that does not know yet how large a table will become, or
// how many rows an array holds, reads all of it instead.
var byKey = map[string]string{"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "jit": "off"}

func openPostgres(ctx context.Context, target string) (*DB, error) {
	config, err := pgx.ParseConfig(target)
	if err != nil {
		return nil, fmt.Errorf("open postgres: %w", redact(err, target))
	}
	read := stdlib.OpenDB(*config)
	read.SetMaxOpenConns(16)
	read.SetMaxIdleConns(16)
	config = config.Copy()
	maps.Copy(config.RuntimeParams, byKey)
	write := stdlib.OpenDB(*config)
	write.SetMaxOpenConns(16)
	write.SetMaxIdleConns(16)
	db := &DB{dialect: Postgres, write: write, read: read}
	if err := write.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open postgres: %w", redact(err, target)), db.Close())
	}
	return db, nil
}

// redact keeps a password in a database URL out of logs.
func redact(err error, target string) error {
	if u, perr := url.Parse(target); perr == nil && u.User != nil {
		if password, ok := u.User.Password(); ok && password != "" {
			return errors.New(strings.ReplaceAll(err.Error(), password, "***"))
		}
	}
	return err
}

// Dialect tells which database this is.
func (db *DB) Dialect() Dialect { return db.dialect }

// Close releases the connections.
func (db *DB) Close() error {
	return errors.Join(db.read.Close(), db.write.Close())
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.write.PingContext(ctx) }

// maxTries bounds how often Write runs a transaction that lost a race.
const maxTries = 5

// Write runs do in a transaction and commits it; any error rolls back and is
// returned. do may run several times, when the database reports a serialization
// failure or a deadlock, or when its connection broke before the commit; so it must
// have no effect but through tx. A connection that breaks during the commit is an
// error, because nobody knows what happened.
func (db *DB) Write(ctx context.Context, do func(tx *Tx) error) error {
	races := 0
	return db.patiently(ctx, func() (again bool, err error) {
		err = db.once(ctx, do)
		if lostRace(err) {
			races++
			return races < maxTries, err
		}
		var inDoubt *commitError
		return connectionLost(err) && !errors.As(err, &inDoubt), err
	})
}

// commitError marks an error of the commit itself.
type commitError struct{ error }

func (e *commitError) Unwrap() error { return e.error }

// patience is how long a database that is gone is waited for: a restart or a failover is a
// pause, not an error. It is shorter than what a terminal waits.
const patience = 10 * time.Second

// patiently runs try until it is done, fails for good, or patience ends.
func (db *DB) patiently(ctx context.Context, try func() (again bool, err error)) error {
	until := time.Now().Add(patience)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		again, err := try()
		if err == nil || !again || ctx.Err() != nil || time.Now().Add(pause).After(until) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

func (db *DB) once(ctx context.Context, do func(tx *Tx) error) error {
	if db.writes != nil {
		db.writes.prepare(ctx)
	}
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // a no-op after Commit
	t := &Tx{Reader: Reader{q: tx, tx: tx, dialect: db.dialect, prepared: db.writes}, tx: tx}
	if err := do(t); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return &commitError{fmt.Errorf("commit: %w", err)}
	}
	db.bells.announce(t.announced)
	return nil
}

// Read gives a reader outside any transaction: it sees what is committed.
func (db *DB) Read() *Reader {
	return &Reader{q: db.read, dialect: db.dialect, prepared: db.reads, db: db}
}
