//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package pos

import "errors"

// lock refuses: without it two programs could spend the same trace number.
func lock(string) (unlock func(), err error) {
	return nil, errors.New("this system has no file locks that the software terminal knows")
}
