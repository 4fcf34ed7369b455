package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"hawker/internal/store"
)

// server is a PostgreSQL that may be filled: a throw-away one, or one that was named.
type server struct {
	url  string
	pid  int // of its postmaster; 0 when it is elsewhere
	stop func() error
}

// startServer gives the PostgreSQL of a configuration: "postgres" starts a durable one
// with the settings of a server of this size, an URL names one that runs.
func startServer(ctx context.Context, database string) (s *server, err error) {
	s = &server{url: database, stop: func() error { return nil }}
	if database == throwAway {
		if s.url, s.stop, err = startPostgres(ctx); err != nil {
			return nil, err
		}
		// The log must not fill up within a run, of pgbench or of Hawker: a checkpoint then hits whoever is measured.
		for _, setting := range []string{"max_wal_size = '8GB'", "checkpoint_timeout = '30min'"} {
			if err := s.exec(ctx, s.url, "ALTER SYSTEM SET "+setting); err != nil {
				return nil, errors.Join(err, s.stop())
			}
		}
		if err := s.exec(ctx, s.url, "SELECT pg_reload_conf()"); err != nil {
			return nil, errors.Join(err, s.stop())
		}
	}
	s.pid = s.postmaster(ctx)
	return s, nil
}

// fresh makes an empty database on the server; drop removes it again.
func (s *server) fresh(ctx context.Context, name string) (target string, drop func() error, err error) {
	u, err := url.Parse(s.url)
	if err != nil {
		return "", nil, errors.New("the database's URL cannot be read") // it may hold a password
	}
	u.Path = "/" + name
	remove := func() error {
		return s.exec(context.WithoutCancel(ctx), s.url, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	}
	if err := errors.Join(remove(), s.exec(ctx, s.url, "CREATE DATABASE "+name)); err != nil {
		return "", nil, err
	}
	return u.String(), remove, nil
}

// settle writes everything out, so that what is measured next starts even. Only
// tables with a history are analysed: empty ones that were would be planned for as
// if they stayed empty.
func (s *server) settle(ctx context.Context, target string, history bool) error {
	if history {
		if err := s.exec(ctx, target, "VACUUM (ANALYZE)"); err != nil {
			return err
		}
	}
	return s.exec(ctx, target, "CHECKPOINT")
}

// exec runs one statement outside a transaction.
func (s *server) exec(ctx context.Context, target, statement string) error {
	_, err := s.ask(ctx, target, statement)
	return err
}

// ask runs one statement outside a transaction and gives the first value, if there is one, as text.
func (s *server) ask(ctx context.Context, target, statement string) (value string, err error) {
	db, err := store.Open(ctx, target)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.Read().Query(ctx, statement)
	if err != nil {
		return "", fmt.Errorf("%s: %w", statement, err)
	}
	defer func() { _ = rows.Close() }()
	if rows.Next() {
		err = rows.Scan(&value)
	}
	return value, errors.Join(err, rows.Err())
}

// postmaster is the server's first process, if it runs here and lets us know.
func (s *server) postmaster(ctx context.Context) int {
	text, err := s.ask(ctx, s.url, "SELECT pg_read_file('postmaster.pid')")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(text, "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return 0
	}
	if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err != nil || !strings.HasPrefix(string(name), "postgres") {
		return 0
	}
	return pid
}
