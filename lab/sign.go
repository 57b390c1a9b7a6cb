package lab

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// Signing is how Sign signs a zone. The zero value is a zone that is as it should be.
type Signing struct {
	// Key names the key pair; "" is one of the zone's own. The same name makes the same
	// keys each time, so nothing is secret here.
	Key string

	TTL     uint32                            // of DNSKEY and DS; 0: 300
	NSEC3   bool                              // names are denied by NSEC3, without salt or opt-out; otherwise by NSEC
	Expires func(set lookup.RRset) time.Time  // when the signature of a set does; nil: in 2060
	Stolen  func(set lookup.RRset) (bad bool) // sets that are signed by another key of the same tag, which is not published; nil: none
}

// Sign signs the zone of a master file with Ed25519. The result is a master file, too,
// and the DS that the zone above has of it, as a line of one.
func Sign(apex lookup.Name, text string, o Signing) (signed, ds string, err error) {
	key, err := signer(apex, o.Key)
	if err != nil {
		return "", "", err
	}
	stolen, err := signer(apex, o.Key+" stolen")
	if err != nil {
		return "", "", err
	}
	sets, err := lookup.ParseRRsets(text)
	if err != nil {
		return "", "", err
	}
	if o.TTL == 0 {
		o.TTL = 300
	}
	sets = append(sets, dnssec.DNSKEY(o.TTL, key))
	chain := nsecChain
	if o.NSEC3 {
		chain = nsec3Chain
	}
	sets = append(sets, chain(apex, sets)...)
	var b strings.Builder
	for _, s := range sets {
		if !isGlue(apex, sets, s) && !(s.Type == lookup.TypeNS && s.Name != apex) {
			fields := key.Fields(s, time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), o.until(s))
			by := key
			if o.Stolen != nil && o.Stolen(s) {
				by = stolen
			}
			sig, err := by.SignAs(s, fields)
			if err != nil {
				return "", "", err
			}
			s.Sigs = lookup.PackRdata(sig)
		}
		b.WriteString(s.String() + "\n")
	}
	named, _ := dnssec.DSOf(key.Key, dnssec.SHA256)
	set := lookup.RRset{Name: apex, Type: lookup.TypeDS, TTL: o.TTL, Data: lookup.PackRdata(named.Rdata())}
	return b.String(), set.String() + "\n", nil
}

func (o Signing) until(s lookup.RRset) time.Time {
	if o.Expires != nil {
		return o.Expires(s)
	}
	return time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)
}

func signer(apex lookup.Name, key string) (dnssec.Signer, error) {
	seed := sha256.Sum256([]byte(apex.String() + key))
	return dnssec.NewSigner(apex, dnssec.ED25519, dnssec.FlagZone|dnssec.FlagSEP, ed25519.NewKeyFromSeed(seed[:]))
}

// isGlue tells whether s lies below a cut of its zone, or at one and is not NS or DS.
func isGlue(apex lookup.Name, sets []lookup.RRset, s lookup.RRset) bool {
	return slices.ContainsFunc(sets, func(cut lookup.RRset) bool {
		return cut.Type == lookup.TypeNS && cut.Name != apex && s.Name.IsSubdomainOf(cut.Name) &&
			!(s.Name == cut.Name && (s.Type == lookup.TypeNS || s.Type == lookup.TypeDS || s.Type == lookup.TypeNSEC))
	})
}

// owners are the names with data or a delegation, in canonical order, and their types.
func owners(apex lookup.Name, sets []lookup.RRset) (names []lookup.Name, types map[lookup.Name][]lookup.Type) {
	types = map[lookup.Name][]lookup.Type{}
	for _, s := range sets {
		if !isGlue(apex, sets, s) {
			types[s.Name] = append(types[s.Name], s.Type)
		}
	}
	for name := range types {
		names = append(names, name)
	}
	slices.SortFunc(names, lookup.Name.Compare)
	return names, types
}

func nsecChain(apex lookup.Name, sets []lookup.RRset) (chain []lookup.RRset) {
	names, types := owners(apex, sets)
	for i, name := range names {
		next := names[(i+1)%len(names)]
		rdata := string(next) + dnssec.Bitmap(append(types[name], lookup.TypeRRSIG, lookup.TypeNSEC)...)
		chain = append(chain, lookup.RRset{Name: name, Type: lookup.TypeNSEC, TTL: 60, Data: lookup.PackRdata(rdata)})
	}
	return chain
}

func nsec3Chain(apex lookup.Name, sets []lookup.RRset) []lookup.RRset {
	names, types := owners(apex, sets)
	const parameters = "1 0 0 -"
	var hashes, lines []string
	of := map[string]lookup.Name{}
	for _, name := range names {
		h := dnssec.NSEC3Hash(name, 0, "")
		hashes, of[h] = append(hashes, h), name
	}
	slices.Sort(hashes)
	for i, h := range hashes {
		line := fmt.Sprintf("%s.%s 60 NSEC3 %s %s", h, apex, parameters, hashes[(i+1)%len(hashes)])
		for _, t := range slices.Sorted(slices.Values(append(types[of[h]], lookup.TypeRRSIG))) {
			line += " " + t.String()
		}
		lines = append(lines, line)
	}
	return lookup.MustRRsets(fmt.Sprintf("%s 60 NSEC3PARAM %s\n%s", apex, parameters, strings.Join(lines, "\n")))
}
