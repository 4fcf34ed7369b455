package store

import (
	"context"
	"database/sql"
	"strings"
)

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
		if st := r.statement(ctx, query); st != nil { //nolint:sqlclosecheck // the cache closes it
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
		if st := r.statement(ctx, query); st != nil { //nolint:sqlclosecheck // the cache closes it
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
	tx        *sql.Tx
	announced map[announced]bool // nil: nothing
}

// Exec runs a statement and returns the number of rows it touched.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (rows int64, err error) {
	query = t.dialect.text(query)
	var res sql.Result
	if st := t.statement(ctx, query); st != nil { //nolint:sqlclosecheck // the cache closes it
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
