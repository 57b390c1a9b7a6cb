package resolver

import (
	"encoding/binary"
	"hash/maphash"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// packedHop is a hop in memory. There may be millions of them, and most are an RRset
// that has the name that was asked for: as a hop, a Response and RRsets they would
// take five times as much in headers, pointers and rounding. A packedHop is
//
//	the name under which it is kept, in wire form
//	flags (1 octet), life in seconds, how many RRsets each section has
//	the RRsets: owner, type, TTL, data, signatures
//	where the alias leads, if the flags say so
//	what most responses do not have, if the flags say so
//
// Numbers are unsigned varints. A name is an octet that says where in the name above it
// begins, since most are that name or an ancestor; or elsewhere, and then the name.
type packedHop string

// Flags of a packedHop. The two lowest bits are its lookup.Security.
const (
	securityBits = 3
	hasAlias     = 1 << 2
	hasRare      = 1 << 3
	isDenial     = 1 << 4 // the rcode is NXDOMAIN; NOERROR without it, unless hasRare
)

// Bits of the rare part.
const (
	rareAA = 1 << iota
	rareGlue
	rareUncacheable
)

// elsewhere is in place of where a name begins when it is no part of the first.
const elsewhere = 0xff

// packHop makes a packedHop of h, which is kept under name. h must not be a step.
func packHop(name lookup.Name, h *hop) packedHop {
	r := h.response
	w := make([]byte, 0, 256)
	w = append(w, name...)
	flags, special := byte(r.Security)&securityBits, isRare(r)
	if h.next != "" {
		flags |= hasAlias
	}
	if special {
		flags |= hasRare
	} else if r.Rcode == lookup.NXDOMAIN {
		flags |= isDenial
	}
	w = append(w, flags)
	w = binary.AppendUvarint(w, uint64(h.life/time.Second))
	sections := [...][]lookup.RRset{r.Answer, r.Authority, r.Additional}
	for _, section := range sections {
		w = binary.AppendUvarint(w, uint64(len(section)))
	}
	for _, section := range sections {
		for i := range section {
			w = packSet(w, name, &section[i])
		}
	}
	if h.next != "" {
		w = packName(w, name, h.next)
	}
	if special {
		w = packRare(w, r)
	}
	return packedHop(w)
}

func packSet(w []byte, name lookup.Name, s *lookup.RRset) []byte {
	w = packName(w, name, s.Name)
	w = binary.AppendUvarint(w, uint64(s.Type))
	w = binary.AppendUvarint(w, uint64(s.TTL))
	w = packText(w, string(s.Data))
	return packText(w, string(s.Sigs))
}

func packName(w []byte, first, n lookup.Name) []byte {
	if cut := len(first) - len(n); first.IsSubdomainOf(n) && cut < elsewhere {
		return append(w, byte(cut))
	}
	return packText(append(w, elsewhere), string(n))
}

func packText(w []byte, text string) []byte {
	return append(binary.AppendUvarint(w, uint64(len(text))), text...)
}

// isRare tells whether r has what most responses do not have.
func isRare(r *lookup.Response) bool {
	return r.Rcode != lookup.NOERROR && r.Rcode != lookup.NXDOMAIN ||
		r.AA || r.Glue > 0 || r.Uncacheable || r.Keep != 0 || r.Scope.IsValid() || r.Wanted != 0 || len(r.EDE) > 0
}

func packRare(w []byte, r *lookup.Response) []byte {
	bits := uint64(0)
	if r.AA {
		bits |= rareAA
	}
	if r.Glue > 0 {
		bits |= rareGlue
	}
	if r.Uncacheable {
		bits |= rareUncacheable
	}
	w = binary.AppendUvarint(w, uint64(r.Rcode))
	w = binary.AppendUvarint(w, bits)
	if r.Glue > 0 {
		w = binary.AppendUvarint(w, uint64(r.Glue))
	}
	w = binary.AppendUvarint(w, uint64(r.Keep))
	scope, _ := r.Scope.MarshalBinary() // never fails
	w = packText(w, string(scope))
	w = binary.AppendUvarint(w, uint64(r.Wanted))
	w = binary.AppendUvarint(w, uint64(len(r.EDE)))
	for _, e := range r.EDE {
		w = packText(binary.AppendUvarint(w, uint64(e.Code)), e.Text)
	}
	return w
}

// name is under what it is kept. It shares the memory of p.
func (p packedHop) name() lookup.Name {
	n := 0
	for p[n] != 0 {
		n += int(p[n]) + 1
	}
	return lookup.Name(p[:n+1])
}

// room is a hop with what most hops refer to, so that one allocation makes them all.
type room struct {
	hop      hop
	response lookup.Response
	sets     [1]lookup.RRset
}

// unpack makes a hop of p, which expires at that time, with the TTLs that it has at
// the time now; with the zero time, those that were learned. The hop is the caller's
// alone; its strings are those of p.
func (p packedHop) unpack(expires, now time.Time) *hop {
	u := unpacker{first: p.name()}
	u.rest = string(p[len(u.first):])
	into := new(room)
	h, r := &into.hop, &into.response
	h.response = r

	flags := u.octet()
	h.life = time.Duration(u.number()) * time.Second
	h.expires = expires
	if !now.IsZero() {
		h.age = uint32(max(0, h.old(now)) / time.Second)
	}
	r.Security = lookup.Security(flags & securityBits)
	if flags&isDenial != 0 {
		r.Rcode = lookup.NXDOMAIN
	}
	answer, authority, additional := int(u.number()), int(u.number()), int(u.number())
	sets := into.sets[:]
	if n := answer + authority + additional; n > len(sets) {
		sets = make([]lookup.RRset, n)
	}
	r.Answer, sets = u.section(sets, answer, h.age)
	r.Authority, sets = u.section(sets, authority, h.age)
	r.Additional, _ = u.section(sets, additional, h.age)
	if flags&hasAlias != 0 {
		h.next = u.name()
	}
	if flags&hasRare != 0 {
		u.rare(r, h.age)
	}
	return h
}

// unpacker reads a packedHop.
type unpacker struct {
	first lookup.Name
	rest  string
}

func (u *unpacker) octet() byte {
	b := u.rest[0]
	u.rest = u.rest[1:]
	return b
}

func (u *unpacker) number() uint64 {
	if b := u.rest[0]; b < 0x80 { // most are
		u.rest = u.rest[1:]
		return uint64(b)
	}
	n := uint64(0)
	for shift := 0; ; shift += 7 {
		b := u.octet()
		if n |= uint64(b&0x7f) << shift; b < 0x80 {
			return n
		}
	}
}

func (u *unpacker) text() string {
	n := u.number()
	text := u.rest[:n]
	u.rest = u.rest[n:]
	return text
}

func (u *unpacker) name() lookup.Name {
	cut := u.octet()
	if cut == elsewhere {
		return lookup.Name(u.text())
	}
	return u.first[cut:]
}

// section reads that many RRsets into the first of sets, with TTLs that much lower,
// and returns them and the others. A section without any is nil.
func (u *unpacker) section(sets []lookup.RRset, n int, age uint32) (section, others []lookup.RRset) {
	if n == 0 {
		return nil, sets
	}
	section = sets[:n:n]
	for i := range section {
		s := &section[i]
		s.Name = u.name()
		s.Type = lookup.Type(u.number())
		s.TTL = uint32(u.number())
		s.TTL -= min(s.TTL, age)
		s.Data, s.Sigs = lookup.Rdata(u.text()), lookup.Rdata(u.text())
	}
	return section, sets[n:]
}

func (u *unpacker) rare(r *lookup.Response, age uint32) {
	r.Rcode = lookup.Rcode(u.number())
	bits := u.number()
	r.AA, r.Uncacheable = bits&rareAA != 0, bits&rareUncacheable != 0
	if bits&rareGlue != 0 {
		r.Glue = int(u.number())
	}
	if r.Keep = uint32(u.number()); r.Keep > 0 {
		r.Keep -= min(r.Keep, age)
		r.Uncacheable = r.Uncacheable || r.Keep == 0
	}
	if scope := u.text(); scope != "" {
		_ = r.Scope.UnmarshalBinary([]byte(scope)) // it was made by MarshalBinary
	}
	r.Wanted = uint8(u.number())
	if n := u.number(); n > 0 {
		r.EDE = make([]lookup.EDE, n)
	}
	for i := range r.EDE {
		r.EDE[i] = lookup.EDE{Code: uint16(u.number()), Text: strings.Clone(u.text())}
	}
}

// questionHash spreads hops over the cache.
func questionHash() func(lookup.Question) uint64 {
	seed := maphash.MakeSeed()
	return func(q lookup.Question) uint64 {
		return maphash.String(seed, string(q.Name)) + (uint64(q.Type)<<16|uint64(q.Class))*0x9e3779b97f4a7c15
	}
}

// nameHash spreads what is kept by name.
func nameHash() func(lookup.Name) uint64 {
	seed := maphash.MakeSeed()
	return func(n lookup.Name) uint64 { return maphash.String(seed, string(n)) }
}
