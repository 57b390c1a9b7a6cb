package dns64

import (
	"net/netip"

	"github.com/sextant-dns/sextant/lookup"
)

// defaultExclude are the IPv4-mapped addresses (RFC 6147 5.1.4).
var defaultExclude = parsePrefixes("::ffff:0:0/96")

// exclusion says which AAAA count as absent (RFC 6147 5.1.4). It is immutable.
type exclusion struct {
	ranges       []netip.Prefix
	mixedAsEmpty bool
}

// keep is what is left of AAAA rdata without the excluded RRs: all of it
// unchanged, a part, or nothing.
func (e *exclusion) keep(aaaa lookup.Rdata) lookup.Rdata {
	var kept []string
	total := 0
	for rdata := range aaaa.All() {
		total++
		if !e.covers(rdata) {
			kept = append(kept, rdata)
		}
	}
	switch {
	case len(kept) == total:
		return aaaa
	case e.mixedAsEmpty:
		return ""
	}
	return lookup.PackRdata(kept...)
}

func (e *exclusion) covers(rdata string) bool {
	a, ok := netip.AddrFromSlice([]byte(rdata))
	if !ok {
		return true // no address at all
	}
	for _, p := range e.ranges {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
