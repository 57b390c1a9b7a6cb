package dnssec

import (
	"crypto/sha1"
	"encoding/base32"
	"fmt"

	"github.com/sextant-dns/sextant/lookup"
)

// base32hex is the encoding of NSEC3 owner names, in lower case (RFC 5155 3).
var base32hex = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// nsec3Digest is a hashed owner name.
type nsec3Digest [sha1.Size]byte

// nsec3Params are what the hash depends on (RFC 5155 3.1).
type nsec3Params struct {
	iterations int
	salt       string
}

// nsec3 is an NSEC3 RR (RFC 5155 3).
type nsec3 struct {
	owner, next nsec3Digest
	optOut      bool
	types       bitmap
}

// parseNSEC3 reads an RRset that may prove something about zone.
func parseNSEC3(zone lookup.Name, set lookup.RRset) (nsec3, nsec3Params, bool) {
	parent, _ := set.Name.Parent()
	rdata := set.Data.First()
	if parent != zone || !own(set) || len(rdata) < 5 {
		return nsec3{}, nsec3Params{}, false
	}
	const sha1Hash, optOut = 1, 1 // RFC 5155 11, 3.1.2.1
	if rdata[0] != sha1Hash || rdata[1]&^optOut != 0 {
		return nsec3{}, nsec3Params{}, false // RFC 5155 8.1, 8.2: ignored
	}
	n := nsec3{optOut: rdata[1] == optOut}
	iterations, saltEnd := int(uint16At(rdata, 2)), 5+int(rdata[4])
	nextEnd := saltEnd + 1 + sha1.Size
	if len(rdata) < nextEnd || int(rdata[saltEnd]) != sha1.Size {
		return nsec3{}, nsec3Params{}, false
	}
	copy(n.next[:], rdata[saltEnd+1:nextEnd])
	n.types = bitmap(rdata[nextEnd:])
	owner, err := base32hex.DecodeString(set.Name.Label())
	if err != nil || len(owner) != sha1.Size || !n.types.wellFormed() {
		return nsec3{}, nsec3Params{}, false
	}
	copy(n.owner[:], owner)
	return n, nsec3Params{iterations, rdata[5:saltEnd]}, true
}

// takeNSEC3 adds an RR.
func (d *Denial) takeNSEC3(n nsec3, p nsec3Params) {
	switch {
	case len(d.nsec3) == 0:
		d.params = p
	case p != d.params:
		// RFC 5155 8.2: one response, one chain.
		d.fault = lookup.EDE{Code: lookup.EDEBogus, Text: "NSEC3 of different parameters in one response"}
	}
	d.nsec3 = append(d.nsec3, n)
}

// undenied is what the NSEC3 RRs say when they did not prove it: insecure, when
// that is because their hashes are too costly.
func (d *Denial) undenied(text string) Proof {
	switch {
	case d.costly: // RFC 9276 3.2
		text = fmt.Sprintf("NSEC3 of %d iterations", d.params.iterations)
		return Proof{Status: Insecure, Cut: CutInsecure, EDE: lookup.EDE{Code: lookup.EDEUnsupportedNSEC3, Text: text}}
	case d.spent:
		return Proof{EDE: lookup.EDE{Code: lookup.EDEBogus, Text: "more names to hash than a query may cost"}, Spent: true}
	}
	return d.unproven(text)
}

// hashName is IH(salt, name, iterations) of RFC 5155 5.
func hashName(name lookup.Name, iterations int, salt string) nsec3Digest {
	var memory [2 * 255]byte
	h := nsec3Digest(sha1.Sum(append(append(memory[:0], name...), salt...)))
	for range iterations {
		h = sha1.Sum(append(append(memory[:0], h[:]...), salt...))
	}
	return h
}

// hash is the hash of name, if it may still be computed: whoever needs one comes
// through here (CVE-2023-50868, CVE-2026-42923).
func (d *Denial) hash(name lookup.Name) (h nsec3Digest, ok bool) {
	if h, ok := d.hashes[name]; ok {
		return h, true
	}
	d.costly = d.params.iterations > d.limit
	d.spent = d.spent || !d.costly && !d.budget.Hash()
	if d.costly || d.spent {
		return nsec3Digest{}, false
	}
	if d.hashes == nil {
		d.hashes = map[lookup.Name]nsec3Digest{}
	}
	h = hashName(name, d.params.iterations, d.params.salt)
	d.hashes[name] = h
	return h, true
}

// matching finds the NSEC3 of name itself.
func (d *Denial) matching(name lookup.Name) (nsec3, bool) {
	h, ok := d.hash(name)
	if !ok {
		return nsec3{}, false
	}
	for _, n := range d.nsec3 {
		if n.owner == h {
			return n, true
		}
	}
	return nsec3{}, false
}

// covering finds the NSEC3 in whose gap name's hash falls.
func (d *Denial) covering(name lookup.Name) (nsec3, bool) {
	h, ok := d.hash(name)
	if !ok {
		return nsec3{}, false
	}
	for _, n := range d.nsec3 {
		if n.covers(h) {
			return n, true
		}
	}
	return nsec3{}, false
}

func (n nsec3) covers(h nsec3Digest) bool {
	after, before := string(n.owner[:]) < string(h[:]), string(h[:]) < string(n.next[:])
	if string(n.owner[:]) < string(n.next[:]) {
		return after && before
	}
	// The last one leads back to the first; the only one to itself.
	return after || before
}

// closest proves the closest encloser of name: an ancestor that exists, with the
// name one label longer, the next closer, in a gap (RFC 5155 8.3). next is that
// gap's NSEC3.
func (d *Denial) closest(name lookup.Name) (encloser lookup.Name, next nsec3, ok bool) {
	for closer := name; closer != d.zone; {
		encloser, _ = closer.Parent()
		n, found := d.matching(encloser)
		if !found {
			if d.costly || d.spent {
				break
			}
			closer = encloser
			continue
		}
		if !n.types.speaksBelow() {
			break
		}
		next, ok = d.covering(closer)
		return encloser, next, ok
	}
	return "", nsec3{}, false
}

// status is that of a proof that rests on n covering the next closer name: in an
// opt-out span unsigned delegations may hide (RFC 5155 6, 9.2).
func (n nsec3) status() Status {
	if n.optOut {
		return Insecure
	}
	return Secure
}

func (d *Denial) nsec3NXDOMAIN(name lookup.Name) Proof {
	encloser, next, ok := d.closest(name)
	if !ok {
		return d.undenied("no NSEC3 proof of the closest encloser of " + name.String())
	}
	if wildcard, fits := wildcardOf(encloser); fits {
		if _, ok := d.covering(wildcard); !ok {
			return d.undenied("no NSEC3 covers the wildcard " + wildcard.String())
		}
	}
	return Proof{Status: next.status(), Encloser: encloser}
}

func (d *Denial) nsec3NODATA(name lookup.Name, t lookup.Type) Proof {
	if n, ok := d.matching(name); ok { // RFC 5155 8.5, 8.6
		if !n.types.lacks(name, t) {
			return d.undenied("the NSEC3 of " + name.String() + " does not deny " + t.String())
		}
		return Proof{Status: Secure}
	}
	encloser, next, ok := d.closest(name)
	if !ok {
		return d.undenied("no NSEC3 matches " + name.String())
	}
	p := Proof{Status: next.status(), Encloser: encloser}
	if wildcard, fits := wildcardOf(encloser); fits { // RFC 5155 8.7
		if w, ok := d.matching(wildcard); ok {
			if !w.types.lacks(wildcard, t) {
				return d.undenied("the NSEC3 of " + wildcard.String() + " does not deny " + t.String())
			}
			return p
		}
	}
	if next.optOut {
		// RFC 5155 8.6 for DS; for other types the name may be an empty
		// non-terminal above unsigned delegations (RFC 5155 7.1, erratum 3441).
		return p
	}
	return d.undenied("no NSEC3 matches " + name.String() + " or its wildcard")
}

func (d *Denial) nsec3Expansion(next, encloser lookup.Name) Proof {
	n, ok := d.covering(next)
	if !ok {
		return d.undenied("no NSEC3 covers " + next.String() + ", which is closer than the wildcard")
	}
	return Proof{Status: n.status(), Encloser: encloser}
}

func (d *Denial) nsec3NoDS(name lookup.Name) Proof {
	if n, ok := d.matching(name); ok {
		if p, ok := noDS(n.types); ok {
			return p
		}
		return d.undenied("the NSEC3 of " + name.String() + " does not deny a DS")
	}
	encloser, next, ok := d.closest(name)
	switch {
	case !ok:
		return d.undenied("no NSEC3 proof about a DS of " + name.String())
	case next.optOut: // RFC 5155 8.9
		return Proof{Status: Insecure, Cut: CutInsecure, Encloser: encloser}
	}
	return Proof{Status: Secure, Cut: CutNone, Encloser: encloser}
}

// successor is the hash after h.
func (h nsec3Digest) successor() nsec3Digest {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i]++; h[i] != 0 {
			break
		}
	}
	return h
}
