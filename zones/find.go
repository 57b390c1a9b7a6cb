package zones

import "github.com/sextant-dns/sextant/lookup"

// Kind is what a zone has to say of a name and type.
type Kind uint8

// The kinds of Match. The zero value says that the zone is the wrong one to ask.
const (
	Outside    Kind = iota // the name is not at or below the apex
	Answer                 // Set answers the question
	NoData                 // the name exists and has no RRset of that type
	NXDomain               // the name does not exist, nor does a wildcard cover it
	Delegation             // the name is at or below the zone cut whose NS RRset Set is
	CNAME                  // the name is an alias; Set is its CNAME
	DNAME                  // the name is below the DNAME that Set is
)

// String is the kind as RFCs call it.
func (k Kind) String() string {
	return [...]string{"outside", "answer", "NODATA", "NXDOMAIN", "delegation", "CNAME", "DNAME"}[k]
}

// Match is what a Zone has for a name and type.
type Match struct {
	Kind Kind

	// Set is as it stands in the zone: its owner is the wildcard when one was
	// expanded, the cut of a Delegation, the owner of a DNAME. For the types ANY
	// and RRSIG it is one RRset chosen of those at the name (RFC 8482 4.1).
	Set lookup.RRset

	// Encloser is the closest encloser: the longest existing ancestor of the
	// name, or the name itself (RFC 4592 3.3.1).
	Encloser lookup.Name

	// Wildcard says that the match came of * below Encloser (RFC 4592 3.3.1).
	Wildcard bool
}

// Find tells what the zone has for name and type: step 3 of RFC 1034 4.3.2, with
// the wildcards of RFC 4592, the DNAMEs of RFC 6672 and the DS rule of RFC 4035
// 3.1.4.1. It allocates nothing and follows nothing.
func (z *Zone) Find(name lookup.Name, t lookup.Type) Match {
	if !name.IsSubdomainOf(z.apex) {
		return Match{Kind: Outside}
	}
	encloser := name.Suffix(z.depth) // nothing exists any deeper
	n, exists := find(z, encloser)
	for !exists { // ends at the apex
		encloser, _ = encloser.Parent()
		n, exists = find(z, encloser)
	}
	m := Match{Encloser: encloser}
	switch at := &z.nodes[n]; {
	case at.stop != noStop && z.stopped(&m, name, t, n):
	case len(encloser) == len(name):
		z.match(&m, n, t)
	case at.marks&hasWildcard != 0:
		m.Wildcard = true
		z.match(&m, z.wildcard(encloser), t)
	default:
		m.Kind = NXDomain
	}
	return m
}

// stopped fills in m when the cut or DNAME above encloser, whose node n is, keeps
// name from being looked up here. It does not for the owner of a DNAME itself
// (RFC 6672 2.3), nor for the DS of a cut.
func (z *Zone) stopped(m *Match, name lookup.Name, t lookup.Type, n uint32) bool {
	owner := m.Encloser.Suffix(int(z.nodes[n].stop))
	if len(owner) != len(m.Encloser) {
		n, _ = find(z, owner)
	}
	itself, cut := len(owner) == len(name), z.nodes[n].marks&isCut != 0
	switch {
	case cut && itself && t == lookup.TypeDS:
		return false // RFC 4035 3.1.4.1: the parent's side answers for DS
	case cut:
		m.Kind = Delegation
		m.Set, _ = z.get(n, lookup.TypeNS)
	case itself:
		return false
	default:
		m.Kind = DNAME
		m.Set, _ = z.get(n, lookup.TypeDNAME)
	}
	m.Encloser = owner // what is deeper is not this zone's to tell
	return true
}

// match fills in m with what node n has of type t.
func (z *Zone) match(m *Match, n uint32, t lookup.Type) {
	if set, ok := z.choose(n, t); ok {
		m.Kind, m.Set = Answer, set
		return
	}
	if set, ok := z.get(n, lookup.TypeCNAME); ok && (!besideCNAME(t) || t == lookup.TypeNSEC3) {
		m.Kind, m.Set = CNAME, set // an NSEC3 has a hash for an owner, and never means the alias
		return
	}
	m.Kind = NoData
}

// choose picks the RRset that answers for type t among those at a node.
func (z *Zone) choose(n uint32, t lookup.Type) (lookup.RRset, bool) {
	first, end := z.of(n)
	switch t {
	case lookup.TypeANY: // RFC 8482 4.1: a single RRset will do
		for i := first; i < end; i++ {
			if z.sets[i].t != lookup.TypeNSEC || i == end-1 { // which says only what else there is
				return z.rrset(z.name(n), i), true
			}
		}
	case lookup.TypeRRSIG: // as for ANY, or the reply would be larger still
		for i := first; i < end; i++ {
			if s := z.rrset(z.name(n), i); s.Sigs != "" {
				return lookup.RRset{Name: s.Name, Type: lookup.TypeRRSIG, TTL: s.TTL, Data: s.Sigs}, true
			}
		}
	default:
		return z.get(n, t)
	}
	return lookup.RRset{}, false
}

// besideCNAME tells whether RRs of that type may stand beside a CNAME, so that
// asking for them asks about the name itself and never about what it is an alias
// for (RFC 2181 10.1, RFC 4034 2.5 and 3, RFC 5155 3).
func besideCNAME(t lookup.Type) bool {
	const sig, key, nxt = 24, 25, 30
	switch t {
	case lookup.TypeCNAME, lookup.TypeRRSIG, lookup.TypeNSEC, lookup.TypeNSEC3, sig, key, nxt:
		return true
	}
	return false
}

// wildcard is the node of * directly below encloser, which exists. The name is put
// together on the stack.
func (z *Zone) wildcard(encloser lookup.Name) uint32 {
	var name [256]byte
	n := copy(name[:], "\x01*")
	n += copy(name[n:], encloser)
	i, _ := findOctets(z, name[:n])
	return i
}
