package postgres

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestWhatWasCommittedSurvivesAKill(t *testing.T) {
	t.Parallel()
	s, err := Start(t.Context(), "", true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := do(t.Context(), s, "CREATE TABLE kept (n BIGINT)"); err != nil {
		t.Fatal(err)
	}
	for want := range 3 {
		if err := do(t.Context(), s, "INSERT INTO kept VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := s.Kill(); !errors.Is(err, os.ErrProcessDone) {
			t.Fatalf("killed twice: %v", err)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.Ended() {
			t.Fatal("it has ended")
		}
		if n, err := count(t.Context(), s); err != nil || n != want+1 {
			t.Fatalf("%d rows, %v", n, err)
		}
	}
	// Stopped, it does not answer; continued, it does.
	if err := s.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if n, err := count(ctx, s); err == nil {
		t.Fatalf("a stopped server counts %d rows", n)
	}
	if err := s.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if n, err := count(t.Context(), s); err != nil || n != 3 {
		t.Fatalf("%d rows, %v", n, err)
	}
}

func TestAServerThatCannotStartIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	s, err := Start(t.Context(), "", false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.Dir() + "/data/global/pg_control"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.Restart(t.Context()); err == nil || time.Since(began) > 10*time.Second {
		t.Fatalf("%v after %s", err, time.Since(began))
	}
}

func do(ctx context.Context, s *Server, statement string) error {
	c, err := pgx.Connect(ctx, s.Address())
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, statement)
	return errors.Join(err, c.Close(ctx))
}

func count(ctx context.Context, s *Server) (n int, err error) {
	c, err := pgx.Connect(ctx, s.Address())
	if err != nil {
		return 0, err
	}
	err = c.QueryRow(ctx, "SELECT count(*) FROM kept").Scan(&n)
	return n, errors.Join(err, c.Close(ctx))
}
