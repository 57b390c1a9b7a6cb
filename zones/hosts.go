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
		switch s.Type {
		case lookup.TypeNS, lookup.TypeMX, lookup.TypeSRV, lookup.TypeSVCB, lookup.TypeHTTPS:
		default:
			return
		}
		at, _ := nameAt(s.Type)
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

// nameAt is where in the rdata of a type its only name begins.
func nameAt(t lookup.Type) (octets int, ok bool) {
	switch t {
	case lookup.TypeNS, lookup.TypeCNAME, lookup.TypeDNAME, lookup.TypePTR:
		return 0, true
	case lookup.TypeMX, lookup.TypeSVCB, lookup.TypeHTTPS:
		return 2, true
	case lookup.TypeSRV:
		return 6, true
	}
	return 0, false
}

// foldedRdata is the rdata with its name in lower case: two that differ in nothing else are
// one RR (RFC 4343 3). Of the types that have names, these are the ones that zones are made
// of.
func foldedRdata(t lookup.Type, rdata string) string {
	at, ok := nameAt(t)
	if !ok || len(rdata) < at {
		return rdata
	}
	name, n, err := lookup.NameFromWire(rdata[at:])
	if err != nil {
		return rdata
	}
	return rdata[:at] + string(name) + rdata[at+n:]
}
