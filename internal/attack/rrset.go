package attack

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// NS is a set of name servers.
func NS(owner string, ttl uint32, targets ...string) lookup.RRset {
	return naming(owner, lookup.TypeNS, ttl, targets...)
}

// CNAME is an alias.
func CNAME(owner string, ttl uint32, target string) lookup.RRset {
	return naming(owner, lookup.TypeCNAME, ttl, target)
}

// DNAME moves a subtree (RFC 6672).
func DNAME(owner string, ttl uint32, target string) lookup.RRset {
	return naming(owner, lookup.TypeDNAME, ttl, target)
}

// naming is a set whose rdata are names.
func naming(owner string, t lookup.Type, ttl uint32, targets ...string) lookup.RRset {
	rdata := make([]string, len(targets))
	for i, target := range targets {
		rdata[i] = string(lookup.MustName(target))
	}
	return lookup.RRset{Name: lookup.MustName(owner), Type: t, TTL: ttl, Data: lookup.PackRdata(rdata...)}
}

// A is a set of IPv4 addresses.
func A(owner string, ttl uint32, addrs ...netip.Addr) lookup.RRset {
	return addresses(owner, lookup.TypeA, ttl, addrs)
}

// AAAA is a set of IPv6 addresses.
func AAAA(owner string, ttl uint32, addrs ...netip.Addr) lookup.RRset {
	return addresses(owner, lookup.TypeAAAA, ttl, addrs)
}

func addresses(owner string, t lookup.Type, ttl uint32, addrs []netip.Addr) lookup.RRset {
	rdata := make([]string, len(addrs))
	for i, a := range addrs {
		rdata[i] = string(a.AsSlice())
	}
	return lookup.RRset{Name: lookup.MustName(owner), Type: t, TTL: ttl, Data: lookup.PackRdata(rdata...)}
}

// SOA is the SOA of a zone, whose denials hold for an hour.
func SOA(zone string) lookup.RRset {
	rdata := string(lookup.Root) + string(lookup.Root) + strings.Repeat("\x00\x00\x0e\x10", 5) // 3600, five times
	return lookup.RRset{Name: lookup.MustName(zone), Type: lookup.TypeSOA, TTL: 3600, Data: lookup.PackRdata(rdata)}
}

// asA is a question for the A of a name.
func asA(format string, args ...any) lookup.Question {
	return lookup.Question{Name: lookup.MustName(fmt.Sprintf(format, args...)), Type: lookup.TypeA, Class: lookup.ClassIN}
}

// names makes n names of a format with one %d in it.
func names(n int, format string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(format, i)
	}
	return all
}

// addr4 is the i-th address behind 198.51.100.0, where nobody is.
func addr4(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{198, 51, byte(100 + i>>8), byte(i)})
}

// addrs4 is the first n of them.
func addrs4(n int) []netip.Addr {
	addrs := make([]netip.Addr, n)
	for i := range addrs {
		addrs[i] = addr4(i)
	}
	return addrs
}
