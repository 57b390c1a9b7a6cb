package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
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

	expires func(lookup.RRset) time.Time // when signatures do; nil: late enough
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
func (n *signedInternet) signed(apex, server, records string, chain func(dnssec.Signer, []lookup.RRset) []lookup.RRset) (ds string) {
	n.tb.Helper()
	return n.sign(apex, n.zone(apex, server, records), chain)
}

// sign adds a zone of that text, signed, and returns its DS.
func (n *signedInternet) sign(apex, text string, chain func(dnssec.Signer, []lookup.RRset) []lookup.RRset) (ds string) {
	n.tb.Helper()
	seed := sha256.Sum256([]byte(apex))
	key, err := dnssec.NewSigner(lookup.MustName(apex), dnssec.ED25519, dnssec.FlagZone|dnssec.FlagSEP, ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		n.tb.Fatal(err)
	}
	sets, err := lookup.ParseRRsets(text)
	if err != nil {
		n.tb.Fatal(err)
	}
	sets = append(sets, dnssec.DNSKEY(300, key))
	sets = append(sets, chain(key, sets)...)
	var b strings.Builder
	for _, s := range sets {
		if !isGlue(sets, s) && !(s.Type == lookup.TypeNS && s.Name != key.Key.Owner) {
			if s, err = key.Sign(s, time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), n.until(s)); err != nil {
				n.tb.Fatal(err)
			}
		}
		b.WriteString(s.String() + "\n")
	}
	n.files[apex+"zone"] = &fstest.MapFile{Data: []byte(b.String())}
	named, _ := dnssec.DSOf(key.Key, dnssec.SHA256)
	return lookup.RRset{Name: key.Key.Owner, Type: lookup.TypeDS, TTL: 300, Data: lookup.PackRdata(named.Rdata())}.String() + "\n"
}

func (n *signedInternet) until(s lookup.RRset) time.Time {
	if n.expires != nil {
		return n.expires(s)
	}
	return time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)
}

// isGlue tells whether s lies below a cut of its zone, or at one and is not NS or DS.
func isGlue(sets []lookup.RRset, s lookup.RRset) bool {
	return slices.ContainsFunc(sets, func(cut lookup.RRset) bool {
		apex := sets[0].Name
		return cut.Type == lookup.TypeNS && cut.Name != apex && s.Name.IsSubdomainOf(cut.Name) &&
			!(s.Name == cut.Name && (s.Type == lookup.TypeNS || s.Type == lookup.TypeDS || s.Type == lookup.TypeNSEC))
	})
}

// owners are the names with data or a delegation, in canonical order, and their types.
func owners(sets []lookup.RRset) (names []lookup.Name, types map[lookup.Name][]lookup.Type) {
	types = map[lookup.Name][]lookup.Type{}
	for _, s := range sets {
		if !isGlue(sets, s) {
			types[s.Name] = append(types[s.Name], s.Type)
		}
	}
	for name := range types {
		names = append(names, name)
	}
	slices.SortFunc(names, lookup.Name.Compare)
	return names, types
}

func nsecChain(_ dnssec.Signer, sets []lookup.RRset) (chain []lookup.RRset) {
	names, types := owners(sets)
	for i, name := range names {
		next := names[(i+1)%len(names)]
		rdata := string(next) + dnssec.Bitmap(append(types[name], lookup.TypeRRSIG, lookup.TypeNSEC)...)
		chain = append(chain, lookup.RRset{Name: name, Type: lookup.TypeNSEC, TTL: 60, Data: lookup.PackRdata(rdata)})
	}
	return chain
}

func nsec3Chain(key dnssec.Signer, sets []lookup.RRset) []lookup.RRset {
	names, types := owners(sets)
	const parameters = "1 0 0 -"
	var hashes, lines []string
	of := map[string]lookup.Name{}
	for _, name := range names {
		h := dnssec.NSEC3Hash(name, 0, "")
		hashes, of[h] = append(hashes, h), name
	}
	slices.Sort(hashes)
	for i, h := range hashes {
		line := fmt.Sprintf("%s.%s 60 NSEC3 %s %s", h, key.Key.Owner, parameters, hashes[(i+1)%len(hashes)])
		for _, t := range slices.Sorted(slices.Values(append(types[of[h]], lookup.TypeRRSIG))) {
			line += " " + t.String()
		}
		lines = append(lines, line)
	}
	return lookup.MustRRsets(fmt.Sprintf("%s 60 NSEC3PARAM %s\n%s", key.Key.Owner, parameters, strings.Join(lines, "\n")))
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
