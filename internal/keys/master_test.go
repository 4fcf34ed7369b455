package keys_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hawker/internal/keys"
	"hawker/internal/store"
	"hawker/internal/store/storetest"
)

func TestMasterFileIsMadePrivate(t *testing.T) {
	db, file := storetest.SQLite(t), masterFile(t)
	open(t, db, file)
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != 65 {
		t.Fatal(info, err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	open(t, db, file)
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Fatal("the file was written again", err)
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 {
		t.Fatal("drafts were left behind", left, err)
	}
}

func TestMasterFileRefused(t *testing.T) {
	good := strings.Repeat("5a", 32)
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		ok   bool
	}{
		"a good one":                      {good + "\n", 0o600, true},
		"without its line end":            {good, 0o400, true},
		"with a carriage return":          {good + "\r\n", 0o600, true},
		"its group may read it":           {good, 0o640, false},
		"everybody may read it":           {good, 0o604, false},
		"everybody may write it":          {good, 0o602, false},
		"empty":                           {"", 0o600, false},
		"a digit short":                   {good[1:], 0o600, false},
		"a digit long":                    {good + "0", 0o600, false},
		"not hexadecimal":                 {"xx" + good[2:], 0o600, false},
		"two keys":                        {good + "\n" + good, 0o600, false},
		"far too long":                    {strings.Repeat("5a", 4096), 0o600, false},
		"the key behind something binary": {"\x00\x01" + good, 0o600, false},
	} {
		t.Run(name, func(t *testing.T) {
			file := masterFile(t)
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, c.mode); err != nil { // beyond the umask
				t.Fatal(err)
			}
			_, err := keys.Open(t.Context(), storetest.SQLite(t), file, time.Now)
			if c.ok && err != nil || !c.ok && !errors.Is(err, keys.ErrMaster) {
				t.Fatal(err)
			}
			if err != nil && len(c.text) > 8 && strings.Contains(err.Error(), "5a5a") {
				t.Fatal("the error quotes the key:", err)
			}
		})
	}
	if _, err := keys.Open(t.Context(), storetest.SQLite(t), t.TempDir(), time.Now); !errors.Is(err, keys.ErrMaster) {
		t.Error("a directory:", err)
	}
	if _, err := keys.Open(t.Context(), storetest.SQLite(t), filepath.Join(t.TempDir(), "no", "where"), time.Now); err == nil {
		t.Error("nowhere")
	}
}

func TestAnotherMasterIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		inject(t, open(t, db, masterFile(t)), keys.ZMK("cup"), tmkClear)
		lost := masterFile(t)
		if _, err := keys.Open(t.Context(), db, lost, time.Now); !errors.Is(err, keys.ErrMaster) {
			t.Fatal(err)
		}
		if _, err := os.Stat(lost); !errors.Is(err, os.ErrNotExist) {
			t.Fatal("a useless master key was left in the place of the lost one", err)
		}
	})
}

func TestFirstStartsTogether(t *testing.T) {
	db, file := storetest.SQLite(t), masterFile(t)
	errs := make([]error, 16)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = keys.Open(t.Context(), db, file, time.Now) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
