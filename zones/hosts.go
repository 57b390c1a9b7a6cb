package zones

import (
	"iter"

	"github.com/sextant-dns/sextant/lookup"
)

// Hosts yields the hosts that the RRs of an NS, MX, SRV, SVCB or HTTPS RRset
// name, in their order; other types name none. The root stands for no host
// (RFC 7505 3, RFC 2782, RFC 9460 2.5).
func Hosts(s lookup.RRset) iter.Seq[lookup.Name] {
	return func(yield func(lookup.Name) bool) {
		at := 0 // where in the rdata the name is
		switch s.Type {
		case lookup.TypeNS:
		case lookup.TypeMX, lookup.TypeSVCB, lookup.TypeHTTPS:
			at = 2
		case lookup.TypeSRV:
			at = 6
		default:
			return
		}
		for rdata := range s.Data.All() {
			if len(rdata) < at {
				continue // no Zone holds such rdata
			}
			host, _, err := lookup.NameFromWire(rdata[at:])
			if err == nil && host != lookup.Root && !yield(host) {
				return
			}
		}
	}
}
