package resolver_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/transport"
)

// internet is a small Internet of honest servers, each of which can be told to be
// slow, silent or a liar. It is an Exchanger.
type internet struct {
	tb    testing.TB
	mu    sync.Mutex
	hosts map[netip.Addr]*host
	zones map[lookup.Name]*zone
	sent  []string // "192.0.2.1 www.example.com. A" for each message
}

// host is a machine with an address.
type host struct {
	zones  []*zone
	silent bool
	delay  time.Duration
	err    error
	script func(r transport.Request, honest *transport.Reply) *transport.Reply // nil is silence
}

type zone struct {
	apex lookup.Name
	sets []lookup.RRset

	chain *chain // of a signed zone
}

// newInternet has a root and com, org and net below it.
func newInternet(tb testing.TB) *internet {
	n := emptyInternet(tb)
	n.zone(".", "", "198.51.100.1", "198.51.100.2")
	n.zone("com.", "", "198.51.100.11", "198.51.100.12")
	n.zone("org.", "", "198.51.100.21")
	n.zone("net.", "", "198.51.100.31")
	return n
}

func emptyInternet(tb testing.TB) *internet {
	return &internet{tb: tb, hosts: map[netip.Addr]*host{}, zones: map[lookup.Name]*zone{}}
}

// zone adds a zone with an SOA, a name server nsN.APEX at each address, the
// records of text, and its delegation with glue in the zone above.
func (n *internet) zone(apex, text string, addrs ...string) *zone {
	z := &zone{apex: lookup.MustName(apex)}
	var ns, glue string
	for i, a := range addrs {
		name := fmt.Sprintf("ns%d.%s", i+1, strings.TrimPrefix(apex, "."))
		kind := "A"
		if strings.Contains(a, ":") {
			kind = "AAAA"
		}
		ns += fmt.Sprintf("%s 86400 NS %s\n", apex, name)
		glue += fmt.Sprintf("%s 86400 %s %s\n", name, kind, a)
		n.host(a).zones = append(n.host(a).zones, z)
	}
	z.add(fmt.Sprintf("%s 3600 SOA ns1. host. 1 7200 3600 1209600 300\n", apex) + ns + glue + text)
	n.zones[z.apex] = z
	n.delegate(z.apex, ns+glue)
	return z
}

// delegate puts records into the zone above apex.
func (n *internet) delegate(apex lookup.Name, records string) {
	for name, ok := apex.Parent(); ok; name, ok = name.Parent() {
		if above, found := n.zones[name]; found {
			above.add(records)
			return
		}
	}
}

func (n *internet) host(addr string) *host {
	a := netip.MustParseAddr(addr)
	if n.hosts[a] == nil {
		n.hosts[a] = &host{}
	}
	return n.hosts[a]
}

func (n *internet) silence(addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range addrs {
		n.host(a).silent = true
	}
}

func (n *internet) wake(addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range addrs {
		n.host(a).silent = false
	}
}

// count is how many messages were sent whose log line contains part.
func (n *internet) count(part string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	total := 0
	for _, line := range n.sent {
		if strings.Contains(line+" ", part) {
			total++
		}
	}
	return total
}

func (n *internet) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sent = nil
}

func (n *internet) log() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.sent, "\n")
}

// Exchange implements resolver.Exchanger.
func (n *internet) Exchange(ctx context.Context, r transport.Request) (*transport.Reply, error) {
	n.mu.Lock()
	n.sent = append(n.sent, fmt.Sprintf("%s %s %s", r.Server.Addr(), r.Question.Name, r.Question.Type))
	h := n.hosts[r.Server.Addr()]
	if h == nil {
		h = &host{silent: true}
	}
	silent, delay, err, script := h.silent, h.delay, h.err, h.script
	reply := h.reply(r.Question)
	n.mu.Unlock()

	if err != nil {
		return nil, err
	}
	reply.Sent, reply.EDNS = 1, !r.NoEDNS
	if script != nil {
		reply = script(r, reply)
	}
	wait := delay
	if silent || reply == nil || delay > r.Timeout {
		wait, reply = r.Timeout, nil
	}
	if wait > 0 {
		select {
		case <-ctx.Done():
			return nil, &transport.Error{Server: r.Server, Sent: 1, Cause: ctx.Err()}
		case <-time.After(wait):
		}
	}
	if reply == nil {
		return nil, &transport.Error{Server: r.Server, Sent: 1, Cause: transport.ErrTimeout}
	}
	return reply, nil
}

// reply is what an honest server with these zones says.
func (h *host) reply(q lookup.Question) *transport.Reply {
	var best *zone
	for _, z := range h.zones {
		holds := q.Name.IsSubdomainOf(z.apex) && (q.Type != lookup.TypeDS || q.Name != z.apex)
		if holds && (best == nil || z.apex.IsSubdomainOf(best.apex)) {
			best = z
		}
	}
	if best == nil {
		return &transport.Reply{Rcode: lookup.REFUSED}
	}
	return best.reply(q)
}

func (z *zone) add(text string) {
	z.sets = append(z.sets, lookup.MustRRsets(text)...)
	joined, err := lookup.ParseRRsets(lines(z.sets)) // sets that came in parts become one
	if err != nil {
		panic(err)
	}
	z.sets = joined
}

func lines(sets []lookup.RRset) string {
	var b strings.Builder
	for _, s := range sets {
		b.WriteString(s.String() + "\n")
	}
	return b.String()
}

// remove takes all sets of that owner away.
func (z *zone) remove(owner string) {
	z.sets = slices.DeleteFunc(z.sets, func(s lookup.RRset) bool { return s.Name == lookup.MustName(owner) })
}

func (z *zone) reply(q lookup.Question) *transport.Reply {
	r := &transport.Reply{AA: true}
	for range 20 {
		if z.refer(q, r) {
			break
		}
		if moved, ok := z.step(&q, r); !ok || !moved.IsSubdomainOf(z.apex) {
			break
		}
	}
	if z.chain != nil {
		z.prove(q, r)
	}
	return r
}

// refer makes r a referral when q lies below a cut of the zone.
func (z *zone) refer(q lookup.Question, r *transport.Reply) bool {
	for _, s := range z.sets {
		if s.Type != lookup.TypeNS || s.Name == z.apex || !q.Name.IsSubdomainOf(s.Name) ||
			q.Type == lookup.TypeDS && q.Name == s.Name {
			continue
		}
		r.AA, r.Authority = len(r.Answer) > 0, []lookup.RRset{s}
		for rdata := range s.Data.All() {
			name, _, _ := lookup.NameFromWire(rdata)
			for _, g := range z.sets {
				if g.Name == name && (g.Type == lookup.TypeA || g.Type == lookup.TypeAAAA) {
					r.Additional = append(r.Additional, g)
				}
			}
		}
		return true
	}
	return false
}

// step answers q from the zone; moved is where an alias leads.
func (z *zone) step(q *lookup.Question, r *transport.Reply) (moved lookup.Name, ok bool) {
	exists := false
	for _, s := range z.sets {
		exists = exists || s.Name.IsSubdomainOf(q.Name)
		switch {
		case s.Type == lookup.TypeDNAME && s.Name != q.Name && q.Name.IsSubdomainOf(s.Name):
			r.Answer = append(r.Answer, s)
			return "", false
		case s.Name != q.Name:
		case s.Type == q.Type, q.Type == lookup.TypeANY:
			r.Answer = append(r.Answer, s)
			if s.Name == z.apex && s.Type == lookup.TypeNS {
				for _, g := range z.sets {
					if g.Type == lookup.TypeA || g.Type == lookup.TypeAAAA {
						r.Additional = append(r.Additional, g)
					}
				}
			}
			return "", false
		case s.Type == lookup.TypeCNAME:
			r.Answer = append(r.Answer, s)
			q.Name, _ = s.Target()
			return q.Name, true
		}
	}
	if !exists && !z.expand(q, r) {
		r.Rcode = lookup.NXDOMAIN
	}
	if len(r.Answer) > 0 && r.Answer[len(r.Answer)-1].Name == q.Name {
		return "", false
	}
	soa, _ := lookup.Find(z.sets, z.apex, lookup.TypeSOA)
	r.Authority = append(r.Authority, soa)
	return "", false
}

// expand tells whether a wildcard makes q.Name exist, and answers from it when it has
// the type (RFC 4592 3.3.1).
func (z *zone) expand(q *lookup.Question, r *transport.Reply) (exists bool) {
	closest := q.Name
	holds := func(s lookup.RRset) bool { return s.Name.IsSubdomainOf(closest) }
	for !slices.ContainsFunc(z.sets, holds) {
		closest, _ = closest.Parent()
	}
	for _, s := range z.sets {
		if s.Name != lookup.Name("\x01*"+string(closest)) {
			continue
		}
		exists = true
		if s.Type == q.Type {
			s.Name = q.Name
			r.Answer = append(r.Answer, s)
			if z.chain != nil {
				r.Authority = append(r.Authority, z.chain.nsec[z.before(q.Name)])
			}
		}
	}
	return exists
}

// resolver is one that knows the roots of n and asks over IPv4 only, without
// priming, unless change says otherwise.
func (n *internet) resolver(change ...func(*resolver.Options)) *resolver.Resolver {
	o := resolver.Options{
		Exchanger: n,
		Hints: []resolver.Server{
			{Name: lookup.MustName("ns1."), Addrs: []netip.Addr{netip.MustParseAddr("198.51.100.1")}},
			{Name: lookup.MustName("ns2."), Addrs: []netip.Addr{netip.MustParseAddr("198.51.100.2")}},
		},
		NoPriming:  true,
		NoMinimise: true, // what is sent is easier to foresee
		NoIPv6:     true,
		IntN:       func(n int) int { return n - 1 }, // explores never, otherwise takes the first
	}
	for _, f := range change {
		f(&o)
	}
	return resolver.New(o)
}

// question reads "name TYPE".
func question(text string) lookup.Query {
	name, kind, _ := strings.Cut(text, " ")
	types := map[string]lookup.Type{
		"A": lookup.TypeA, "AAAA": lookup.TypeAAAA, "NS": lookup.TypeNS, "CNAME": lookup.TypeCNAME, "SOA": lookup.TypeSOA,
		"TXT": lookup.TypeTXT, "MX": lookup.TypeMX, "DS": lookup.TypeDS, "DNAME": lookup.TypeDNAME, "DNSKEY": lookup.TypeDNSKEY, "ANY": lookup.TypeANY, "AXFR": lookup.TypeAXFR,
	}
	return lookup.Query{RD: true, Question: lookup.Question{Name: lookup.MustName(name), Type: types[kind], Class: lookup.ClassIN}}
}

// ask resolves and returns the response in the compact form of tests.
func ask(tb testing.TB, r *resolver.Resolver, text string) string {
	tb.Helper()
	response, err := r.Resolve(tb.Context(), question(text))
	if err != nil {
		return "error: " + lookup.EDEOf(err).String()
	}
	return short(response)
}

// short is "RCODE | answer RRs | SOA owner and TTL", RRs joined by a comma.
func short(r *lookup.Response) string {
	var parts []string
	for _, s := range r.Answer {
		parts = append(parts, strings.Join(strings.Fields(strings.ReplaceAll(strings.ReplaceAll(s.String(), "\n", " , "), "\tIN\t", " ")), " "))
	}
	text := r.Rcode.String() + " | " + strings.Join(parts, ", ")
	if soa, ok := r.Denial(); ok {
		text += fmt.Sprintf(" | %s %d", soa.Name, soa.TTL)
	}
	return text
}

func expect(tb testing.TB, r *resolver.Resolver, text, want string) {
	tb.Helper()
	if got := ask(tb, r, text); got != want {
		tb.Errorf("%s:\n got %s\nwant %s", text, got, want)
	}
}

func expectError(tb testing.TB, r *resolver.Resolver, text, want string) {
	tb.Helper()
	if got := ask(tb, r, text); !strings.HasPrefix(got, "error: "+want) {
		tb.Errorf("%s:\n got %s\nwant error: %s...", text, got, want)
	}
}

// reply is written as its flags and rcode, and then the sections.
func reply(text string) *transport.Reply {
	r := &transport.Reply{Sent: 1, EDNS: true}
	head, rest, _ := strings.Cut(text, "\n")
	for _, word := range strings.Fields(head) {
		switch word {
		case "AA":
			r.AA = true
		case "RA":
			r.RA = true
		case "TC":
			r.TC = true
		default:
			r.Rcode = map[string]lookup.Rcode{
				"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5, "YXDOMAIN": 6,
			}[word]
		}
	}
	sections := map[string]*[]lookup.RRset{"answer:": &r.Answer, "authority:": &r.Authority, "additional:": &r.Additional}
	section := &r.Answer
	for line := range strings.Lines(rest) {
		if next, ok := sections[strings.TrimSpace(line)]; ok {
			section = next
			continue
		}
		*section = append(*section, lookup.MustRRsets(line)...)
	}
	return r
}

// says is a script that gives this reply to the questions that contain part, and
// the honest one to others.
func says(part, text string) func(transport.Request, *transport.Reply) *transport.Reply {
	return func(r transport.Request, honest *transport.Reply) *transport.Reply {
		if !strings.Contains(r.Question.Name.String()+" "+r.Question.Type.String(), part) {
			return honest
		}
		return reply(text)
	}
}

// apart is a script that tells each alias by itself.
func apart(_ transport.Request, honest *transport.Reply) *transport.Reply {
	if len(honest.Answer) > 0 {
		honest.Answer, honest.Authority, honest.Rcode = honest.Answer[:1], nil, lookup.NOERROR
	}
	return honest
}
