package dns64

import (
	"encoding/binary"

	"github.com/sextant-dns/sextant/lookup"
)

var (
	ipv4only = lookup.MustName("ipv4only.arpa.")
	rname    = lookup.MustName("nobody.invalid.") // of made-up SOAs (RFC 6303 3)
)

// special is what is known without asking about ipv4only.arpa and the reverse
// names of its addresses (RFC 8880 7.1 and 7.2). Answers from here are
// authoritative: the RFC makes a DNS64 the authority for the zone.
type special struct {
	ttl   uint32
	aaaa  lookup.Rdata
	nat64 lookup.Name // may be empty
}

func newSpecial(o Options, rs rules) special {
	s := special{ttl: o.DiscoveryTTL, nat64: o.NAT64Name}
	if s.ttl == 0 {
		s.ttl = 3600 // RFC 7050 4: an hour at least
	}
	var aaaa []string
	for _, p := range rs.policy(ipv4only).mapping.discovery() { // no Bar: discovery needs them
		aaaa = append(aaaa, aaaaRdata(embed(p, wka170.As4())), aaaaRdata(embed(p, wka171.As4())))
	}
	s.aaaa = lookup.PackRdata(aaaa...)
	return s
}

// answerSpecial answers q when it asks for a special name. DS questions go below
// so that the insecure delegation can be proven (RFC 8880 7.1).
func (d *DNS64) answerSpecial(q lookup.Query) (r *lookup.Response, ok bool) {
	if !q.Name.IsSubdomainOf(arpa) || !d.rules.local(q.Name) {
		return nil, false
	}
	s := &d.special
	for _, apex := range [...]lookup.Name{ipv4only, inAddrName(wka170), inAddrName(wka171)} {
		switch {
		case !q.Name.IsSubdomainOf(apex):
		case q.Name != apex:
			return s.negative(apex, lookup.NXDOMAIN), true
		case q.Type == lookup.TypeDS:
			return nil, false
		default:
			return s.atApex(apex, q.Type), true
		}
	}
	if q.Type == lookup.TypePTR {
		if v4, ok := d.decode(q.Name); ok && (v4 == wka170 || v4 == wka171) {
			return s.reverse(q.Name, inAddrName(v4)), true
		}
	}
	return nil, false
}

// atApex is what stands at the apex of a special zone. It has no other types,
// SOA and NS included (RFC 8880 7.1).
func (s *special) atApex(apex lookup.Name, t lookup.Type) *lookup.Response {
	r := &lookup.Response{AA: true}
	set := lookup.RRset{Name: apex, Type: t, TTL: s.ttl}
	switch {
	case apex == ipv4only && t == lookup.TypeA:
		a, b := wka170.As4(), wka171.As4()
		set.Data = lookup.PackRdata(string(a[:]), string(b[:]))
	case apex == ipv4only && t == lookup.TypeAAAA && s.aaaa != "":
		set.Data = s.aaaa
		r.EDE = []lookup.EDE{{Code: lookup.EDESynthesized, Text: "DNS64, RFC 8880"}}
	case apex != ipv4only && t == lookup.TypePTR:
		set.Data = lookup.PackRdata(string(ipv4only))
	default:
		return s.negative(apex, lookup.NOERROR)
	}
	r.Answer = []lookup.RRset{set}
	return r
}

// reverse answers PTR for a well-known address in a Pref64: the name of the
// NAT64 when it has one (RFC 7050 3.1.1), or the same CNAME as other reverse
// names get.
func (s *special) reverse(name, inAddr lookup.Name) *lookup.Response {
	if s.nat64 != "" {
		ptr := lookup.RRset{Name: name, Type: lookup.TypePTR, TTL: s.ttl, Data: lookup.PackRdata(string(s.nat64))}
		return &lookup.Response{AA: true, Answer: []lookup.RRset{ptr}}
	}
	r := s.atApex(inAddr, lookup.TypePTR)
	r.Answer = append([]lookup.RRset{alias(name, inAddr, s.ttl)}, r.Answer...)
	return r
}

func (s *special) negative(apex lookup.Name, rcode lookup.Rcode) *lookup.Response {
	return &lookup.Response{Rcode: rcode, AA: true, Authority: []lookup.RRset{denialSOA(apex, s.ttl)}}
}

// denialSOA is a made-up SOA RRset for a denial that holds for ttl seconds
// (RFC 2308 5, RFC 6303 3).
func denialSOA(apex lookup.Name, ttl uint32) lookup.RRset {
	rdata := []byte(string(apex) + string(rname))
	for _, field := range [...]uint32{1, 3600, 1200, 604800, ttl} { // serial, refresh, retry, expire, minimum
		rdata = binary.BigEndian.AppendUint32(rdata, field)
	}
	return lookup.RRset{Name: apex, Type: lookup.TypeSOA, TTL: ttl, Data: lookup.PackRdata(string(rdata))}
}
