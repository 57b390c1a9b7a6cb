package resolver

import (
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// ns is the NS RRset that the delegation of c consists of, as far as it is known.
func (c *cut) ns(now time.Time) lookup.RRset {
	names := make([]string, len(c.servers))
	for i, s := range c.servers {
		names[i] = string(s.Name)
	}
	ttl := uint32(max(0, c.expires.Sub(now)) / time.Second)
	return lookup.RRset{Name: c.zone, Type: lookup.TypeNS, TTL: ttl, Data: lookup.PackRdata(names...)}
}

// complete is response, a positive answer to a client, with the name servers of the
// zone that it is from in the authority section and their addresses in the additional
// one, as far as they are in memory (RFC 1034 4.3.2, which makes neither a duty).
// AD speaks for the authority section, too (RFC 4035 3.2.3): what is validated gets
// no company that is not.
func (r *Resolver) complete(t task, response *lookup.Response) *lookup.Response {
	if response.Rcode != lookup.NOERROR || len(response.Answer) == 0 {
		return response
	}
	now := r.options.Now()
	end := response.Answer[len(response.Answer)-1]
	c := r.known(t, hopQuestion(end.Name, end.Type), now)
	if c == nil || len(c.servers) == 0 {
		return response
	}
	ns, security := c.ns(now), lookup.Unchecked
	if h, ok := r.recall(t, hopQuestion(c.zone, lookup.TypeNS), now); ok && h.next == "" {
		if set, ok := lookup.Find(h.aged(now).Answer, c.zone, lookup.TypeNS); ok {
			ns, security = set, h.response.Security
		}
	}
	if response.Security == lookup.Secure && security != lookup.Secure {
		return response
	}
	if _, there := lookup.Find(response.Answer, ns.Name, ns.Type); there {
		return response
	}
	whole := *response
	whole.Authority = append([]lookup.RRset{ns}, response.Authority...)
	whole.Additional = append(response.Additional[:len(response.Additional):len(response.Additional)], r.addressesOf(t, c, ns, now)...)
	return &whole
}

// addressesOf are the addresses of the name servers in ns that are known: from the
// delegation c, or from their own zones.
func (r *Resolver) addressesOf(t task, c *cut, ns lookup.RRset, now time.Time) (sets []lookup.RRset) {
	for _, s := range c.servers {
		for _, kind := range [...]lookup.Type{lookup.TypeA, lookup.TypeAAAA} {
			if h, ok := r.recall(t, hopQuestion(s.Name, kind), now); ok && h.next == "" && len(h.response.Answer) > 0 {
				sets = append(sets, h.aged(now).Answer[0])
				continue
			}
			var rdata []string
			for _, a := range s.Addrs {
				if addressType(a) == kind {
					rdata = append(rdata, string(a.AsSlice()))
				}
			}
			if len(rdata) > 0 {
				sets = append(sets, lookup.RRset{Name: s.Name, Type: kind, TTL: ns.TTL, Data: lookup.PackRdata(rdata...)})
			}
		}
	}
	return sets
}
