//go:build e2e

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What the tools of others make of the zones that Sextant serves: dig and kdig
// transfer the same RRs, named-checkzone and ldns-verify-zone find nothing wrong with
// them, ldns-walk meets every name, and ldns-compare-zones finds what the file has.
func TestToolsAgreeOnWhatIsServed(t *testing.T) {
	needs(t, "root", "ip", "dig", "kdig", "named-checkzone", "dnssec-keygen", "dnssec-signzone", "ldns-verify-zone", "ldns-walk", "ldns-compare-zones")
	t.Parallel()
	h, dir := newHost(t, "tools"), t.TempDir()
	all := writeZones(t, dir, rand.New(rand.NewPCG(2026, 12)))
	all = slices.DeleteFunc(all, func(z peerZone) bool { return strings.HasSuffix(z.name, ".random.test") })
	var b strings.Builder
	for _, z := range all {
		fmt.Fprintf(&b, "  - { name: %s, file: %q, allow-transfer: [127.0.0.0/8] }\n", z.name, z.file)
	}
	conf := filepath.Join(dir, "sextant.yaml")
	write(t, conf, "listen: [\"127.0.0.1:53\"]\ncontrol: { socket: \"off\" }\ndnssec: { validate: false }\nzones:\n"+b.String())
	h.start(t, h.answers(t, "127.0.0.1", "plain.example."), sextant, "serve", "--config", conf)

	for _, z := range all {
		file := filepath.Join(dir, z.name+".axfr")
		dig := h.run(t, "dig", "@127.0.0.1", z.name, "AXFR", "+noall", "+answer", "+onesoa")
		kdig := h.run(t, "kdig", "@127.0.0.1", z.name, "AXFR", "+noheader", "+nostats")
		if !slices.Equal(heads(dig), heads(kdig)) {
			t.Errorf("%s: dig has\n%s\nkdig has\n%s", z.name, dig, kdig)
		}
		write(t, file, dig)
		integrity := "local"
		if !strings.Contains(z.name, "nsec") {
			integrity = "none" // they name hosts that do not exist, to see what is answered
		}
		h.run(t, "named-checkzone", "-i", integrity, "-k", "ignore", z.name, file)
		if out := h.run(t, "ldns-compare-zones", "-a", file, z.file); !strings.Contains(out, "+0\t-0\t~0") {
			t.Errorf("%s: what arrived is not what the file has: %s", z.name, out)
		}
		if z.name == "nsec.example" || z.name == "nsec3.example" || strings.HasPrefix(z.name, "child.nsec") {
			h.run(t, "ldns-verify-zone", "-V", "1", file)
		}
	}

	// Every name with an NSEC, in canonical order, and what it has.
	var want, got []string
	for _, z := range all {
		for s := range z.zone.All() {
			if z.name == "nsec.example" && s.Type.String() == "NSEC" {
				want = append(want, s.Name.String())
			}
		}
	}
	for line := range strings.Lines(h.run(t, "ldns-walk", "-4", "@127.0.0.1", "nsec.example")) {
		if f := strings.Fields(line); len(f) > 1 {
			got = append(got, f[0])
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("ldns-walk met\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// heads are owner, TTL, class and type of the RRs in the output of a tool, sorted, each
// once: every tool has its own way to write rdata, and to end a transfer.
func heads(text string) []string {
	var rrs []string
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 4 && f[0][0] != ';' {
			rrs = append(rrs, strings.Join(f[:4], " "))
		}
	}
	slices.Sort(rrs)
	return slices.Compact(rrs)
}
