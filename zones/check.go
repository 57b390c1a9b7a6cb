package zones

import "github.com/sextant-dns/sextant/lookup"

// checkApex sees to what every zone has.
func (b *builder) checkApex() {
	z := b.zone
	if z.soa.Data == "" {
		b.errorf(position{}, "no SOA at %s", z.apex)
	}
	if _, ok := find(z.At(z.apex), lookup.TypeNS); !ok {
		b.errorf(position{}, "no NS at %s, the apex", z.apex)
	}
	if z.apex.IsWildcard() {
		b.errorf(position{}, "%s: a wildcard cannot be a zone (RFC 4592 4.1)", z.apex)
	}
}

// checkSet sees to what holds for one RRset alone.
func (b *builder) checkSet(set lookup.RRset, records []record) {
	owner, at := about(set.Name, set.Type), records[0].at
	wildcard := set.Name.IsWildcard()
	switch t := set.Type; {
	case t == lookup.TypeSOA && set.Name != b.zone.apex:
		b.errorf(at, "%s: a SOA belongs at %s, the apex", owner, b.zone.apex)
	case t == lookup.TypeNS && wildcard:
		b.errorf(at, "%s: a wildcard delegates nothing (RFC 4592 4.2)", owner)
	case t == lookup.TypeDNAME && wildcard:
		b.errorf(at, "%s: a wildcard DNAME has no defined meaning (RFC 4592 4.4)", owner)
	case t == lookup.TypeSOA, t == lookup.TypeCNAME, t == lookup.TypeDNAME: // RFC 2181 10.1, RFC 6672 2.4
		if set.Data.Len() > 1 {
			b.errorf(records[1].at, "%s: there can be only one", owner)
		}
	case t == lookup.TypeSVCB, t == lookup.TypeHTTPS:
		b.checkServices(set.Name, t, records)
	}
}

// checkName sees to what the RRsets of one name owe each other and the names
// above; stop is where those end what is authoritative, noStop when they do not.
func (b *builder) checkName(name lookup.Name, n node, stop uint8) {
	sets, where := b.zone.of(n), b.where[n.first:]
	if b.repeatsApex(name) {
		b.warnf(where[0], "%s: is a final dot missing?", name)
	}
	_, alias := find(sets, lookup.TypeCNAME)
	for i, s := range sets {
		owner := about(name, s.Type)
		switch cut := n.marks&isCut != 0; {
		case alias && !besideCNAME(s.Type):
			b.errorf(where[i], "%s: stands beside a CNAME, and must not (RFC 2181 10.1)", owner)
		case stop != noStop:
			b.checkHidden(s, where[i], name.Suffix(int(stop)))
		case cut && !besideCut(s.Type):
			b.warnf(where[i], "%s: hidden by the zone cut; it belongs into zone %s (RFC 2181 6.1)", owner, name)
		case !cut && s.Type == lookup.TypeDS:
			b.warnf(where[i], "%s: there is no zone cut here (RFC 4035 2.4)", owner)
		}
	}
}

// checkHidden sees to an RRset below the cut or the DNAME of another name.
func (b *builder) checkHidden(s lookup.RRset, at position, by lookup.Name) {
	switch {
	case b.zone.nodes[by].marks&isCut == 0:
		b.errorf(at, "%s: below the DNAME of %s (RFC 6672 2.4)", about(s.Name, s.Type), by)
	case s.Type != lookup.TypeA && s.Type != lookup.TypeAAAA:
		b.warnf(at, "%s: hidden by the zone cut %s (RFC 2181 6.1)", about(s.Name, s.Type), by)
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
	for i, s := range b.zone.sets {
		if s.Type == lookup.TypeSVCB || s.Type == lookup.TypeHTTPS {
			b.checkHints(s, b.where[i])
			continue // theirs may be aliases (RFC 9460 2.4.3)
		}
		for host := range Hosts(s) {
			if text := b.checkHost(s, host); text != "" {
				b.warnf(b.where[i], "%s: %s %s", about(s.Name, s.Type), host, text)
			}
		}
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
