package store

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Type is how a column's values travel to PostgreSQL as one array.
type Type string

// The column types that tables have.
const (
	Int   Type = "bigint"
	Text  Type = "text"
	Bytes Type = "bytea"
)

// Columns names columns of one type: Columns{Int: …} reads badly in order, so a set
// is a list of these.
type Columns struct {
	Type  Type
	Names []string
}

// Ints lists integer columns; like Texts and Byteas, in the order in which rows hold them.
func Ints(names ...string) Columns { return Columns{Int, names} }

// Texts lists text columns.
func Texts(names ...string) Columns { return Columns{Text, names} }

// Byteas lists binary columns.
func Byteas(names ...string) Columns { return Columns{Bytes, names} }

// Set is a statement for many rows of one table, written once: on PostgreSQL it runs
// as a whole over arrays, on SQLite row by row through one prepared statement. Make
// it with InsertSet, UpdateSet or SelectSet and keep it in a package variable.
type Set struct {
	types  []Type
	sqlite string
	pg     string
}

func flatten(groups []Columns) (names []string, types []Type) {
	for _, g := range groups {
		for _, n := range g.Names {
			names, types = append(names, n), append(types, g.Type)
		}
	}
	return names, types
}

// parameters are $1, $2… for SQLite, and arrays to unnest for PostgreSQL.
func parameters(types []Type) (scalars, arrays []string) {
	for i, t := range types {
		p := "$" + strconv.Itoa(i+1)
		scalars, arrays = append(scalars, p), append(arrays, p+"::"+string(t)+"[]")
	}
	return scalars, arrays
}

// InsertSet inserts rows. tail is what follows: "", "ON CONFLICT …", "RETURNING …".
func InsertSet(table, tail string, columns ...Columns) Set {
	names, types := flatten(columns)
	scalars, arrays := parameters(types)
	head := "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") "
	return Set{types, head + "VALUES (" + strings.Join(scalars, ", ") + ") " + tail,
		head + "SELECT * FROM unnest(" + strings.Join(arrays, ", ") + ") WHERE true " + tail}
}

// UpdateSet updates the rows that key names: rows hold the key columns first and then
// the values. set is written with u.column for a row's values, e.g. "state = u.state".
// Key and values share no column names.
func UpdateSet(table, set, where string, columns ...Columns) Set {
	names, types := flatten(columns)
	scalars, arrays := parameters(types)
	lite := set + " WHERE " + where
	for i := len(names) - 1; i >= 0; i-- {
		lite = strings.ReplaceAll(lite, "u."+names[i]+" ", scalars[i]+" ")
		lite = strings.ReplaceAll(lite, "u."+names[i]+",", scalars[i]+",")
	}
	return Set{types, "UPDATE " + table + " AS t SET " + lite,
		"UPDATE " + table + " AS t SET " + set + " FROM unnest(" + strings.Join(arrays, ", ") + ") AS u(" + strings.Join(names, ", ") + ") WHERE " + where}
}

// SelectSet selects columns of the rows that keys name. With lock, PostgreSQL keeps
// them locked, in the order of the key, until the transaction ends.
func SelectSet(columns, table string, lock bool, key ...Columns) Set {
	names, types := flatten(key)
	scalars, arrays := parameters(types)
	lite := make([]string, len(names))
	for i, n := range names {
		lite[i] = n + " = " + scalars[i]
	}
	head := "SELECT " + columns + " FROM " + table + " WHERE "
	pg := head + "(" + strings.Join(names, ", ") + ") IN (SELECT * FROM unnest(" + strings.Join(arrays, ", ") + ")) ORDER BY " + strings.Join(names, ", ")
	if lock {
		pg += " FOR UPDATE"
	}
	return Set{types, head + strings.Join(lite, " AND "), pg}
}

// Exec runs the set for rows and returns how many rows it touched; no rows, nothing runs.
func (s Set) Exec(ctx context.Context, tx *Tx, rows [][]any) (n int64, err error) {
	if len(rows) == 0 {
		return 0, nil
	}
	if tx.dialect == Postgres {
		return tx.Exec(ctx, s.pg, s.arrays(rows)...)
	}
	for _, row := range rows {
		touched, err := tx.Exec(ctx, s.sqlite, row...)
		if err != nil {
			return n, err
		}
		n += touched
	}
	return n, nil
}

// Query runs the set for rows and hands every resulting row to scan, in no particular order.
func (s Set) Query(ctx context.Context, q *Reader, rows [][]any, scan func(scan func(...any) error) error) error {
	if len(rows) == 0 {
		return nil
	}
	if q.dialect == Postgres {
		return each(ctx, q, s.pg, s.arrays(rows), scan)
	}
	for _, row := range rows {
		if err := each(ctx, q, s.sqlite, row, scan); err != nil {
			return err
		}
	}
	return nil
}

func each(ctx context.Context, q *Reader, query string, args []any, scan func(func(...any) error) error) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// arrays turns rows into one array a column.
func (s Set) arrays(rows [][]any) []any {
	out := make([]any, len(s.types))
	for c, t := range s.types {
		switch t {
		case Int:
			out[c] = column(rows, c, func(v any) int64 { return reflect.ValueOf(v).Int() })
		case Text:
			out[c] = column(rows, c, func(v any) string { return reflect.ValueOf(v).String() })
		case Bytes:
			out[c] = column(rows, c, func(v any) []byte { return v.([]byte) })
		default:
			panic(fmt.Sprintf("store: column type %q", t))
		}
	}
	return out
}

func column[T any](rows [][]any, c int, convert func(any) T) []T {
	out := make([]T, len(rows))
	for i, row := range rows {
		out[i] = convert(row[c])
	}
	return out
}
