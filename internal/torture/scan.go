package torture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// scan looks for card data and keys in every file of the run.
func (w *world) scan(v *verdict) error {
	list, err := w.secrets()
	if err != nil {
		return err
	}
	s := newScanner(append(list, control))
	places := []string{w.dir}
	if w.postgres != nil && w.disk == nil {
		places = append(places, w.postgres.Dir())
	}
	for _, place := range places {
		if err := filepath.WalkDir(place, s.visit); err != nil {
			return fmt.Errorf("search for card data: %w", err)
		}
	}
	if _, ok := s.found[control.name]; !ok {
		v.differ("the search for card data found no token in %d files: it has not seen the database", s.files)
	}
	delete(s.found, control.name)
	for name, file := range s.found {
		if place, err := filepath.Rel(w.dir, file); err == nil {
			file = place
		}
		v.differ("%s is in %s", name, file)
	}
	v.Compared.Files, v.Compared.Bytes = s.files, s.bytes
	return nil
}

// scanner looks for many secrets in one pass.
type scanner struct {
	starts  [1 << 16][]secret // by their first two bytes
	longest int
	buf     []byte
	found   map[string]string // secret → the file that holds it
	files   int
	bytes   int64
}

func newScanner(list []secret) *scanner {
	s := &scanner{buf: make([]byte, 1<<20), found: map[string]string{}}
	for _, one := range list {
		at := int(one.bytes[0])<<8 | int(one.bytes[1])
		s.starts[at] = append(s.starts[at], one)
		s.longest = max(s.longest, len(one.bytes))
	}
	return s
}

// visit looks through one file, unless it is a secret's own home.
func (s *scanner) visit(path string, e fs.DirEntry, err error) error {
	if errors.Is(err, fs.ErrNotExist) { // a database removes files of its own
		return nil
	}
	if err != nil || !e.Type().IsRegular() || e.Name() == masterKey || e.Name() == networkKeys {
		return err
	}
	f, err := os.Open(path) //nolint:gosec // of our own run
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	s.files++
	if filepath.Base(filepath.Dir(path)) == "terminals" && strings.Contains(e.Name(), ".json") {
		b, err := withoutSecureMemory(f)
		s.bytes += int64(len(b))
		s.search(path, b)
		return err
	}
	return s.read(path, f)
}

// read goes through a file in pieces that overlap, so that none cuts a secret in two.
func (s *scanner) read(path string, r io.Reader) error {
	kept := 0
	for {
		n, err := io.ReadFull(r, s.buf[kept:])
		s.bytes += int64(n)
		s.search(path, s.buf[:kept+n])
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil
			}
			return err
		}
		kept = copy(s.buf, s.buf[len(s.buf)-s.longest+1:])
	}
}

func (s *scanner) search(path string, b []byte) {
	for i := 0; i+1 < len(b); i++ {
		for _, one := range s.starts[int(b[i])<<8|int(b[i+1])] {
			if bytes.HasPrefix(b[i:], one.bytes) {
				s.found[one.name] = path
			}
		}
	}
}

// withoutSecureMemory is a terminal's memory without the part that a real device never gives away.
func withoutSecureMemory(r io.Reader) ([]byte, error) {
	var all map[string]json.RawMessage
	if err := json.NewDecoder(r).Decode(&all); err != nil {
		return nil, nil //nolint:nilerr // half of a file that a kill left: it was never the terminal's memory
	}
	delete(all, "secure_memory")
	var out []byte
	for _, name := range sortedKeys(all) {
		out = slices.Concat(out, []byte(name), all[name], []byte("\n"))
	}
	return out, nil
}
