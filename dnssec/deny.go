package dnssec

import (
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Denied is an answer that follows from what Ranges holds.
type Denied struct {
	Kind DeniedKind
	Zone lookup.Name
	// SOA is the zone's, for the authority section of a negative answer; no RRset
	// for DeniedCloser, or when it is not known.
	SOA lookup.RRset
	// Sets are the NSEC or NSEC3 RRsets that prove it. Their TTLs, and that of the
	// SOA, are what is left.
	Sets []lookup.RRset
	// Encloser is the closest encloser for DeniedName and DeniedCloser.
	Encloser lookup.Name
}

// DeniedKind says what is denied.
type DeniedKind uint8

// What Deny finds.
const (
	DeniedName   DeniedKind = iota + 1 // the name: NXDOMAIN
	DeniedType                         // the type at the name, or at the wildcard that matches it: NODATA
	DeniedCloser                       // whatever is closer than the wildcard below Encloser, whose RRset is the answer if it is known
)

// maxDepth is how many labels a name may have below the zone for NSEC3 to be tried;
// each may cost a hash.
const maxDepth = 6

// Deny answers from what is known whether name has no RRset of type t in the zone
// that is the closest one known to enclose name (RFC 8198 5). NSEC3 hashes are paid
// from b. Whether a zone may be denied from here at all, because it is protected,
// overridden, or answers by client subnet, is for the caller to know.
func (r *Ranges) Deny(name lookup.Name, t lookup.Type, now time.Time, b *lookup.Budget) (Denied, bool) {
	d, z := r.closestZone(name, t)
	if z == nil {
		return Denied{}, false
	}
	d.budget, d.limit = b, r.policy.maxIterations()
	if first := r.span(z, name, now); first != nil {
		return r.bySpan(d, z, first, name, t, now)
	}
	if name.Labels()-d.zone.Labels() > maxDepth {
		return Denied{}, false
	}
	return r.byHash(d, z, name, t, now)
}

// closestZone is the zone to ask, and a Denial of it that is empty yet.
func (r *Ranges) closestZone(name lookup.Name, t lookup.Type) (*Denial, *zoneRanges) {
	if parent, ok := name.Parent(); ok && t == lookup.TypeDS {
		name = parent // a DS is its parent's
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for {
		if z := r.zones[name]; z != nil {
			return &Denial{zone: name, params: z.params}, z
		}
		parent, ok := name.Parent()
		if !ok {
			return nil, nil
		}
		name = parent
	}
}

// span is the NSEC at name or the one in whose gap it lies.
func (r *Ranges) span(z *zoneRanges, name lookup.Name, now time.Time) *held {
	key := sortKey(name)
	r.mu.RLock()
	defer r.mu.RUnlock()
	return z.nsec.floor(key).about(key, now)
}

// hashed is the NSEC3 at h or the one in whose gap it lies, if h was made with
// params.
func (r *Ranges) hashed(z *zoneRanges, h nsec3Digest, params nsec3Params, now time.Time) *held {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if z.params != params { // changed since
		return nil
	}
	return z.nsec3.floor(string(h[:])).about(string(h[:]), now)
}

// about is h if it says something of key now.
func (h *held) about(key string, now time.Time) *held {
	if h == nil || h.key != key && !h.covers(key) || !now.Before(h.expires) {
		return nil
	}
	return h
}

// bySpan decides with NSEC: the record that stands at or before name, and that of
// the wildcard.
func (r *Ranges) bySpan(d *Denial, z *zoneRanges, first *held, name lookup.Name, t lookup.Type, now time.Time) (Denied, bool) {
	d.nsec = append(d.nsec, first.nsec)
	n, absent := d.absent(name)
	if !absent {
		return r.decide(d, z, name, t, "", now, first)
	}
	encloser, records := n.encloser(name), []*held{first}
	if wildcard, fits := wildcardOf(encloser); fits {
		if second := r.span(z, wildcard, now); second != nil && second != first {
			d.nsec = append(d.nsec, second.nsec)
			records = append(records, second)
		}
	}
	return r.decide(d, z, name, t, encloser, now, records...)
}

// byHash decides with NSEC3: the record of name, or those of the closest encloser,
// the next closer name and the wildcard.
func (r *Ranges) byHash(d *Denial, z *zoneRanges, name lookup.Name, t lookup.Type, now time.Time) (Denied, bool) {
	var next *held // of the next closer name, one label longer than at
	for at := name; ; {
		h, ok := d.hash(at)
		if !ok {
			return Denied{}, false
		}
		here := r.hashed(z, h, d.params, now)
		if here != nil && here.nsec3.owner == h {
			d.nsec3 = append(d.nsec3, here.nsec3)
			switch {
			case at == name:
				return r.decide(d, z, name, t, "", now, here)
			case !here.nsec3.types.speaksBelow(): // a cut or a DNAME: RFC 5155 8.3
				return Denied{}, false
			}
			return r.byEncloser(d, z, name, t, at, now, next, here)
		}
		if next = here; next == nil || at == d.zone {
			return Denied{}, false
		}
		at, _ = at.Parent()
	}
}

func (r *Ranges) byEncloser(d *Denial, z *zoneRanges, name lookup.Name, t lookup.Type, encloser lookup.Name, now time.Time, next, here *held) (Denied, bool) {
	d.nsec3 = append(d.nsec3, next.nsec3)
	records := []*held{next}
	if here != next {
		records = append(records, here)
	}
	if wildcard, fits := wildcardOf(encloser); fits {
		h, ok := d.hash(wildcard)
		if !ok {
			return Denied{}, false
		}
		if w := r.hashed(z, h, d.params, now); w != nil {
			d.nsec3 = append(d.nsec3, w.nsec3)
			if w != next && w != here {
				records = append(records, w)
			}
		}
	}
	return r.decide(d, z, name, t, encloser, now, records...)
}

// decide asks d what it proves. The first of records is the one that covers the
// next closer name, when there is an encloser.
func (r *Ranges) decide(d *Denial, z *zoneRanges, name lookup.Name, t lookup.Type, encloser lookup.Name, now time.Time, records ...*held) (Denied, bool) {
	found := Denied{Zone: d.zone, Encloser: encloser}
	switch {
	case d.NODATA(name, t).Status == Secure:
		found.Kind, found.Encloser = DeniedType, ""
	case encloser == "":
		return Denied{}, false
	case d.NXDOMAIN(name).Status == Secure:
		found.Kind = DeniedName
	case d.Expansion(name, encloser).Status == Secure:
		found.Kind = DeniedCloser
		records = records[:1]
	default:
		return Denied{}, false
	}
	for _, h := range records {
		h.used.Store(true)
		found.Sets = append(found.Sets, h.left(now))
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if found.Kind != DeniedCloser && z.soa != nil && now.Before(z.soa.expires) {
		found.SOA = z.soa.left(now)
	}
	return found, true
}

// left is the record with the TTL that is left of it.
func (h *held) left(now time.Time) lookup.RRset {
	return h.set.WithTTL(uint32(h.expires.Sub(now) / time.Second))
}
