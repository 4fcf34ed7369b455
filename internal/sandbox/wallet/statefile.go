package wallet

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// stateFile is the journal on disk: one entry a line, only ever appended to.
type stateFile struct {
	f    *os.File
	size int64 // up to the end of the last whole line
}

// openState reads every entry into apply and stays open for more. A last line
// without its end is what a kill left of an entry whose answer never went out:
// it is cut off. Any other line that does not read or apply is an error.
func openState(path string, apply func(Entry) error) (*stateFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, fmt.Errorf("state file: %w", err)
	}
	s := &stateFile{f: f}
	if err := s.replay(apply); err != nil {
		return nil, errors.Join(fmt.Errorf("state file: %w", err), f.Close())
	}
	return s, nil
}

func (s *stateFile) replay(apply func(Entry) error) error {
	in := bufio.NewReader(s.f)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return s.f.Truncate(s.size)
		}
		if err != nil {
			return err
		}
		e, err := readEntry(line)
		if err == nil {
			err = apply(e)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		s.size += int64(len(line))
	}
}

func readEntry(line []byte) (e Entry, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	return e, d.Decode(&e)
}

// write appends an entry. After an error the file is as it was.
func (s *stateFile) write(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if _, err := s.f.Write(line); err != nil {
		return errors.Join(err, s.f.Truncate(s.size))
	}
	s.size += int64(len(line))
	return nil
}

func (s *stateFile) close() error {
	if err := s.f.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
