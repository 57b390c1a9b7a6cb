//go:build e2e

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// peerQuery is a question as it is put to every server.
type peerQuery struct {
	id   uint16
	name string
	t, c uint16
	tcp  bool
	rd   bool
	edns string // "", or what the OPT is like
	do   bool
}

// edns are the OPTs that queries have, most of them ordinary.
var ednsKinds = []string{"", "", "", "1232", "1232", "1232", "1232", "512", "4096", "0", "version1", "unknown-option", "ecs", "unknown-flag"}

// String is what the rules see of a query, fixed in form.
func (q peerQuery) String() string {
	s := fmt.Sprintf("%s %s %s %s", q.name, dns.Class(q.c), dns.Type(q.t), map[bool]string{false: "udp", true: "tcp"}[q.tcp])
	if q.edns != "" {
		s += " edns=" + q.edns
	}
	if q.do {
		s += " do"
	}
	if q.rd {
		s += " rd"
	}
	return s
}

// message is the query on the wire.
func (q peerQuery) message() []byte {
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: q.id, RecursionDesired: q.rd}}
	m.Question = []dns.Question{{Name: q.name, Qtype: q.t, Qclass: q.c}}
	if q.edns != "" {
		opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
		opt.SetUDPSize(1232)
		opt.SetDo(q.do)
		switch q.edns {
		case "0", "512", "4096":
			var size uint16
			fmt.Sscan(q.edns, &size)
			opt.SetUDPSize(size)
		case "version1":
			opt.SetVersion(1)
		case "unknown-flag":
			opt.Hdr.Ttl |= 0x0040
		case "unknown-option":
			opt.Option = append(opt.Option, &dns.EDNS0_LOCAL{Code: 65001, Data: []byte("x")})
		case "ecs":
			opt.Option = append(opt.Option, &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: []byte{192, 0, 2, 0}})
		}
		m.Extra = append(m.Extra, opt)
	}
	b, err := m.Pack()
	if err != nil {
		panic(fmt.Sprintf("%s: %v", q, err)) // the generator's own mistake
	}
	return b
}

// optLen is how long the OPT of the message is.
func (q peerQuery) optLen() int {
	switch q.edns {
	case "":
		return 0
	case "unknown-option":
		return 11 + 4 + 1
	case "ecs":
		return 11 + 4 + 4 + 3
	}
	return 11
}

// generator makes queries, each once.
type generator struct {
	*rand.Rand
	queries []peerQuery
	seen    map[string]bool
}

// handTried are questions in which servers have been found to differ, here or by
// others.
var handTried = []string{
	"quite-a-long-label-to-run-over.quite-a-long-label-to-run-over.dnamelong.plain.example. A",
	"quite-a-long-label-to-run-over.quite-a-long-label-to-run-over.dnamelong.plain.example. CNAME",
	"quite-a-long-label-to-run-over.quite-a-long-label-to-run-over.dnamelong.plain.example. DNAME",
	"cnameyx.plain.example. A",
	"x.dnamedname.plain.example. A",
	"www.dnamedname.plain.example. A",
	"www.dnamedname.plain.example. CNAME",
	"www.dname.plain.example. DNAME",
	"www.dname.plain.example. RRSIG",
	"c.dname.plain.example. A",
	"www.cut.dname.plain.example. A",
	"cut.dname.plain.example. DS",
	"www.dnamechild.plain.example. A",
	"dnamechild.plain.example. A",
	"www.dnamewild.plain.example. MX",
	"dscut.plain.example. DS",
	"x.dscut.plain.example. DS",
	"child.plain.example. DS",
	"www.child.plain.example. DS",
	"grand.child.plain.example. DS",
	"child.nsec.example. DS",
	"child.nsec.example. NSEC",
	"child.optout.example. DS",
	"insecure.nsec.example. DS",
	"insecure.optout.example. DS",
	"below.optout.example. DS",
	"x.below.optout.example. DS",
	"a.x.below.optout.example. A",
	"q.in.wild.plain.example. A",
	"ent.wild.plain.example. A",
	"q.ent.wild.plain.example. A",
	"q.cut.wild.plain.example. A",
	"*.wild.plain.example. A",
	"q.*.wild.plain.example. A",
	"literal.plain.example. A",
	"q.literal.plain.example. TXT",
	"x.q.literal.plain.example. TXT",
	"q.r.stars.plain.example. A",
	"*.r.stars.plain.example. A",
	"q.wildo.plain.example. MX",
	"q.wildr.plain.example. A",
	"q.wildd.plain.example. A",
	"wide.plain.example. MX",
	"x.bigglue.plain.example. A",
	"x.bigsib.plain.example. A",
	"huge.plain.example. TXT",
	"quite-a-long-label-to-run-over.quite-a-long-label-to-run-over.quite-a-long-label-to-run-over.dnameround2.plain.example. MX",
	"a.b.wild.nsec.example. NSEC",
	"a.b.wildc.nsec.example. NSEC",
	"c.r19.random.test. NSEC3",
	"www.nsec.example. RRSIG",
	"nsec.example. RRSIG",
	"child.optout.example. RRSIG",
}

// queriesAbout are n questions about the zones: about every name that they have,
// those above, below and beside, with all sorts of types, classes and options.
func queriesAbout(all []peerZone, n int, r *rand.Rand) []peerQuery {
	g := &generator{Rand: r, seen: map[string]bool{}}
	for _, z := range all { // all that there is, as it is
		for s := range z.zone.All() {
			g.add(s.Name.String(), uint16(s.Type), dns.ClassINET)
			g.add(s.Name.String(), dns.TypeA, dns.ClassINET)
			g.add("x."+s.Name.String(), uint16(s.Type), dns.ClassINET)
		}
	}
	for _, tried := range handTried {
		f := strings.Fields(tried)
		q := peerQuery{name: f[0], t: dns.StringToType[f[1]], c: dns.ClassINET}
		for _, shape := range []peerQuery{{}, {edns: "1232", do: true}, {edns: "512", do: true}, {edns: "1232", do: true, tcp: true}} {
			q.edns, q.do, q.tcp = shape.edns, shape.do, shape.tcp
			g.put(q)
		}
	}
	for len(g.queries) < n {
		g.strange()
		for _, z := range all {
			names := namesOf(z)
			share := 1 + len(names)/6 // large zones are asked more
			for range share {
				g.add(g.near(names[g.IntN(len(names))], z.name), g.qtype(), dns.ClassINET)
			}
		}
	}
	g.queries = g.queries[:n]
	return g.queries
}

// namesOf are the names that exist in the zone, empty non-terminals included.
func namesOf(z peerZone) []string {
	seen := map[lookup.Name]bool{}
	var names []string
	for s := range z.zone.All() {
		if s.Type == lookup.TypeNSEC3 && len(names)%4 != 0 {
			continue // the hashes would be most of the names
		}
		for n := s.Name; n.IsSubdomainOf(z.zone.Apex()) && !seen[n]; {
			seen[n] = true
			names = append(names, n.String())
			up, ok := n.Parent()
			if !ok {
				break
			}
			n = up
		}
	}
	slices.Sort(names)
	return names
}

// near is the name itself, or one below or beside it.
func (g *generator) near(name, zone string) string {
	switch g.IntN(16) {
	case 0:
		return "x." + name
	case 1:
		return "www." + name
	case 2:
		return "*." + name
	case 3:
		return "a.b." + name
	case 4:
		return strings.Repeat("quite-a-long-label-to-run-over.", 3) + name
	case 5:
		return "0" + name
	case 6:
		return "z" + name
	case 7:
		return strings.ToUpper(name)
	case 8:
		return []string{"ns.", "c.", "cut.", "dname.", "q.wild.", "www.child."}[g.IntN(6)] + name
	case 9:
		return fmt.Sprintf("n%d.%s.", g.IntN(50), zone)
	}
	return name
}

// qtype is a type, most often one that zones have.
func (g *generator) qtype() uint16 {
	common := []uint16{dns.TypeA, dns.TypeA, dns.TypeA, dns.TypeAAAA, dns.TypeNS, dns.TypeTXT, dns.TypeMX, dns.TypeCNAME, dns.TypeDS, dns.TypeDNAME, dns.TypeSOA, dns.TypeANY, dns.TypeSRV, dns.TypeHTTPS}
	rare := []uint16{dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM, dns.TypeDNSKEY, dns.TypeSVCB, dns.TypePTR, dns.TypeCAA, dns.TypeNAPTR, dns.TypeLOC, dns.TypeHINFO, 65280, 731, 65534, dns.TypeKEY, dns.TypeCDS}
	if g.IntN(4) == 0 {
		return rare[g.IntN(len(rare))]
	}
	return common[g.IntN(len(common))]
}

// strange adds questions that are about none of the zones.
func (g *generator) strange() {
	for _, name := range []string{".", "example.", "test.", "outside.invalid.", "xplain.example.", "com.", "arpa."} {
		g.add(name, g.qtype(), dns.ClassINET)
	}
	if len(g.queries) == 0 { // BIND answers three a second of class CH
		g.add("www.plain.example.", dns.TypeA, dns.ClassCHAOS)
		g.add("www.plain.example.", dns.TypeTXT, dns.ClassCHAOS)
	}
	for _, class := range []uint16{dns.ClassANY, dns.ClassHESIOD, dns.ClassNONE, 257} {
		g.add("www.plain.example.", g.qtype(), class)
	}
}

func (g *generator) add(name string, t, c uint16) {
	if _, ok := dns.IsDomainName(name); !ok || len(name) > 250 {
		return
	}
	q := peerQuery{name: name, t: t, c: c, tcp: g.IntN(6) == 0, rd: g.IntN(3) == 0}
	q.edns = ednsKinds[g.IntN(len(ednsKinds))]
	q.do = q.edns != "" && g.IntN(2) == 0
	g.put(q)
}

// put takes a query if it is not there yet.
func (g *generator) put(q peerQuery) {
	q.id = uint16(g.Uint32())
	if key := q.String(); !g.seen[key] {
		g.seen[key] = true
		g.queries = append(g.queries, q)
	}
}
