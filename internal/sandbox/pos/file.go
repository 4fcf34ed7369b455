package pos

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hawker/internal/iso8583"
)

// FileOf is where the sandbox keeps the memory of its terminal of a host profile:
// base itself for the usual profile and for none, else beside it.
func FileOf(base, profile string) string {
	if profile == "" || profile == iso8583.UnionPayPOS.Name {
		return base
	}
	ext := filepath.Ext(base)
	return strings.TrimSuffix(base, ext) + "-" + profile + ext
}

// load reads a state that only its owner may read.
func load(path string) (*state, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoState.because(err)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, ErrExposed.because(fmt.Errorf("%s has mode %04o", path, info.Mode().Perm()))
	}
	b, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err != nil {
		return nil, err
	}
	s, err := parseState(b)
	if err != nil {
		return nil, ErrDamaged.because(err)
	}
	return s, nil
}

// save replaces the file: after a crash there is the old state or the new one, whole.
func (s *state) save(path string) (err error) {
	b, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return fmt.Errorf("write terminal state: %w", err)
	}
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	fresh := filepath.Join(dir, name+".new")
	_ = os.Remove(fresh)                                                   // left by a crash; only the lock's holder comes here
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // beside the operator's file
	if err != nil {
		return fmt.Errorf("write terminal state: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(fresh)
			err = fmt.Errorf("write terminal state: %w", err)
		}
	}()
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Rename(fresh, path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the rename itself durable.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the directory of the operator's file
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
