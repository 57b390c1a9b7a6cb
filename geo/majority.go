package geo

// visits bounds the work of a count: prefixes of /16 and /32, which resolvers send,
// have some hundred nodes below them. Of what lies beyond, the class of most addresses
// stands for all.
const visits = 2048

// A count adds up the addresses below a node by how they are answered.
type count struct {
	e      *Equivalence
	visits int
	groups int
	of     [64]struct {
		group uint32
		class Class // one of the group
		part  float64
	}
}

// majority is a class that is answered as most addresses below a node are. Many
// classes with one answer together outweigh a larger one with another.
func (m *Map) majority(r ref, e *Equivalence) Class {
	if e == nil || r.kind() == chain { // what is beside a chain is half of it or more
		return m.slots[r.index()].most(r)
	}
	c := count{e: e, visits: visits}
	c.add(m, r, 1)
	best := 0
	for i := 1; i < c.groups; i++ {
		if c.of[i].part > c.of[best].part {
			best = i
		}
	}
	return c.of[best].class
}

// add counts the addresses below r, which are a part of all.
func (c *count) add(m *Map, r ref, part float64) {
	switch r.kind() {
	case leaf:
		c.found(Class(r.index()), part)
		return
	case alias:
		r = m.v4
		if r.kind() == leaf {
			c.found(Class(r.index()), part)
			return
		}
	}
	node := &m.slots[r.index()]
	c.visits--
	switch {
	case c.visits <= 0 || c.e.uniform(node[2]):
		c.found(node.most(r), part)
	case r.kind() == branch:
		c.add(m, ref(node[0]), part/2)
		c.add(m, ref(node[1]), part/2)
	default:
		for range node[3] {
			part /= 2
			c.found(Class(node[1]), part)
		}
		c.add(m, ref(node[0]), part)
	}
}

func (c *count) found(class Class, part float64) {
	group := c.e.group[class]
	for i := range c.groups {
		if c.of[i].group == group {
			c.of[i].part += part
			return
		}
	}
	if c.groups < len(c.of) {
		c.of[c.groups].group, c.of[c.groups].class, c.of[c.groups].part = group, class, part
		c.groups++
	}
}
