package lookup

import (
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/miekg/dns"
)

// Rcode is a response code, the upper bits of the extended one included
// (RFC 6895 2.3, RFC 6891 6.1.3).
type Rcode uint16

// The response codes that the program itself speaks of.
const (
	NOERROR   Rcode = 0
	FORMERR   Rcode = 1
	SERVFAIL  Rcode = 2
	NXDOMAIN  Rcode = 3
	NOTIMP    Rcode = 4
	REFUSED   Rcode = 5
	YXDOMAIN  Rcode = 6
	YXRRSET   Rcode = 7
	NXRRSET   Rcode = 8
	NOTAUTH   Rcode = 9
	NOTZONE   Rcode = 10
	BADVERS   Rcode = 16
	BADCOOKIE Rcode = 23
)

// String is the mnemonic, or RCODEnnn.
func (r Rcode) String() string {
	if r == BADVERS { // 16 is BADSIG in TSIG alone (RFC 6895 2.3)
		return "BADVERS"
	}
	if s, ok := dns.RcodeToString[int(r)]; ok {
		return s
	}
	return "RCODE" + strings.TrimPrefix(dns.Type(r).String(), "TYPE")
}

// Security is what DNSSEC validation said of a response (RFC 4035 4.3).
type Security uint8

// The states of a response; the zero value says that nobody validated it.
const (
	Unchecked Security = iota // not validated
	Insecure                  // proven to be outside the signed tree
	Secure                    // validated up to a trust anchor
)

// Response is an answer in terms of the DNS, not of packets. It is immutable
// once it was returned, its slices and what they hold included, and safe for
// concurrent reading. Sections never hold an OPT.
type Response struct {
	Rcode  Rcode
	AA     bool // from data that we are authoritative for (RFC 1035 4.1.1)
	Answer []RRset
	// Authority holds the SOA of a negative answer, the NS of a referral, and
	// denial records.
	Authority  []RRset
	Additional []RRset
	// Glue is how many RRsets at the beginning of Additional are the glue of a referral
	// that may not be left out without setting TC (RFC 9471 3).
	Glue     int
	Security Security
	EDE      []EDE

	// Scope is whom the response is valid for: the triple family, address and
	// scope of RFC 7871. The zero Prefix means everyone. A valid /0 came of a
	// query that gave away no bits: it serves only clients that asked with
	// SOURCE 0 (RFC 7871 7.3.1 keeps the two apart).
	Scope netip.Prefix

	// Wanted is how many bits of the client's address there should have been to tell,
	// when those were more than Scope has. The response then serves only clients that
	// asked with just as many bits as Scope has. 0: it serves all in Scope.
	Wanted uint8

	// Choice, if there is one, tells which other answers there are to the question, and who
	// gets them. It is of use to whoever asked our zones directly; a Response that was made
	// of this one must not have it.
	Choice Choice

	// Synthesized is what made the response for a name that is not in the zone: the
	// closest encloser of a wildcard (RFC 4592 3.3.1), or the owner of a DNAME. Any other
	// name below it would have been answered likewise. "": the name is in the zone.
	Synthesized Name

	// Uncacheable forbids every cache to keep the response, whatever its TTLs.
	Uncacheable bool

	// Counter is raised by one whenever a client is given the response; nil: nobody counts.
	Counter *atomic.Uint64

	// Keep is for how many seconds our own caches may keep the response at most,
	// although its TTLs may be higher, which is what clients are told; 0 sets no such
	// limit. It makes whoever gave the response be asked again while the answer is
	// still good.
	Keep uint32
}

// LeastKeep is the lower of two values of Response.Keep.
func LeastKeep(a, b uint32) uint32 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// TTL is how long the response may be kept, in seconds: the lowest TTL of its
// RRsets, for a negative answer the SOA's (RFC 2308 5), and Keep at most. A
// response that has nothing to take a TTL from may be kept for Keep seconds.
func (r *Response) TTL() uint32 {
	if r.Uncacheable {
		return 0
	}
	ttl, any := ^uint32(0), false
	for _, section := range [...][]RRset{r.Answer, r.Authority, r.Additional} {
		for _, s := range section {
			ttl, any = min(ttl, s.TTL), true
		}
	}
	if !any {
		return r.Keep
	}
	if soa, ok := r.Denial(); ok {
		ttl = min(ttl, NegativeTTL(soa))
	}
	if r.Keep > 0 {
		ttl = min(ttl, r.Keep)
	}
	return ttl
}

// Denial is the SOA RRset of a negative answer (RFC 2308 2). ok is false for
// other responses.
func (r *Response) Denial() (soa RRset, ok bool) {
	for _, s := range r.Authority {
		if s.Type == TypeSOA {
			return s, true
		}
	}
	return RRset{}, false
}

// Aged is the response as it looks seconds later: a copy with every TTL that
// much lower, never below zero, and Uncacheable when Keep is over. Aged(0) is r
// itself.
func (r *Response) Aged(seconds uint32) *Response {
	if seconds == 0 {
		return r
	}
	aged := *r
	aged.Answer = age(r.Answer, seconds)
	aged.Authority = age(r.Authority, seconds)
	aged.Additional = age(r.Additional, seconds)
	if r.Keep > 0 {
		aged.Keep -= min(r.Keep, seconds)
		aged.Uncacheable = r.Uncacheable || aged.Keep == 0
	}
	return &aged
}

func age(section []RRset, seconds uint32) []RRset {
	if len(section) == 0 {
		return nil
	}
	aged := make([]RRset, len(section))
	for i, s := range section {
		s.TTL -= min(s.TTL, seconds)
		aged[i] = s
	}
	return aged
}

// Chase follows the CNAMEs of the answer section from name and returns the
// chain in order and the name that it ends at. A chain that loops ends where it
// would repeat.
func (r *Response) Chase(name Name) (chain []RRset, end Name) {
	for range r.Answer {
		s, ok := Find(r.Answer, name, TypeCNAME)
		if !ok {
			break
		}
		target, ok := s.Target()
		if !ok {
			break
		}
		chain, name = append(chain, s), target
	}
	return chain, name
}

// String is the response in the form that tests compare and people read: the
// rcode and flags, then each section's RRs under its name.
func (r *Response) String() string {
	var b strings.Builder
	b.WriteString(r.Rcode.String())
	if r.AA {
		b.WriteString(" AA")
	}
	if r.Security == Secure {
		b.WriteString(" AD")
	}
	for _, e := range r.EDE {
		b.WriteString(" EDE " + e.String())
	}
	b.WriteByte('\n')
	for _, section := range []struct {
		name string
		sets []RRset
	}{{"answer", r.Answer}, {"authority", r.Authority}, {"additional", r.Additional}} {
		if len(section.sets) == 0 {
			continue
		}
		b.WriteString(section.name + ":\n")
		for _, s := range section.sets {
			b.WriteString(s.String() + "\n")
		}
	}
	return b.String()
}
