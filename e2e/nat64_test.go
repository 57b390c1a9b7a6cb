//go:build e2e

package e2e_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The proof of the product: a host without IPv4 opens web sites that have nothing
// else, and with forced synthesis it opens them that way even when they have IPv6.
func TestNAT64CurlReachesIPv4OnlyServer(t *testing.T) {
	needs(t, "root", "ip", "sysctl", "tayga", "named", "nsd", "dig", "curl")
	for name, p := range map[string]plan{
		"network-specific prefix": networkSpecific(),
		"well-known prefix":       wellKnown(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newInternet(t, p)
			n.startTAYGA(t)
			v4site := n.web.site(t, n.plan.web, "the site over IPv4")
			v6site := n.six.site(t, sixAddress, "the site over IPv6")
			resolver := n.serve(t, "forced")

			// Forced: whatever the name has, the way is through the NAT64.
			for _, name := range []string{"v4only.example", "dual.example", "www.example"} {
				body, from := n.cli.curl(t, "http://"+name+"/")
				if body != "the site over IPv4" || from != n.through(n.plan.web) {
					t.Errorf("forced, %s: %q from %s", name, body, from)
				}
			}
			translated := checkPool(t, v4site, "v4only.example", "dual.example", "www.example")
			if v := v6site.visits(); len(v) != 0 {
				t.Errorf("forced, and yet somebody came over IPv6: %v", v)
			}

			// Forced, but there is no A: the real AAAA is better than nothing.
			if body, from := n.cli.curl(t, "http://v6only.example/"); body != "the site over IPv6" || from != sixAddress {
				t.Errorf("forced, v6only.example: %q from %s", body, from)
			}

			// Standard: a name with a real AAAA is reached at it, the others as before.
			if code := resolver.stop(t, syscall.SIGTERM); code != 0 {
				t.Errorf("sextant ended with exit code %d", code)
			}
			n.serve(t, "standard")
			if body, from := n.cli.curl(t, "http://dual.example/"); body != "the site over IPv6" || from != sixAddress {
				t.Errorf("standard, dual.example: %q from %s", body, from)
			}
			if body, from := n.cli.curl(t, "http://v4only.example/"); body != "the site over IPv4" || from != n.through(n.plan.web) {
				t.Errorf("standard, v4only.example: %q from %s", body, from)
			}

			n.checkMap(t, translated)
		})
	}
}

// checkPool checks that a site was asked for just the names, in their order, and
// always by the same address of TAYGA's pool, which it returns.
func checkPool(t *testing.T, site *process, names ...string) string {
	t.Helper()
	var asked []string
	site.until(t, func() error { // its log follows its replies with a little delay
		asked = nil
		for _, v := range site.visits() {
			asked = append(asked, v.name)
		}
		if !slices.Equal(asked, names) {
			return fmt.Errorf("the site was asked for %v, want %v", asked, names)
		}
		return nil
	})
	peer := site.visits()[0].by
	for _, v := range site.visits() {
		if a, err := netip.ParseAddr(v.by); err != nil || !netip.MustParsePrefix(pool).Contains(a) || v.by != peer {
			t.Errorf("%s was asked for by %s, want one address of TAYGA's pool %s", v.name, v.by, pool)
		}
	}
	return peer
}

// checkMap checks that TAYGA gave the client, and nobody else, the address from
// its pool. It ends TAYGA, which then writes down what it knows.
func (n *internet) checkMap(t *testing.T, address string) {
	t.Helper()
	n.tayga.stop(t, syscall.SIGTERM)
	dynamic, err := os.ReadFile(filepath.Join(n.dir, "dynamic.map"))
	if err != nil {
		t.Fatal(err)
	}
	var mapped []string
	for line := range strings.Lines(string(dynamic)) {
		if f := strings.Fields(line); len(f) >= 2 && !strings.HasPrefix(f[0], "#") {
			mapped = append(mapped, f[0]+" is "+f[1])
		}
	}
	if want := address + " is " + clientAddress; len(mapped) != 1 || mapped[0] != want {
		t.Errorf("TAYGA's map: %v, want only %s", mapped, want)
	}
}
