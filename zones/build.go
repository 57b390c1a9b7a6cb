package zones

import (
	"slices"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// builder makes a Zone of records, name by name in canonical order, and reports
// what it meets. A parent comes before its children in that order (RFC 4034 6.1),
// so what holds for a name's ancestors is known when the name comes.
type builder struct {
	*report
	*gathered
	zone         *Zone
	names, rdata strings.Builder // which become the zone's

	// path are the nodes from the apex down to the latest name: the one with n labels
	// below the apex is the nth.
	path  []uint32
	where []position // where each RRset of zone.sets begins
}

// build makes the zone. It is of use only when the report has no error.
func build(apex lookup.Name, g *gathered, r *report) *Zone {
	b := &builder{report: r, gathered: g, zone: &Zone{apex: apex}}
	b.dropOutside()
	batches := g.batches(apex)
	b.reserve(len(batches))
	b.node(apex)
	var records []record // of one name
	for len(batches) > 0 {
		n, name := 0, g.owner(batches[0])
		records = records[:0]
		for ; n < len(batches) && (n == 0 || g.owner(batches[n]) == name); n++ {
			of := batches[n]
			records = append(records, g.records[of.first:of.first+of.count]...)
		}
		arrange(records)
		b.addName(name, records)
		batches = batches[n:]
	}
	b.finish()
	b.checkApex()
	b.checkTargets()
	return b.zone
}

// dropOutside drops and reports what is not in the zone.
func (b *builder) dropOutside() {
	name, in := uint32(0), false
	b.records = slices.DeleteFunc(b.records, func(r record) bool {
		if r.name != name || !in {
			name, in = r.name, b.gathered.name(r).IsSubdomainOf(b.zone.apex)
		}
		if !in {
			b.errorf(r.at, "%s: not in zone %s", about(b.gathered.name(r), r.t), b.zone.apex)
		}
		return !in
	})
}

// reserve makes room for what the records of so many names will become, or nearly.
func (b *builder) reserve(names int) {
	b.zone.depth = b.zone.apex.Labels()
	b.zone.nodes = make([]node, 0, names+2)
	b.zone.sets, b.where = make([]set, 0, len(b.records)+1), make([]position, 0, len(b.records))
	octets, rdata, last := len(b.zone.apex), 0, uint32(0)
	for i, r := range b.records {
		if i == 0 || r.name != last {
			last = r.name
			octets += int(r.owner)
		}
		rdata += 2 + int(r.length)
	}
	b.names.Grow(octets)
	b.rdata.Grow(rdata)
}

// finish makes what is found in the zone when it has all names.
func (b *builder) finish() {
	z := b.zone
	z.nodes = clip(append(z.nodes, node{name: uint32(b.names.Len()), first: uint32(len(z.sets))}))
	z.sets = clip(append(z.sets, set{data: uint32(b.rdata.Len())}))
	z.names, z.rdata = b.names.String(), b.rdata.String()
	z.index = newIndex(z)
	z.soa, _ = z.get(0, lookup.TypeSOA)
	z.denial = newDenial(z)
}

// clip is s without much room behind it.
func clip[E any](s []E) []E {
	if cap(s)-len(s) > len(s)/16 {
		return slices.Clone(s)
	}
	return s
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
func (b *builder) addName(name lookup.Name, records []record) {
	if !slices.ContainsFunc(records, func(r record) bool { return !r.sig }) {
		b.addSets(name, records) // which reports RRSIGs that cover nothing
		return
	}
	i := b.node(name)
	first := len(b.zone.sets)
	b.addSets(name, records)
	if above, exists := b.settle(i, name); exists {
		b.checkName(name, b.zone.nodes[i], b.where[first:], above)
	}
}

// settle notes what its RRsets, which are the last of the zone so far, make of the node
// of a name; above is where a cut or DNAME of a name above ends what is authoritative, or
// noStop. A name that is there for an NSEC3 alone does not exist.
func (b *builder) settle(i uint32, name lookup.Name) (above uint8, exists bool) {
	n := &b.zone.nodes[i]
	sets := b.zone.sets[n.first:]
	if len(sets) == 1 && sets[0].t == lookup.TypeNSEC3 && isHash(name, b.zone.apex) {
		n.marks |= isOnlyHash
		return noStop, false
	}
	for _, s := range sets {
		switch {
		case s.t == lookup.TypeNS && name != b.zone.apex:
			n.marks |= isCut
		case s.t == lookup.TypeDNAME:
			n.marks |= isDNAME
		}
	}
	above = n.stop
	if above == noStop && n.marks&(isCut|isDNAME) != 0 {
		n.stop = uint8(name.Labels())
	}
	b.zone.depth = max(b.zone.depth, name.Labels())
	return above, true
}

// node is the node of a name, which is made together with the empty non-terminals
// above it. Names come in canonical order, so it is new unless it is the apex.
func (b *builder) node(name lookup.Name) uint32 {
	apex := b.zone.apex.Labels()
	below := name.Labels() - apex
	b.path = b.path[:min(len(b.path), below+1)]
	for len(b.path) > 1 && !name.IsSubdomainOf(b.nameOf(b.path[len(b.path)-1])) {
		b.path = b.path[:len(b.path)-1]
	}
	for len(b.path) <= below {
		b.push(name.Suffix(apex + len(b.path)))
	}
	return b.path[below]
}

// push makes the node of a name right below the last of path.
func (b *builder) push(name lookup.Name) {
	n := node{name: uint32(b.names.Len()), first: uint32(len(b.zone.sets)), stop: noStop}
	if last := len(b.path) - 1; last >= 0 {
		parent := &b.zone.nodes[b.path[last]]
		n.stop = parent.stop
		if name.IsWildcard() {
			parent.marks |= hasWildcard
		}
	}
	b.names.WriteString(string(name))
	b.path = append(b.path, uint32(len(b.zone.nodes)))
	b.zone.nodes = append(b.zone.nodes, n)
}

// nameOf is the name of a node while the zone grows.
func (b *builder) nameOf(i uint32) lookup.Name {
	end := uint32(b.names.Len())
	if next := int(i) + 1; next < len(b.zone.nodes) {
		end = b.zone.nodes[next].name
	}
	return lookup.Name(b.names.String()[b.zone.nodes[i].name:end])
}

// addSets makes the RRsets of records of one name.
func (b *builder) addSets(name lookup.Name, records []record) {
	for len(records) > 0 {
		n := run(records, func(a, b record) bool { return a.t == b.t })
		b.addSet(name, records[:n])
		records = records[n:]
	}
}

// addSet makes an RRset of records of one name and type.
func (b *builder) addSet(name lookup.Name, records []record) {
	first := records[0]
	if first.sig {
		b.warnf(first.at, "%s: an RRSIG covers this RRset, which is not there; left out", about(name, first.t))
		return
	}
	data := run(records, func(a, b record) bool { return a.sig == b.sig })
	s := set{data: uint32(b.rdata.Len()), t: first.t, ttl: b.ttl(name, records)}
	rrs := b.distinct(name, records[:data])
	s.sigs = uint32(b.rdata.Len())
	b.distinct(name, records[data:])
	b.zone.sets = append(b.zone.sets, s)
	b.where = append(b.where, first.at)
	b.checkSet(name, s.t, records[:data], rrs)
}

// ttl is the TTL of an RRset: the lowest of its RRs' (RFC 2181 5.2), which the
// RRSIGs share (RFC 4034 3).
func (b *builder) ttl(name lookup.Name, records []record) uint32 {
	lowest := records[0].ttl
	for _, r := range records[1:] {
		lowest = min(lowest, r.ttl)
	}
	for _, r := range records {
		if r.ttl != lowest {
			b.warnf(r.at, "%s: TTL %d where another RR of the RRset has %d; lowered (RFC 2181 5.2)", about(name, r.t), r.ttl, lowest)
		}
	}
	return lowest
}

// distinct writes the records' rdata in the order of the file, each once (RFC 2181
// 5), and counts them.
func (b *builder) distinct(name lookup.Name, records []record) (rrs int) {
	var seen map[string]bool
	if len(records) > 1 { // nearly all are alone
		seen = map[string]bool{}
	}
	for _, r := range records {
		data := b.data(r)
		if seen != nil {
			folded := foldedRdata(r.t, data)
			if seen[folded] {
				b.warnf(r.at, "%s: the same RR twice; once is kept (RFC 2181 5)", about(name, r.t))
				continue
			}
			seen[folded] = true
		}
		b.rdata.Write([]byte{byte(r.length >> 8), byte(r.length)}) // as lookup.Rdata has it
		b.rdata.WriteString(data)
		rrs++
	}
	return rrs
}
