//go:build cgo && pkcs11

package app

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"hawker/internal/keys/pkcs11"
)

// TestADayWithAHardwareModule plays sign-on, sales, PINs, enciphered tracks, void and
// settlement while the master key is in a token of softhsm2 and no file holds one.
func TestADayWithAHardwareModule(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "softhsm2.conf")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(config, "directories.tokendir = "+dir+"\nobjectstore.backend = file\n")
	t.Setenv("SOFTHSM2_CONF", config) // before the library reads it
	if out, err := exec.CommandContext(t.Context(), "softhsm2-util", "--init-token", "--free", "--label", "hawker", "--so-pin", "12345678", "--pin", "739518").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	write(filepath.Join(dir, "pin"), "739518\n")
	library := os.Getenv("HAWKER_TEST_PKCS11")
	if library == "" {
		library = "/usr/lib/softhsm/libsofthsm2.so"
	}
	data := t.TempDir()
	s, stop := start(t, Config{Data: data, HSM: pkcs11.Config{Library: library, Token: "hawker", PINFile: filepath.Join(dir, "pin")},
		Network: Network{Timeout: 300 * time.Millisecond, LateAfter: 400 * time.Millisecond}})
	aDay(t, s)
	stop()
	if _, err := os.Stat(filepath.Join(data, "master.key")); !os.IsNotExist(err) {
		t.Error("a master key was put in a file:", err)
	}
	places := map[string][]byte{}
	files(t, data, places)
	for name, secret := range secrets(t, s.Config) {
		for place, content := range places {
			if bytes.Contains(content, secret) {
				t.Errorf("%s is in %s", name, place)
			}
		}
	}
}
