package app

import (
	"context"
	"errors"

	"hawker/internal/custody"
)

// OpenCustody opens the keystore of a data directory for a tool, beside a server
// that may be running. close ends everything.
func OpenCustody(ctx context.Context, c Config) (k *custody.Keeper, closeAll func() error, err error) {
	db, err := OpenStore(ctx, c.Data, c.Database) // first: it tells a wrong directory, and makes none
	if err != nil {
		return nil, nil, err
	}
	if err := c.complete(); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	ks, closeModule, err := c.openKeys(ctx, db)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	signer, err := custody.OpenSigner(c.Data)
	if err != nil {
		return nil, nil, errors.Join(err, closeModule(), db.Close())
	}
	return &custody.Keeper{DB: db, Keys: ks, Clock: c.Clock, Signer: signer}, func() error { return errors.Join(closeModule(), db.Close()) }, nil
}
