package zones

import (
	"cmp"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// builder makes a Zone of records, name by name in canonical order, and reports
// what it meets. A parent comes before its children in that order (RFC 4034 6.1),
// so what holds for a name's ancestors is known when the name comes.
type builder struct {
	*report
	zone  *Zone
	where []position // where each RRset of zone.sets begins
}

// build makes the zone. It is of use only when the report has no error.
func build(apex lookup.Name, records []record, r *report) *Zone {
	b := &builder{report: r, zone: &Zone{apex: apex, depth: apex.Labels(), nodes: map[lookup.Name]node{apex: {stop: noStop}}}}
	records = slices.DeleteFunc(records, b.outside)
	if !slices.IsSortedFunc(records, inOrder) {
		slices.SortStableFunc(records, inOrder)
	}
	for len(records) > 0 {
		n := run(records, func(a, b record) bool { return a.name == b.name })
		b.addName(records[:n])
		records = records[n:]
	}
	b.zone.sets = slices.Clip(b.zone.sets)
	b.zone.denial = newDenial(b.zone)
	b.checkApex()
	b.checkTargets()
	return b.zone
}

// outside reports a record that is not in the zone.
func (b *builder) outside(r record) bool {
	in := r.name.IsSubdomainOf(b.zone.apex)
	if !in {
		b.errorf(r.at, "%s: not in zone %s", about(r.name, r.t), b.zone.apex)
	}
	return !in
}

// inOrder orders records by name, by type, and RRSIGs after what they cover.
func inOrder(a, b record) int {
	if a.name != b.name {
		return a.name.Compare(b.name)
	}
	if c := cmp.Compare(a.t, b.t); c != 0 || a.sig == b.sig {
		return c
	}
	if a.sig {
		return 1
	}
	return -1
}

// run counts the records at the start that belong together.
func run(records []record, together func(a, b record) bool) int {
	n := 1
	for n < len(records) && together(records[0], records[n]) {
		n++
	}
	return n
}

// addName makes the node and the RRsets of one name.
func (b *builder) addName(records []record) {
	name := records[0].name
	first := len(b.zone.sets)
	for len(records) > 0 {
		n := run(records, func(a, b record) bool { return a.t == b.t })
		b.addSet(records[:n])
		records = records[n:]
	}
	if len(b.zone.sets) == first {
		return // nothing but RRSIGs that cover nothing
	}
	if b.isOnlyHash(name, b.zone.sets[first:]) {
		return
	}
	n := b.node(name)
	n.first, n.count = uint32(first), uint16(len(b.zone.sets)-first)
	sets := b.zone.of(n)
	if _, ok := find(sets, lookup.TypeNS); ok && name != b.zone.apex {
		n.marks |= isCut
	}
	if _, ok := find(sets, lookup.TypeDNAME); ok {
		n.marks |= isDNAME
	}
	above := n.stop
	if above == noStop && n.marks&(isCut|isDNAME) != 0 {
		n.stop = uint8(name.Labels())
	}
	b.zone.nodes[name] = n
	b.checkName(name, n, above)
}

// isOnlyHash tells whether a name is there for an NSEC3 alone, which makes it no
// name of the zone (RFC 5155 7.2.8).
func (b *builder) isOnlyHash(name lookup.Name, sets []lookup.RRset) bool {
	return len(sets) == 1 && sets[0].Type == lookup.TypeNSEC3 && isHash(name, b.zone.apex)
}

// node is the node of a name, made together with the empty non-terminals above
// it when it does not exist yet.
func (b *builder) node(name lookup.Name) node {
	if n, ok := b.zone.nodes[name]; ok {
		return n
	}
	up, _ := name.Parent()
	parent := b.node(up)
	if name.IsWildcard() {
		parent.marks |= hasWildcard
		b.zone.nodes[up] = parent
	}
	n := node{stop: parent.stop}
	b.zone.nodes[name] = n
	b.zone.depth = max(b.zone.depth, name.Labels())
	return n
}

// addSet makes an RRset of records of one name and type.
func (b *builder) addSet(records []record) {
	data := run(records, func(a, b record) bool { return a.sig == b.sig })
	first := records[0]
	if first.sig {
		b.warnf(first.at, "%s: an RRSIG covers this RRset, which is not there; left out", about(first.name, first.t))
		return
	}
	set := lookup.RRset{Name: first.name, Type: first.t, TTL: b.ttl(records)}
	set.Data = lookup.PackRdata(b.distinct(records[:data])...)
	set.Sigs = lookup.PackRdata(b.distinct(records[data:])...)
	if set.Type == lookup.TypeSOA && set.Name == b.zone.apex {
		b.zone.soa = set
	}
	b.zone.sets = append(b.zone.sets, set)
	b.where = append(b.where, first.at)
	b.checkSet(set, records[:data])
}

// ttl is the TTL of an RRset: the lowest of its RRs' (RFC 2181 5.2), which the
// RRSIGs share (RFC 4034 3).
func (b *builder) ttl(records []record) uint32 {
	lowest := records[0].ttl
	for _, r := range records[1:] {
		lowest = min(lowest, r.ttl)
	}
	for _, r := range records {
		if r.ttl != lowest {
			b.warnf(r.at, "%s: TTL %d where another RR of the RRset has %d; lowered (RFC 2181 5.2)", about(r.name, r.t), r.ttl, lowest)
		}
	}
	return lowest
}

// distinct is the records' rdata in the order of the file, each once
// (RFC 2181 5).
func (b *builder) distinct(records []record) []string {
	if len(records) == 1 { // as nearly all are
		return []string{records[0].rdata}
	}
	rdata := make([]string, 0, len(records))
	seen := make(map[string]bool, len(records))
	for _, r := range records {
		if seen[r.rdata] {
			b.warnf(r.at, "%s: the same RR twice; once is kept (RFC 2181 5)", about(r.name, r.t))
			continue
		}
		seen[r.rdata] = true
		rdata = append(rdata, r.rdata)
	}
	return rdata
}
