// Package schema holds the numbered migrations, one set for both databases,
// written in the common subset: BIGINT microseconds for time, (amount_minor,
// currency) for money, no dialect's own types. What only SQLite is to read stands in
// a comment that begins with "sqlite:": there, rows lie in the order of their key.
//
// Every money table's primary key and every unique key on it begin with
// merchant_id, so that rows can be routed and distributed by merchant.
package schema

import "embed"

// Files are the migrations, for store.DB.Migrate.
//
//go:embed *.sql
var Files embed.FS
