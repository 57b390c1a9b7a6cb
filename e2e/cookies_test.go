//go:build e2e

package e2e_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// BIND that answers those who know of cookies over UDP only when they bring its own
// (RFC 7873), and Sextant with and without cookies. BIND's log tells in flags whether
// a query had no valid one (K) or had (V).
func TestBINDWantsItsCookie(t *testing.T) {
	needs(t, "root", "ip", "named", "dig")
	t.Parallel()
	alone, dir := newHost(t, "cookie"), t.TempDir()
	write(t, filepath.Join(dir, "root.zone"), `$TTL 300
.       SOA a.root. nobody.invalid. 1 1800 900 604800 60
.       NS  a.root.
a.root. A   127.0.0.1
one     A   192.0.2.1
two     A   192.0.2.2
three   A   192.0.2.3
`)
	write(t, filepath.Join(dir, "named.conf"), fmt.Sprintf(`
options {
	directory %q;  pid-file none;  lock-file none;  session-keyfile "session.key";
	listen-on { 127.0.0.1; };  listen-on-v6 { none; };
	recursion no;  dnssec-validation no;  notify no;
	answer-cookie yes;  require-server-cookie yes;  querylog yes;
};
controls { };
zone "." { type primary; file "root.zone"; };
`, dir))
	bind := alone.start(t, alone.answers(t, "127.0.0.1", "."), "named", "-g", "-n", "1", "-c", filepath.Join(dir, "named.conf"))
	write(t, filepath.Join(dir, "root.hints"), ". 300 NS a.root.\na.root. 300 A 127.0.0.1\n")

	serve := func(port int, cookies bool) string {
		conf := filepath.Join(dir, fmt.Sprintf("sextant%d.yaml", port))
		write(t, conf, fmt.Sprintf(`
listen: [127.0.0.1:%d]
control: { socket: "off" }
dnssec: { validate: false }
resolver: { root-hints: root.hints, ipv6: false, priming: false, cookies: %v }
`, port, cookies))
		ready := func(*process) error {
			_, err := alone.try(t, "dig", "@127.0.0.1", "-p", fmt.Sprint(port), "+tries=1", "+time=1", "localhost")
			return err
		}
		alone.start(t, ready, sextant, "serve", "--config", conf)
		return fmt.Sprint(port)
	}
	with, without := serve(5301, true), serve(5302, false)
	expect(t, alone.dig(t, "@127.0.0.1", "-p", with, "one", "A"), "NOERROR", "one. A 192.0.2.1")
	expect(t, alone.dig(t, "@127.0.0.1", "-p", with, "two", "A"), "NOERROR", "two. A 192.0.2.2")
	expect(t, alone.dig(t, "@127.0.0.1", "-p", without, "three", "A"), "NOERROR", "three. A 192.0.2.3")
	bind.until(t, func() error {
		var seen []string
		for _, m := range regexp.MustCompile(`(?i)query: (one|two|three) IN A -\S*?([KV]*) \(`).FindAllStringSubmatch(bind.out.String(), -1) {
			seen = append(seen, strings.ToLower(m[1])+" "+m[2])
		}
		if want := []string{"one K", "one V", "two V", "three "}; !slices.Equal(seen, want) {
			return fmt.Errorf("BIND saw %q, want %q", seen, want)
		}
		return nil
	})
}
