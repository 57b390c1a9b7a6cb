package main

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// signedInternet is a small Internet that is signed, but for one zone, and in which
// some records are not what was signed. Its keys are the same each time.
type signedInternet struct {
	tb     testing.TB
	files  fstest.MapFS
	anchor string // the root's DS
}

// The names that it has.
const (
	goodRecords = `
v4      A 198.41.0.4
v6      AAAA 2001:db8::6
dual    A 198.41.0.5
dual    AAAA 2001:db8::5
forged  A 198.41.0.6
forged6 A 198.41.0.7
forged6 AAAA 2001:db8::7
noproof A 198.41.0.8
to      CNAME v4.plain.example.
*.wild  A 198.41.0.9
`
	plainRecords  = "v4 A 198.41.0.10\ndual A 198.41.0.11\ndual AAAA 2001:db8::b\n"
	hashedRecords = "v4 A 198.41.0.12\n"

	internalServer = "198.51.100.4"
)

func newSignedInternet(tb testing.TB) *signedInternet {
	n := &signedInternet{tb: tb, files: fstest.MapFS{}}
	good := n.signed("good.example.", "198.51.100.3", goodRecords, nsecChain)
	n.spoil("good.example.", "forged.good.example. A", "198.41.0.66")
	n.spoil("good.example.", "forged6.good.example. AAAA", "2001:db8::66")
	n.spoil("good.example.", "noproof.good.example. NSEC", "zz.good.example. A RRSIG NSEC")
	hashed := n.signed("hashed.example.", "198.51.100.3", hashedRecords, nsec3Chain)
	n.plain("plain.example.", "198.51.100.3", plainRecords)
	n.plain("lab.good.example.", internalServer, "www A 198.41.0.13\n") // of which good.example. knows nothing
	example := n.signed("example.", "198.51.100.2", n.delegation("good.example.", "198.51.100.3")+good+
		n.delegation("hashed.example.", "198.51.100.3")+hashed+n.delegation("plain.example.", "198.51.100.3"), nsecChain)
	n.anchor = strings.TrimSpace(n.signed(".", "198.51.100.1", n.delegation("example.", "198.51.100.2")+example, nsecChain))
	return n
}

// delegation is what a zone above says of apex, without its DS.
func (n *signedInternet) delegation(apex, server string) string {
	return fmt.Sprintf("%s NS ns.%s\nns.%s A %s\n", apex, apex, apex, server)
}

// zone is a zone with its SOA and one server.
func (n *signedInternet) zone(apex, server, records string) string {
	ns := "ns." + strings.TrimPrefix(apex, ".")
	return fmt.Sprintf("$ORIGIN %s\n$TTL 300\n@ SOA %s host. 1 7200 3600 1209600 60\n@ NS %s\n%s A %s\n%s", apex, ns, ns, ns, server, records)
}

func (n *signedInternet) plain(apex, server, records string) {
	n.files[apex+"zone"] = &fstest.MapFile{Data: []byte(n.zone(apex, server, records))}
}

// signed adds a signed zone and returns its DS, for the zone above.
func (n *signedInternet) signed(apex, server, records string, nsec3 bool) (ds string) {
	n.tb.Helper()
	return n.sign(apex, n.zone(apex, server, records), nsec3)
}

// How names are denied.
const (
	nsecChain  = false
	nsec3Chain = true
)

// sign adds a zone of that text, signed, and returns its DS.
func (n *signedInternet) sign(apex, text string, nsec3 bool) (ds string) {
	n.tb.Helper()
	signed, ds, err := lab.Sign(lookup.MustName(apex), text, lab.Signing{NSEC3: nsec3})
	if err != nil {
		n.tb.Fatal(err)
	}
	n.files[apex+"zone"] = &fstest.MapFile{Data: []byte(signed)}
	return ds
}

// spoil gives the set at "NAME TYPE" other data than were signed.
func (n *signedInternet) spoil(apex, at, data string) {
	n.tb.Helper()
	name, kind, _ := strings.Cut(at, " ")
	file, spoiled := n.files[apex+"zone"], 0
	var b strings.Builder
	for line := range strings.Lines(string(file.Data)) {
		if f := strings.Fields(line); f[0] == name && f[3] == kind {
			line = strings.Join(append(f[:4:4], data), " ") + "\n"
			spoiled++
		}
		b.WriteString(line)
	}
	if spoiled != 1 {
		n.tb.Fatalf("%d lines of %s are %s", spoiled, apex, at)
	}
	file.Data = []byte(b.String())
}

// resolve makes the parts of a configuration, with n for their Internet and its root's
// key for their only trust anchor. In a bubble of synctest its servers are some
// milliseconds away.
func (n *signedInternet) resolve(yaml string) *parts {
	n.tb.Helper()
	net, err := lab.New(n.files, lab.Options{Latency: func(server netip.Addr) time.Duration {
		sum := fnv.New32a()
		sum.Write(server.AsSlice())
		return time.Duration(5+sum.Sum32()%10) * time.Millisecond
	}})
	if err != nil {
		n.tb.Fatal(err)
	}
	w := wiring{exchanger: net, intN: func(n int) int { return n - 1 }}
	for _, root := range net.Roots() {
		w.hints = append(w.hints, resolver.Server(root))
	}
	if !strings.Contains(yaml, "dnssec:") {
		yaml += "\ndnssec: {}"
	}
	yaml = strings.Replace(yaml, "dnssec: {", fmt.Sprintf("dnssec: {builtin-anchor: false, trust-anchors: [%q], ", strings.ReplaceAll(n.anchor, "\t", " ")), 1)
	p, err := build(parsed(n.tb, yaml), w)
	if err != nil {
		n.tb.Fatal(err)
	}
	return p
}
