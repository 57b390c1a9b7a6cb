//go:build e2e

// Package e2e_test proves the product as its users meet it: the built binary as
// a process, asked by the dig, kdig, delv and curl of other people, resolving
// from real BIND and NSD servers, with TAYGA as the NAT64 behind it.
//
// Read nat64_test.go first; internet_test.go draws the network it runs on.
// Everything that needs a network has one of its own, made of Linux network
// namespaces, so no packet of these tests leaves the machine.
package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
)

// sextant is the path of the binary under test. TestMain builds it.
var sextant string

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "site" {
		serveSite(os.Args[2], os.Args[3]) // we are the web server of a test
		return
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	// The daemons live in sbin, which not every shell's PATH has.
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin")
	if os.Geteuid() == 0 {
		sweep()
		defer os.Remove("/etc/netns") // fails, as it should, when others keep something there
	}
	dir, err := os.MkdirTemp("", "sextant-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	sextant = filepath.Join(dir, "sextant")
	args := []string{"build", "-o", sextant}
	if underRaceDetector() {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "../cmd/sextant")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build ../cmd/sextant: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// underRaceDetector reports whether this test binary was built with -race; then
// the server is, too, and a race in it makes it exit with a code that is not 0.
func underRaceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// needs skips the test, with a reason on which a newcomer can act, unless each
// of the wants is there: "root" (with network namespaces and a tun device), or a
// command by its name. In CI nothing is skipped: there it is a failure.
func needs(t *testing.T, wants ...string) {
	t.Helper()
	packages := map[string]string{
		"curl": "curl", "delv": "bind9-dnsutils", "dig": "bind9-dnsutils", "dnsmasq": "dnsmasq-base", "ip": "iproute2", "kdig": "knot-dnsutils", "kzonecheck": "knot-dnssecutils",
		"dnssec-keygen": "bind9-utils", "dnssec-signzone": "bind9-utils", "dnssec-dsfromkey": "bind9-utils",
		"bash": "bash", "fish": "fish", "gdnsd": "gdnsd", "groff": "groff-base", "zsh": "zsh", "knotd": "knot, knot-module-geoip", "kresd": "knot-resolver", "ldns-compare-zones": "ldnsutils", "ldns-keygen": "ldnsutils", "ldns-signzone": "ldnsutils", "ldns-verify-zone": "ldnsutils", "ldns-walk": "ldnsutils",
		"mount": "mount", "named": "bind9", "named-checkzone": "bind9-utils", "nsd": "nsd", "nsupdate": "bind9-dnsutils", "pdns_recursor": "pdns-recursor", "pdns_server": "pdns-server, pdns-backend-bind", "ping": "iputils-ping", "python3": "python3", "setpriv": "util-linux", "sysctl": "procps", "tayga": "tayga",
		"unbound": "unbound", "unshare": "util-linux",
	}
	for _, want := range wants {
		if want == "root" {
			if why := cannotMakeNetworks(); why != "" {
				missing(t, "needs network namespaces: %s", why)
			}
		} else if _, err := exec.LookPath(want); err != nil {
			missing(t, "needs the command %s (Debian package %s)", want, packages[want])
		}
	}
}

// missing ends a test that this machine has not everything for: CI's has to.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// cannotMakeNetworks says why this process cannot make network namespaces; ""
// means that it can.
func cannotMakeNetworks() string {
	if runtime.GOOS != "linux" {
		return "they exist on Linux only"
	}
	if os.Geteuid() != 0 {
		return "run the tests as root (sudo make test-e2e)"
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return "the NAT64 needs a tun device: " + err.Error()
	}
	return ""
}
