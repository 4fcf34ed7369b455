package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"hawker/internal/schema"
	"hawker/internal/store"
)

type migrateCommand struct {
	dataFlags
	Citus bool `help:"Distribute the tables by merchant; needs PostgreSQL with the citus extension."`
	Print bool `help:"Print the distribution statements instead of running them."`
}

// Run brings the schema forward, and distributes it when asked.
func (c migrateCommand) Run(ctx context.Context) error {
	if c.Print {
		for _, statement := range schema.Citus() {
			fmt.Println(statement + ";")
		}
		return nil
	}
	return c.open(ctx, func(db *store.DB) error { // which migrates
		fmt.Println("The schema is up to date.")
		if !c.Citus {
			return nil
		}
		if ok, err := db.Extension(ctx, "citus"); err != nil {
			return err
		} else if !ok {
			return errors.New("this database has no citus extension: CREATE EXTENSION citus first; nothing was distributed")
		}
		return db.Write(ctx, func(tx *store.Tx) error {
			for _, statement := range schema.Citus() {
				if _, err := tx.Exec(ctx, statement); err != nil {
					return fmt.Errorf("%s: %w", statement, err)
				}
			}
			return nil
		})
	})
}

type backupCommand struct {
	Data string `help:"The server's data directory." default:"hawker-data"`
	File string `arg:"" help:"Where to write the copy; it must not exist."`
}

// Run copies the SQLite database while the server goes on.
func (c backupCommand) Run(ctx context.Context) error {
	return dataFlags{Data: c.Data}.open(ctx, func(db *store.DB) error {
		if err := db.Backup(ctx, c.File); err != nil {
			return err
		}
		info, err := os.Stat(c.File)
		if err == nil {
			fmt.Printf("%s holds the database as it was just now, %d kB. The master key file is not in it: keep that elsewhere.\n", c.File, info.Size()/1024)
		}
		return err
	})
}
