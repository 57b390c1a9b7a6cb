package authoritative

import (
	"slices"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// maxHosts is how many hosts have their addresses put into one response: more
// than any sane NS RRset names.
const maxHosts = 32

// refer makes a referral to the servers of the cut whose NS RRset is ns. It is
// no authoritative answer, has no SOA, and neither NS nor glue has signatures
// (RFC 4035 3.1.1).
func (d *draft) refer(zone *zones.Zone, ns lookup.RRset) {
	r := &d.response
	if len(r.Answer) == 0 {
		r.AA = false
	}
	ns.Sigs = ""
	r.Authority = append(r.Authority, ns)
	if d.query.DO { // RFC 4035 3.1.4; a DS that is not signed vouches for nothing
		if m := zone.Find(ns.Name, lookup.TypeDS); m.Kind == zones.Answer && m.Set.Sigs != "" {
			r.Authority = append(r.Authority, m.Set)
		}
	}
	var siblings []lookup.RRset
	for host := range zones.Hosts(ns) {
		glue := addresses(zone, host)
		if host.IsSubdomainOf(ns.Name) {
			r.Additional = append(r.Additional, glue...)
		} else {
			siblings = append(siblings, glue...)
		}
	}
	// RFC 9471 3.1: in-domain glue is part of the referral. 3.2: glue for servers
	// in zones beside it helps, and may be left out.
	r.Glue = len(r.Additional)
	r.Additional = append(r.Additional, siblings...)
}

// addHosts adds the addresses of the hosts that an answer's RRs name, as far as
// we know them (RFC 1034 3.7, RFC 2782, RFC 9460 4.1). Nobody may rely on them.
func (d *draft) addHosts(answer lookup.RRset) {
	r := &d.response
	n := 0
	for host := range zones.Hosts(answer) {
		zone, held := d.data.Tree.Closest(host)
		if n++; !held || n > maxHosts {
			continue
		}
		if slices.ContainsFunc(r.Additional, func(s lookup.RRset) bool { return s.Name == host }) {
			continue // two MX or SRV may name one host
		}
		a, aaaa := d.host(zone, host, lookup.TypeA), d.host(zone, host, lookup.TypeAAAA)
		for _, m := range []zones.Match{a, aaaa} {
			if m.Kind == zones.Answer {
				m.Set.Name = host
				r.Additional = append(r.Additional, m.Set)
			}
		}
		if a.Kind == zones.Delegation && answer.Type == lookup.TypeNS {
			// RFC 8109 4.2: the root's servers have their names below its own zone
			// cuts, and a priming response is no use without the glue.
			r.Additional = append(r.Additional, addresses(zone, host)...)
		}
	}
}

// addresses picks the A and AAAA RRsets of a host. Below a zone cut they are glue, which
// is not signed; others bring their signatures (RFC 4035 3.1.1).
func addresses(zone *zones.Zone, host lookup.Name) []lookup.RRset {
	var all []lookup.RRset
	for _, s := range zone.At(host) {
		if s.Type == lookup.TypeA || s.Type == lookup.TypeAAAA {
			if s.Sigs != "" && zone.Find(host, s.Type).Kind != zones.Answer {
				s.Sigs = ""
			}
			all = append(all, s)
		}
	}
	return all
}
