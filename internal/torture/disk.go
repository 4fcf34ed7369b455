package torture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// disk is a small file system of its own, for a data directory that can be full.
type disk struct{ dir string }

// mountDisk makes a tmpfs of so many megabytes. Only root can.
func mountDisk(ctx context.Context, dir string, megabytes int) (*disk, error) {
	if err := os.Mkdir(dir, 0o711); err != nil { //nolint:gosec // PostgreSQL's user passes through it
		return nil, err
	}
	options := fmt.Sprintf("size=%dm,mode=711", megabytes)
	out, err := exec.CommandContext(ctx, "mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).CombinedOutput() //nolint:gosec // our own directory
	if err != nil {
		return nil, fmt.Errorf("a full disk needs a small tmpfs, and only root may mount one: %w: %s", err, out)
	}
	return &disk{dir}, nil
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill takes the last byte, and gives everything back after a while.
func (d *disk) fill(length time.Duration) error {
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for chunk := make([]byte, 1<<20); len(chunk) >= 4096; {
		if _, err := f.Write(chunk); errors.Is(err, syscall.ENOSPC) {
			chunk = chunk[:len(chunk)/16]
		} else if err != nil {
			return err
		}
	}
	time.AfterFunc(length, d.free)
	return nil
}

// free removes the ballast.
func (d *disk) free() { _ = os.Remove(d.ballast()) }

// unmount ends the file system and all that is on it.
func (d *disk) unmount() error {
	d.free()
	if out, err := exec.Command("umount", d.dir).CombinedOutput(); err != nil { //nolint:gosec // our own directory
		return fmt.Errorf("umount: %w: %s", err, out)
	}
	return os.Remove(d.dir)
}

// failWrites makes every write of a process that would let a file grow beyond a few bytes
// fail with EFBIG, for a while: the kernel's limit on file sizes, set from outside.
func failWrites(pid int, length time.Duration) error {
	if err := limitFiles(pid, "4096"); err != nil {
		return err
	}
	time.AfterFunc(length, func() { _ = limitFiles(pid, "unlimited") }) // it may have been killed meanwhile
	return nil
}

func limitFiles(pid int, size string) error {
	out, err := exec.Command("prlimit", "--pid", strconv.Itoa(pid), "--fsize="+size+":unlimited").CombinedOutput() //nolint:gosec // numbers
	if err != nil {
		return fmt.Errorf("prlimit: %w: %s", err, out)
	}
	return nil
}
