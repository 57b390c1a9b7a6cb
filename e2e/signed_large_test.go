//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Zones as registries and hosters have them, of 20 000 names together, hosts, aliases, mail, and
// delegations with DS and without, signed by BIND with NSEC, NSEC3 and opt-out. What arrives
// of them, and what is answered, verifies for all who have a tool for that.
func TestLargeSignedZonesVerify(t *testing.T) {
	needs(t, "root", "ip", "dig", "kdig", "delv", "named-checkzone", "kzonecheck", "dnssec-keygen", "dnssec-signzone", "ldns-verify-zone", "ldns-walk")
	t.Parallel()
	const hosts = 5000
	h, dir := newHost(t, "large"), t.TempDir()
	kinds := []struct {
		zone  string
		flags []string
	}{{"nsec.test", nil}, {"nsec3.test", []string{"-3", "-", "-H", "0"}}, {"optout.test", []string{"-3", "-", "-H", "0", "-A"}}}
	var b, anchors strings.Builder
	for _, k := range kinds {
		write(t, filepath.Join(dir, k.zone), registry(hosts))
		key := strings.TrimSpace(h.run(t, "dnssec-keygen", "-q", "-K", dir, "-a", "ECDSAP256SHA256", "-f", "KSK", k.zone))
		args := append([]string{"dnssec-signzone", "-q", "-S", "-z", "-K", dir, "-d", dir, "-o", k.zone, "-f", filepath.Join(dir, k.zone+".signed")}, k.flags...)
		h.run(t, append(args, filepath.Join(dir, k.zone))...)
		fmt.Fprintf(&b, "  - { name: %s, file: %s.signed, allow-transfer: [127.0.0.0/8] }\n", k.zone, k.zone)
		dnskey, err := os.ReadFile(filepath.Join(dir, key+".key"))
		if err != nil {
			t.Fatal(err)
		}
		_, rr, _ := strings.Cut(string(dnskey), " DNSKEY ")
		f := strings.Fields(rr)
		fmt.Fprintf(&anchors, "trust-anchors { %s. static-key %s %s %s %q; };\n", k.zone, f[0], f[1], f[2], strings.Join(f[3:], ""))
	}
	write(t, filepath.Join(dir, "anchors"), anchors.String())
	write(t, filepath.Join(dir, "sextant.yaml"), "listen: [\"127.0.0.1:53\"]\ncontrol: {socket: \"off\"}\nzones:\n"+b.String())
	h.start(t, h.answers(t, "127.0.0.1", "nsec.test."), sextant, "serve", "--config", filepath.Join(dir, "sextant.yaml"))

	for _, k := range kinds {
		arrived := filepath.Join(dir, k.zone+".axfr")
		write(t, arrived, h.run(t, "dig", "@127.0.0.1", k.zone, "AXFR", "+noall", "+answer", "+onesoa"))
		h.run(t, "named-checkzone", "-q", "-i", "local", k.zone, arrived)
		h.run(t, "kzonecheck", "-o", k.zone, arrived)
		h.run(t, "ldns-verify-zone", "-V", "1", arrived)
		for _, c := range []struct{ question, want string }{
			{"h777 A", "; fully validated"},
			{"alias900 A", "; fully validated"},
			{"x.wild TXT", "; fully validated"},
			{"secure55 DS", "; fully validated"},
			{"plain55 DS", "ncache nxrrset"},
			{"h777 AAAA", "ncache nxrrset"},
			{"ent A", "ncache nxrrset"},
			{"h5001 A", "ncache nxdomain"},
		} {
			name, qtype, _ := strings.Cut(c.question, " ")
			if k.zone == "optout.test" && strings.HasPrefix(name, "x.wild") {
				c.want = "; unsigned answer" // RFC 5155 6: a delegation may hide in the span
			}
			out, _ := h.try(t, "delv", "@127.0.0.1", "-a", filepath.Join(dir, "anchors"), "+root="+k.zone, name+"."+k.zone, qtype)
			if !strings.Contains(out, c.want) || strings.Contains(out, "broken trust") || strings.Contains(out, "no valid") {
				t.Errorf("%s %s: want %s, got\n%s", k.zone, c.question, c.want, out)
			}
			args := []string{"@127.0.0.1", name + "." + k.zone, qtype, "+dnssec", "+norecurse"}
			if d, kd := h.dig(t, args...), h.kdig(t, args...); d.status != kd.status || len(d.answer) != len(kd.answer) || !strings.Contains(d.text, "RRSIG") {
				t.Errorf("%s %s: dig has\n%s\nkdig has\n%s", k.zone, c.question, d.text, kd.text)
			}
		}
	}
	owners := strings.Count(h.run(t, "ldns-walk", "-4", "@127.0.0.1", "nsec.test"), "nsec.test.")
	if least := hosts + hosts/10 + hosts/20; owners < least {
		t.Errorf("ldns-walk met %d names, of at least %d", owners, least)
	}
}

// registry is a zone with so many hosts, and what else there is beside them.
func registry(hosts int) string {
	var b strings.Builder
	b.WriteString("$TTL 3600\n@ SOA ns1 host 2026 7200 900 1209600 300\n@ NS ns1\n@ NS ns2\n@ MX 10 h1\nns1 A 192.0.2.1\nns2 AAAA 2001:db8::2\n*.wild TXT wild\na.ent TXT deep\n")
	for i := range hosts {
		fmt.Fprintf(&b, "h%d A 192.0.2.%d\n", i, i%256)
		switch {
		case i%10 == 0:
			fmt.Fprintf(&b, "alias%d CNAME h%d\n", i, i)
		case i%10 == 5:
			fmt.Fprintf(&b, "plain%d NS ns.plain%d\nns.plain%d A 192.0.2.53\n", i, i, i)
			if i%20 == 15 {
				fmt.Fprintf(&b, "secure%d NS ns1\nsecure%d DS %d 13 2 %064x\n", i, i, i, i)
			}
		}
	}
	return b.String()
}
