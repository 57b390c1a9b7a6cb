//go:build e2e

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// commandTime is the longest that a command may take which is to end by itself.
const commandTime = 30 * time.Second

// A host is a network namespace, and stands for a machine on a network. The zero
// host is the machine that runs the tests.
type host struct{ namespace string }

// newHost makes a host that has no network yet. It lasts as long as the test.
func newHost(t *testing.T, name string) host {
	t.Helper()
	// The process ID tells sweep whose it is; the number, which test's.
	h := host{fmt.Sprintf("sx%d-%s-%x", os.Getpid(), name, rand.Uint32())}
	t.Cleanup(func() { removeHost(h.namespace) })
	host{}.run(t, "ip", "netns", "add", h.namespace)
	h.ip(t, "link set lo up")
	return h
}

func removeHost(namespace string) {
	if out, err := exec.Command("ip", "netns", "del", namespace).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "ip netns del %s: %v: %s", namespace, err, out)
	}
	os.RemoveAll(filepath.Join("/etc/netns", namespace))
}

// sweep removes the hosts of runs that were killed before they could clean up.
func sweep() {
	left, _ := filepath.Glob("/run/netns/sx*-*")
	for _, path := range left {
		namespace := filepath.Base(path)
		owner, _, _ := strings.Cut(strings.TrimPrefix(namespace, "sx"), "-")
		if _, err := strconv.Atoi(owner); err != nil {
			continue // not ours
		}
		if _, err := os.Stat("/proc/" + owner); errors.Is(err, os.ErrNotExist) {
			removeHost(namespace)
		}
	}
}

// connect lays a cable from h, a router, to the host to, which gets the address
// and a default route; h gets the first address of the network.
func (h host) connect(t *testing.T, to host, name, address string) {
	t.Helper()
	network := netip.MustParsePrefix(address)
	router := network.Masked().Addr().Next()
	host{}.run(t, "ip", "link", "add", "eth0", "netns", to.namespace, "type", "veth", "peer", "name", name, "netns", h.namespace)
	nodad := "" // nobody else is on this cable: do not wait a second to find out
	if router.Is6() {
		nodad = " nodad"
	}
	h.ip(t, fmt.Sprintf("address add %s/%d dev %s%s", router, network.Bits(), name, nodad))
	h.ip(t, "link set up dev "+name)
	to.ip(t, fmt.Sprintf("address add %s dev eth0%s", address, nodad))
	to.ip(t, "link set up dev eth0")
	to.ip(t, "route add default via "+router.String())
}

// ip configures the host's network.
func (h host) ip(t *testing.T, command string) {
	t.Helper()
	host{}.run(t, append([]string{"ip", "-n", h.namespace}, strings.Fields(command)...)...)
}

// nameserver is what /etc/resolv.conf says on the host.
func (h host) nameserver(t *testing.T, address string) {
	t.Helper()
	dir := filepath.Join("/etc/netns", h.namespace) // `ip netns exec` mounts its files over /etc
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "resolv.conf"), "nameserver "+address+"\n")
}

// command is args as they are run on the host.
func (h host) command(ctx context.Context, args ...string) *exec.Cmd {
	if h.namespace != "" {
		args = append([]string{"ip", "netns", "exec", h.namespace}, args...)
	}
	return exec.CommandContext(ctx, args[0], args[1:]...)
}

// try runs a command on the host to its end and returns all it printed.
func (h host) try(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	out, err := h.command(ctx, args...).CombinedOutput()
	return string(out), err
}

// run is try for a command that must succeed.
func (h host) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := h.try(t, args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// curl fetches a page and says which address it came from. Whatever proxy the
// machine has configured is not reached from the host.
func (h host) curl(t *testing.T, url string) (body, from string) {
	t.Helper()
	out := h.run(t, "curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "10",
		"--write-out", "\n%{remote_ip}", url)
	end := strings.LastIndexByte(out, '\n')
	return strings.TrimSpace(out[:end]), out[end+1:]
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
