package special

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// next is what every other name gets.
var next = &lookup.Response{Rcode: lookup.NOTIMP}

func behind() lookup.Resolver {
	return lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) { return next, nil })
}

func off(names ...string) Options {
	var o Options
	for _, n := range names {
		o.Off = append(o.Off, lookup.MustName(n))
	}
	return o
}

// ask asks "name type" and gives the response on one line: rcode and flags, then
// the RRs with single spaces. What came from next is "next".
func ask(t testing.TB, s *Special, question string) string {
	t.Helper()
	name, qtype, _ := strings.Cut(question, " ")
	q := lookup.Question{Name: lookup.MustName(name), Type: lookup.Type(dns.StringToType[qtype]), Class: lookup.ClassIN}
	r, err := s.Resolve(t.Context(), lookup.Query{Question: q})
	if err != nil {
		t.Fatal(err)
	}
	if r == next {
		return "next"
	}
	n := *r
	n.EDE = nil
	return strings.Join(strings.Fields(n.String()), " ")
}

func soa(apex string) string {
	return apex + " 10800 IN SOA " + apex + " nobody.invalid. 1 3600 1200 604800 10800"
}

func nodata(apex string) string   { return "NOERROR AA authority: " + soa(apex) }
func nxdomain(apex string) string { return "NXDOMAIN AA authority: " + soa(apex) }
func answer(rrs string) string    { return "NOERROR AA answer: " + rrs }

const (
	v6loop = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa."
	v6any  = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa."
)

func TestEachNameIsAnsweredAsItsRFCSays(t *testing.T) {
	t.Parallel()
	s := New(behind(), Options{})
	for _, c := range []struct{ sentence, question, want string }{
		{"RFC 6761 6.3: localhost. has the IPv4 loopback address", "localhost. A", answer("localhost. 10800 IN A 127.0.0.1")},
		{"RFC 6761 6.3: and the IPv6 one", "localhost. AAAA", answer("localhost. 10800 IN AAAA ::1")},
		{"RFC 6761 6.3: and so has every name below", "a.b.localhost. A", answer("a.b.localhost. 10800 IN A 127.0.0.1")},
		{"RFC 6761 6.3: other types get a negative answer", "localhost. MX", nodata("localhost.")},
		{"RFC 6761 6.3: also types that a zone has", "localhost. SOA", nodata("localhost.")},
		{"RFC 6761 6.3: a name below has addresses, so it exists", "www.localhost. HTTPS", nodata("localhost.")},
		{"RFC 8482 4.3: ANY of localhost. is its addresses", "localhost. ANY", answer("localhost. 10800 IN A 127.0.0.1 localhost. 10800 IN AAAA ::1")},
		{"RFC 6761: the root is not asked for DS", "localhost. DS", nodata("localhost.")},

		{"RFC 6761 6.2: test. is negative", "www.test. A", nxdomain("test.")},
		{"RFC 6303 3: at its apex is NODATA", "test. A", nodata("test.")},
		{"RFC 6303 3: and the SOA", "test. SOA", answer(soa("test."))},
		{"RFC 6303 3: and the NS, the apex itself", "test. NS", answer("test. 10800 IN NS test.")},
		{"RFC 8482 4.1: ANY is one RRset", "test. ANY", answer(soa("test."))},
		{"RFC 6761 6.2: no NS or DS is looked up", "test. DS", nodata("test.")},

		{"RFC 6761 6.4: invalid. is NXDOMAIN", "x.invalid. AAAA", nxdomain("invalid.")},
		{"RFC 6761 6.4: all of it", "invalid. SOA", nxdomain("invalid.")},
		{"RFC 6762 22.1: local. is NXDOMAIN in unicast DNS", "printer.local. A", nxdomain("local.")},
		{"RFC 6762 22.1: also for SRV and the like", "_ipp._tcp.local. PTR", nxdomain("local.")},
		{"RFC 7686 2: onion. MUST be NXDOMAIN", "expyuzz4wqqyqhjn.onion. A", nxdomain("onion.")},
		{"RFC 7686 2: itself, too", "onion. A", nxdomain("onion.")},
		{"RFC 9476 2: alt. is not in the DNS", "name.gns.alt. TXT", nxdomain("alt.")},

		{"RFC 8375 4: home.arpa. is empty", "router.home.arpa. A", nxdomain("home.arpa.")},
		{"RFC 8375 4: its NS MUST NOT be forwarded", "home.arpa. NS", answer("home.arpa. 10800 IN NS home.arpa.")},
		{"RFC 8375 4: but a query for its DS must", "home.arpa. DS", "next"},
		{"RFC 8375 4: DS below the apex is not", "x.home.arpa. DS", nxdomain("home.arpa.")},
		{"RFC 9462 6.4: any name under resolver.arpa. is NODATA", "_dns.resolver.arpa. SVCB", nodata("resolver.arpa.")},
		{"RFC 9462 6.4: for any type", "x.y.resolver.arpa. A", nodata("resolver.arpa.")},
		{"RFC 9665: service.arpa. is locally served", "_ipp._tcp.default.service.arpa. PTR", nxdomain("service.arpa.")},

		{"RFC 6303 4.1: 10/8", "4.3.2.10.in-addr.arpa. PTR", nxdomain("10.in-addr.arpa.")},
		{"RFC 6303 4.1: 172.16/12 begins", "1.0.16.172.in-addr.arpa. PTR", nxdomain("16.172.in-addr.arpa.")},
		{"RFC 6303 4.1: and ends", "1.0.31.172.in-addr.arpa. PTR", nxdomain("31.172.in-addr.arpa.")},
		{"RFC 6303 4.1: not before", "1.0.15.172.in-addr.arpa. PTR", "next"},
		{"RFC 6303 4.1: not after", "1.0.32.172.in-addr.arpa. PTR", "next"},
		{"RFC 6303 4.1: the name between is not ours", "172.in-addr.arpa. SOA", "next"},
		{"RFC 6303 4.1: 192.168/16", "168.192.in-addr.arpa. SOA", answer(soa("168.192.in-addr.arpa."))},
		{"RFC 6303 4.2: this network", "0.0.0.0.in-addr.arpa. PTR", nxdomain("0.in-addr.arpa.")},
		{"RFC 6303 4.2: link-local", "1.1.254.169.in-addr.arpa. PTR", nxdomain("254.169.in-addr.arpa.")},
		{"RFC 6303 4.2: TEST-NET-1", "1.2.0.192.in-addr.arpa. PTR", nxdomain("2.0.192.in-addr.arpa.")},
		{"RFC 6303 4.2: TEST-NET-2", "1.100.51.198.in-addr.arpa. PTR", nxdomain("100.51.198.in-addr.arpa.")},
		{"RFC 6303 4.2: TEST-NET-3", "1.113.0.203.in-addr.arpa. PTR", nxdomain("113.0.203.in-addr.arpa.")},
		{"RFC 6303 4.2: broadcast is an apex", "255.255.255.255.in-addr.arpa. PTR", nodata("255.255.255.255.in-addr.arpa.")},
		{"RFC 7793: 100.64/10 begins", "1.0.64.100.in-addr.arpa. PTR", nxdomain("64.100.in-addr.arpa.")},
		{"RFC 7793: and ends", "1.0.127.100.in-addr.arpa. PTR", nxdomain("127.100.in-addr.arpa.")},
		{"RFC 7793: not before", "1.0.63.100.in-addr.arpa. PTR", "next"},
		{"RFC 7793: not after", "1.0.128.100.in-addr.arpa. PTR", "next"},
		{"RFC 6303 7: the zone above proves that ours is insecure", "10.in-addr.arpa. DS", "next"},

		{"RFC 1912 4.1: 127.0.0.1 is localhost.", "1.0.0.127.in-addr.arpa. PTR", answer("1.0.0.127.in-addr.arpa. 10800 IN PTR localhost.")},
		{"RFC 8020 2: so the names above exist", "0.0.127.in-addr.arpa. PTR", nodata("127.in-addr.arpa.")},
		{"RFC 6303 4.2: but no other name", "2.0.0.127.in-addr.arpa. PTR", nxdomain("127.in-addr.arpa.")},
		{"RFC 8020 2: nor what is below the PTR", "x.1.0.0.127.in-addr.arpa. PTR", nxdomain("127.in-addr.arpa.")},
		{"RFC 2308 2.2: the PTR's name has no other type", "1.0.0.127.in-addr.arpa. A", nodata("127.in-addr.arpa.")},
		{"RFC 6303 4.3: ::1 is an apex", v6loop + " SOA", answer(soa(v6loop))},
		{"RFC 1912 4.1: with a PTR", v6loop + " PTR", answer(v6loop + " 10800 IN PTR localhost.")},
		{"RFC 6303 4.3: ::", v6any + " PTR", nodata(v6any)},
		{"RFC 6303 4.4: fd00::/8", "1.d.f.ip6.arpa. PTR", nxdomain("d.f.ip6.arpa.")},
		{"RFC 6303 4.4: not fc00::/8, which nobody has assigned", "1.c.f.ip6.arpa. PTR", "next"},
		{"RFC 6303 4.5: fe80::/10", "1.8.e.f.ip6.arpa. PTR", nxdomain("8.e.f.ip6.arpa.")},
		{"RFC 6303 4.5: to its end", "1.b.e.f.ip6.arpa. PTR", nxdomain("b.e.f.ip6.arpa.")},
		{"RFC 6303 5: not site-local", "1.c.e.f.ip6.arpa. PTR", "next"},
		{"RFC 6303 4.6: 2001:db8::/32", "1.8.b.d.0.1.0.0.2.ip6.arpa. PTR", nxdomain("8.b.d.0.1.0.0.2.ip6.arpa.")},
		{"RFC 9637: 3fff::/20", "1.0.f.f.f.3.ip6.arpa. PTR", nxdomain("0.f.f.f.3.ip6.arpa.")},

		{"RFC 6761 6.5: example. is not special", "www.example. A", "next"},
		{"RFC 8880: ipv4only.arpa. is DNS64's", "ipv4only.arpa. AAAA", "next"},
		{"RFC 7535: the AS112 redirection is resolved", "x.empty.as112.arpa. A", "next"},
		{"arpa. itself is an ordinary zone", "arpa. SOA", "next"},
		{"the root is", ". NS", "next"},
		{"a label is compared as a whole", "contest. A", "next"},
		{"and only at the end", "localhost.example. A", "next"},
	} {
		if got := ask(t, s, c.question); got != c.want {
			t.Errorf("%s\n%s:\n got %s\nwant %s", c.sentence, c.question, got, c.want)
		}
	}
}

// RFC 7534 3.4 and RFC 6304 before it: what AS112 serves must not get there.
func TestNothingIsLeftToAS112(t *testing.T) {
	t.Parallel()
	s := New(behind(), Options{})
	for _, p := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} {
		prefix := netip.MustParsePrefix(p)
		for a := prefix.Addr(); prefix.Contains(a); a = nextBlock(a) {
			name, err := dns.ReverseAddr(a.String())
			if err != nil {
				t.Fatal(err)
			}
			if got := ask(t, s, name+" PTR"); !strings.HasPrefix(got, "NXDOMAIN AA") {
				t.Fatalf("%s: %s", a, got)
			}
		}
	}
}

// nextBlock is the address one /16 on.
func nextBlock(a netip.Addr) netip.Addr {
	quad := a.As4()
	if quad[1]++; quad[1] == 0 {
		quad[0]++
	}
	return netip.AddrFrom4(quad)
}

func TestANameThatIsOffIsTheNextResolvers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sentence       string
		off            Options
		question, want string
	}{
		{"a lab uses test.", off("test."), "www.test. A", "next"},
		{"with its apex", off("test."), "test. SOA", "next"},
		{"and all else stays", off("test."), "www.invalid. A", nxdomain("invalid.")},
		{"a site uses a part of test.", off("corp.test."), "www.corp.test. A", "next"},
		{"the rest stays", off("corp.test."), "www.test. A", nxdomain("test.")},
		{"RFC 8020 2: what is between exists", off("a.corp.test."), "corp.test. A", nodata("test.")},
		{"RFC 8020 2: also where the apex does not otherwise", off("gns.alt."), "alt. A", nodata("alt.")},
		{"and what is beside does not", off("gns.alt."), "x.alt. A", nxdomain("alt.")},
		{"RFC 6303 3: a site has its own reverse zone", off("10.in-addr.arpa."), "1.0.0.10.in-addr.arpa. PTR", "next"},
		{"a name above zones turns them off", off("in-addr.arpa."), "1.1.168.192.in-addr.arpa. PTR", "next"},
		{"but not those beside it", off("in-addr.arpa."), "1.d.f.ip6.arpa. PTR", nxdomain("d.f.ip6.arpa.")},
		{"the root turns everything off", off("."), "localhost. A", "next"},
		{"a name that is not special changes nothing", off("example."), "www.test. A", nxdomain("test.")},
		{"the order does not matter", off("b.a.test.", "a.test."), "c.a.test. A", "next"},
		{"nor the other one", off("a.test.", "b.a.test."), "x.b.a.test. A", "next"},
		{"one host of localhost.", off("x.localhost."), "x.localhost. A", "next"},
		{"a PTR can be off", off("1.0.0.127.in-addr.arpa."), "1.0.0.127.in-addr.arpa. PTR", "next"},
		{"the apex of ::1, too", off(v6loop), v6loop + " PTR", "next"},
		{"a designated resolver is somebody else's", off("_dns.resolver.arpa."), "_dns.resolver.arpa. SVCB", "next"},
	} {
		if got := ask(t, New(behind(), c.off), c.question); got != c.want {
			t.Errorf("%s\n%s:\n got %s\nwant %s", c.sentence, c.question, got, c.want)
		}
	}
}

func TestOtherClassesAreNotOurs(t *testing.T) {
	t.Parallel()
	q := lookup.Query{Question: lookup.Question{Name: lookup.MustName("localhost."), Type: lookup.TypeA, Class: lookup.ClassCH}}
	if r, _ := New(behind(), Options{}).Resolve(t.Context(), q); r != next {
		t.Errorf("got %v", r)
	}
}

// RFC 2308 5 and RFC 6303 3: TTL and MINIMUM match, so a denial holds for that long.
func TestNegativeAnswersMayBeKept(t *testing.T) {
	t.Parallel()
	s := New(behind(), Options{})
	for _, name := range []string{"x.test.", "test.", "x.onion.", "x.resolver.arpa."} {
		q := lookup.Query{Question: lookup.Question{Name: lookup.MustName(name), Type: lookup.TypeTXT, Class: lookup.ClassIN}}
		r, _ := s.Resolve(t.Context(), q)
		if r.TTL() != 10800 {
			t.Errorf("%s: TTL %d", name, r.TTL())
		}
	}
}

// RFC 8914 4.1: code 0 with a text that says why.
func TestNegativeAnswersSayWhy(t *testing.T) {
	t.Parallel()
	q := lookup.Query{Question: lookup.Question{Name: lookup.MustName("www.test."), Type: lookup.TypeA, Class: lookup.ClassIN}}
	r, _ := New(behind(), Options{}).Resolve(t.Context(), q)
	const want = "0 (Other): answered locally: test. is special (RFC 6761 6.2)"
	if len(r.EDE) != 1 || r.EDE[0].String() != want {
		t.Errorf("got %v, want %s", r.EDE, want)
	}
	q.Name = lookup.MustName("localhost.")
	if r, _ := New(behind(), Options{}).Resolve(t.Context(), q); len(r.EDE) != 0 {
		t.Errorf("an answer needs no excuse: %v", r.EDE)
	}
}

func TestEachRowNamesItsDocumentAndStandsOnce(t *testing.T) {
	t.Parallel()
	seen := map[lookup.Name]bool{}
	for _, r := range registry() {
		if !strings.HasPrefix(r.rfc, "RFC ") || seen[r.apex] {
			t.Errorf("%v", r)
		}
		seen[r.apex] = true
	}
	if len(seen) != 9+18+7+64+9 {
		t.Errorf("%d zones", len(seen))
	}
}

func TestNamesThatAreNotSpecialCostNothing(t *testing.T) {
	s := New(behind(), off("corp.test."))
	for _, name := range []string{"www.example.com.", "4.3.2.1.in-addr.arpa.", "www.corp.test.", "nobody.test.", "."} {
		q := lookup.Query{Question: lookup.Question{Name: lookup.MustName(name), Type: lookup.TypeA, Class: lookup.ClassIN}}
		if n := testing.AllocsPerRun(100, func() { _, _ = s.Resolve(t.Context(), q) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// Whatever is asked, there is an answer, and none of ours denies a name that is
// left to next.
func FuzzResolve(f *testing.F) {
	for _, name := range []string{"a.b.test.", "x.alt.", "1.0.0.127.in-addr.arpa.", v6loop, ".", "localhost."} {
		f.Add(name, uint16(1), "corp.test.")
	}
	f.Fuzz(func(t *testing.T, name string, qtype uint16, offName string) {
		n, err := lookup.ParseName(name)
		o, errOff := lookup.ParseName(offName)
		if err != nil || errOff != nil {
			return
		}
		s := New(behind(), Options{Off: []lookup.Name{o}})
		q := lookup.Query{Question: lookup.Question{Name: n, Type: lookup.Type(qtype), Class: lookup.ClassIN}}
		r, err := s.Resolve(t.Context(), q)
		switch {
		case err != nil || r == nil:
			t.Fatalf("%v, %v", r, err)
		case n.IsSubdomainOf(o) && r != next:
			t.Fatalf("%s is off and got %v", n, r)
		case o.IsSubdomainOf(n) && r.Rcode == lookup.NXDOMAIN:
			t.Fatalf("%s is denied above %s", n, o)
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	s := New(behind(), Options{})
	for _, name := range []string{"www.example.com.", "4.3.2.1.in-addr.arpa.", "x.test."} {
		b.Run(name, func(b *testing.B) {
			q := lookup.Query{Question: lookup.Question{Name: lookup.MustName(name), Type: lookup.TypeA, Class: lookup.ClassIN}}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = s.Resolve(b.Context(), q)
			}
		})
	}
}
