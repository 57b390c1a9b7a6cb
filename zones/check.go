package zones

import (
	"slices"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// checkApex sees to what every zone has.
func (b *builder) checkApex() {
	z := b.zone
	if z.soa.Data == "" {
		b.errorf(position{}, "no SOA at %s", z.apex)
	}
	if _, ok := z.typed(0, lookup.TypeNS); !ok {
		b.errorf(position{}, "no NS at %s, the apex", z.apex)
	}
	if z.apex.IsWildcard() {
		b.errorf(position{}, "%s: a wildcard cannot be a zone (RFC 4592 4.1)", z.apex)
	}
}

// checkSet sees to what holds for one RRset alone, of which rrs RRs are left.
func (b *builder) checkSet(name lookup.Name, t lookup.Type, records []record, rrs int) {
	at := records[0].at
	switch t {
	case lookup.TypeSOA, lookup.TypeCNAME, lookup.TypeDNAME, lookup.TypeNS, lookup.TypeSVCB, lookup.TypeHTTPS:
	default:
		return
	}
	switch wildcard := name.IsWildcard(); {
	case t == lookup.TypeSOA && name != b.zone.apex:
		b.errorf(at, "%s: a SOA belongs at %s, the apex", about(name, t), b.zone.apex)
	case t == lookup.TypeNS && wildcard:
		b.errorf(at, "%s: a wildcard delegates nothing (RFC 4592 4.2)", about(name, t))
	case t == lookup.TypeDNAME && wildcard:
		b.errorf(at, "%s: a wildcard DNAME has no defined meaning (RFC 4592 4.4)", about(name, t))
	case t == lookup.TypeSVCB, t == lookup.TypeHTTPS:
		b.checkServices(name, t, records)
	case t != lookup.TypeNS && rrs > 1: // RFC 2181 10.1, RFC 6672 2.4
		b.errorf(records[1].at, "%s: there can be only one", about(name, t))
	}
}

// checkName sees to what the RRsets of one name, which are the last of the zone so
// far and stand at where, owe each other and the names above; stop is where those end
// what is authoritative, noStop when they do not.
func (b *builder) checkName(name lookup.Name, n node, where []position, stop uint8) {
	sets := b.zone.sets[n.first:]
	if b.repeatsApex(name) {
		b.warnf(where[0], "%s: is a final dot missing?", name)
	}
	b.checkStar(name, where[0])
	alias := slices.ContainsFunc(sets, func(s set) bool { return s.t == lookup.TypeCNAME })
	for i, s := range sets {
		switch cut := n.marks&isCut != 0; {
		case alias && !besideCNAME(s.t):
			b.errorf(where[i], "%s: stands beside a CNAME, and must not (RFC 2181 10.1)", about(name, s.t))
		case stop != noStop:
			b.checkHidden(name, s.t, where[i], b.path[int(stop)-b.zone.apex.Labels()])
		case cut && !besideCut(s.t):
			b.warnf(where[i], "%s: hidden by the zone cut; it belongs into zone %s (RFC 2181 6.1)", about(name, s.t), name)
		case !cut && s.t == lookup.TypeDS:
			b.warnf(where[i], "%s: there is no zone cut here (RFC 4035 2.4)", about(name, s.t))
		}
	}
}

// checkStar sees to names that look like wildcards and are none (RFC 4592 2.1.1).
func (b *builder) checkStar(owner lookup.Name, at position) {
	name := owner
	if strings.IndexByte(string(name), '*') < 0 {
		return
	}
	for first := true; name != lookup.Root; first = false {
		switch label := name.Label(); {
		case label == "*" && !first:
			b.warnf(at, "%s: * in the middle of a name is a label like any other (RFC 4592 2.1.1)", owner)
			return
		case first && len(label) > 1 && label[0] == '*':
			b.warnf(at, "%s: only a label that is * alone is a wildcard (RFC 4592 2.1.1)", owner)
		}
		name, _ = name.Parent()
	}
}

// checkHidden sees to an RRset below the cut or the DNAME of another name.
func (b *builder) checkHidden(name lookup.Name, t lookup.Type, at position, by uint32) {
	switch {
	case b.zone.nodes[by].marks&isCut == 0:
		b.errorf(at, "%s: below the DNAME of %s (RFC 6672 2.4)", about(name, t), b.nameOf(by))
	case t != lookup.TypeA && t != lookup.TypeAAAA:
		b.warnf(at, "%s: hidden by the zone cut %s (RFC 2181 6.1)", about(name, t), b.nameOf(by))
	}
}

// besideCut tells whether RRs of that type make sense at a zone cut, in the zone
// above it: a name server may be called like the zone that it serves.
func besideCut(t lookup.Type) bool {
	switch t {
	case lookup.TypeNS, lookup.TypeDS, lookup.TypeNSEC, lookup.TypeA, lookup.TypeAAAA:
		return true
	}
	return false
}

// repeatsApex tells whether a name ends in the apex twice, as it does when the
// final dot of a full name was forgotten.
func (b *builder) repeatsApex(name lookup.Name) bool {
	apex := b.zone.apex
	return apex != lookup.Root && name.IsSubdomainOf(apex[:len(apex)-1]+apex)
}

// checkTargets sees to the hosts that NS, MX and SRV name, now that the whole
// zone is known.
func (b *builder) checkTargets() {
	z := b.zone
	for i := range uint32(len(z.nodes) - 1) {
		for at := z.nodes[i].first; at < z.nodes[i+1].first; at++ {
			switch z.sets[at].t {
			case lookup.TypeNS, lookup.TypeMX, lookup.TypeSRV:
			case lookup.TypeSVCB, lookup.TypeHTTPS: // theirs may be aliases (RFC 9460 2.4.3)
				b.checkHints(z.rrset(z.name(i), at), b.where[at])
				continue
			case lookup.TypeCNAME:
				b.checkAlias(z.rrset(z.name(i), at), b.where[at])
				continue
			default:
				continue
			}
			s := z.rrset(z.name(i), at)
			for host := range Hosts(s) {
				if text := b.checkHost(s, host); text != "" {
					b.warnf(b.where[at], "%s: %s %s", about(s.Name, s.Type), host, text)
				}
			}
		}
	}
}

// checkAlias sees to where a CNAME leads.
func (b *builder) checkAlias(s lookup.RRset, at position) {
	target, ok := s.Target()
	if !ok {
		return
	}
	switch m := b.zone.Find(target, lookup.TypeA); {
	case m.Kind == CNAME && m.Set.Name == s.Name: // itself, or a wildcard what it covers
		b.warnf(at, "%s: leads to itself", about(s.Name, s.Type))
	case m.Kind == NXDomain && b.repeatsApex(target):
		b.warnf(at, "%s: %s does not exist; is a final dot missing?", about(s.Name, s.Type), target)
	}
}

// checkHost says what is wrong with the host that an RR of s names, "" if nothing
// is or the zone cannot know.
func (b *builder) checkHost(s lookup.RRset, host lookup.Name) string {
	z := b.zone
	switch m := z.Find(host, lookup.TypeA); m.Kind {
	case CNAME, DNAME:
		return "is an alias, and must not be (RFC 2181 10.3)"
	case NoData, NXDomain:
		if z.Find(host, lookup.TypeAAAA).Kind == Answer {
			return ""
		}
		if b.repeatsApex(host) {
			return "has no address; is a final dot missing?"
		}
		return "has no address"
	case Delegation:
		if s.Type != lookup.TypeNS || m.Set.Name != s.Name {
			return "" // the zone below knows
		}
		for _, glue := range z.At(host) {
			if glue.Type == lookup.TypeA || glue.Type == lookup.TypeAAAA {
				return ""
			}
		}
		return "is in the zone that it serves, and has no glue"
	}
	return ""
}
