//go:build unix

package torture

import (
	"context"
	"os/exec"
	"syscall"

	"hawker/internal/store/storetest/postgres"
)

// The signals that stop a process and let it go on.
const (
	sigStop = syscall.SIGSTOP
	sigCont = syscall.SIGCONT
)

// isolate puts a child in a process group of its own, so that an interrupt from the keyboard is the conductor's alone.
func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// startPostgres starts a durable PostgreSQL with a data directory of its own.
func startPostgres(ctx context.Context, place string) (database, error) {
	s, err := postgres.Start(ctx, place, true)
	if err != nil {
		return nil, err
	}
	return s, nil
}
