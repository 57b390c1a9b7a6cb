//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A zone that others have signed is served so that BIND's validator believes what it
// says, and what it denies (RFC 4035 3.1, RFC 5155 7.2).
func TestSignedZonesConvinceDelv(t *testing.T) {
	needs(t, "root", "ip", "dig", "delv", "ldns-keygen", "ldns-signzone")
	t.Parallel()
	for what, flags := range map[string][]string{"NSEC": nil, "NSEC3": {"-n"}, "NSEC3 with salt": {"-n", "-s", "abcd", "-t", "3"}, "opt-out": {"-n", "-p"}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			h, dir := newHost(t, "signed"), t.TempDir()
			write(t, filepath.Join(dir, "zone"), `$ORIGIN signed.example.
$TTL 300
@ SOA ns nobody.invalid. 1 1800 900 604800 60
@ NS ns
ns A 127.0.0.1
www A 192.0.2.80
alias CNAME www
a.b.ent TXT deep
*.wild TXT wild
in.wild A 192.0.2.1
*.star CNAME www
insecure NS ns.insecure
ns.insecure A 192.0.2.53
secure NS ns.secure
secure DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.secure A 192.0.2.54
moved DNAME wild
`)
			key := strings.TrimSpace(h.run(t, "sh", "-c", "cd "+dir+" && ldns-keygen -a ECDSAP256SHA256 -k signed.example"))
			args := append([]string{"ldns-signzone", "-o", "signed.example", "-f", filepath.Join(dir, "signed")}, flags...)
			h.run(t, append(args, filepath.Join(dir, "zone"), filepath.Join(dir, key))...)
			write(t, filepath.Join(dir, "sextant.yaml"), "listen: [\"127.0.0.1:53\"]\ncontrol: {socket: \"off\"}\nzones: [{name: signed.example, file: signed}]\n")
			h.start(t, h.answers(t, "127.0.0.1", "signed.example."), sextant, "serve", "--config", filepath.Join(dir, "sextant.yaml"))
			dnskey, err := os.ReadFile(filepath.Join(dir, key+".key"))
			if err != nil {
				t.Fatal(err)
			}
			f := strings.Fields(string(dnskey)) // name, IN, DNSKEY, flags, protocol, algorithm, key
			anchors := filepath.Join(dir, "anchors")
			write(t, anchors, fmt.Sprintf("trust-anchors { signed.example. static-key %s %s %s %q; };\n", f[3], f[4], f[5], f[6]))

			for _, c := range []struct{ question, want string }{
				{"www.signed.example A", "; fully validated"},
				{"signed.example SOA", "; fully validated"},
				{"alias.signed.example A", "; fully validated"},
				{"x.wild.signed.example TXT", "; fully validated"},
				{"x.y.wild.signed.example TXT", "; fully validated"},
				{"x.star.signed.example A", "; fully validated"},
				{"x.moved.signed.example TXT", "; fully validated"},
				{"secure.signed.example DS", "; fully validated"},
				{"nobody.signed.example A", "ncache nxdomain"},
				{"a.nobody.signed.example A", "ncache nxdomain"},
				{"x.in.wild.signed.example A", "ncache nxdomain"},
				{"www.signed.example AAAA", "ncache nxrrset"},
				{"ent.signed.example A", "ncache nxrrset"},
				{"b.ent.signed.example A", "ncache nxrrset"},
				{"x.wild.signed.example A", "ncache nxrrset"},
				{"insecure.signed.example DS", "ncache nxrrset"},
				{"www.signed.example TYPE65280", "ncache nxrrset"},
			} {
				if what == "opt-out" && strings.Contains(c.question, "wild.signed.example TXT") {
					c.want = "; unsigned answer" // RFC 5155 6: a delegation may hide in the span
				}
				args := append([]string{"delv", "@127.0.0.1", "-a", anchors, "+root=signed.example"}, strings.Fields(c.question)...)
				out, _ := h.try(t, args...)
				if !strings.Contains(out, c.want) || strings.HasPrefix(c.want, "ncache") && !strings.Contains(out, "; negative response, fully validated") && what != "opt-out" || strings.Contains(out, "broken trust") {
					t.Errorf("%s: want %s, got\n%s", c.question, c.want, out)
				}
			}
		})
	}
}
