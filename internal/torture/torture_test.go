package torture

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// program builds the program once: what is tortured is what ships, not a test's double.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "hawker-torture-test-")
	if err != nil {
		return "", err
	}
	built = dir
	binary := filepath.Join(dir, "hawker")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "hawker/cmd/hawker").CombinedOutput()
	if err != nil {
		return "", &exec.Error{Name: string(out), Err: err}
	}
	return binary, nil
})

// built is the directory of the program once there is one.
var built string

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(built)
	os.Exit(code)
}

// TestAFewSecondsOfEverything is the short form of `hawker torture`: every kind of trouble, on both databases.
func TestAFewSecondsOfEverything(t *testing.T) {
	t.Parallel()
	binary, err := program()
	if err != nil {
		t.Fatal(err)
	}
	for _, database := range []string{SQLite, Postgres} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			var live strings.Builder
			r, err := Run(t.Context(), Config{Binary: binary, Seed: 1, Duration: 6 * time.Second, Healing: time.Minute, Terminals: 3, Database: database,
				KillEvery: 500 * time.Millisecond, Patience: 400 * time.Millisecond, FailingIO: true, DiskFull: os.Getuid() == 0, Out: &live})
			if err != nil {
				t.Fatalf("%v\n%s", err, live.String())
			}
			var summary strings.Builder
			if _, err := r.WriteTo(&summary); err != nil {
				t.Fatal(err)
			}
			t.Log(live.String() + summary.String())
			if len(r.Differences) > 0 {
				t.Fatalf("%d differences", len(r.Differences))
			}
			// A busy machine does less in six seconds: what is asked is that the net was cast at all.
			if r.Kills < 2 || r.Compared.Slips < 10 {
				t.Errorf("too little happened: %d kills, %d slips", r.Kills, r.Compared.Slips)
			}
		})
	}
}
