package tailor

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// isService tells whether RRs of that type may have hints of addresses.
func isService(t lookup.Type) bool { return t == lookup.TypeHTTPS || t == lookup.TypeSVCB }

// SvcParamKeys (RFC 9460 14.3.2).
const (
	keyMandatory = 0
	keyIPv4Hint  = 4
	keyIPv6Hint  = 6
)

// hinted is a, which is of a service type, with the hints of the addresses that the same
// clients hear (RFC 9460 7.3: they are to be those that the address records have).
func (b *builder) hinted(t lookup.Type, a, a4, a6 answer) answer {
	set, ok := b.fixed(a, t)
	four, _ := b.fixed(a4, lookup.TypeA)
	six, _ := b.fixed(a6, lookup.TypeAAAA)
	by := slices.Concat(a.by, a4.by, a6.by)
	sites := a
	for _, other := range []answer{a4, a6} {
		if sites.kind != chance {
			sites = other
		}
	}
	if sites.kind != chance {
		if !ok {
			return a
		}
		set.Data = b.rewrite(set.Data, four, six)
		return answer{kind: sets, set: set, by: by}
	}
	if a.kind != chance && !ok {
		return a
	}
	drawn := answer{kind: chance, by: by, pick: sites.pick, v4: sites.v4, v6: sites.v6}
	for _, s := range sites.shares {
		own := share{site: s.site, weight: s.weight, set: set}
		if a.kind == chance {
			own.set = a.of(s.site)
			if own.set.Data == "" {
				own.set, _ = b.inBase(t)
			}
		}
		own.set.Data = b.rewrite(own.set.Data, pickSet(a4, s.site, four), pickSet(a6, s.site, six))
		drawn.shares = append(drawn.shares, own)
	}
	return drawn
}

// fixed is the RRset of an answer without chance.
func (b *builder) fixed(a answer, t lookup.Type) (lookup.RRset, bool) {
	switch a.kind {
	case sets:
		return a.set, a.set.Type == t
	case fromBase:
		set, ok := b.inBase(t)
		return set, ok && set.Type == t
	}
	return lookup.RRset{}, false
}

// of is what a site has among those that chance picks from.
func (a answer) of(site string) lookup.RRset {
	for _, s := range a.shares {
		if s.site == site {
			return s.set
		}
	}
	return lookup.RRset{}
}

// pickSet is the addresses of the site, or what is given whichever it is.
func pickSet(a answer, site string, fixed lookup.RRset) lookup.RRset {
	if a.kind == chance {
		return a.of(site)
	}
	return fixed
}

// rewrite is the RRs with the addresses of four and six as hints, in those that have hints
// and speak of the node's own name. Of a target whose addresses the overlay decides, too,
// the hints are left out.
func (b *builder) rewrite(data lookup.Rdata, four, six lookup.RRset) lookup.Rdata {
	var all []string
	for rdata := range data.All() {
		if len(rdata) < 3 {
			all = append(all, rdata)
			continue
		}
		target, n, err := lookup.NameFromWire(rdata[2:])
		switch {
		case err != nil:
		case target == lookup.Root || target == b.node.name:
			rdata = rdata[:2+n] + params(rdata[2+n:], joined(four), joined(six))
		case b.zone.nodes[target] != nil && len(b.zone.nodes[target].candidates) > 0:
			rdata = rdata[:2+n] + params(rdata[2+n:], "", "")
		}
		all = append(all, rdata)
	}
	return lookup.PackRdata(all...)
}

// joined is the addresses of a set one after the other, in an order that is the same for
// equal sets.
func joined(s lookup.RRset) string {
	return strings.Join(slices.Sorted(s.Data.All()), "")
}

// params is the SvcParams of an RR with these values of its hints; without a value a hint
// is left out, also where it was called mandatory.
func params(wire, four, six string) string {
	var out []byte
	for rest := wire; len(rest) >= 4; {
		key, length := binary.BigEndian.Uint16([]byte(rest)), int(binary.BigEndian.Uint16([]byte(rest[2:])))
		if 4+length > len(rest) {
			return wire // no zone holds such rdata
		}
		value := rest[4 : 4+length]
		rest = rest[4+length:]
		switch key {
		case keyIPv4Hint:
			value = four
		case keyIPv6Hint:
			value = six
		case keyMandatory:
			value = mandatory(value, four == "", six == "")
		}
		if value == "" && (key == keyIPv4Hint || key == keyIPv6Hint || key == keyMandatory) {
			continue
		}
		out = binary.BigEndian.AppendUint16(out, key)
		out = binary.BigEndian.AppendUint16(out, uint16(len(value)))
		out = append(out, value...)
	}
	return string(out)
}

// mandatory is the list of mandatory keys without hints that are left out.
func mandatory(list string, no4, no6 bool) string {
	var keys []byte
	for i := 0; i+1 < len(list); i += 2 {
		key := binary.BigEndian.Uint16([]byte(list[i:]))
		if key == keyIPv4Hint && no4 || key == keyIPv6Hint && no6 {
			continue
		}
		keys = append(keys, list[i], list[i+1])
	}
	return string(slices.Clip(keys))
}
