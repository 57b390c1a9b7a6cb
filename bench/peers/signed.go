package main

import (
	"cmp"
	"crypto"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// A signer signs zones as small zones are signed today: ECDSA P-256, one key that
// signs everything, NSEC. All zones share it; their DS differ, since the owner's
// name is in the digest. A nil signer has no DS for anybody.
type signer struct {
	public                dns.DNSKEY // with the root's name
	private               crypto.Signer
	inception, expiration uint32
}

func newSigner(now time.Time) (*signer, error) {
	k := dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: ".", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 86400},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
	}
	private, err := k.Generate(256)
	if err != nil {
		return nil, err
	}
	s, ok := private.(crypto.Signer)
	if !ok {
		return nil, errors.New("the key signs nothing")
	}
	return &signer{
		public: k, private: s,
		inception:  uint32(now.Add(-24 * time.Hour).Unix()),
		expiration: uint32(now.Add(7 * 24 * time.Hour).Unix()),
	}, nil
}

// key is the DNSKEY of zone.
func (s *signer) key(zone string) *dns.DNSKEY {
	k := s.public
	k.Hdr.Name = zone
	return &k
}

// ds is a line of a master file: the DS of zone.
func (s *signer) ds(zone string) string {
	if s == nil {
		return ""
	}
	return s.key(zone).ToDS(dns.SHA256).String() + "\n"
}

// sign is the master file of a zone, signed.
func (s *signer) sign(origin, text string) (string, error) {
	names, err := parseZone(origin, text)
	if err != nil {
		return "", err
	}
	names[origin] = append(names[origin], s.key(origin))
	var out strings.Builder
	var chain []string // the names with authoritative data, or delegations
	for name := range names {
		if cut := delegation(origin, name, names); cut == "" || cut == name {
			chain = append(chain, name)
			continue
		}
		for _, rr := range names[name] { // glue
			out.WriteString(rr.String() + "\n")
		}
	}
	slices.SortFunc(chain, canonical)
	for i, name := range chain {
		if err := s.signName(&out, origin, name, chain[(i+1)%len(chain)], names[name]); err != nil {
			return "", err
		}
	}
	return out.String(), nil
}

func parseZone(origin, text string) (map[string][]dns.RR, error) {
	names := map[string][]dns.RR{}
	p := dns.NewZoneParser(strings.NewReader(text), origin, origin)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		names[rr.Header().Name] = append(names[rr.Header().Name], rr)
	}
	return names, p.Err()
}

// delegation is the zone cut at or above name, "" when there is none.
func delegation(origin, name string, names map[string][]dns.RR) string {
	for ; name != origin; name = parent(name) {
		if slices.ContainsFunc(names[name], func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeNS }) {
			return name
		}
	}
	return ""
}

func parent(name string) string {
	if at, end := dns.NextLabel(name, 0); !end {
		return name[at:]
	}
	return "."
}

// signName writes what stands at name: its RRsets, and the NSEC that leads to next,
// with signatures for all but the NS of a delegation (RFC 4035 2.2).
func (s *signer) signName(out *strings.Builder, origin, name, next string, rrs []dns.RR) error {
	types := []uint16{dns.TypeRRSIG, dns.TypeNSEC}
	for _, rr := range rrs {
		types = append(types, rr.Header().Rrtype)
	}
	slices.Sort(types)
	types = slices.Compact(types)
	nsec := &dns.NSEC{
		Hdr:        dns.RR_Header{Name: name, Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 3600},
		NextDomain: next, TypeBitMap: types,
	}
	for _, t := range types {
		var set []dns.RR
		for _, rr := range append(rrs, nsec) {
			if rr.Header().Rrtype == t {
				set = append(set, rr)
				out.WriteString(rr.String() + "\n")
			}
		}
		if len(set) == 0 || t == dns.TypeNS && name != origin {
			continue
		}
		sig := &dns.RRSIG{
			Hdr:       dns.RR_Header{Ttl: set[0].Header().Ttl},
			Algorithm: s.public.Algorithm, KeyTag: s.key(origin).KeyTag(), SignerName: origin,
			Inception: s.inception, Expiration: s.expiration,
		}
		if err := sig.Sign(s.private, set); err != nil {
			return err
		}
		out.WriteString(sig.String() + "\n")
	}
	return nil
}

// canonical compares names in lower case (RFC 4034 6.1).
func canonical(a, b string) int {
	x, y := dns.SplitDomainName(a), dns.SplitDomainName(b)
	for i := 1; i <= min(len(x), len(y)); i++ {
		if c := strings.Compare(x[len(x)-i], y[len(y)-i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}
