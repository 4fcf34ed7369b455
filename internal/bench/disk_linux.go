package bench

import (
	"os"
	"syscall"
)

// datasync waits until a file's bytes are on the disk.
func datasync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
