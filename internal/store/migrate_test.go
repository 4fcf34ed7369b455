package store_test

import (
	"sync"
	"testing"

	"hawker/internal/schema"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestNodesThatMigrateAtOnceDoItOnce(t *testing.T) {
	t.Parallel()
	files, err := schema.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	url := storetest.PostgresURL(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			db, err := store.Open(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			if err := db.Migrate(t.Context(), schema.Files); err != nil {
				t.Error(err)
			}
			if n := number(t, db.Read(), "SELECT count(*) FROM goose_db_version"); n != int64(1+len(files)) {
				t.Errorf("%d versions are noted", n)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// A schema's migration must not hold up another's: tests and tenants share a server.
func TestASchemaDoesNotWaitForAnother(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.Exec(t.Context(), "SELECT pg_advisory_xact_lock(838352, hashtext(current_schema()))"); err != nil {
			return err
		}
		storetest.Postgres(t) // migrates while this schema is locked
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
