package tailor

import "math"

// Spread is what an answer by place costs resolvers: into how many prefixes each family
// falls, a cache slot for each if somebody asks for all of them, and how long the longest
// are. IPv6 has some two hundred by itself where IPv4 is not of one piece, around the
// prefixes that embed IPv4 addresses. One answer for everyone is the zero value.
type Spread struct {
	Prefixes4, Prefixes6 int
	Longest4, Longest6   int // bits
}

// spread counts a memo's.
func (m *memo) spread() (s Spread) {
	var n4, n6 float64
	add := func(is4 bool, bits int, a *answer) {
		n, longest, sticky := &n6, &s.Longest6, a.v6
		if is4 {
			n, longest, sticky = &n4, &s.Longest4, a.v4
		}
		*n += math.Exp2(float64(max(0, sticky-bits)))
		*longest = max(*longest, bits, sticky)
	}
	if m.partition == nil || m.partition.equal == nil {
		add(true, 0, &m.answers[0])
		add(false, 0, &m.answers[0])
	} else {
		for p, class := range m.partition.equal.Prefixes() {
			add(p.Addr().Is4(), max(p.Bits(), 1), &m.answers[m.partition.group(class)])
		}
	}
	if s == (Spread{}) {
		return s
	}
	s.Prefixes4, s.Prefixes6 = saturated(n4), saturated(n6)
	return s
}

func saturated(n float64) int { return int(min(n, math.MaxInt32)) }
