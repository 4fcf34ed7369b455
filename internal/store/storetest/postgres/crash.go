package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Address is the server's URL.
func (s *Server) Address() string { return s.URL }

// Dir is where the server keeps its files.
func (s *Server) Dir() string { return s.dir }

// Kill ends the server and all its processes with SIGKILL and leaves its files as
// they are, for Restart. What the kernel had taken is not lost by that: only a power cut would tell whether it was synced.
func (s *Server) Kill() error {
	if s.cmd == nil || s.cmd.ProcessState != nil {
		return os.ErrProcessDone
	}
	pid := s.cmd.Process.Pid
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil { // so that it starts no more
		return err
	}
	all := children(pid)
	if err := s.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	_ = s.cmd.Wait() // it was killed
	for _, child := range all {
		for !over(child) { // until then it holds the memory that they shared
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

// Restart starts the server again after Kill, on the same port, and waits until it
// answers. After an error it does not run, and Restart may be tried again.
func (s *Server) Restart(ctx context.Context) error {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), s.cmd.Path, s.cmd.Args[1:]...) //nolint:gosec // as Start did
	cmd.Dir, cmd.SysProcAttr = s.cmd.Dir, s.cmd.SysProcAttr
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = in, in
	err = errors.Join(cmd.Start(), in.Close())
	if err != nil {
		return errors.Join(fmt.Errorf("postgres: %w", err), out.Close())
	}
	s.cmd = cmd
	ctx, gaveUp := context.WithCancel(ctx)
	defer gaveUp()
	log := &tail{}
	go func() { // ends with the last of the server's processes
		log.follow(out)
		gaveUp()
	}()
	if err := s.ready(ctx); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return fmt.Errorf("postgres did not answer: %w: %s", err, log)
	}
	return nil
}

// Signal sends a signal to the server and to all processes that it has started.
func (s *Server) Signal(signal syscall.Signal) error {
	if s.cmd == nil || s.cmd.ProcessState != nil {
		return os.ErrProcessDone
	}
	all := children(s.cmd.Process.Pid) // they have another parent once it is dead
	err := s.cmd.Process.Signal(signal)
	for _, child := range all {
		_ = syscall.Kill(child, signal) // it may have ended by itself
	}
	return err
}

// Ended reports whether the server has given up by itself, as it does when it cannot
// write its log. Where there is no /proc nobody can tell, and the answer is false.
func (s *Server) Ended() bool {
	state, _ := stat(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "stat"))
	return state == dead
}

// dead is the state of a process that has ended and that nobody has waited for.
const dead = "Z"

// over reports whether a process has ended.
func over(pid int) bool {
	state, _ := stat(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return state == "" || state == dead
}

// children lists the processes that a process has started, where /proc tells; elsewhere
// a server's processes end by themselves when they miss it.
func children(parent int) (list []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		if _, of := stat(file); of == strconv.Itoa(parent) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
				list = append(list, pid)
			}
		}
	}
	return list
}

// stat reads a process's state and its parent: pid (name) state ppid …, where a name may
// hold anything but ends at the last parenthesis. Both are empty for one that has ended.
func stat(file string) (state, parent string) {
	b, err := os.ReadFile(file) //nolint:gosec // of the kernel
	if err != nil {
		return "", ""
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 2 {
		return "", ""
	}
	return fields[0], fields[1]
}

// tail keeps the end of what a server wrote.
type tail struct {
	mu sync.Mutex
	b  []byte
}

// kept is how much of a server's words an error repeats.
const kept = 4096

func (t *tail) follow(f *os.File) {
	defer func() { _ = f.Close() }()
	buf := make([]byte, kept)
	for {
		n, err := f.Read(buf)
		t.mu.Lock()
		t.b = append(t.b, buf[:n]...)
		t.b = t.b[max(0, len(t.b)-kept):]
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// String is the end of it.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
