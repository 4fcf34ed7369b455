// Package storetest gives tests real databases: a fresh SQLite file, and a fresh
// schema on a PostgreSQL that is taken from HAWKER_TEST_PG or started from the
// installed binaries.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"hawker/internal/schema"
	"hawker/internal/store"
	"hawker/internal/store/storetest/postgres"
)

var (
	started sync.Mutex
	server  *postgres.Server
	schemas atomic.Int64
)

// Main runs a package's tests, m being a *testing.M or one that looks after more, and
// stops the PostgreSQL that they started:
//
//	func TestMain(m *testing.M) { storetest.Main(m) }
func Main(m interface{ Run() int }) {
	code := m.Run()
	if server != nil {
		if err := server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// Each runs a test as subtests "sqlite" and "postgres", each on a migrated, empty database.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, Postgres(t)) })
}

// SQLite opens a migrated database in a temporary directory.
func SQLite(t testing.TB) *store.DB {
	t.Helper()
	file := filepath.Join(dir(t), "hawker.db")
	blank, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, blank, 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, file)
}

// migrated is the content of a migrated SQLite file: migrating one for each test was a
// fifth of the time of packages with many.
var migrated = sync.OnceValues(func() (_ []byte, err error) {
	d, err := os.MkdirTemp("", "hawker-blank-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d)) }()
	ctx, file, copied := context.Background(), filepath.Join(d, "hawker.db"), filepath.Join(d, "copy.db")
	db, err := store.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.Migrate(ctx, schema.Files), db.Backup(ctx, copied), db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(copied) //nolint:gosec // our own directory
})

// dir is a temporary directory, in memory where the machine has such a place: a
// test's database need not survive a power cut, and waiting for disks is most of its time.
func dir(t testing.TB) string {
	t.Helper()
	const memory = "/dev/shm"
	if _, err := os.Stat(memory); err != nil {
		return t.TempDir()
	}
	d, err := os.MkdirTemp(memory, "hawker-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(d); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Postgres opens a migrated database in a schema of its own.
func Postgres(t testing.TB) *store.DB {
	t.Helper()
	return open(t, PostgresURL(t))
}

// PostgresURL makes an empty schema and returns a URL that works in it. The
// schema is dropped when the test ends.
func PostgresURL(t testing.TB) string {
	t.Helper()
	base := baseURL(t)
	name := fmt.Sprintf("t_%d_%d", os.Getpid(), schemas.Add(1))
	admin := func(statement string) {
		db, err := store.Open(context.Background(), base)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if err := db.Write(context.Background(), func(tx *store.Tx) error {
			_, err := tx.Exec(context.Background(), statement)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	admin("CREATE SCHEMA " + name)
	t.Cleanup(func() { admin("DROP SCHEMA " + name + " CASCADE") })
	separator := "?"
	if strings.Contains(base, "?") {
		separator = "&"
	}
	return base + separator + "search_path=" + name
}

func baseURL(t testing.TB) string {
	t.Helper()
	if url := os.Getenv("HAWKER_TEST_PG"); url != "" {
		return url
	}
	started.Lock()
	defer started.Unlock()
	if server == nil {
		s, err := postgres.Start(context.Background(), "", false)
		if err != nil {
			t.Fatal(err)
		}
		server = s
	}
	return server.URL
}

func open(t testing.TB, target string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(t.Context(), schema.Files); err != nil {
		t.Fatal(err)
	}
	return db
}
