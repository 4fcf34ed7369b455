package store

import (
	"context"
	"database/sql"
	"sync"
)

// statements are the prepared statements of a SQLite pool, by text: parsing would
// else be a third of a short statement's time. Texts are constants of the program,
// so there are few. pgx keeps its own.
type statements struct {
	pool   *sql.DB
	mu     sync.RWMutex
	ready  map[string]*sql.Stmt
	wanted map[string]bool
}

func newStatements(pool *sql.DB) *statements {
	return &statements{pool: pool, ready: map[string]*sql.Stmt{}, wanted: map[string]bool{}}
}

// get gives the statement of a query, or notes that it is wanted: it cannot be
// prepared now, because the pool's connection may be in a transaction.
func (s *statements) get(query string) *sql.Stmt {
	s.mu.RLock()
	st := s.ready[query]
	s.mu.RUnlock()
	if st == nil {
		s.mu.Lock()
		s.wanted[query] = true
		s.mu.Unlock()
	}
	return st
}

// prepare makes what is wanted. The caller holds no connection of the pool. What does
// not prepare is left to fail where it is run.
func (s *statements) prepare(ctx context.Context) {
	s.mu.RLock()
	n := len(s.wanted)
	s.mu.RUnlock()
	if n == 0 {
		return
	}
	s.mu.Lock()
	wanted := s.wanted
	s.wanted = map[string]bool{}
	s.mu.Unlock()
	for query := range wanted {
		st, err := s.pool.PrepareContext(ctx, query) //nolint:sqlclosecheck // kept until the pool closes
		if err != nil {
			continue
		}
		s.mu.Lock()
		if s.ready[query] == nil {
			s.ready[query], st = st, nil
		}
		s.mu.Unlock()
		if st != nil {
			_ = st.Close() // another goroutine was faster
		}
	}
}
