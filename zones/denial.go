package zones

import (
	"cmp"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"slices"
	"sort"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// maxIterations is how many additional ones of an NSEC3 hash are made for a
// query. Validators take a zone with more for unsigned (RFC 9276 3.2), so that
// nothing is lost without the proofs.
const maxIterations = 150

// denial is where a signed zone keeps the RRsets that prove what it does not have.
// The zero value is that of an unsigned zone.
type denial struct {
	// The nodes that have the RRsets: NSEC in the canonical order of their owners, or
	// NSEC3 in the order of the hashes.
	spans []uint32

	hashed     bool // they are NSEC3, with these parameters
	iterations uint16
	salt       string
}

// newDenial finds the chain of NSEC3 that NSEC3PARAM declares to be whole
// (RFC 5155 4), or the chain of NSEC.
func newDenial(z *Zone) denial {
	apex, _ := find(z, z.apex)
	params, _ := z.get(apex, lookup.TypeNSEC3PARAM)
	for rdata := range params.Data.All() {
		iterations, salt, ok := parameters(rdata)
		if !ok || rdata[1] != 0 { // RFC 5155 4.1.2: one with flags is not for servers
			continue
		}
		if d := (denial{hashed: true, iterations: iterations, salt: salt}); d.collect(z) {
			return d
		}
	}
	var d denial
	d.collect(z)
	return d
}

// parameters are those that the rdata of NSEC3 and NSEC3PARAM begin with; ok is
// false if no hash can, or will, be made with them.
func parameters(rdata string) (iterations uint16, salt string, ok bool) {
	if len(rdata) < 5 || rdata[0] != 1 || len(rdata) < 5+int(rdata[4]) { // 1 is SHA-1, and there is no other
		return 0, "", false
	}
	iterations = binary.BigEndian.Uint16([]byte(rdata[2:4]))
	return iterations, rdata[5 : 5+int(rdata[4])], iterations <= maxIterations
}

// of is the type of its RRsets.
func (d *denial) of() lookup.Type {
	if d.hashed {
		return lookup.TypeNSEC3
	}
	return lookup.TypeNSEC
}

// collect notes the nodes of the chain, and tells whether there are any.
func (d *denial) collect(z *Zone) bool {
	d.spans = nil
	for i := range uint32(len(z.nodes) - 1) {
		if s, ok := z.typed(i, d.of()); ok && d.belongs(z, i, s) {
			d.spans = append(d.spans, i)
		}
	}
	d.spans = slices.Clip(d.spans)
	return len(d.spans) > 0
}

// belongs tells whether RRset s of node i is a part of the chain.
func (d *denial) belongs(z *Zone, i, s uint32) bool {
	if !d.hashed {
		stop := z.nodes[i].stop // below a cut or DNAME nothing is this zone's to tell
		return stop == noStop || int(stop) == z.name(i).Labels()
	}
	set := z.rrset(z.name(i), s)
	iterations, salt, ok := parameters(set.Data.First())
	return ok && iterations == d.iterations && salt == d.salt && isHash(set.Name, z.apex)
}

// isHash tells whether name can be the owner of an NSEC3: a hash as the only label
// below the apex (RFC 5155 3).
func isHash(name, apex lookup.Name) bool {
	up, below := name.Parent()
	return below && up == apex && len(name.Label()) == hashLabel
}

// hashLabel is the length of a SHA-1 hash in base 32.
const hashLabel = 32

// hash is the label under which the NSEC3 of name stands (RFC 5155 5).
func (d *denial) hash(name lookup.Name) string {
	sum := sha1.Sum([]byte(string(name) + d.salt))
	buf := make([]byte, 0, len(sum)+len(d.salt))
	for range d.iterations {
		buf = append(append(buf[:0], sum[:]...), d.salt...)
		sum = sha1.Sum(buf)
	}
	return strings.ToLower(base32.HexEncoding.EncodeToString(sum[:]))
}

// Denial is the type of the RRs that prove what the zone does not have: NSEC or NSEC3;
// TypeNone for a zone that is not signed.
func (z *Zone) Denial() lookup.Type {
	if len(z.denial.spans) == 0 {
		return lookup.TypeNone
	}
	return z.denial.of()
}

// Prove is the NSEC or NSEC3 RRsets, with their signatures, that prove what m
// says beside its Set: m must be what Find has for name. There are none when the
// zone is not signed or nothing needs to be proven, as for an answer that is not
// of a wildcard and for a delegation that has a DS.
func (z *Zone) Prove(m Match, name lookup.Name) []lookup.RRset {
	if len(z.denial.spans) == 0 {
		return nil
	}
	if m.Kind == Delegation {
		name = m.Set.Name
		cut, _ := find(z, name)
		if _, signed := z.typed(cut, lookup.TypeDS); signed {
			return nil
		}
		m.Kind = NoData // RFC 4035 3.1.4.1: the type that the cut does not have is DS
	}
	p := proof{zone: z}
	if z.denial.hashed {
		p.hashed(m, name)
	} else {
		p.plain(m, name)
	}
	return p.sets
}

// proof collects RRsets, each once.
type proof struct {
	zone *Zone
	sets []lookup.RRset
}

// plain is a proof by NSEC.
func (p *proof) plain(m Match, name lookup.Name) {
	switch {
	case m.Kind == NXDomain, m.Kind == NoData && m.Wildcard: // RFC 4035 3.1.3.2 and 3.1.3.4
		p.span(name)
		p.wildcard(m.Encloser)
	case m.Kind == NoData, m.Wildcard: // RFC 4035 3.1.3.1 and 3.1.3.3
		p.span(name)
	}
}

// hashed is a proof by NSEC3.
func (p *proof) hashed(m Match, name lookup.Name) {
	switch {
	case m.Kind == NXDomain, m.Kind == NoData && m.Wildcard: // RFC 5155 7.2.2 and 7.2.5
		p.wildcard(p.encloser(m.Encloser, name))
	case m.Kind == NoData: // RFC 5155 7.2.3, 7.2.4 and 7.2.7
		if !p.match(name) {
			p.encloser(m.Encloser, name)
		}
	case m.Wildcard: // RFC 5155 7.2.6
		p.span(name.Suffix(m.Encloser.Labels() + 1))
	}
}

// wildcard proves what there is of * below encloser: its types, or that it does
// not exist.
func (p *proof) wildcard(encloser lookup.Name) {
	if star, err := encloser.Child("*"); err == nil { // else it would be too long for a name
		p.span(star)
	}
}

// encloser proves which existing name encloses name most closely and returns it:
// closest or, where opt-out has left out names, one above it (RFC 5155 7.2.1).
func (p *proof) encloser(closest, name lookup.Name) lookup.Name {
	for {
		if closest != name && p.match(closest) {
			p.span(name.Suffix(closest.Labels() + 1))
			return closest
		}
		if closest == p.zone.apex {
			return closest // the chain is broken
		}
		closest, _ = closest.Parent()
	}
}

// match adds the NSEC3 of name, if there is one.
func (p *proof) match(name lookup.Name) bool {
	s := p.zone.floor(name)
	if s.Name.Label() != p.zone.denial.hash(name) {
		return false
	}
	p.add(s)
	return true
}

// span adds the RRset of name, or the one whose span name is in.
func (p *proof) span(name lookup.Name) { p.add(p.zone.floor(name)) }

func (p *proof) add(s lookup.RRset) {
	if _, twice := lookup.Find(p.sets, s.Name, s.Type); !twice {
		p.sets = append(p.sets, s)
	}
}

// floor is the NSEC or NSEC3 whose owner, or hash, is that of name or the last one
// before it; before the first is the last (RFC 5155 1.3: the order is circular).
func (z *Zone) floor(name lookup.Name) lookup.RRset {
	d := &z.denial
	before := func(i int) int { return z.name(d.spans[i]).Compare(name) }
	if d.hashed {
		hash := d.hash(name)
		before = func(i int) int { return cmp.Compare(z.name(d.spans[i]).Label(), hash) }
	}
	i := sort.Search(len(d.spans), func(i int) bool { return before(i) > 0 })
	if i == 0 {
		i = len(d.spans)
	}
	s, _ := z.get(d.spans[i-1], d.of())
	return s
}
