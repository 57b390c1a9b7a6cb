package server

import (
	"bytes"
	"context"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// What a plain server says to each kind of message. The cases of RFC 8906 8 are
// named by their section there. Each is asked twice, so that hits are judged as
// well, and of a server without packet cache, which must not make a difference.
//
// The cookie in 8.2.10 is for 192.0.2.1, by secretA, at the time at which the test clock
// stands.
func TestEveryQueryGetsItsReply(t *testing.T) {
	t.Parallel()
	const madeNow = "6553f100dea0ac3cf22e6e46"
	norec := func(m *dns.Msg) { m.RecursionDesired = false }
	opcode := func(n int) func(*dns.Msg) { return func(m *dns.Msg) { m.Opcode = n } }
	class := func(c uint16) func(*dns.Msg) { return func(m *dns.Msg) { m.Question[0].Qclass = c } }
	version := func(v uint8) func(*dns.Msg) { return func(m *dns.Msg) { m.IsEdns0().SetVersion(v) } }
	for _, c := range []struct {
		what  string
		query *dns.Msg
		want  string
	}{
		{"8.1.1 is the server configured for the zone", ask("example. SOA", norec), "NOERROR ra 1/1/0/0"},
		{"RD comes back, RA tells what is offered (RFC 1035 4.1.1)", ask("example. SOA"), "NOERROR rd ra 1/1/0/0"},
		{"8.1.2 unknown types", ask("example. SOA", norec, func(m *dns.Msg) { m.Question[0].Qtype = 1000 }), "NOERROR ra 1/0/1/0"},
		{"8.1.3.1 CD=1", ask("example. SOA", norec, func(m *dns.Msg) { m.CheckingDisabled = true }), "NOERROR ra cd 1/1/0/0"},
		{"8.1.3.2 AD=1", ask("example. SOA", norec, func(m *dns.Msg) { m.AuthenticatedData = true }), "NOERROR ra 1/1/0/0"},
		{"8.1.3.3 reserved bit", ask("example. SOA", norec, func(m *dns.Msg) { m.Zero = true }), "NOERROR ra 1/1/0/0"},
		{"8.1.4 unknown opcodes", ask("example. SOA", norec, opcode(15), func(m *dns.Msg) { m.Question = nil }), "NOTIMP 0/0/0/0"},
		{"8.2.1 minimal EDNS", ask("example. SOA", norec, edns(4096, false)), "NOERROR ra 1/1/0/0 edns0:1232"},
		{"8.2.2 EDNS version 1", ask("example. SOA", norec, edns(4096, false), version(1)), "BADVERS 1/0/0/0 edns0:1232"},
		{"8.2.3 unknown EDNS option", ask("example. SOA", norec, edns(4096, false, option(100, "x"))), "NOERROR ra 1/1/0/0 edns0:1232"},
		{"8.2.4 unknown EDNS flags", ask("example. SOA", norec, edns(4096, false), func(m *dns.Msg) { m.IsEdns0().SetZ(0x40) }), "NOERROR ra 1/1/0/0 edns0:1232"},
		{"8.2.5 EDNS version 1 with unknown flags", ask("example. SOA", norec, edns(4096, false), version(1), func(m *dns.Msg) { m.IsEdns0().SetZ(0x40) }), "BADVERS 1/0/0/0 edns0:1232"},
		{"8.2.6 EDNS version 1 with unknown option", ask("example. SOA", norec, edns(4096, false, option(100, "")), version(1)), "BADVERS 1/0/0/0 edns0:1232"},
		{"8.2.8 DO (RFC 3225 3: it is copied)", ask("example. SOA", norec, edns(4096, true)), "NOERROR ra 1/1/0/0 edns0:1232 do"},
		{"8.2.9 EDNS version 1 with DO", ask("example. SOA", norec, edns(4096, true), version(1)), "BADVERS 1/0/0/0 edns0:1232 do"},
		{"8.2.10 several defined EDNS options", ask("example. SOA", norec, edns(4096, false, option(3, ""), option(8, "\x00\x01\x00\x00"), option(10, "12345678"), option(9, ""))),
			"NOERROR ra 1/1/0/0 edns0:1232 ecs:1/0.0.0.0/0/0 option3:6e73312e746573742e option10:313233343536373801000000" + madeNow},
		{"8.2.7 truncation with EDNS", ask("large.example. TXT", norec, edns(512, false)), "NOERROR tc ra 1/0/0/0 edns0:1232"},

		{"RFC 6891 7: FORMERR has an OPT when the query had one", ask("example. SOA", edns(4096, true, option(10, "short"))), "FORMERR rd 1/0/0/0 edns0:1232 do"},
		{"NOTIMP, too", ask("example. SOA", opcode(dns.OpcodeNotify), edns(4096, false)), "NOTIMP rd 1/0/0/0 edns0:1232"},
		{"UPDATE (RFC 2136) is not for us", ask("example. SOA", norec, opcode(dns.OpcodeUpdate)), "NOTIMP 1/0/0/0"},
		{"no question", ask("example. SOA", func(m *dns.Msg) { m.Question = nil }), "FORMERR rd 0/0/0/0"},
		{"two questions (RFC 9619)", ask("example. SOA", func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }), "FORMERR rd 0/0/0/0"},
		{"AD is for those who ask (RFC 6840 5.7)", ask("secure.example. A", func(m *dns.Msg) { m.AuthenticatedData = true }), "NOERROR rd ra ad 1/1/0/0"},
		{"AD is for those with DO (RFC 6840 5.8)", ask("secure.example. A", edns(1232, true)), "NOERROR rd ra ad 1/1/0/0 edns0:1232 do"},
		{"AD is not for others", ask("secure.example. A"), "NOERROR rd ra 1/1/0/0"},
		{"AD is not for what is not secure", ask("www.example. A", func(m *dns.Msg) { m.AuthenticatedData = true }), "NOERROR rd ra 1/2/0/0"},
		{"NXDOMAIN", ask("nx.example. A"), "NXDOMAIN rd ra 1/0/1/0"},
		{"an error becomes SERVFAIL with its EDE (RFC 8914)", ask("fails.example. A", edns(1232, false)), "SERVFAIL rd ra 1/0/0/0 edns0:1232 ede22:all servers silent"},
		{"and without EDNS it has none", ask("fails.example. A"), "SERVFAIL rd ra 1/0/0/0"},
		{"a panic is somebody's error", ask("panics.example. A", edns(1232, false)), "SERVFAIL rd ra 1/0/0/0 edns0:1232 ede0"},

		{"class HS", ask("example. A", class(4), edns(1232, false)), "REFUSED rd ra 1/0/0/0 edns0:1232 ede21"},
		{"class ANY", ask("example. A", class(255)), "REFUSED rd ra 1/0/0/0"},
		{"type OPT is no QTYPE", ask("example. OPT"), "FORMERR rd ra 1/0/0/0"},
		{"nor is TSIG", ask("example. TSIG"), "FORMERR rd ra 1/0/0/0"},
		{"nor is 0 (RFC 6895 3.1)", ask("example. None"), "FORMERR rd ra 1/0/0/0"},
		{"NXNAME (RFC 9824 3.5)", ask("example. NXNAME", edns(1232, false)), "FORMERR rd ra 1/0/0/0 edns0:1232 ede30"},
		{"MAILA is obsolete", ask("example. MAILA"), "NOTIMP rd ra 1/0/0/0"},
		{"MAILB is, too", ask("example. MAILB"), "NOTIMP rd ra 1/0/0/0"},
		{"AXFR over UDP is not defined (RFC 5936 4.2)", ask("example. AXFR"), "FORMERR rd ra 1/0/0/0"},
		{"IXFR is not there", ask("example. IXFR"), "REFUSED rd ra 1/0/0/0"},
		{"CH TXT version.bind", ask("Version.Bind. TXT", class(3)), "NOERROR aa rd ra 1/1/0/0"},
		{"CH TXT id.server (RFC 4892)", ask("id.server. TXT", class(3)), "NOERROR aa rd ra 1/1/0/0"},
		{"CH A version.bind", ask("version.bind. A", class(3)), "REFUSED rd ra 1/0/0/0"},
		{"CH TXT of anything else", ask("authors.bind. TXT", class(3)), "REFUSED rd ra 1/0/0/0"},
		{"NSID (RFC 5001)", ask("example. SOA", edns(1232, false, option(3, ""))), "NOERROR rd ra 1/1/0/0 edns0:1232 option3:6e73312e746573742e"},
		{"keepalive over UDP is ignored (RFC 7828 3.3.1)", ask("example. SOA", edns(1232, false, option(11, ""))), "NOERROR rd ra 1/1/0/0 edns0:1232"},
	} {
		for _, packets := range []int{0, -1} {
			s := New(Options{Views: everyone(new(world)), Packets: packets, NSID: "ns1.test.", Version: "sextant",
				Cookies: CookieOptions{Secrets: []CookieSecret{secretOf(t, secretA)}}, Now: newClock().now})
			for _, turn := range []string{"first", "second"} {
				if got := brief(talk(t, s, c.query)); got != c.want {
					t.Errorf("%s, Packets %d, %s reply:\ngot  %s\nwant %s", c.what, packets, turn, got, c.want)
				}
			}
		}
	}
}

func TestWhatIsNotAQueryIsNotRepliedTo(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: everyone(new(world))})
	query := packed(t, ask("example. SOA"))
	response := bytes.Clone(query)
	response[2] |= 0x80
	for _, c := range []struct {
		what string
		msg  []byte
		from string
		why  Drop
	}{
		{"nothing", nil, somebody, DropShort},
		{"half a header", query[:6], somebody, DropShort},
		{"a response, or two servers would talk for ever (LoopDoS)", response, somebody, DropResponse},
		{"port 0 cannot be replied to", query, "192.0.2.1:0", DropPort},
		{"the port of chargen", query, "192.0.2.1:19", DropPort},
		{"the port of NTP", query, "[2001:db8::1]:123", DropPort},
	} {
		before := s.Stats().Drops[c.why]
		if got := tell(t, s, c.msg, UDP, c.from); got != nil {
			t.Errorf("%s: got a reply\n%v", c.what, got)
		}
		if got := s.Stats().Drops[c.why]; got != before+1 {
			t.Errorf("%s: not counted as %v", c.what, c.why)
		}
	}
	for _, from := range []string{"192.0.2.1:53", "192.0.2.1:1024"} {
		if tell(t, s, query, UDP, from) == nil {
			t.Errorf("%s gets no reply", from)
		}
	}
}

// RFC 1035 4.1.2 and the 0x20 practice: the question comes back octet by octet.
// Names that point to it follow it; so they would if the reply was not a hit.
func TestTheQuestionComesBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: everyone(new(world))})
	for _, name := range []string{"www.example.", "wWw.ExAmPlE.", "WWW.EXAMPLE."} {
		reply := talk(t, s, ask(name+" A"))
		if got := reply.Question[0].Name; got != name {
			t.Errorf("asked for %s, the question is %s", name, got)
		}
		if got := reply.Answer[0].Header().Name; got != name {
			t.Errorf("asked for %s, the first owner is %s", name, got)
		}
	}
	if st := s.Stats().Packets; st.Hits != 2 || st.Misses != 1 {
		t.Errorf("letter case made a difference: %+v", st)
	}
}

func TestViewsChooseAndRDSelects(t *testing.T) {
	t.Parallel()
	says := func(what string) lookup.Resolver {
		return lookup.Func(func(_ context.Context, q lookup.Query) (*lookup.Response, error) {
			text := what
			if q.RD {
				text += "+rd"
			}
			return &lookup.Response{AA: what == "auth", Answer: lookup.MustRRsets("a. 0 TXT " + text)}, nil
		})
	}
	s := New(Options{Views: []View{
		{Name: "nobody", Clients: prefixes("192.0.2.66/32")},
		{Name: "office", Clients: prefixes("192.0.2.0/24", "::ffff:198.51.100.0/120", "fe80::/10"), Recursive: says("rec"), Authoritative: says("auth")},
		{Name: "resolver", Clients: prefixes("203.0.113.0/25"), Recursive: says("rec")},
		{Name: "authority", Clients: prefixes("2001:db8::/32"), Authoritative: says("auth")},
	}})
	for _, c := range []struct {
		from      string
		rd        bool
		want, txt string
	}{
		{"192.0.2.1:1234", true, "NOERROR rd ra 1/1/0/0 edns0:1232", "rec+rd"},
		{"192.0.2.1:1234", false, "NOERROR aa ra 1/1/0/0 edns0:1232", "auth"},
		{"[::ffff:192.0.2.1]:1234", false, "NOERROR aa ra 1/1/0/0 edns0:1232", "auth"},
		{"198.51.100.9:1234", true, "NOERROR rd ra 1/1/0/0 edns0:1232", "rec+rd"},
		{"[fe80::1%eth0]:1234", false, "NOERROR aa ra 1/1/0/0 edns0:1232", "auth"},
		{"203.0.113.1:1234", false, "NOERROR ra 1/1/0/0 edns0:1232", "rec"},
		{"[2001:db8::1]:1234", true, "NOERROR aa rd 1/1/0/0 edns0:1232", "auth+rd"},
		{"203.0.113.128:1234", true, "REFUSED rd 1/0/0/0 edns0:1232 ede18", ""},
		{"192.0.2.66:1234", true, "REFUSED rd 1/0/0/0 edns0:1232 ede18", ""},
	} {
		query := ask("a. TXT", edns(1232, false), func(m *dns.Msg) { m.RecursionDesired = c.rd })
		reply := tell(t, s, packed(t, query), UDP, c.from)
		if got := brief(reply); got != c.want {
			t.Errorf("%s, RD %v:\ngot  %s\nwant %s", c.from, c.rd, got, c.want)
		}
		if c.txt == "" {
			continue
		}
		if got := reply.Answer[0].(*dns.TXT).Txt[0]; got != c.txt {
			t.Errorf("%s, RD %v: answered by %s, want %s", c.from, c.rd, got, c.txt)
		}
	}
}

func TestResolversHearTheFacts(t *testing.T) {
	t.Parallel()
	var heard lookup.Query
	s := New(Options{Limits: lookup.Limits{Upstream: 7}, Views: everyone(lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		heard = q
		if _, ok := ctx.Deadline(); !ok {
			t.Error("no deadline")
		}
		return &lookup.Response{}, nil
	}))})
	tell(t, s, packed(t, ask("WWW.example. AAAA", edns(1232, true, option(8, "\x00\x02\x38\x00\x20\x01\x0d\xb8\x00\x01\x02")), func(m *dns.Msg) {
		m.CheckingDisabled = true
	})), TCP, "[::ffff:192.0.2.9]:5")
	budget := heard.Budget
	heard.Budget = nil
	if want := (lookup.Query{
		Question: lookup.Question{Name: lookup.MustName("www.example."), Type: lookup.TypeAAAA, Class: lookup.ClassIN, DO: true, CD: true},
		RD:       true,
		Client:   netip.MustParseAddr("192.0.2.9"),
		Subnet:   netip.MustParsePrefix("2001:db8:1:200::/56"),
	}); heard != want {
		t.Errorf("got  %+v\nwant %+v", heard, want)
	}
	for range 7 {
		if !budget.Upstream() {
			t.Fatal("the budget is smaller than the limits")
		}
	}
	if budget.Upstream() {
		t.Error("the budget is larger than the limits")
	}
}

func TestPanicsAreCounted(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: everyone(new(world))})
	talk(t, s, ask("panics.example. A"))
	if got := s.Stats().Panics; got != 1 {
		t.Errorf("%d panics", got)
	}
}

func TestReplaceTakesEffectAtOnceAndForLateAnswers(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}), make(chan struct{})
	old := lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
		close(asked)
		<-release
		return &lookup.Response{Answer: lookup.MustRRsets("a. 60 TXT old")}, nil
	})
	s := New(Options{Views: everyone(old)})
	late := make(chan *dns.Msg)
	go func() { late <- talk(t, s, ask("a. TXT")) }()
	<-asked
	s.Replace(everyone(lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
		return &lookup.Response{Answer: lookup.MustRRsets("a. 60 TXT new")}, nil
	})))
	close(release)
	if got := (<-late).Answer[0].(*dns.TXT).Txt[0]; got != "old" {
		t.Errorf("who asked before was told %q", got)
	}
	if got := talk(t, s, ask("a. TXT")).Answer[0].(*dns.TXT).Txt[0]; got != "new" {
		t.Errorf("who asked after was told %q", got)
	}
}

func prefixes(texts ...string) []netip.Prefix {
	var ps []netip.Prefix
	for _, text := range texts {
		ps = append(ps, netip.MustParsePrefix(text))
	}
	return ps
}
