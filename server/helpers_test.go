package server

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/server/internal/wire"
)

// clock is a time that stands still until it is told to go on.
type clock struct{ nanoseconds atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.advance(1_700_000_000 * time.Second)
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) advance(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// world is a small zone, answered from memory. It counts how often it was asked.
type world struct{ asked atomic.Int64 }

const worldSOA = "example. 900 IN SOA ns.example. host.example. 1 2 3 4 300\n"

func (w *world) Resolve(_ context.Context, q lookup.Query) (*lookup.Response, error) {
	w.asked.Add(1)
	answer := func(text string) (*lookup.Response, error) {
		return &lookup.Response{Answer: lookup.MustRRsets(text)}, nil
	}
	switch q.Name.String() + " " + q.Type.String() {
	case "example. SOA":
		return answer(worldSOA)
	case "www.example. A":
		return answer("www.example. 300 IN CNAME Web.Example.\nweb.example. 60 IN A 192.0.2.80")
	case "secure.example. A":
		r, err := answer("secure.example. 300 IN A 192.0.2.81")
		r.Security = lookup.Secure
		return r, err
	case "many.example. A":
		return answer("many.example. 60 IN A 192.0.2.1\nmany.example. 60 IN A 192.0.2.2\nmany.example. 60 IN A 192.0.2.3")
	case "zero.example. A":
		return answer("zero.example. 0 IN A 192.0.2.82")
	case "fails.example. A":
		return nil, fmt.Errorf("resolving: %w", lookup.Fail(lookup.EDENoReachableAuth, "all servers silent"))
	case "panics.example. A":
		panic("what is this?")
	case "client.example. TXT":
		r, err := answer(fmt.Sprintf("client.example. 60 IN TXT \"%v\" \"%v\"", q.Client, q.Subnet))
		r.Scope = netip.PrefixFrom(q.Client, q.Client.BitLen())
		if q.Subnet.IsValid() {
			r.Scope = q.Subnet
		}
		return r, err
	}
	if q.Name.Label() == "large" {
		return answer(large("large.example.", 60))
	}
	soa := lookup.MustRRsets(worldSOA)
	if strings.HasPrefix(q.Name.Label(), "nx") {
		return &lookup.Response{Rcode: lookup.NXDOMAIN, Authority: soa}, nil
	}
	return &lookup.Response{Authority: soa}, nil
}

// large is a TXT RRset of that many RRs with 50 octets each.
func large(owner string, rrs int) string {
	var b strings.Builder
	for i := range rrs {
		fmt.Fprintf(&b, "%s 60 IN TXT \"%037d\"\n", owner, i)
	}
	return b.String()
}

func everyone(r lookup.Resolver) []View { return []View{{Name: "everyone", Recursive: r}} }

// ask is a query for the question with RD set, changed by change.
func ask(question string, change ...func(*dns.Msg)) *dns.Msg {
	name, qtype, _ := strings.Cut(question, " ")
	m := new(dns.Msg)
	m.SetQuestion(name, dns.StringToType[qtype])
	m.Id = 4711
	for _, c := range change {
		c(m)
	}
	return m
}

// edns adds an OPT.
func edns(size uint16, do bool, options ...dns.EDNS0) func(*dns.Msg) {
	return func(m *dns.Msg) {
		m.SetEdns0(size, do)
		m.IsEdns0().Option = options
	}
}

// option is an EDNS option of any form.
func option(code uint16, data string) dns.EDNS0 {
	return &dns.EDNS0_LOCAL{Code: code, Data: []byte(data)}
}

func packed(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const somebody = "192.0.2.1:40000"

// tell has s respond to a message; nil when it does not.
func tell(t testing.TB, s *Server, msg []byte, proto Proto, from string) *dns.Msg {
	t.Helper()
	reply := s.Respond(nil, msg, addrPort(from), proto)
	if len(reply) == 0 {
		return nil
	}
	return read(t, reply)
}

func talk(t testing.TB, s *Server, m *dns.Msg) *dns.Msg {
	t.Helper()
	return tell(t, s, packed(t, m), UDP, somebody)
}

// brief is what a reply looks like at a glance: rcode, flags, how many entries the
// sections have, the OPT.
func brief(m *dns.Msg) string {
	if m == nil {
		return "nothing"
	}
	o := m.IsEdns0()
	rcode := m.Rcode
	if o != nil {
		rcode = rcode&0xf | o.ExtendedRcode()&^0xf
	}
	words := []string{lookup.Rcode(rcode).String()}
	if rcode == dns.RcodeBadVers { // which has two names
		words[0] = "BADVERS"
	}
	for _, f := range []struct {
		set  bool
		name string
	}{{!m.Response, "QUERY!"}, {m.Authoritative, "aa"}, {m.Truncated, "tc"}, {m.RecursionDesired, "rd"},
		{m.RecursionAvailable, "ra"}, {m.Zero, "Z!"}, {m.AuthenticatedData, "ad"}, {m.CheckingDisabled, "cd"}} {
		if f.set {
			words = append(words, f.name)
		}
	}
	extra := len(m.Extra)
	if o != nil {
		extra--
	}
	words = append(words, fmt.Sprintf("%d/%d/%d/%d", len(m.Question), len(m.Answer), len(m.Ns), extra))
	if o != nil {
		words = append(words, fmt.Sprintf("edns%d:%d", o.Version(), o.UDPSize()))
		if o.Do() {
			words = append(words, "do")
		}
		for _, option := range o.Option {
			switch option := option.(type) {
			case *dns.EDNS0_EDE:
				words = append(words, strings.TrimSuffix(fmt.Sprintf("ede%d:%s", option.InfoCode, option.ExtraText), ":"))
			case *dns.EDNS0_SUBNET:
				words = append(words, fmt.Sprintf("ecs:%d/%v/%d/%d", option.Family, option.Address, option.SourceNetmask, option.SourceScope))
			default:
				words = append(words, fmt.Sprintf("option%d:%s", option.Option(), option))
			}
		}
	}
	return strings.Join(words, " ")
}

// ttls are the TTLs of the answer section.
func ttls(m *dns.Msg) []uint32 {
	var all []uint32
	for _, rr := range m.Answer {
		all = append(all, rr.Header().Ttl)
	}
	return all
}

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func read(t testing.TB, reply []byte) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(reply); err != nil {
		t.Fatalf("the reply cannot be read: %v\n%x", err, reply)
	}
	return m
}

// always answers everything with r.
func always(r *lookup.Response) lookup.Resolver {
	return lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) { return r, nil })
}

func lookupQuery(name string) lookup.Query {
	return lookup.Query{Question: lookup.Question{Name: lookup.MustName(name), Type: lookup.TypeA, Class: lookup.ClassIN}}
}

// readFor parses the query's message.
func (q *query) readFor(t testing.TB) {
	t.Helper()
	if v := wire.Parse(q.msg, &q.Query); v != wire.Plain {
		t.Fatalf("verdict %v", v)
	}
}
