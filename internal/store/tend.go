package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Analyze lets the planner learn about tables that grew by a fifth since it last looked.
// PostgreSQL does so by itself once a minute, which is long for a table that was empty: until
// then every index of it looks as good as the key's. Call it every few seconds; it mostly
// finds nothing to do. On SQLite it does nothing: there a whole key is always the best index.
func (db *DB) Analyze(ctx context.Context) error {
	if db.dialect == SQLite {
		return nil
	}
	grown, err := db.grown(ctx)
	if err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	for _, table := range grown {
		if _, err := db.write.ExecContext(ctx, "ANALYZE "+table); err != nil {
			return fmt.Errorf("analyze %s: %w", table, err)
		}
	}
	return nil
}

func (db *DB) grown(ctx context.Context) (tables []string, err error) {
	rows, err := db.read.QueryContext(ctx, `SELECT quote_ident(relname) FROM pg_stat_user_tables WHERE schemaname = current_schema()
		AND n_mod_since_analyze > 200 AND n_mod_since_analyze > n_live_tup / 5`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return nil, err
		}
		tables = append(tables, table)
	}
	return tables, rows.Err()
}

// Shrink gives back memory that SQLite keeps for pages; PostgreSQL's is not ours.
func (db *DB) Shrink(ctx context.Context) error {
	if db.dialect != SQLite {
		return nil
	}
	for _, pool := range []*sql.DB{db.write, db.read} {
		if _, err := pool.ExecContext(ctx, "PRAGMA shrink_memory"); err != nil {
			return fmt.Errorf("shrink: %w", err)
		}
	}
	return nil
}
