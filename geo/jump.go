package geo

// jump is all branches of the IPv4 trie at one depth, by the bits that lead to them.
type jump struct {
	depth    int
	branches []ref // leaves, of which nothing else follows, where there is none
}

// jumpDepths are those that there are, the deepest first.
var jumpDepths = [...]int{16, 12, 8}

// makeJumps makes as many jumps as are worth their memory.
func (m *Map) makeJumps() {
	for _, depth := range jumpDepths {
		if len(m.slots) < 1<<depth/4 {
			continue
		}
		j := jump{depth, make([]ref, 1<<depth)}
		m.fill(&j, m.v4, 0, 0)
		m.jumps = append(m.jumps, j)
	}
}

// fill enters what is at or below r, to which the first depth bits of path lead.
func (m *Map) fill(j *jump, r ref, path uint64, depth int) {
	switch node := r.index(); {
	case r.kind() == branch && depth == j.depth:
		j.branches[path>>(64-j.depth)] = r
	case r.kind() == branch && depth < j.depth:
		m.fill(j, ref(m.slots[node][0]), path, depth+1)
		m.fill(j, ref(m.slots[node][1]), path|1<<(63-depth), depth+1)
	case r.kind() == chain && depth+int(m.slots[node][3]) <= j.depth:
		m.fill(j, ref(m.slots[node][0]), path|m.chainBits(r).first(int(m.slots[node][3])).hi>>depth, depth+int(m.slots[node][3]))
	}
}

// begin is where a descent in the IPv4 trie may begin as well as at its root: at a branch
// whose classes are not alike, since those above it are not, either, which have the same
// classes and more.
func (m *Map) begin(at place, e *Equivalence) place {
	for i := range m.jumps {
		j := &m.jumps[i]
		if j.depth > at.known {
			continue
		}
		if r := j.branches[at.addr.hi>>(64-j.depth)]; r.kind() == branch && (e == nil || e.remembered(m.slots[r.index()][2]) == mixed) {
			at.ref, at.depth = r, j.depth
			return at
		}
	}
	return at
}
