//go:build unix

package webtest

import (
	"os"
	"os/exec"
	"syscall"
	"time"
)

// apart puts the browser and its helpers into a group of their own, so that they go together.
func apart(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.WaitDelay = time.Second // helpers hold its output open
}

// kill ends what is left of the browser.
func kill(p *os.Process) {
	if p != nil {
		_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
	}
}
