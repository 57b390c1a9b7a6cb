//go:build e2e

package e2e_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// `sextant serve` without a configuration serves this machine on port 5300 and
// resolves from the real root. The host that it runs on here has no way there, so
// what it owes us is a quick error that says so.
func TestServeWithoutConfiguration(t *testing.T) {
	needs(t, "root", "ip", "dig")
	t.Parallel()
	alone := newHost(t, "alone")
	ready := func(*process) error {
		_, err := alone.try(t, "dig", "@127.0.0.1", "-p", "5300", "+tries=1", "+time=1", "version.bind", "TXT", "CH")
		return err
	}
	server := alone.start(t, ready, sextant, "serve")
	for _, address := range []string{"127.0.0.1", "::1"} {
		for _, proto := range []string{"+notcp", "+tcp"} {
			r := alone.dig(t, "@"+address, "-p", "5300", "www.example.com", "AAAA", proto)
			expect(t, r, "SERVFAIL")
			expectFlag(t, r, "ra")
			if r.ede == "" {
				t.Errorf("want an Extended DNS Error, got\n%s", r.text)
			}
		}
	}
	if code := server.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("sextant serve ended with exit code %d", code)
	}
}

// All that is wrong is said at once, with the place, and nothing is started.
func TestBadConfigurationIsExplained(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sextant.yaml")
	write(t, file, `listen: ["127.0.0.1:99999"]
dns64:
  mode: force
  prefixes: ["64:ff9b::/95"]
metricks: 127.0.0.1:9153
`)
	for _, args := range [][]string{{"serve", "--config", file}, {"check", file}} {
		out, err := host{}.try(t, append([]string{sextant}, args...)...)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 {
			t.Errorf("sextant %s: %v, want exit status 2", args[0], err)
		}
		var problems []string // file:line:col: message
		for line := range strings.Lines(out) {
			if at, ok := strings.CutPrefix(line, file+":"); ok {
				problems = append(problems, at)
			}
		}
		want := []string{"1:10: ", "3:9: ", "4:14: ", "5:1: "}
		if len(problems) != len(want) {
			t.Fatalf("sextant %s: want %d problems, got\n%s", args[0], len(want), out)
		}
		for i, at := range want {
			if !strings.HasPrefix(problems[i], at) {
				t.Errorf("sextant %s: problem %d is not at %s\n%s", args[0], i, at, out)
			}
		}
	}
}
