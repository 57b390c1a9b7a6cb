package scenario

import (
	"strings"
	"testing"
)

// packetOf builds a packet out of entry lines.
func packetOf(t *testing.T, lines string) *Packet {
	t.Helper()
	return &parseEntry(t, lines).Packets[0]
}

func TestWordsMatchWhatTheySay(t *testing.T) {
	t.Parallel()
	const www = "SECTION QUESTION\nwww.example. IN A\n"
	const ede18 = "SECTION ADDITIONAL\nHEX_EDNSDATA_BEGIN\n000f 0003 0012 41\nHEX_EDNSDATA_END\n"
	const cookie8 = "SECTION ADDITIONAL\nHEX_EDNSDATA_BEGIN\n000a 0008 0102030405060708\nHEX_EDNSDATA_END\n"
	for _, c := range []struct {
		entry, packet string
		tcp           bool
		want          string // the difference; "" when there is none
	}{
		{"", www, false, ""},
		{"MATCH opcode\n", "REPLY NOTIFY\n" + www, false, "opcode"},
		{"MATCH qtype\n" + www, "SECTION QUESTION\nx. CH A", false, ""},
		{"MATCH qtype\n" + www, "SECTION QUESTION\nx. IN AAAA", false, "qtype: want A, got AAAA"},
		{"MATCH qname\n" + www, "SECTION QUESTION\nWWW.Example. IN AAAA", false, ""},
		{"MATCH qname\n" + www, "SECTION QUESTION\nw.example. IN A", false, "qname: want www.example., got w.example."},
		{"MATCH rcode\nREPLY REFUSED\n", www, false, "rcode: want REFUSED, got NOERROR"},
		{"MATCH subdomain\n" + www, "SECTION QUESTION\na.b.WWW.example. IN A", false, ""},
		{"MATCH subdomain\n" + www, www, false, ""},
		{"MATCH subdomain\n" + www, "SECTION QUESTION\nawww.example. IN A", false, "not below"},
		{"MATCH question\n" + www, "SECTION QUESTION\nWWW.example. IN A", false, ""},
		{"MATCH question\n" + www, "SECTION QUESTION\nwww.example. CH A", false, "question lacks"},
		{"MATCH answer\nSECTION ANSWER\na. 5 A 192.0.2.1", "SECTION ANSWER\nA. 6 A 192.0.2.1", false, ""},
		{"MATCH answer ttl\nSECTION ANSWER\na. 5 A 192.0.2.1", "SECTION ANSWER\nA. 6 A 192.0.2.1", false, "answer lacks"},
		{"MATCH answer\nSECTION ANSWER\na. MX 1 b.", "SECTION ANSWER\na. MX 1 B.", false, ""},
		{"MATCH answer\nSECTION ANSWER\na. TXT b", "SECTION ANSWER\na. TXT B", false, "answer lacks"},
		{"MATCH serial=7\n", "SECTION AUTHORITY\na. SOA b. c. 7 1 1 1 1", false, ""},
		{"MATCH serial=7\n", "SECTION AUTHORITY\na. SOA b. c. 8 1 1 1 1", false, "serial: want 7, got 8"},
		{"MATCH DO\n", "REPLY DO\n", false, ""},
		{"MATCH DO\n", cookie8, false, "want the DO flag"},
		{"MATCH CO\n", "REPLY CO\n", false, ""},
		{"MATCH CO\n", "REPLY DO\n", false, "want the CO flag"},
		{"MATCH noedns\n", "", false, ""},
		{"MATCH noedns\n", "REPLY DO", false, "want no EDNS"},
		{"MATCH ednsdata\n" + cookie8, cookie8, false, ""},
		{"MATCH ednsdata\n", "REPLY DO", false, ""},
		{"MATCH ednsdata\n" + cookie8, "REPLY DO", false, "EDNS options"},
		{"MATCH UDP\n", "", false, ""},
		{"MATCH UDP\n", "", true, "want UDP"},
		{"MATCH TCP\n", "", true, ""},
		{"MATCH TCP\n", "", false, "want TCP"},
		{"MATCH ede=18\n", ede18, false, ""},
		{"MATCH ede=any\n", ede18, false, ""},
		{"MATCH ede=any\n", cookie8, false, "want some EDE"},
		{"MATCH ede=22\n", ede18, false, "want EDE 22, got EDE 18 (Prohibited): A"},
		{"MATCH ede=18 ednsdata\nREPLY DO", ede18, false, ""}, // what ede looked at is gone
		{"MATCH client_cookie\n", cookie8, false, ""},
		{"MATCH server_cookie\n", cookie8, false, "want a cookie of 24 octets, got 8"},
	} {
		got := parseEntry(t, c.entry).Differences(packetOf(t, c.packet), c.tcp, Comparison{})
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%q against %q: %v", c.entry, c.packet, got)
		case c.want != "" && (len(got) == 0 || !strings.Contains(got[0], c.want)):
			t.Errorf("%q against %q: %q, want %q", c.entry, c.packet, got, c.want)
		}
	}
}

const reply = `MATCH all
REPLY QR RD RA DO NOERROR
SECTION QUESTION
www.example. IN A
SECTION ANSWER
www.example. IN CNAME a.example.
a.example. IN CNAME b.example.
b.example. IN A 192.0.2.1
b.example. IN A 192.0.2.2
b.example. IN RRSIG A 8 2 3600 20300101000000 20200101000000 1 example. AAAA
SECTION AUTHORITY
example. IN NS ns.example.
SECTION ADDITIONAL
ns.example. IN A 192.0.2.3
`

func TestModesTellWhatCounts(t *testing.T) {
	t.Parallel()
	edit := func(old, new string) string {
		if !strings.Contains(reply, old) {
			t.Fatalf("no %q", old)
		}
		return strings.Replace(reply, old, new, 1)
	}
	const a1, a2 = "b.example. IN A 192.0.2.1\n", "b.example. IN A 192.0.2.2\n"
	const c1, c2 = "www.example. IN CNAME a.example.\n", "a.example. IN CNAME b.example.\n"
	const sig = "b.example. IN RRSIG A 8 2 3600 20300101000000 20200101000000 1 example. AAAA\n"
	minimal := Comparison{Mode: Sets, NoNS: true}
	for _, c := range []struct {
		name   string
		actual string
		same   [4]bool // exact, sets, sets without NS, answer
	}{
		{"nothing", reply, [4]bool{true, true, true, true}},
		{"TTL", edit(a1, "b.example. 5 IN A 192.0.2.1\n"), [4]bool{true, true, true, true}},
		{"order", edit(a1+a2, a2+a1), [4]bool{false, true, true, true}},
		{"order of aliases", edit(c1+c2, c2+c1), [4]bool{}},
		{"RR lost", edit(a1, ""), [4]bool{}},
		{"RR too many", edit(a1, a1+"b.example. IN A 192.0.2.9\n"), [4]bool{}},
		{"RR twice", edit(a1, a1+a1), [4]bool{}},
		{"signature lost", edit(sig, ""), [4]bool{}},
		{"NS lost", edit("example. IN NS ns.example.\n", ""), [4]bool{false, false, true, true}},
		{"SOA added", edit("SECTION AUTHORITY\n", "SECTION AUTHORITY\nexample. SOA a. b. 1 2 3 4 5\n"), [4]bool{false, false, false, true}},
		{"additional lost", edit("ns.example. IN A 192.0.2.3\n", ""), [4]bool{false, true, true, true}},
		{"AD", edit("RA", "RA AD"), [4]bool{}},
		{"AA", edit("QR", "QR AA"), [4]bool{false, false, false, true}},
		{"rcode", edit("NOERROR", "NXDOMAIN"), [4]bool{}},
		{"opcode", edit("NOERROR", "NOTIFY"), [4]bool{false, false, false, true}},
		{"question", edit("www.example. IN A\n", "www.example. IN AAAA\n"), [4]bool{false, false, false, true}},
		{"no EDNS", edit(" DO", ""), [4]bool{false, false, false, true}},
	} {
		for i, like := range []Comparison{{Mode: Exact}, {Mode: Sets}, minimal, {Mode: AnswerOnly}} {
			differ := parseEntry(t, reply).Differences(packetOf(t, c.actual), false, like)
			if got := len(differ) == 0; got != c.same[i] {
				t.Errorf("%s: comparison %d says %v, %q", c.name, i, got, differ)
			}
		}
	}
	unsigned := Comparison{Mode: Sets, NoDO: true}
	if d := parseEntry(t, reply).Differences(packetOf(t, edit(sig, "")), false, unsigned); len(d) > 0 {
		t.Errorf("a client that did not set DO misses its signature: %q", d)
	}
}

func TestAdjustmentsLeaveTheEntryAlone(t *testing.T) {
	t.Parallel()
	e := parseEntry(t, "ADJUST copy_id copy_query copy_ednsdata_assume_clientsubnet increment_ecs_scope\n"+
		"SECTION QUESTION\nexample. IN NS\nSECTION ADDITIONAL\nHEX_EDNSDATA_BEGIN\n0008 0007 0001 15 00 7f0000\nHEX_EDNSDATA_END")
	query := packetOf(t, "SECTION QUESTION\na.example. IN A")
	query.Header.ID = 77
	before := e.Packets[0].String()
	got := e.adjusted(query)
	if got.Header.ID != 77 || got.Asked() != query.Asked() || got.OPT.Data[6:8] != "\x15\x16" {
		t.Errorf("ID %d, scope %x, %s", got.Header.ID, got.OPT.Data, got)
	}
	if e.Packets[0].String() != before {
		t.Errorf("the entry became %s", &e.Packets[0])
	}
}

func TestMacros(t *testing.T) {
	t.Parallel()
	m := macros{vars: map[string]string{"t0": "100", "probe": "5"}, now: func() float64 { return 42 }, timeout: func() float64 { return 7 }}
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"},
		{"${1 + 2 * 3}", "9"},
		{"${30*24*3600}", "2592000"},
		{"${ ${30*24*3600} - 4 }", "2591996"},
		{"${$probe}", "5"},
		{"${${time} + $t0}", "142"},
		{"${range 4 $probe 6}", "5"},
		{"${ctime 0}", "Thu Jan  1 00:00:00 1970"},
		{"a ${1} b ${7/2}", "a 1 b 3.5"},
	} {
		if got, err := m.expand(c.in); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v; want %q", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{"${range 6 $probe 7}", "${1 +}", "${$nobody}", "${", "${1 ^ 2}", "${}"} {
		if got, err := m.expand(in); err == nil {
			t.Errorf("%s: got %q and no error", in, got)
		}
	}
}

// The comparer must notice when an answer is not the expected one: each
// expectation of every story is held against itself and against itself changed.
func TestTheComparerNoticesEveryMutation(t *testing.T) {
	t.Parallel()
	mutations := []struct {
		name   string
		mutate func(*Packet) bool // false: there is nothing to change
	}{
		{"an RR of the answer is lost", func(p *Packet) bool {
			a := p.Sections[Answer]
			if len(a) == 0 || a[0].Type == 46 {
				return false
			}
			p.Sections[Answer] = a[1:]
			return true
		}},
		{"rdata of the answer is changed", func(p *Packet) bool {
			a := append([]RR(nil), p.Sections[Answer]...)
			if len(a) == 0 || a[0].Type == 46 || a[0].Rdata == "" {
				return false
			}
			last := len(a[0].Rdata) - 1
			a[0].Rdata = a[0].Rdata[:last] + string([]byte{a[0].Rdata[last] ^ 0x80})
			p.Sections[Answer] = a
			return true
		}},
		{"AD is turned", func(p *Packet) bool { p.Header.AD = !p.Header.AD; return true }},
		{"the rcode is changed", func(p *Packet) bool { p.Header.Rcode ^= 2; return true }},
		{"the SOA is lost", func(p *Packet) bool {
			for i, rr := range p.Sections[Authority] {
				if rr.Type == 6 {
					p.Sections[Authority] = append(append([]RR(nil), p.Sections[Authority][:i]...), p.Sections[Authority][i+1:]...)
					return true
				}
			}
			return false
		}},
	}
	for _, s := range allStories(t) {
		for _, e := range s.entries() {
			if e.Match&matchAll == 0 || e.Match&(matchEDE|matchServerCookie|matchClientCookie|matchTCP) != 0 {
				continue
			}
			for _, like := range []Comparison{{Mode: Exact}, {Mode: Sets}, {Mode: Sets, NoNS: true, NoDO: true}} {
				if differ := e.Differences(&e.Packets[0], false, like); len(differ) > 0 {
					t.Errorf("%s:%d: differs from itself: %q", s.File, e.Line, differ)
				}
				for _, m := range mutations {
					changed := e.Packets[0]
					if m.mutate(&changed) && len(e.Differences(&changed, false, like)) == 0 {
						t.Errorf("%s:%d: nobody notices that %s (%+v)", s.File, e.Line, m.name, like)
					}
				}
			}
		}
	}
}
