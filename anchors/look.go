package anchors

import (
	"slices"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// Look checks who has signed the DNSKEY RRset of p's zone, as far as it matters to
// See: one signature for each trust anchor that is in it. It is paid from the
// budget of v.
func (p Point) Look(set lookup.RRset, v *dnssec.Verifier) Sighting {
	s := Sighting{Keys: dnssec.ParseKeys(set)}
	s.Signed = make([]bool, len(s.Keys))
	if set.Name != p.Zone || set.Type != lookup.TypeDNSKEY || set.Data.Len() > dnssec.MaxKeys {
		return s // nobody has signed such a thing
	}
	for i, k := range s.Keys {
		if j := p.find(k.Rdata); j < 0 || !p.Keys[j].State.trusted() || !k.IsZone() {
			continue
		}
		own, ttl := signedBy(set, k)
		if k.IsRevoked() {
			s.Signed[i] = slices.ContainsFunc(v.Revoked(own), func(r dnssec.Key) bool { return r.Rdata == k.Rdata })
			continue
		}
		r := v.Verify(own, p.Zone, []dnssec.Key{k})
		if r.Status != dnssec.Secure {
			continue
		}
		if s.Expires.IsZero() || !r.Expires.IsZero() && r.Expires.Before(s.Expires) {
			s.Expires = r.Expires
		}
		s.Signed[i], s.TTL = true, ttl
	}
	return s
}

// signedBy is set with those of its signatures that k may have made, so that no
// others are paid for; ttl is the lowest original TTL in them.
func signedBy(set lookup.RRset, k dnssec.Key) (own lookup.RRset, ttl uint32) {
	var sigs []string
	for rdata := range set.Sigs.All() {
		s, ok := dnssec.ParseSignature(rdata)
		if !ok || s.Tag != k.Tag || s.Algorithm != k.Algorithm {
			continue
		}
		if len(sigs) == 0 || s.OriginalTTL < ttl {
			ttl = s.OriginalTTL
		}
		sigs = append(sigs, rdata)
	}
	set.Sigs = lookup.PackRdata(sigs...)
	return set, ttl
}
