package server_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/ednscheck"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/message"
	"github.com/sextant-dns/sextant/server"
	"github.com/sextant-dns/sextant/zones"
)

// The lines G101 to G111 and G701 to G706 of our checklist for authoritative servers, which
// docs/reference/rfc-coverage.md has in words: what they say is tried on a server with a real
// zone behind it.

const zoneText = `$ORIGIN example.
$TTL 300
@        SOA    ns host 1 7200 900 1209600 60
@        NS     ns
@        NS     ns.sub
ns       A      192.0.2.53
www      A      192.0.2.80
secure   A      192.0.2.81
odd      TYPE1000 \# 3 010203
a\.b     TXT    dot
\000\255 TXT    octets
Mixed    CNAME  WWW.Example.
mail     MX     10 www
srv      SRV    1 2 3 www
low      60 A   192.0.2.1
low      300 A  192.0.2.2
twice    A      192.0.2.1
twice    A      192.0.2.1
sub      NS     ns.sub
ns.sub   A      192.0.2.54
`

// newAuthority is a server with that zone, and whatever is changed of its options.
func newAuthority(t testing.TB, more string, change ...func(*server.Options)) *server.Server {
	t.Helper()
	zone, err := zones.Load(strings.NewReader(zoneText+more), "example.zone", zones.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := zones.NewTree(zone, zones.Awaited(lookup.MustName("awaited.")))
	if err != nil {
		t.Fatal(err)
	}
	o := server.Options{Views: []server.View{{Name: "all", Authoritative: authoritative.New(tree)}}, NSID: "ns1"}
	for _, f := range change {
		f(&o)
	}
	return server.New(o)
}

func client() netip.AddrPort { return netip.MustParseAddrPort("198.51.100.7:4000") }

// query is a query without RD, as resolvers send it, changed by change.
func query(question string, change ...func(*dns.Msg)) *dns.Msg {
	name, qtype, _ := strings.Cut(question, " ")
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Id: 4711}, Question: []dns.Question{{Name: name, Qtype: dns.StringToType[qtype], Qclass: dns.ClassINET}}}
	for _, f := range change {
		f(m)
	}
	return m
}

func withEDNS(size uint16, do bool, options ...dns.EDNS0) func(*dns.Msg) {
	return func(m *dns.Msg) {
		m.SetEdns0(size, do)
		m.IsEdns0().Option = options
	}
}

func rawOption(code uint16, data string) dns.EDNS0 {
	return &dns.EDNS0_LOCAL{Code: code, Data: []byte(data)}
}

// exchange is the reply to a query, and its octets; nil when there is none.
func exchange(t testing.TB, s *server.Server, m *dns.Msg, proto server.Proto) (*dns.Msg, []byte) {
	t.Helper()
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return unpacked(t, s.Respond(nil, b, client(), proto))
}

func unpacked(t testing.TB, reply []byte) (*dns.Msg, []byte) {
	t.Helper()
	if reply == nil {
		return nil, nil
	}
	r := new(dns.Msg)
	if err := r.Unpack(reply); err != nil {
		t.Fatalf("%v\n%x", err, reply)
	}
	return r, reply
}

// codes are the Extended DNS Errors of a reply.
func codes(m *dns.Msg) (all []uint16) {
	if o := m.IsEdns0(); o != nil {
		for _, option := range o.Option {
			if e, ok := option.(*dns.EDNS0_EDE); ok {
				all = append(all, e.InfoCode)
			}
		}
	}
	return all
}

func TestG101HeaderOfReplies(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, "")
	for _, question := range []string{"www.example. A", "nobody.example. A", "www.example. TXT", "x.sub.example. A", "elsewhere. A"} {
		for bits := range 64 {
			m := query(question, func(m *dns.Msg) {
				m.Id = uint16(bits * 1031)
				m.RecursionDesired, m.CheckingDisabled, m.AuthenticatedData, m.Zero = bits&1 > 0, bits&2 > 0, bits&4 > 0, bits&8 > 0
				m.Authoritative, m.RecursionAvailable = bits&16 > 0, bits&32 > 0 // which mean nothing in a query
			})
			r, _ := exchange(t, s, m, server.UDP)
			ours := !strings.HasPrefix(question, "x.sub") && !strings.HasPrefix(question, "elsewhere")
			switch {
			case r.Id != m.Id, r.Opcode != m.Opcode, r.RecursionDesired != m.RecursionDesired, r.CheckingDisabled != m.CheckingDisabled:
				t.Errorf("%s %06b: something was not copied: %v", question, bits, r.MsgHdr)
			case !r.Response, r.RecursionAvailable, r.AuthenticatedData, r.Zero, r.Truncated, r.Authoritative != ours:
				t.Errorf("%s %06b: %v", question, bits, r.MsgHdr)
			}
		}
	}
}

// RD and CD are copied into errors, too, and nothing else is (RFC 1035 4.1.1).
func TestG101HeaderOfErrors(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, "")
	for _, c := range []struct {
		what  string
		spoil func(*dns.Msg)
		rcode int
	}{
		{"two questions", func(m *dns.Msg) { m.Question = slices.Repeat(m.Question, 2) }, dns.RcodeFormatError},
		{"a cookie of one octet", withEDNS(1232, false, rawOption(10, "x")), dns.RcodeFormatError},
		{"an opcode that nobody knows", func(m *dns.Msg) { m.Opcode = 14 }, dns.RcodeNotImplemented},
		{"a status query", func(m *dns.Msg) { m.Opcode = dns.OpcodeStatus }, dns.RcodeNotImplemented},
	} {
		for bits := range 64 {
			m := query("www.example. A", c.spoil, func(m *dns.Msg) {
				m.RecursionDesired, m.CheckingDisabled, m.AuthenticatedData, m.Zero = bits&1 > 0, bits&2 > 0, bits&4 > 0, bits&8 > 0
				m.Authoritative, m.RecursionAvailable = bits&16 > 0, bits&32 > 0
			})
			switch r, _ := exchange(t, s, m, server.UDP); {
			case r == nil, r.Rcode != c.rcode:
				t.Fatalf("%s %06b: %v", c.what, bits, r)
			case r.Id != m.Id, r.Opcode != m.Opcode, r.RecursionDesired != m.RecursionDesired, r.CheckingDisabled != m.CheckingDisabled:
				t.Errorf("%s %06b: something was not copied: %v", c.what, bits, r.MsgHdr)
			case !r.Response, r.Authoritative, r.RecursionAvailable, r.AuthenticatedData, r.Zero, r.Truncated:
				t.Errorf("%s %06b: %v", c.what, bits, r.MsgHdr)
			}
		}
	}
}

func TestG102TheQuestionIsEchoed(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, "\\195\\164 A 192.0.2.1\n\\{ A 192.0.2.2\n")
	for _, c := range []struct{ question, want string }{
		{"\\195\\164.Example. A", "192.0.2.1"},
		{"\\{.Example. A", "192.0.2.2"},
		{"wWw.ExAmPlE. A", "192.0.2.80"},
		{"A\\.B.example. TXT", "dot"}, // one label, with a dot in it
		{"\\000\\255.EXAMPLE. TXT", "octets"},
		{"mixed.example. CNAME", "www.example."},
	} {
		m := query(c.question)
		sent, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		r, reply := exchange(t, s, m, server.UDP)
		if len(r.Answer) != 1 || !strings.Contains(strings.ToLower(r.Answer[0].String()), c.want) {
			t.Errorf("%s: %v", c.question, r)
		}
		if !bytes.HasPrefix(reply[12:], sent[12:]) {
			t.Errorf("%s: the question is %q, was %q", c.question, reply[12:len(sent)], sent[12:])
		}
	}
	for _, question := range []string{
		"a.b.example. TXT", "\\000\\254.example. TXT", "\\032www.example. A",
		"\\195\\132.example. A", "\\[.example. A", // RFC 4343 3: A to Z are folded, and nothing else
	} {
		if r, _ := exchange(t, s, query(question), server.UDP); r.Rcode != dns.RcodeNameError {
			t.Errorf("%s: %v", question, r)
		}
	}
}

func TestG103OneQuestion(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, "")
	for n, want := range map[int]int{0: dns.RcodeFormatError, 1: 0, 2: dns.RcodeFormatError, 3: dns.RcodeFormatError} {
		m := query("www.example. A")
		m.Question = slices.Repeat(m.Question, n)
		if r, _ := exchange(t, s, m, server.UDP); r.Rcode != want {
			t.Errorf("%d questions: %v", n, r)
		}
	}
	m := query(". A", withEDNS(1232, false, rawOption(10, "12345678")))
	m.Question = nil // RFC 7873 5.4
	if r, _ := exchange(t, s, m, server.UDP); r.Rcode != 0 || len(r.Question)+len(r.Answer) > 0 || len(r.IsEdns0().Option) != 1 {
		t.Errorf("for a cookie: %v", r)
	}
}

func TestG104WhatIsNoQuery(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, "")
	good, err := query("www.example. A").Pack()
	if err != nil {
		t.Fatal(err)
	}
	response := slices.Clone(good)
	response[2] |= 0x80
	long := "\x3f" + strings.Repeat("a", 63)
	header, tail := "\x12\x67\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00", "\x00\x01\x00\x01"
	for _, c := range []struct {
		what  string
		msg   []byte
		rcode int // -1: no reply
	}{
		{"a response", response, -1},
		{"a header that is short", good[:11], -1},
		{"trailing octets", append(slices.Clone(good), 0), dns.RcodeFormatError},
		{"a label of 64 octets", []byte(header + "\x40" + strings.Repeat("a", 64) + "\x00" + tail), dns.RcodeFormatError},
		{"a name of 256 octets", []byte(header + long + long + long + "\x3e" + strings.Repeat("a", 62) + "\x00" + tail), dns.RcodeFormatError},
		{"a name of 255 octets", []byte(header + long + long + long + "\x3d" + strings.Repeat("a", 61) + "\x00" + tail), dns.RcodeRefused},
		{"a pointer forward", []byte(header + "\xc0\x0e" + "\x00" + tail), dns.RcodeFormatError},
		{"a pointer to itself", []byte(header + "\xc0\x0c" + tail), dns.RcodeFormatError},
	} {
		r, _ := unpacked(t, s.Respond(nil, c.msg, client(), server.UDP))
		if (r == nil) != (c.rcode < 0) || r != nil && r.Rcode != c.rcode {
			t.Errorf("%s: %v", c.what, r)
		}
	}
}

func TestG105UnknownTypes(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, "")
	for question, want := range map[string]string{"odd.example. ": "\\# 3 010203", "www.example. ": "", "nobody.example. ": "NXDOMAIN"} {
		m := query(question + "A")
		m.Question[0].Qtype = 1000
		r, _ := exchange(t, s, m, server.UDP)
		switch {
		case want == "NXDOMAIN":
			if r.Rcode != dns.RcodeNameError {
				t.Errorf("%s%v", question, r)
			}
		case r.Rcode != 0 || len(r.Answer) > 0 != (want != ""):
			t.Errorf("%s%v", question, r)
		case want != "" && !strings.HasSuffix(r.Answer[0].String(), want):
			t.Errorf("%s%v, want %s", question, r.Answer[0], want)
		}
	}
	// Every type that is no meta type and no QTYPE gets what TYPE1000 gets, octet by octet.
	special := []uint16{dns.TypeNone, dns.TypeOPT, 128, 249, dns.TypeTSIG, dns.TypeIXFR, dns.TypeAXFR, dns.TypeMAILB, dns.TypeMAILA, dns.TypeANY}
	for name, want := range map[string]int{"nobody.example.": dns.RcodeNameError, "www.example.": dns.RcodeSuccess} {
		m := query(name + " A")
		m.Question[0].Qtype = 1000
		r, like := exchange(t, s, m, server.UDP)
		if r.Rcode != want || !r.Authoritative || len(r.Answer) > 0 || len(r.Ns) != 1 || r.Ns[0].Header().Rrtype != dns.TypeSOA {
			t.Errorf("%s: %v", name, r)
		}
		ask, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		at := len(ask) - 4 // where the type is, in the reply, too
		var reply []byte
		for qtype := range 1 << 16 {
			if slices.Contains(special, uint16(qtype)) || name == "www.example." && qtype == int(dns.TypeA) {
				continue
			}
			binary.BigEndian.PutUint16(ask[at:], uint16(qtype))
			binary.BigEndian.PutUint16(like[at:], uint16(qtype))
			if reply = s.Respond(reply[:0], ask, client(), server.UDP); !bytes.Equal(reply, like) {
				t.Fatalf("%s type %d:\n%x, want\n%x", name, qtype, reply, like)
			}
		}
	}
}

func TestG106OpcodesClassesAndNames(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, "", func(o *server.Options) { o.Version = "sextant" })
	for opcode := 1; opcode < 16; opcode++ {
		m := query("www.example. A", func(m *dns.Msg) { m.Opcode = opcode })
		if r, _ := exchange(t, s, m, server.UDP); r.Rcode != dns.RcodeNotImplemented || r.Opcode != opcode || len(r.Answer) > 0 {
			t.Errorf("opcode %d: %v", opcode, r)
		}
	}
	for class, want := range map[uint16]int{0: dns.RcodeRefused, 2: dns.RcodeRefused, 4: dns.RcodeRefused, 254: dns.RcodeRefused, 255: dns.RcodeRefused, 1000: dns.RcodeRefused} {
		m := query("www.example. A", func(m *dns.Msg) { m.Question[0].Qclass = class })
		if r, _ := exchange(t, s, m, server.UDP); r.Rcode != want || len(r.Answer) > 0 {
			t.Errorf("class %d: %v", class, r)
		}
	}
	m := query("version.bind. TXT", func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS })
	if r, _ := exchange(t, s, m, server.UDP); r.Rcode != 0 || len(r.Answer) != 1 {
		t.Errorf("class CH: %v", r)
	}
	for _, name := range []string{"elsewhere.", ".", "com.", "aexample."} {
		r, _ := exchange(t, s, query(name+" A"), server.UDP)
		if r.Rcode != dns.RcodeRefused || r.Authoritative || len(r.Ns)+len(r.Extra) > 0 {
			t.Errorf("%s: %v", name, r)
		}
	}
}

func TestG107MetaTypes(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, "")
	for qtype, want := range map[uint16]int{
		dns.TypeOPT: dns.RcodeFormatError, dns.TypeTSIG: dns.RcodeFormatError, dns.TypeNone: dns.RcodeFormatError,
		dns.TypeMAILA: dns.RcodeNotImplemented, dns.TypeMAILB: dns.RcodeNotImplemented,
		dns.TypeAXFR: dns.RcodeFormatError, dns.TypeANY: dns.RcodeSuccess,
	} {
		m := query("www.example. A", func(m *dns.Msg) { m.Question[0].Qtype = qtype })
		if r, _ := exchange(t, s, m, server.UDP); r == nil || r.Rcode != want {
			t.Errorf("type %d over UDP: %v", qtype, r)
		}
	}
}

// bulk is an RRset of n RRs of that type, each with names in them.
func bulk(owner, rr string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s %s\n", owner, strings.ReplaceAll(rr, "#", fmt.Sprint(i)))
	}
	return b.String()
}

func TestG108CompressionAndSize(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, bulk("large", "TXT \""+strings.Repeat("x", 100)+"-#\"", 900)+bulk("fits", "TXT \""+strings.Repeat("x", 100)+"-#\"", 500)+bulk("mx", "MX # a.host.below.example.", 2)+bulk("srv2", "SRV # 1 1 a.host.below.example.", 2))
	mx, mxOctets := exchange(t, s, query("mx.example. MX"), server.UDP)
	srv, srvOctets := exchange(t, s, query("srv2.example. SRV"), server.UDP)
	name := []byte("\x01a\x04host\x05below\x07example\x00")
	if n := bytes.Count(mxOctets, []byte("\x01a\x04host\x05below")); len(mx.Answer) != 2 || n != 1 {
		t.Errorf("a name in MX is there %d times: RFC 1035 4.1.4 lets it be once", n)
	}
	if n := bytes.Count(srvOctets, name); len(srv.Answer) != 2 || n != 2 {
		t.Errorf("a name in SRV is there %d times in full, want 2: RFC 3597 4 and RFC 2782", n)
	}
	fits, octets := exchange(t, s, query("fits.example. TXT"), server.TCP)
	if len(octets) < 50_000 || fits.Truncated || len(fits.Answer) != 500 {
		t.Errorf("%d octets over TCP, %d RRs", len(octets), len(fits.Answer))
	}
	large, octets := exchange(t, s, query("large.example. TXT", withEDNS(1232, false)), server.TCP)
	if len(octets) > 65535 || !large.Truncated || len(large.Answer) > 0 || large.IsEdns0() == nil {
		t.Errorf("what TCP cannot carry: %d octets, %d RRs, TC %v", len(octets), len(large.Answer), large.Truncated)
	}
}

func TestG109RRsets(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, bulk("large", "TXT \""+strings.Repeat("x", 40)+"-#\"", 30))
	low, _ := exchange(t, s, query("low.example. A"), server.UDP)
	if len(low.Answer) != 2 || low.Answer[0].Header().Ttl != 60 || low.Answer[1].Header().Ttl != 60 { // RFC 2181 5.2
		t.Errorf("one RRset, one TTL: %v", low.Answer)
	}
	if twice, _ := exchange(t, s, query("twice.example. A"), server.UDP); len(twice.Answer) != 1 { // RFC 2181 5
		t.Errorf("one RR twice: %v", twice.Answer)
	}
	if large, _ := exchange(t, s, query("large.example. TXT", withEDNS(1232, false)), server.UDP); !large.Truncated || len(large.Answer) != 0 { // RFC 2181 9
		t.Errorf("a part of an RRset: %d RRs, TC %v", len(large.Answer), large.Truncated)
	}
	// RFC 2181 8: a TTL with its top bit set does not come into a zone.
	if _, err := zones.Load(strings.NewReader(zoneText+"top 2147483648 A 192.0.2.1\n"), "z", zones.LoadOptions{}); err == nil || !strings.Contains(err.Error(), "RFC 2181 8") {
		t.Errorf("a TTL of 2^31: %v", err)
	}
}

func TestG110Truncation(t *testing.T) {
	t.Parallel()
	text := bulk("sib", "NS ns#.cut", 13) + bulk("cut", "NS ns#.cut", 13) + bulk("mx", "MX # h#", 14)
	for i := range 14 {
		text += fmt.Sprintf("ns%d.cut A 192.0.2.%d\nns%d.cut AAAA 2001:db8::%d\nh%d A 192.0.2.%d\nh%d AAAA 2001:db8::%d\n", i, i, i, i, i, i, i, i)
	}
	s := newAuthority(t, text)
	for _, c := range []struct {
		what, question string
		size           uint16
		tc, records    bool
	}{
		{"glue that does not fit (RFC 9471 3)", "www.cut.example. A", 512, true, false},
		{"glue of siblings that does not fit is not waited for (RFC 9471 3.2)", "www.sib.example. A", 512, false, true},
		{"glue that fits", "www.cut.example. A", 1232, false, true},
		{"what is optional goes without TC (RFC 2181 9)", "mx.example. MX", 512, false, true},
	} {
		r, octets := exchange(t, s, query(c.question, withEDNS(c.size, true)), server.UDP)
		if r.Truncated != c.tc || len(r.Answer)+len(r.Ns) > 0 != c.records || r.IsEdns0() == nil || !r.IsEdns0().Do() || len(octets) > int(c.size) {
			t.Errorf("%s: %d octets\n%v", c.what, len(octets), r)
		}
	}
}

func TestG701Matrix(t *testing.T) {
	t.Parallel()
	for _, limits := range []bool{false, true} {
		s := newAuthority(t, bulk("@", "DNSKEY 256 3 13 ##"+strings.Repeat("A", 84)+"==", 9), func(o *server.Options) { // over 512 octets
			o.Version = "x"
			if limits {
				o.RateLimit = server.RateLimit{Responses: 1000, Errors: 1000}
				o.Views[0].RateLimit = true
				o.Cookies.Require = server.RequireOverLimit
			}
		})
		for _, c := range ednscheck.Cases() {
			proto := server.UDP
			if c.TCP {
				proto = server.TCP
			}
			for range 2 { // the second is a hit
				r, octets := exchange(t, s, c.Query("example"), proto)
				if r == nil {
					t.Errorf("%s: no reply", c)
					continue
				}
				if small := c.Section == "8.2.7"; r.Truncated != small {
					t.Errorf("%s: TC %t with %d octets", c, r.Truncated, len(octets))
				}
				for _, complaint := range c.Judge(ednscheck.Observe(r, len(octets)), true) {
					t.Errorf("%s: %s", c, complaint)
				}
			}
		}
	}
}

func TestG702OPT(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, bulk("large", "TXT \""+strings.Repeat("x", 40)+"-#\"", 9)+bulk("huge", "TXT \""+strings.Repeat("x", 100)+"-#\"", 15))
	if r, _ := exchange(t, s, query("www.example. A"), server.UDP); r.IsEdns0() != nil {
		t.Error("an OPT that nobody has asked for")
	}
	two := query("www.example. A", withEDNS(1232, false))
	two.Extra = append(two.Extra, two.Extra[0])
	if r, _ := exchange(t, s, two, server.UDP); r.Rcode != dns.RcodeFormatError || r.IsEdns0() == nil || r.IsEdns0().Version() != 0 {
		t.Errorf("two OPTs: %v", r) // RFC 6891 6.1.1: FORMERR, and where there was an OPT there is one
	}
	for _, c := range []struct {
		question string
		size     uint16
		tc       bool
	}{
		{"large.example. TXT", 0, true}, {"large.example. TXT", 511, true}, {"large.example. TXT", 512, true}, {"large.example. TXT", 1232, false},
		{"huge.example. TXT", 1232, true}, {"huge.example. TXT", 65535, true}, // our own size is 1232
	} {
		for _, do := range []bool{false, true} {
			r, octets := exchange(t, s, query(c.question, withEDNS(c.size, do)), server.UDP)
			if r.Truncated != c.tc || r.IsEdns0().Do() != do || r.IsEdns0().UDPSize() != 1232 || len(octets) > min(max(int(c.size), 512), 1232) {
				t.Errorf("%s, %d: %d octets\n%v", c.question, c.size, len(octets), r)
			}
		}
	}
}

func TestG703ErrorsHaveTheirOPT(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, "")
	for _, c := range []struct {
		what  string
		query *dns.Msg
		rcode int
	}{
		{"FORMERR", query("www.example. A", withEDNS(1232, true, rawOption(10, "x"))), dns.RcodeFormatError},
		{"NOTIMP", query("www.example. A", withEDNS(1232, true), func(m *dns.Msg) { m.Opcode = 2 }), dns.RcodeNotImplemented},
		{"REFUSED", query("elsewhere. A", withEDNS(1232, true)), dns.RcodeRefused},
		{"NXDOMAIN", query("nobody.example. A", withEDNS(1232, true)), dns.RcodeNameError},
	} {
		r, _ := exchange(t, s, c.query, server.UDP)
		if r == nil || r.Rcode != c.rcode || r.IsEdns0() == nil || !r.IsEdns0().Do() || len(codes(r)) == 0 != (c.what != "REFUSED") {
			t.Errorf("%s: %v", c.what, r)
		}
	}
}

func TestG704ClientSubnet(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, "")
	const good = "\x00\x01\x18\x00\xc0\x00\x02"
	for _, c := range []struct {
		what    string
		options []dns.EDNS0
		rcode   int
	}{
		{"good", []dns.EDNS0{rawOption(8, good)}, 0},
		{"twice", []dns.EDNS0{rawOption(8, good), rawOption(8, good)}, dns.RcodeFormatError},
		{"family 0 with an address", []dns.EDNS0{rawOption(8, "\x00\x00\x18\x00\xc0\x00\x02")}, dns.RcodeFormatError},
		{"family 3", []dns.EDNS0{rawOption(8, "\x00\x03\x18\x00\xc0\x00\x02")}, dns.RcodeFormatError},
	} {
		r, _ := exchange(t, s, query("www.example. A", withEDNS(1232, false, c.options...)), server.UDP)
		if r.Rcode != c.rcode || c.rcode == 0 && len(r.IsEdns0().Option) != 1 {
			t.Errorf("%s: %v", c.what, r)
		}
	}
}

func TestG705CookiesExemptFromLimits(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	shared := server.CookieSecret([]byte("shared by all of"))
	site := func() *server.Server {
		return newAuthority(t, "", func(o *server.Options) {
			o.Now = func() time.Time { return now }
			o.Cookies = server.CookieOptions{Secrets: []server.CookieSecret{shared}, Require: server.RequireOverLimit}
			o.RateLimit = server.RateLimit{Responses: 5, Slip: 1}
			o.Views[0].RateLimit = true
		})
	}
	here, there := site(), site() // of one anycast address
	ask := func(s *server.Server, cookie string) *dns.Msg {
		r, _ := exchange(t, s, query("www.example. A", withEDNS(1232, false, rawOption(10, cookie))), server.UDP)
		return r
	}
	told := ""
	for i := range 10 {
		r := ask(here, "12345678")
		if want := i >= 5; r.Rcode&0xf|int(r.IsEdns0().ExtendedRcode())&^0xf == dns.RcodeBadCookie != want {
			t.Errorf("query %d: %v", i, r)
		}
		told = r.IsEdns0().Option[0].(*dns.EDNS0_COOKIE).Cookie
	}
	cookie, err := hex.DecodeString(told)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*server.Server{here, there} {
		for i := range 10 {
			if r := ask(s, string(cookie)); r == nil || r.Rcode != 0 || len(r.Answer) != 1 {
				t.Fatalf("query %d with a cookie: %v", i, r)
			}
		}
	}
	for _, length := range []int{0, 7, 9, 15, 41} {
		if r := ask(here, strings.Repeat("c", length)); r.Rcode != dns.RcodeFormatError {
			t.Errorf("%d octets: %v", length, r)
		}
	}
}

func TestG706OtherOptions(t *testing.T) {
	t.Parallel()
	s := newAuthority(t, "", func(o *server.Options) {
		o.Expire = func(zone lookup.Name) (uint32, bool) { return 7, zone == lookup.MustName("example.") }
	})
	all := withEDNS(1232, false, rawOption(message.OptionNSID, ""), rawOption(message.OptionExpire, ""), rawOption(message.OptionPadding, "xx"), rawOption(message.OptionKeepalive, ""))
	for proto, want := range map[server.Proto][]uint16{
		server.UDP: {message.OptionNSID, message.OptionExpire},
		server.TCP: {message.OptionNSID, message.OptionKeepalive, message.OptionExpire},
		server.TLS: {message.OptionNSID, message.OptionKeepalive, message.OptionExpire, message.OptionPadding},
	} {
		r, _ := exchange(t, s, query("example. SOA", all), proto)
		if got := ednscheck.Observe(r, 0).Options; !slices.Equal(got, want) {
			t.Errorf("%v: options %v, want %v", proto, got, want)
		}
	}
	for _, c := range []struct {
		what  string
		query *dns.Msg
		want  uint16
	}{
		{"not ours", query("elsewhere. A", withEDNS(1232, false)), lookup.EDENotAuthoritative},
		{"not here yet", query("www.awaited. A", withEDNS(1232, false)), lookup.EDENotReady},
	} {
		if r, _ := exchange(t, s, c.query, server.UDP); !slices.Equal(codes(r), []uint16{c.want}) {
			t.Errorf("%s: %v", c.what, r)
		}
	}
	closed := newAuthority(t, "", func(o *server.Options) { o.Views[0].Clients = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	if r, _ := exchange(t, closed, query("www.example. A", withEDNS(1232, false)), server.UDP); !slices.Equal(codes(r), []uint16{lookup.EDEProhibited}) {
		t.Errorf("a stranger: %v", r)
	}
}
