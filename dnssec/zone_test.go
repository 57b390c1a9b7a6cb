package dnssec_test

import (
	"encoding/base32"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// A zone for tests: what is at each of its names. It makes its own NSEC and NSEC3
// chains, and it is the slow oracle of what they prove.
type zone struct {
	apex  lookup.Name
	names map[lookup.Name][]lookup.Type
}

// zoneOf reads lines of a name and its types.
func zoneOf(apex, lines string) zone {
	z := zone{name(apex), map[lookup.Name][]lookup.Type{}}
	types := map[string]lookup.Type{"A": lookup.TypeA, "TXT": lookup.TypeTXT, "MX": lookup.TypeMX, "AAAA": lookup.TypeAAAA, "HINFO": lookup.TypeHINFO,
		"NS": lookup.TypeNS, "DS": lookup.TypeDS, "SOA": lookup.TypeSOA, "CNAME": lookup.TypeCNAME, "DNAME": lookup.TypeDNAME, "DNSKEY": lookup.TypeDNSKEY,
		"NSEC3PARAM": 51}
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		var at []lookup.Type
		for _, t := range f[1:] {
			at = append(at, types[t])
		}
		z.names[name(f[0])] = at
	}
	return z
}

func (z zone) has(n lookup.Name, t lookup.Type) bool { return slices.Contains(z.names[n], t) }

// cut tells whether n lies below a delegation or a DNAME.
func (z zone) cut(n lookup.Name) bool {
	for n != z.apex {
		n, _ = n.Parent()
		if n != z.apex && z.has(n, lookup.TypeNS) || z.has(n, lookup.TypeDNAME) {
			return true
		}
	}
	return false
}

// exists tells whether n is a name of the zone, an empty non-terminal included.
func (z zone) exists(n lookup.Name) bool {
	for owner := range z.names {
		if owner.IsSubdomainOf(n) {
			return true
		}
	}
	return false
}

func (z zone) encloser(n lookup.Name) lookup.Name {
	for !z.exists(n) {
		n, _ = n.Parent()
	}
	return n
}

func (z zone) nxdomain(n lookup.Name) bool {
	return !z.cut(n) && !z.exists(n) && !z.exists(child(z.encloser(n), "*"))
}

func (z zone) nodata(n lookup.Name, t lookup.Type) bool {
	if z.cut(n) {
		return false
	}
	if !z.exists(n) {
		if n = child(z.encloser(n), "*"); !z.exists(n) {
			return false
		}
	}
	if len(z.names[n]) == 0 {
		return true
	}
	delegated := z.has(n, lookup.TypeNS) && n != z.apex
	return !z.has(n, t) && !z.has(n, lookup.TypeCNAME) && (t == lookup.TypeDS) == (delegated || t == lookup.TypeDS && n != z.apex)
}

func (z zone) cutAt(n lookup.Name) dnssec.Cut {
	switch {
	case z.cut(n) || z.has(n, lookup.TypeDS) || n == z.apex:
		return dnssec.CutUnproven
	case z.has(n, lookup.TypeNS):
		return dnssec.CutInsecure
	}
	return dnssec.CutNone
}

func child(n lookup.Name, label string) lookup.Name {
	c, err := n.Child(label)
	if err != nil {
		panic(err)
	}
	return c
}

// signedBy gives set an RRSIG of zone apex, which a Denial does not verify again.
func signedBy(apex lookup.Name, set lookup.RRset) lookup.RRset {
	labels := set.Name.Labels()
	if set.Name.IsWildcard() {
		labels--
	}
	set.Sigs = lookup.PackRdata(dnssec.Signature{Covered: set.Type, Labels: uint8(labels), Signer: apex, Octets: "x"}.Rdata())
	return set
}

func (z zone) bits(n lookup.Name, more ...lookup.Type) string {
	types := slices.Clone(z.names[n])
	if !z.has(n, lookup.TypeNS) || n == z.apex || z.has(n, lookup.TypeDS) {
		types = append(types, lookup.TypeRRSIG)
	}
	return dnssec.Bitmap(append(types, more...)...)
}

// nsec is the zone's NSEC chain.
func (z zone) nsec() (sets []lookup.RRset) {
	names := slices.SortedFunc(maps.Keys(z.names), lookup.Name.Compare)
	for i, n := range names {
		next := names[(i+1)%len(names)]
		sets = append(sets, signedBy(z.apex, lookup.RRset{Name: n, Type: lookup.TypeNSEC, TTL: 300,
			Data: lookup.PackRdata(string(next) + z.bits(n, lookup.TypeRRSIG, lookup.TypeNSEC))}))
	}
	return sets
}

var base32hex = base32.HexEncoding.WithPadding(base32.NoPadding)

// nsec3 is the zone's NSEC3 chain; with optOut, insecure delegations and the empty
// non-terminals that lead to them alone have no part in it.
func (z zone) nsec3(iterations uint16, salt string, optOut bool) (sets []lookup.RRset) {
	hashes := map[string]lookup.Name{}
	for n := range z.names {
		if optOut && z.unsigned(n) {
			continue
		}
		for hashes[dnssec.NSEC3Hash(n, iterations, salt)] = n; n != z.apex; hashes[dnssec.NSEC3Hash(n, iterations, salt)] = n {
			n, _ = n.Parent()
		}
	}
	flags := "\x00"
	if optOut {
		flags = "\x01"
	}
	sorted := slices.Sorted(maps.Keys(hashes))
	for i, h := range sorted {
		next, _ := base32hex.DecodeString(strings.ToUpper(sorted[(i+1)%len(sorted)]))
		bits := ""
		if n := hashes[h]; len(z.names[n]) > 0 {
			bits = z.bits(n)
		}
		rdata := "\x01" + flags + string([]byte{byte(iterations >> 8), byte(iterations), byte(len(salt))}) + salt + "\x14" + string(next) + bits
		sets = append(sets, signedBy(z.apex, lookup.RRset{Name: child(z.apex, h), Type: lookup.TypeNSEC3, TTL: 300, Data: lookup.PackRdata(rdata)}))
	}
	return sets
}

// unsigned tells whether n is an insecure delegation.
func (z zone) unsigned(n lookup.Name) bool {
	return n != z.apex && z.has(n, lookup.TypeNS) && !z.has(n, lookup.TypeDS)
}

// signed is the zone without what opt-out leaves out.
func (z zone) signed() zone {
	s := zone{z.apex, maps.Clone(z.names)}
	maps.DeleteFunc(s.names, func(n lookup.Name, _ []lookup.Type) bool { return z.unsigned(n) })
	return s
}

// randomName is a name in or below z., of few labels.
func randomName(r *rand.Rand, labels string) lookup.Name {
	n := name("z.")
	for range 1 + r.IntN(3) {
		n = child(n, labels[r.IntN(len(labels)):][:1])
	}
	return n
}

// randomZone has up to ten names and a bit of everything.
func randomZone(r *rand.Rand) zone {
	z := zone{name("z."), map[lookup.Name][]lookup.Type{}}
	kinds := [][]lookup.Type{{lookup.TypeA}, {lookup.TypeA}, {lookup.TypeTXT, lookup.TypeA}, {lookup.TypeCNAME}, {lookup.TypeNS},
		{lookup.TypeNS}, {lookup.TypeNS, lookup.TypeDS}, {lookup.TypeDNAME}}
	for range 1 + r.IntN(9) {
		n := randomName(r, "aab*")
		if i := r.IntN(len(kinds)); !strings.Contains(string(n), "*") || i < 4 {
			z.names[n] = kinds[i]
		}
	}
	z.names[z.apex] = []lookup.Type{lookup.TypeSOA, lookup.TypeNS, lookup.TypeA}
	maps.DeleteFunc(z.names, func(n lookup.Name, _ []lookup.Type) bool { return z.cut(n) })
	return z
}
