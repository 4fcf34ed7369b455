package bench

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// page is how much a database's log writes at the least before it waits for the disk.
const page = 8 << 10

// syncTimes measures, for so long, writing 8 KiB to a file in dir that has its room
// already and waiting until the disk has them: what no durable commit can go below.
func syncTimes(dir string, long time.Duration) (h *Histogram, err error) {
	const pages = 64
	f, err := os.Create(filepath.Join(dir, "fdatasync")) //nolint:gosec // in our own temporary directory
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	b := make([]byte, pages*page)
	_, _ = rand.Read(b) // a disk may be quicker with zeros
	if _, err := f.Write(b); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	h = &Histogram{}
	for began, i := time.Now(), 0; time.Since(began) < long; i++ {
		at := i % pages * page
		b[at]++
		start := time.Now()
		if _, err := f.WriteAt(b[at:at+page], int64(at)); err != nil {
			return nil, err
		}
		if err := datasync(f); err != nil {
			return nil, err
		}
		h.Record(time.Since(start))
	}
	return h, nil
}
