//go:build !unix

package torture

import (
	"context"
	"errors"
	"os/exec"
	"syscall"
)

// errSystem says that processes cannot be stopped here.
var errSystem = errors.New("torture needs a Unix system")

// The signals of Unix; sending them fails here.
const (
	sigStop = syscall.Signal(19)
	sigCont = syscall.Signal(18)
)

func isolate(*exec.Cmd) {}

func startPostgres(context.Context, string) (database, error) { return nil, errSystem }
