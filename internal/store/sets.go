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
// as a whole over arrays, on SQLite over as many rows at a time as a prepared statement
// was made for. Make it with InsertSet, UpdateSet, DeleteSet or SelectSet and keep it in a package variable.
type Set struct {
	types  []Type
	sqlite [len(chunks)]string
	pg     string
}

// chunks are how many rows SQLite's prepared statements take, from many to one: a call
// for each row would cost more than the row.
var chunks = [...]int{64, 8, 1}

func flatten(groups []Columns) (names []string, types []Type) {
	for _, g := range groups {
		for _, n := range g.Names {
			names, types = append(names, n), append(types, g.Type)
		}
	}
	return names, types
}

// orFail tells SQLite not to keep a journal for each statement, to undo a part of it: a set
// that fails ends its transaction.
func orFail(statement string) string {
	statement = strings.Replace(statement, "INSERT INTO", "INSERT OR FAIL INTO", 1)
	return strings.Replace(statement, "UPDATE", "UPDATE OR FAIL", 1)
}

// newSet makes a set of PostgreSQL's text, which finds its rows in arrays, and SQLite's, which is given them as VALUES.
func newSet(types []Type, lite func(values string) string, pg func(arrays string) string) Set {
	s := Set{types: types}
	arrays := make([]string, len(types))
	for i, t := range types {
		arrays[i] = "$" + strconv.Itoa(i+1) + "::" + string(t) + "[]"
	}
	s.pg = pg("unnest(" + strings.Join(arrays, ", ") + ")")
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(types)), ", ") + ")"
	for i, n := range chunks {
		s.sqlite[i] = lite("VALUES " + strings.TrimSuffix(strings.Repeat(row+", ", n), ", "))
	}
	return s
}

// InsertSet inserts rows. tail is what follows: "", "ON CONFLICT …", "RETURNING …".
func InsertSet(table, tail string, columns ...Columns) Set {
	names, types := flatten(columns)
	head := "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") "
	return newSet(types, func(values string) string { return orFail(head) + values + " " + tail },
		func(arrays string) string { return head + "SELECT * FROM " + arrays + " WHERE true " + tail })
}

// UpdateSet updates the rows that key names: rows hold the key columns first and then
// the values. set and where call the row t and its new values u, e.g. "state = u.to_state".
// Key and values share no column names.
func UpdateSet(table, set, where string, columns ...Columns) Set {
	names, types := flatten(columns)
	u := "u(" + strings.Join(names, ", ") + ")"
	update := "UPDATE " + table + " AS t SET " + set + " FROM "
	return newSet(types, func(values string) string {
		return "WITH " + u + " AS (" + values + ") " + orFail(update) + "u WHERE " + where
	},
		func(arrays string) string { return update + arrays + " AS " + u + " WHERE " + where })
}

// DeleteSet deletes the rows that keys name.
func DeleteSet(table string, key ...Columns) Set {
	names, types := flatten(key)
	head := "DELETE FROM " + table + " WHERE (" + strings.Join(names, ", ") + ") IN ("
	return newSet(types, func(values string) string { return head + values + ")" },
		func(arrays string) string { return head + "SELECT * FROM " + arrays + ")" })
}

// SelectSet selects columns of the rows that keys name. With lock, PostgreSQL keeps
// them locked, in the order of the key, until the transaction ends.
func SelectSet(columns, table string, lock bool, key ...Columns) Set {
	names, types := flatten(key)
	keys := strings.Join(names, ", ")
	tail := ""
	if lock {
		tail = " FOR UPDATE"
	}
	head := "SELECT " + columns + " FROM " + table + " WHERE (" + keys + ") IN ("
	return newSet(types, func(values string) string { return head + values + ")" },
		func(arrays string) string { return head + "SELECT * FROM " + arrays + ") ORDER BY " + keys + tail })
}

// Exec runs the set for rows and returns how many rows it touched; no rows, nothing runs. After
// an error some rows may be written: the transaction must be given up.
func (s Set) Exec(ctx context.Context, tx *Tx, rows [][]any) (n int64, err error) {
	err = s.each(tx.dialect, rows, func(query string, args []any) error {
		touched, err := tx.Exec(ctx, query, args...)
		n += touched
		return err
	})
	return n, err
}

// Query runs the set for rows and hands every resulting row to scan, in no particular order.
func (s Set) Query(ctx context.Context, q *Reader, rows [][]any, scan func(scan func(...any) error) error) error {
	return s.each(q.dialect, rows, func(query string, args []any) error {
		found, err := q.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		defer func() { _ = found.Close() }()
		for found.Next() {
			if err := scan(found.Scan); err != nil {
				return err
			}
		}
		return found.Err()
	})
}

// each runs the statements that all rows together need.
func (s Set) each(d Dialect, rows [][]any, run func(query string, args []any) error) error {
	if len(rows) == 0 {
		return nil
	}
	if d == Postgres {
		return run(s.pg, s.arrays(rows))
	}
	args := make([]any, 0, min(len(rows), chunks[0])*len(s.types))
	for i, n := range chunks {
		for ; len(rows) >= n; rows = rows[n:] {
			args = args[:0]
			for _, row := range rows[:n] {
				args = append(args, row...)
			}
			if err := run(s.sqlite[i], args); err != nil {
				return err
			}
		}
	}
	return nil
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
