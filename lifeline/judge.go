package lifeline

import (
	"net/netip"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// A judge makes a vote of what a server replied.
type judge struct {
	vote   *Vote
	zone   lookup.Name
	parent Parent
	reply  *transport.Reply
	checks *dnssec.Verifier
	spoke  bool // of DS, or that there are none
}

func (j *judge) find() {
	r, v := j.reply, j.vote
	d, refers := referral(r, j.parent.Zone, j.zone)
	soa, denied := denial(r, j.zone)
	switch {
	case r.TC:
		v.fail(Errs, "its reply is truncated, over TCP, too")
	case r.Rcode == lookup.NOERROR && refers:
		v.Finding, v.Delegation, v.TTL, v.Unsigned = Refers, d, nsTTL(r, j.zone), j.parent.Unsigned
		j.findDS(nil, r.Authority)
	case r.Rcode == lookup.NXDOMAIN && r.AA && denied:
		j.findDenial(soa)
	case r.Rcode == lookup.NOERROR && r.AA && denied:
		v.Finding = Empty
	case r.Rcode == lookup.NOERROR || r.Rcode == lookup.NXDOMAIN:
		v.fail(Errs, "it has no authority for "+j.parent.Zone.String())
	default:
		v.fail(Errs, r.Rcode.String())
	}
}

func (v *Vote) fail(f Finding, why string) { v.Finding, v.Err = f, why }

// referral is the delegation that a reply shows, from the authority section, or from the
// answer of a server that holds both zones. Of addresses, it has those that a server of
// the parent has a say about: of name servers in the parent's own zone.
func referral(r *transport.Reply, parent, zone lookup.Name) (Delegation, bool) {
	ns, ok := lookup.Find(r.Authority, zone, lookup.TypeNS)
	if !ok {
		if ns, ok = lookup.Find(r.Answer, zone, lookup.TypeNS); !ok {
			return Delegation{}, false
		}
	}
	var hosts []Host
	for rdata := range ns.Data.All() {
		name, _, err := lookup.NameFromWire(rdata)
		if err != nil {
			continue
		}
		h := Host{Name: name}
		for _, t := range [2]lookup.Type{lookup.TypeA, lookup.TypeAAAA} {
			if !name.IsSubdomainOf(parent) {
				break
			}
			glue, _ := lookup.Find(r.Additional, name, t)
			for octets := range glue.Data.All() {
				if a, ok := netip.AddrFromSlice([]byte(octets)); ok && usable(a) {
					h.Addrs = append(h.Addrs, a)
				}
			}
		}
		hosts = append(hosts, h)
	}
	ds, _ := lookup.Find(r.Authority, zone, lookup.TypeDS)
	var rdata []string
	for octets := range ds.Data.All() {
		rdata = append(rdata, octets)
	}
	return NewDelegation(hosts, rdata), len(hosts) > 0
}

// usable leaves out what no server on the Internet has. Loopback is for those who test,
// and who poisons us with it gets nowhere.
func usable(a netip.Addr) bool { return !a.IsUnspecified() && !a.IsMulticast() }

func nsTTL(r *transport.Reply, zone lookup.Name) uint32 {
	ns, ok := lookup.Find(r.Authority, zone, lookup.TypeNS)
	if !ok {
		ns, _ = lookup.Find(r.Answer, zone, lookup.TypeNS)
	}
	return ns.TTL
}

// denial is the SOA of a negative answer from above the zone.
func denial(r *transport.Reply, zone lookup.Name) (soa lookup.RRset, ok bool) {
	for _, s := range r.Authority {
		if s.Type == lookup.TypeSOA && zone != s.Name && zone.IsSubdomainOf(s.Name) {
			return s, true
		}
	}
	return lookup.RRset{}, false
}

// findDS judges the DS of a referral, or the proof that there is none.
func (j *judge) findDS(answer, authority []lookup.RRset) {
	v := j.vote
	if len(j.parent.Keys) == 0 {
		return
	}
	ds, ok := lookup.Find(answer, j.zone, lookup.TypeDS)
	if !ok {
		ds, ok = lookup.Find(authority, j.zone, lookup.TypeDS)
	}
	if ok {
		j.spoke = true
		if r := j.checks.Verify(ds, j.parent.Zone, j.parent.Keys); r.Status != dnssec.Secure {
			v.fail(Bogus, "DS: "+r.EDE.String())
			return
		}
		var rdata []string
		for octets := range ds.Data.All() {
			rdata = append(rdata, octets)
		}
		v.Delegation, v.Secure = NewDelegation(v.Delegation.Hosts, rdata), true
		return
	}
	proofs, bogus := j.proofs(authority)
	if len(proofs) == 0 && bogus == "" {
		return // it did not speak of DS
	}
	j.spoke = true
	if p := j.checks.Denial(j.parent.Zone, proofs).NoDS(j.zone); p.Status == dnssec.Bogus || bogus != "" {
		v.fail(Bogus, "the proof that there is no DS: "+bogus+p.EDE.String())
		return
	}
	v.Secure = true
}

// findDenial tells how well an NXDOMAIN is proven.
func (j *judge) findDenial(soa lookup.RRset) {
	v := j.vote
	v.Finding = Denies
	if len(j.parent.Keys) == 0 || soa.Name != j.parent.Zone {
		return
	}
	proofs, bogus := j.proofs(j.reply.Authority)
	if bogus != "" {
		v.fail(Bogus, "the proof that it does not exist: "+bogus)
		return
	}
	switch j.checks.Denial(j.parent.Zone, proofs).NXDOMAIN(j.zone).Status {
	case dnssec.Secure:
		v.Finding = Disproves
	case dnssec.Insecure:
		v.Finding = OptsOut
	default:
		v.fail(Bogus, "it denies without a proof, and the zone is signed")
	}
}

// proofs are the NSEC and NSEC3 RRsets that validate; bogus says why one does not.
func (j *judge) proofs(authority []lookup.RRset) (good []lookup.RRset, bogus string) {
	for _, s := range authority {
		if s.Type != lookup.TypeNSEC && s.Type != lookup.TypeNSEC3 {
			continue
		}
		r := j.checks.Verify(s, j.parent.Zone, j.parent.Keys)
		if r.Status != dnssec.Secure {
			return nil, r.EDE.String()
		}
		good = append(good, s)
	}
	return good, ""
}
