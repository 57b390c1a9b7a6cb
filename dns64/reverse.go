package dns64

import (
	"context"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

var (
	ip6Arpa    = lookup.MustName("ip6.arpa.")
	inAddrArpa = lookup.MustName("in-addr.arpa.")
)

// resolvePTR leads a PTR question for an address in a Pref64 to in-addr.arpa by
// a synthetic CNAME: the second way of RFC 6147 5.3.1. It does so only where a
// PTR stands at the very name that the CNAME points to.
func (d *DNS64) resolvePTR(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
	v4, ok := d.decode(q.Name)
	if !ok {
		return d.pass(ctx, q)
	}
	tell(q, "the reverse name of an address in a Pref64: that of its IPv4 address is sought (RFC 6147 5.3.1)")
	target := q
	target.Name, target.Trace = inAddrName(v4), q.Trace.Deeper()
	r, err := d.next.Resolve(ctx, target)
	if err != nil || r.Rcode != lookup.NOERROR {
		return d.pass(ctx, q)
	}
	ptr, ok := lookup.Find(r.Answer, target.Name, lookup.TypePTR)
	if !ok {
		return d.pass(ctx, q)
	}
	d.count.reverse.Add(1)
	led := *r
	led.Answer = []lookup.RRset{alias(q.Name, target.Name, ptr.TTL), ptr}
	led.Security = lookup.Unchecked // nobody signed the CNAME
	return &led, nil
}

// decode is the IPv4 address in a name below ip6.arpa that lies in one of the
// Pref64s.
func (d *DNS64) decode(name lookup.Name) (v4 netip.Addr, ok bool) {
	a, ok := parseReverse(name)
	if !ok {
		return netip.Addr{}, false
	}
	for _, p := range d.reverse {
		if v4, ok := Extract(p, a); ok {
			return v4, true
		}
	}
	return netip.Addr{}, false
}

// alias is a CNAME RRset.
func alias(from, to lookup.Name, ttl uint32) lookup.RRset {
	return lookup.RRset{Name: from, Type: lookup.TypeCNAME, TTL: ttl, Data: lookup.PackRdata(string(to))}
}

// parseReverse is the address that a name of 32 nibbles below ip6.arpa stands
// for (RFC 3596 2.5).
func parseReverse(name lookup.Name) (a netip.Addr, ok bool) {
	const nibbles = 32
	if len(name) != 2*nibbles+len(ip6Arpa) || name[2*nibbles:] != ip6Arpa {
		return netip.Addr{}, false
	}
	var octets [16]byte
	for i := range nibbles { // the least significant nibble comes first
		length, digit := name[2*i], name[2*i+1]
		value := strings.IndexByte("0123456789abcdef", digit)
		if length != 1 || value < 0 {
			return netip.Addr{}, false
		}
		octets[15-i/2] |= byte(value) << (4 * (i % 2))
	}
	return netip.AddrFrom16(octets), true
}

// inAddrName is the name below in-addr.arpa of an IPv4 address (RFC 1035 3.5).
func inAddrName(v4 netip.Addr) lookup.Name {
	var b strings.Builder
	quad := v4.As4()
	for i := len(quad) - 1; i >= 0; i-- {
		label := strconv.Itoa(int(quad[i]))
		b.WriteByte(byte(len(label)))
		b.WriteString(label)
	}
	return lookup.Name(b.String()) + inAddrArpa
}
