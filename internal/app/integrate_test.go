package app

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// What newcomers are told to type is typed here.
func TestTheFirstPaymentGoesAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/integrate.md")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), Config{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```\n```text\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 8 || strings.Count(string(text), "```sh\n") != len(blocks) {
		t.Fatalf("of %d commands %d say what comes", strings.Count(string(text), "```sh\n"), len(blocks))
	}
	here := strings.NewReplacer("http://127.0.0.1:8080", "http://"+s.HTTPAddr(), "http://127.0.0.1:8591", s.WalletURL(), "hk_test_…", s.FirstKey.Reveal())
	script := "set -euo pipefail\n"
	for _, b := range blocks {
		script += here.Replace(b[1]) + "\necho; echo '--8<--'\n"
	}
	run := exec.CommandContext(t.Context(), "bash", "-c", script) //nolint:gosec // our own document
	run.Dir = t.TempDir()
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	answers := strings.Split(string(out), "--8<--")
	for i, b := range blocks {
		for _, want := range strings.Split(strings.TrimSpace(b[2]), "\n") {
			if !strings.Contains(answers[i], want) {
				t.Errorf("%s\ndoes not give %s, but\n%s", b[1], want, answers[i])
			}
		}
	}
}
