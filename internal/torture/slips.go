package torture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"hawker/internal/sandbox/pos"
)

// Line is one operation of a terminal as its journal keeps it: what was asked, what the
// merchant was told, and every transaction that stands otherwise since.
type Line struct {
	Op    string            `json:"op"`
	Told  string            `json:"told"` // the result's state, or "error"
	Error string            `json:"error,omitempty"`
	Slips []pos.Transaction `json:"slips,omitempty"`
}

// journal is a terminal's slips on disk: one line an operation, synced before the next
// operation begins. What it says was acknowledged.
type journal struct {
	f     *os.File
	stood map[slipID]pos.Transaction // as last written
	order []slipID                   // oldest first
}

// slipID names a transaction of a terminal.
type slipID struct{ Batch, Trace int }

func idOf(t pos.Transaction) slipID { return slipID{t.Batch, t.Trace} }

// openJournal reads what is there and goes on after it. A last line without its end is
// what a kill left; it is cut off.
func openJournal(path string) (*journal, error) {
	j := &journal{stood: map[slipID]pos.Transaction{}}
	size, err := readSlips(path, func(l Line) {
		j.keep(l.Slips)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if j.f, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil { //nolint:gosec // the conductor names it
		return nil, err
	}
	return j, j.f.Truncate(size)
}

// write keeps a line, with those of the transactions that stand otherwise than written before.
func (j *journal) write(l Line, rows []pos.Transaction) error {
	for _, t := range rows {
		if was, ok := j.stood[idOf(t)]; !ok || was.State != t.State || was.Undone != t.Undone {
			l.Slips = append(l.Slips, t)
		}
	}
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if _, err := j.f.Write(append(b, '\n')); err != nil {
		return err
	}
	if err := j.f.Sync(); err != nil {
		return err
	}
	j.keep(l.Slips)
	return nil
}

func (j *journal) keep(slips []pos.Transaction) {
	for _, t := range slips {
		if _, ok := j.stood[idOf(t)]; !ok {
			j.order = append(j.order, idOf(t))
		}
		j.stood[idOf(t)] = t
	}
}

// latest lists the newest transactions, at most limit, that are as wanted.
func (j *journal) latest(limit int, wanted func(pos.Transaction) bool) (list []pos.Transaction) {
	for _, id := range slices.Backward(j.order) {
		if t := j.stood[id]; wanted(t) {
			list = append(list, t)
		}
		if len(list) == limit {
			break
		}
	}
	return list
}

// readSlips hands out every whole line of a journal and tells where the last one ends.
func readSlips(path string, each func(Line)) (size int64, err error) {
	f, err := os.Open(path) //nolint:gosec // the conductor names it
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReader(f)
	for n := 1; ; n++ {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return size, nil
		} else if err != nil {
			return size, err
		}
		var l Line
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			return size, fmt.Errorf("%s line %d: %w", path, n, err)
		}
		each(l)
		size += int64(len(text))
	}
}
