// Package store opens a database, runs transactions and migrations, and hides
// which of SQLite and PostgreSQL is behind it. It knows SQL dialects and no
// business word or table name. Queries are written once, in the common subset,
// with $N placeholders.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	"modernc.org/sqlite"               // driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
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
}

// Open connects to target: "postgres://…" or "postgresql://…", or the path of a
// SQLite file, made when absent. It does not migrate.
func Open(ctx context.Context, target string) (*DB, error) {
	if strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://") {
		pool, err := sql.Open("pgx", target)
		if err != nil {
			return nil, fmt.Errorf("open postgres: %w", redact(err, target))
		}
		pool.SetMaxOpenConns(16)
		pool.SetMaxIdleConns(16)
		if err := pool.PingContext(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("open postgres: %w", redact(err, target)), pool.Close())
		}
		return &DB{dialect: Postgres, write: pool, read: pool}, nil
	}
	// Without _txlock=immediate a transaction that reads and then writes is lost under load.
	dsn := "file:" + (&url.URL{Path: target}).EscapedPath() +
		"?_pragma=foreign_keys(1)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(5000)"
	write, err := sql.Open("sqlite", dsn+"&_txlock=immediate")
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
	if db.read == db.write {
		return db.write.Close()
	}
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
	if err := do(&Tx{Reader{q: tx, tx: tx, dialect: db.dialect, prepared: db.writes}, tx}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return &commitError{fmt.Errorf("commit: %w", err)}
	}
	return nil
}

// Read gives a reader outside any transaction: it sees what is committed.
func (db *DB) Read() *Reader {
	return &Reader{q: db.read, dialect: db.dialect, prepared: db.reads, db: db}
}

// Querier is what a query needs: a *Reader, or a *Tx.
type Querier interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Reader runs queries.
type Reader struct {
	q        querier
	tx       *sql.Tx // nil outside a transaction
	dialect  Dialect
	prepared *statements // nil on PostgreSQL
	db       *DB         // nil inside a transaction: there a broken connection ends it
}

// statement gives the prepared statement of a query; nil where there is none (yet).
func (r *Reader) statement(ctx context.Context, query string) *sql.Stmt {
	if r.prepared == nil {
		return nil
	}
	if r.tx == nil {
		r.prepared.prepare(ctx)
		return r.prepared.get(query)
	}
	if st := r.prepared.get(query); st != nil {
		return r.tx.StmtContext(ctx, st)
	}
	return nil
}

// Query runs a query for rows.
func (r *Reader) Query(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	query = r.dialect.text(query)
	run := func() (bool, error) {
		if st := r.statement(ctx, query); st != nil {
			rows, err = st.QueryContext(ctx, args...) //nolint:sqlclosecheck,rowserrcheck // the caller's
		} else {
			rows, err = r.q.QueryContext(ctx, query, args...) //nolint:sqlclosecheck,rowserrcheck // the caller's
		}
		return connectionLost(err), err
	}
	if r.db == nil {
		_, err = run()
	} else {
		err = r.db.patiently(ctx, run)
	}
	return rows, err
}

// QueryRow runs a query for one row; Scan returns sql.ErrNoRows when there is none.
func (r *Reader) QueryRow(ctx context.Context, query string, args ...any) (row *sql.Row) {
	query = r.dialect.text(query)
	run := func() (bool, error) {
		if st := r.statement(ctx, query); st != nil {
			row = st.QueryRowContext(ctx, args...)
		} else {
			row = r.q.QueryRowContext(ctx, query, args...)
		}
		return connectionLost(row.Err()), row.Err()
	}
	if r.db == nil {
		_, _ = run()
	} else {
		_ = r.db.patiently(ctx, run) // Scan says it again
	}
	return row
}

// Tx is a transaction that DB.Write began. It also reads what it wrote.
type Tx struct {
	Reader
	tx *sql.Tx
}

// Exec runs a statement and returns the number of rows it touched.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (rows int64, err error) {
	query = t.dialect.text(query)
	var res sql.Result
	if st := t.statement(ctx, query); st != nil {
		res, err = st.ExecContext(ctx, args...)
	} else {
		res, err = t.tx.ExecContext(ctx, query, args...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// text removes what SQLite does not know: row locks, which its single writer makes needless.
func (d Dialect) text(query string) string {
	if d == SQLite && strings.Contains(query, "FOR UPDATE") {
		query = strings.ReplaceAll(query, "FOR UPDATE SKIP LOCKED", "")
		query = strings.ReplaceAll(query, "FOR UPDATE", "")
	}
	return query
}

// IsUnique reports whether err is a violated unique or primary key.
func IsUnique(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "23505"
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE
	}
	return false
}

// lostRace reports whether running the whole transaction again may succeed.
func lostRace(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	return false
}

// connectionLost reports whether the database is gone, for now: its server restarts or
// fails over, or the network broke. SQLite is never gone.
func connectionLost(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		// 08: connection exception; 57P01 to 57P03: the server shuts down, crashed, or is starting.
		return strings.HasPrefix(pg.Code, "08") || pg.Code == "57P01" || pg.Code == "57P02" || pg.Code == "57P03"
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.As(err, &network)
}

// Time stores an instant as BIGINT microseconds, UTC: the one form that both
// databases order, compare and scan alike. The zero Time stores 0 and means never.
type Time int64

// At makes a Time of t, cut to the microsecond. The zero time.Time gives 0.
func At(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMicro())
}

// Time gives the instant in UTC; 0 gives the zero time.Time.
func (t Time) Time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(t)).UTC()
}
