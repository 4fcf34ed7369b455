package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is one role of Hawker running by itself.
type process struct {
	role string
	cmd  *exec.Cmd
	out  *bufio.Reader
	log  string // file of its standard error
}

// stopBy is how long a role may take to stop before it is killed.
const stopBy = time.Minute

// start runs a program with its arguments; its log goes to a file in dir.
func start(ctx context.Context, dir, role string, argv []string) (*process, error) {
	p := &process{role: role, log: filepath.Join(dir, role+".log")}
	p.cmd = exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // this program itself
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the process has its own
	p.cmd.Stderr = log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	return p, nil
}

// says waits for a line that begins with a word and gives the rest of it.
func (p *process) says(word string) (string, error) {
	for {
		line, err := p.out.ReadString('\n')
		if rest, found := strings.CutPrefix(line, word+" "); found {
			return strings.TrimSpace(rest), nil
		}
		if err != nil {
			return "", fmt.Errorf("%s did not come up: %w%s", p.role, err, p.lastWords())
		}
	}
}

// stop ends the role as an operator would and gives what it still said.
func (p *process) stop() ([]byte, error) {
	if p == nil || p.cmd.ProcessState != nil {
		return nil, nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(stopBy, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	said, err := io.ReadAll(p.out)
	if err != nil {
		_ = p.cmd.Process.Kill()
	}
	if err := p.cmd.Wait(); err != nil {
		return said, fmt.Errorf("%s: %w%s", p.role, err, p.lastWords())
	}
	return said, err
}

// lastWords is the end of the role's log.
func (p *process) lastWords() string {
	text, err := os.ReadFile(p.log)
	if err != nil || len(text) == 0 {
		return ""
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return "\n" + string(bytes.Join(lines[max(0, len(lines)-5):], []byte("\n")))
}
