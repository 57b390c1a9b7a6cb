package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	readyTime = time.Minute // for a server to begin to answer, on a busy machine
	stopTime  = 5 * time.Second
	pollEvery = 20 * time.Millisecond
	// tick is the unit of time in /proc: USER_HZ, which is 100 on every machine that
	// Go runs on.
	tick = 10 * time.Millisecond
)

// errEnded is wrapped where a server has ended before it answered.
var errEnded = errors.New("has ended")

// A process is a server that we have started, and must stop.
type process struct {
	name, log string
	os        *os.Process
	ended     chan struct{} // closed when it has
}

// installed tells whether there is the program of a server, and out if there is none.
func installed(out io.Writer, server, program string) bool {
	_, err := exec.LookPath(program)
	if err != nil {
		fmt.Fprintf(out, "%s is left out: %v\n", server, err)
	}
	return err == nil
}

// start runs a server on one core. What it prints goes into a file in dir.
func start(dir string, core int, env []string, args ...string) (*process, error) {
	return startOn(dir, strconv.Itoa(core), env, args...)
}

// startOn is start on some cores, which are numbered as taskset wants it.
func startOn(dir, cores string, env []string, args ...string) (*process, error) {
	name := filepath.Base(args[0])
	log, err := os.CreateTemp(dir, name+"-*.log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// taskset becomes the server: it is one process, whose ID we know.
	cmd := exec.Command("taskset", append([]string{"-c", cores}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own: Ctrl-C is for us, who end it in good order; and what is left
	// of NSD's children goes with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{name: name, log: log.Name(), os: cmd.Process, ended: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// until waits until ready finds nothing wrong.
func (p *process) until(ctx context.Context, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s %w; the last that it printed:\n%s", p.name, errEnded, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w; the last that it printed:\n%s", p.name, err, p.tail())
		case <-time.After(pollEvery):
		}
	}
}

// free is nil when nobody has the address, whose answers we would take for those
// of what we start.
func free(at netip.AddrPort) error {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return fmt.Errorf("%s is not free; is another run under way? -network chooses other addresses: %w", at, err)
	}
	return c.Close()
}

// stop ends the process, and what it has started.
func (p *process) stop() {
	p.os.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopTime):
	}
	// The process group that start made; there is no other in it. ESRCH is the good case.
	if err := syscall.Kill(-p.os.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		fmt.Fprintf(os.Stderr, "peers: %s, process %d, cannot be ended: %v\n", p.name, p.os.Pid, err)
		return
	}
	<-p.ended
}

func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	const most = 2000
	return string(text[max(0, len(text)-most):])
}

// cpu is the processor time that the process has used, user and system, all
// threads, and how much of it the kernel has.
func (p *process) cpu() (all, kernel time.Duration, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.os.Pid))
	if err != nil {
		return 0, 0, err
	}
	return parseCPU(b)
}

// parseCPU reads /proc/PID/stat: fields 14 and 15. The second may contain anything
// but ends with the last parenthesis.
func parseCPU(stat []byte) (all, kernel time.Duration, err error) {
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) < 13 {
		return 0, 0, fmt.Errorf("/proc/PID/stat: %q", stat)
	}
	user, err1 := strconv.ParseInt(string(f[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(f[12]), 10, 64)
	return time.Duration(user+system) * tick, time.Duration(system) * tick, errors.Join(err1, err2)
}

// rss is the memory of the process that is resident, in octets.
func (p *process) rss() (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.os.Pid))
	if err != nil {
		return 0, err
	}
	return parseRSS(string(b))
}

func parseRSS(status string) (int, error) {
	_, after, _ := strings.Cut(status, "VmRSS:")
	f := strings.Fields(after)
	if len(f) < 2 || f[1] != "kB" {
		return 0, errors.New("no VmRSS in /proc/PID/status")
	}
	kb, err := strconv.Atoi(f[0])
	return kb << 10, err
}
