//go:build !unix

package webtest

import (
	"os"
	"os/exec"
	"time"
)

func apart(c *exec.Cmd) { c.WaitDelay = time.Second }

func kill(p *os.Process) {
	if p != nil {
		_ = p.Kill()
	}
}
