package torture

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one child that is kept running: when it ends, by our hand or by itself,
// it is started again after a pause, as a service manager would.
type process struct {
	name  string
	args  []string
	ready string // its standard output begins a line so once it works; "" is ready at once
	once  bool   // it ends by itself when its work is done
	log   *os.File
	line  func(string) // told of every line of its standard output

	mu       sync.Mutex
	cmd      *exec.Cmd
	started  time.Time
	killed   bool          // by us
	pause    time.Duration // before the next start
	isReady  bool
	worked   bool // once at least
	stopping bool
	finished bool // once, and well
	past     life
	gone     chan struct{} // closed when the loop has ended
}

// life counts what became of a process.
type life struct {
	Recoveries int           // starts that worked, but for the first
	Kills      int           // by us
	Stops      int           // SIGSTOP
	Failures   int           // starts that ended by themselves before it was ready
	Crashes    []string      // ends by itself after it was ready: there must be none
	Slowest    time.Duration // from a start to ready
}

// restartAfter is the pause after an end that was not ours.
const restartAfter = 200 * time.Millisecond

// run keeps the process going until stop.
func (p *process) run(ctx context.Context, binary string) {
	defer close(p.gone)
	for {
		cmd := exec.CommandContext(ctx, binary, p.args...) //nolint:gosec // our own binary
		isolate(cmd)
		cmd.Stderr = p.log
		cmd.WaitDelay = 5 * time.Second
		out, err := cmd.StdoutPipe()
		if !p.begin(cmd, err) {
			return
		}
		p.listen(out)
		if !p.end(cmd.Wait()) {
			return
		}
		p.mu.Lock()
		pause := p.pause
		p.mu.Unlock()
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// begin starts the process; false when it is to stop.
func (p *process) begin(cmd *exec.Cmd, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		return false
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		p.past.Crashes = append(p.past.Crashes, fmt.Sprintf("%s cannot be started: %v", p.name, err))
		return false
	}
	p.cmd, p.killed, p.started, p.pause, p.isReady = cmd, false, time.Now(), restartAfter, false
	if p.ready == "" {
		p.work()
	}
	return true
}

// work notes that the process works. The caller holds mu.
func (p *process) work() {
	if p.worked {
		p.past.Recoveries++
	}
	p.isReady, p.worked = true, true
	p.past.Slowest = max(p.past.Slowest, time.Since(p.started))
}

func (p *process) listen(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		text := lines.Text()
		if p.ready != "" && strings.HasPrefix(text, p.ready) {
			p.mu.Lock()
			if !p.isReady {
				p.work()
			}
			p.mu.Unlock()
		}
		if p.line != nil {
			p.line(text)
		}
	}
}

// end judges how the process ended; false when it is not to be started again.
func (p *process) end(err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd = nil
	switch {
	case p.stopping:
		if err != nil && !p.killed && p.isReady {
			p.past.Crashes = append(p.past.Crashes, fmt.Sprintf("%s was told to stop and ended with %v", p.name, err))
		}
		return false
	case p.killed:
	case p.once && err == nil:
		p.finished = true
		return false
	case p.isReady:
		p.past.Crashes = append(p.past.Crashes, fmt.Sprintf("%s ended by itself: %v", p.name, err))
	default:
		p.past.Failures++
	}
	return true
}

// signal reaches the process if it runs.
func (p *process) signal(s os.Signal) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd != nil && p.cmd.Process.Signal(s) == nil
}

// kill ends the process with SIGKILL; it comes back after pause. false when it is down already.
func (p *process) kill(pause time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil || p.cmd.Process.Signal(syscall.SIGKILL) != nil {
		return false
	}
	p.killed, p.pause = true, pause
	p.past.Kills++
	return true
}

// freeze stops the process for a while with SIGSTOP.
func (p *process) freeze(d time.Duration) bool {
	if !p.signal(sigStop) {
		return false
	}
	p.mu.Lock()
	p.past.Stops++
	p.mu.Unlock()
	time.AfterFunc(d, func() { p.signal(sigCont) }) // harmless when it was killed meanwhile
	return true
}

// pid is the running process's number; 0 when it is down.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// up reports whether the process works.
func (p *process) up() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd != nil && p.isReady
}

// over reports whether a process that runs once has done its work.
func (p *process) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.finished
}

// stop ends the process for good with SIGTERM, and with SIGKILL when that does not do
// within the time: then the error says so.
func (p *process) stop(within time.Duration) error {
	p.mu.Lock()
	p.stopping = true
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(sigCont)
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	p.mu.Unlock()
	select {
	case <-p.gone:
		return nil
	case <-time.After(within):
	}
	p.mu.Lock()
	if p.cmd != nil {
		p.killed = true
		_ = p.cmd.Process.Signal(syscall.SIGKILL)
	}
	p.mu.Unlock()
	<-p.gone
	return errors.New(p.name + " did not stop within " + within.String())
}

// lived tells what became of the process so far.
func (p *process) lived() life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.past
}
