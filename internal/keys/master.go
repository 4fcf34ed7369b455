package keys

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// masterSize is the master key's length in bytes (AES-256); its file holds it in
// hexadecimal on one line.
const masterSize = 32

// ReadSecret reads the 32 bytes that MakeSecret put at path, which nobody but its
// owner may read; the caller wipes them. Anything else is ErrMaster.
func ReadSecret(path string) ([]byte, error) {
	text, err := ReadPrivate(path)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	key := make([]byte, masterSize)
	line := strings.TrimRight(string(text), "\r\n")
	if n, err := hex.Decode(key, []byte(line[:min(len(line), 2*masterSize)])); err != nil || n != masterSize || len(line) != 2*masterSize {
		return nil, ErrMaster.With("%s is not one line of %d hexadecimal digits", path, 2*masterSize)
	}
	return key, nil
}

// ReadPrivate reads a file of a secret, at most 1,024 bytes of it; the caller wipes
// them. One that is no regular file, or that others than its owner may read or
// write, is ErrMaster.
func ReadPrivate(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat() // of what was opened, not of what has the name by now
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, ErrMaster.With("%s is no regular file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, ErrMaster.With("%s may be read by others (mode %04o): chmod 600 it, and replace the secret if it was exposed", path, mode)
	}
	return io.ReadAll(io.LimitReader(f, 1024))
}

// MakeSecret puts 32 random bytes in hexadecimal at path, mode 0600, unless a file is there: then made is false.
// The file appears complete or not at all, on the disk before anything is wrapped under it.
func MakeSecret(path string) (made bool, err error) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".master-*") // O_EXCL, mode 0600
	if err != nil {
		return false, err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	key := make([]byte, masterSize)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the process instead
	text := hex.AppendEncode(nil, key)
	clear(key)
	_, err = draft.Write(append(text, '\n'))
	clear(text)
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return false, err
	}
	if err := os.Link(draft.Name(), path); errors.Is(err, fs.ErrExist) {
		return false, nil // another process was faster; its key counts
	} else if err != nil {
		return false, err
	}
	return true, syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path) //nolint:gosec // the operator's own path
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
