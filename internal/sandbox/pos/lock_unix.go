//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package pos

import (
	"errors"
	"os"
	"syscall"
)

// lock keeps other programs away from the terminal at path until unlock is
// called or the program ends. It stands beside the state, which every save replaces.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // beside the operator's file
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrInUse.because(err)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil // closing gives the lock up
}
