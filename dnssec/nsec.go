package dnssec

import (
	"github.com/sextant-dns/sextant/lookup"
)

// nsec is an NSEC RR (RFC 4034 4).
type nsec struct {
	owner, next lookup.Name
	types       bitmap
}

// parseNSEC reads an RRset that may prove something about zone.
func parseNSEC(zone lookup.Name, set lookup.RRset) (nsec, bool) {
	next, n, err := lookup.NameFromWire(set.Data.First())
	if err != nil || !own(set) {
		return nsec{}, false
	}
	types := bitmap(set.Data.First()[n:])
	switch {
	case !types.wellFormed():
	case !set.Name.IsSubdomainOf(zone) || !next.IsSubdomainOf(zone):
		// It would deny what is not the zone's.
	case next != zone && set.Name.Compare(next) >= 0:
		// Only the last NSEC leads back, and only to the apex (RFC 4034 4.1.1).
	default:
		return nsec{set.Name, next, types}, true
	}
	return nsec{}, false
}

// bitmap is the Type Bit Maps field of NSEC and NSEC3 (RFC 4034 4.1.2).
type bitmap string

// wellFormed tells whether windows ascend and have 1 to 32 octets each.
func (b bitmap) wellFormed() bool {
	for last := -1; len(b) > 0; {
		if len(b) < 3 || int(b[0]) <= last || b[1] == 0 || b[1] > 32 || len(b) < 2+int(b[1]) {
			return false
		}
		last, b = int(b[0]), b[2+int(b[1]):]
	}
	return true
}

// has tells whether t's bit is set; b is well-formed.
func (b bitmap) has(t lookup.Type) bool {
	for len(b) > 0 {
		octets := int(b[1])
		if b[0] == byte(t>>8) {
			at := int(t&0xff) / 8
			return at < octets && b[2+at]&(0x80>>(t&7)) != 0
		}
		b = b[2+octets:]
	}
	return false
}

// parent tells whether b is what a parent zone says about a name that it has
// delegated (RFC 6840 4.1).
func (b bitmap) parent() bool { return b.has(lookup.TypeNS) && !b.has(lookup.TypeSOA) }

// speaksBelow tells whether an NSEC or NSEC3 with b may say something about names
// below its own: not when a zone cut or a DNAME lies between (RFC 6840 4.1).
func (b bitmap) speaksBelow() bool { return !b.parent() && !b.has(lookup.TypeDNAME) }

// lacks tells whether b, found at owner, which is the name asked for or the
// wildcard that matches it, proves that t is not there.
func (b bitmap) lacks(owner lookup.Name, t lookup.Type) bool {
	switch {
	case b.has(t) || b.has(lookup.TypeCNAME): // RFC 6840 4.3
		return false
	case t == lookup.TypeANY: // some RR there is, if only the NSEC (RFC 6840 4.2)
		return b == ""
	case t == lookup.TypeDS:
		// A child knows nothing of the DS in its parent; the root has no parent.
		return !b.has(lookup.TypeSOA) || owner == lookup.Root
	}
	return !b.parent() // the parent's knows DS alone
}

// spans tells whether n says that nothing exists at name.
func (n nsec) spans(zone, name lookup.Name) bool {
	return n.owner.Compare(name) < 0 && (n.next == zone || name.Compare(n.next) < 0) &&
		(!name.IsSubdomainOf(n.owner) || n.types.speaksBelow())
}

// absent finds the NSEC that proves that name does not exist, not even as an empty
// non-terminal.
func (d *Denial) absent(name lookup.Name) (nsec, bool) {
	for _, n := range d.nsec {
		if n.spans(d.zone, name) && !n.next.IsSubdomainOf(name) {
			return n, true
		}
	}
	return nsec{}, false
}

// at finds the NSEC of name itself.
func (d *Denial) at(name lookup.Name) (nsec, bool) {
	for _, n := range d.nsec {
		if n.owner == name {
			return n, true
		}
	}
	return nsec{}, false
}

// empty tells whether name is proven to be an empty non-terminal: the next name
// after the gap it lies in is below it (RFC 4592 2.2.2).
func (d *Denial) empty(name lookup.Name) bool {
	for _, n := range d.nsec {
		if n.spans(d.zone, name) && n.next.IsSubdomainOf(name) {
			return true
		}
	}
	return false
}

// encloser is the closest encloser of name, which n proves absent: of the two ends
// of the gap one shares most with it.
func (n nsec) encloser(name lookup.Name) lookup.Name {
	return name.Suffix(max(name.CommonLabels(n.owner), name.CommonLabels(n.next)))
}

func (d *Denial) nsecNXDOMAIN(name lookup.Name) (Proof, bool) {
	n, ok := d.absent(name)
	if !ok {
		return Proof{}, false
	}
	encloser := n.encloser(name)
	if wildcard, fits := wildcardOf(encloser); fits {
		if _, ok := d.absent(wildcard); !ok {
			return Proof{}, false
		}
	}
	return Proof{Status: Secure, Encloser: encloser}, true
}

func (d *Denial) nsecNODATA(name lookup.Name, t lookup.Type) (Proof, bool) {
	if n, ok := d.at(name); ok {
		return Proof{Status: Secure}, n.types.lacks(name, t)
	}
	if d.empty(name) {
		return Proof{Status: Secure}, true
	}
	n, ok := d.absent(name)
	if !ok {
		return Proof{}, false
	}
	encloser := n.encloser(name)
	wildcard, fits := wildcardOf(encloser)
	if !fits {
		return Proof{}, false
	}
	p := Proof{Status: Secure, Encloser: encloser}
	if w, ok := d.at(wildcard); ok {
		return p, w.types.lacks(wildcard, t)
	}
	return p, d.empty(wildcard)
}

func (d *Denial) nsecNoDS(name lookup.Name) (Proof, bool) {
	if n, ok := d.at(name); ok {
		return noDS(n.types)
	}
	if d.empty(name) {
		return Proof{Status: Secure, Cut: CutNone}, true
	}
	n, ok := d.absent(name)
	if !ok {
		return Proof{}, false
	}
	return Proof{Status: Secure, Cut: CutNone, Encloser: n.encloser(name)}, true
}

// noDS reads the bitmap at the name itself (RFC 6840 4.4: NS set, DS and SOA clear).
func noDS(types bitmap) (Proof, bool) {
	switch {
	case types.has(lookup.TypeDS), types.has(lookup.TypeSOA):
		return Proof{}, false
	case types.has(lookup.TypeNS):
		return Proof{Status: Secure, Cut: CutInsecure}, true
	}
	return Proof{Status: Secure, Cut: CutNone}, true
}
