//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	readyTime = 20 * time.Second // for a server to begin to answer, on a busy machine
	stopTime  = 5 * time.Second  // for a server to end when it is told to
	pollEvery = 20 * time.Millisecond
)

// A process is a server that runs while a test does.
type process struct {
	name  string // its program and first argument
	os    *os.Process
	out   output
	ended chan struct{} // closed when it has
	code  int           // its exit code, -1 for a signal; valid once it has ended
}

// start runs a server on the host and waits until ready finds nothing wrong. The
// server ends with the test at the latest; what it printed is shown when the test
// has failed.
func (h host) start(t *testing.T, ready func(*process) error, args ...string) *process {
	t.Helper()
	cmd := h.command(context.Background(), args...)
	p := &process{name: filepath.Base(args[0]) + " " + args[1], ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.out, &p.out
	cmd.SysProcAttr = dieWithUs()
	cmd.WaitDelay = time.Second // for a child that outlives it and holds the pipe
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.os = cmd.Process
	go func() {
		cmd.Wait()
		p.code = cmd.ProcessState.ExitCode()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.end()
		if t.Failed() {
			t.Logf("the last that %s printed:\n%s", p.name, p.out.tail())
		}
	})
	p.until(t, func() error { return ready(p) })
	return p
}

// until waits until check finds nothing wrong while the process lives.
func (p *process) until(t *testing.T, check func() error) {
	t.Helper()
	deadline := time.Now().Add(readyTime)
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-p.ended:
			t.Fatalf("%s has ended with exit code %d", p.name, p.code)
		case <-time.After(pollEvery):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s, after %v: %v", p.name, readyTime, err)
		}
	}
}

// stop tells the process to end, and returns its exit code.
func (p *process) stop(t *testing.T, with os.Signal) int {
	t.Helper()
	if err := p.os.Signal(with); err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	select {
	case <-p.ended:
	case <-time.After(stopTime):
		t.Fatalf("%s still runs %v after %v", p.name, stopTime, with)
	}
	return p.code
}

// end ends the process if it has not, whatever state it is in.
func (p *process) end() {
	p.os.Signal(syscall.SIGCONT) // a stopped one hears nothing else
	p.os.Signal(syscall.SIGTERM) // lets nsd take its children with it
	select {
	case <-p.ended:
	case <-time.After(stopTime):
		p.os.Kill()
		<-p.ended
	}
}

// output is what a process has printed so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// tail is the last lines of it: BIND introduces itself at length.
func (o *output) tail() string {
	const most = 20
	lines := strings.SplitAfter(o.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-1-most):], "")
}
