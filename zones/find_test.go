package zones

import (
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// corners has one of everything that Find must tell apart.
const corners = top + `
www		A	192.0.2.80
alias		CNAME	www
a.b.ent		TXT	"ent and b.ent are empty non-terminals"
*.w		A	192.0.2.1
		TXT	any
in.w		A	192.0.2.2
ent.blocks.w	A	192.0.2.3
*.c		CNAME	www
x.*.e		TXT	"* is an empty non-terminal below e"
lit.*.a		TXT	"* in the middle of a name is a label like any other"
sub		NS	ns.sub
		DS	1 13 2 00
ns.sub		A	192.0.2.54
*.sub		A	192.0.2.9
sub2.sub	NS	ns.sub
d		DNAME	elsewhere.
		TXT	"the owner of a DNAME is not redirected"
*.cutw		A	192.0.2.5
cut.cutw	NS	ns.elsewhere.
`

// The numbers are sections of the checklist in spec/geo-authoritative.md.
func TestFind(t *testing.T) {
	t.Parallel()
	z := load(t, corners)
	for _, c := range []struct {
		why  string
		name string
		t    lookup.Type
		want string // kind, owner of Set, encloser, and whether a wildcard was expanded
	}{
		{"plain", "www.example.", lookup.TypeA, "answer www.example. www.example."},
		{"the apex", "example.", lookup.TypeNS, "answer example. example."},
		{"4.2 NODATA", "www.example.", lookup.TypeAAAA, "NODATA - www.example."},
		{"4.2 NXDOMAIN", "nobody.example.", lookup.TypeA, "NXDOMAIN - example."},
		{"4.2 NXDOMAIN, the encloser is the longest existing ancestor", "x.y.www.example.", lookup.TypeA, "NXDOMAIN - www.example."},
		{"4.2 an empty non-terminal is NODATA (RFC 8020)", "ent.example.", lookup.TypeA, "NODATA - ent.example."},
		{"4.2 so is one further down", "b.ent.example.", lookup.TypeA, "NODATA - b.ent.example."},
		{"4.2 outside", "example.com.", lookup.TypeA, "outside - -"},
		{"4.2 outside, but the octets match", "badexample.", lookup.TypeA, "outside - -"},

		{"4.2 CNAME for any type", "alias.example.", lookup.TypeA, "CNAME alias.example. alias.example."},
		{"4.2 CNAME also for DS", "alias.example.", lookup.TypeDS, "CNAME alias.example. alias.example."},
		{"4.2 CNAME asked for is an answer", "alias.example.", lookup.TypeCNAME, "answer alias.example. alias.example."},
		{"4.2 ANY asks for the CNAME itself", "alias.example.", lookup.TypeANY, "answer alias.example. alias.example."},
		{"4.2 NSEC is beside the CNAME", "alias.example.", lookup.TypeNSEC, "NODATA - alias.example."},
		{"4.2 NSEC3 is not, but under a hash", "alias.example.", lookup.TypeNSEC3, "CNAME alias.example. alias.example."},
		{"4.2 RRSIG is beside the CNAME", "alias.example.", lookup.TypeRRSIG, "NODATA - alias.example."},

		{"4.2 at the cut", "sub.example.", lookup.TypeNS, "delegation sub.example. sub.example."},
		{"4.2 at the cut, whatever is asked", "sub.example.", lookup.TypeA, "delegation sub.example. sub.example."},
		{"4.2 ANY at the cut", "sub.example.", lookup.TypeANY, "delegation sub.example. sub.example."},
		{"4.2 DS at the cut is the parent's", "sub.example.", lookup.TypeDS, "answer sub.example. sub.example."},
		{"4.2 so is the lack of a DS", "cut.cutw.example.", lookup.TypeDS, "NODATA - cut.cutw.example."},
		{"4.2 DS below the cut is not", "ns.sub.example.", lookup.TypeDS, "delegation sub.example. sub.example."},
		{"4.2 glue is never answered", "ns.sub.example.", lookup.TypeA, "delegation sub.example. sub.example."},
		{"4.2 the topmost cut counts", "x.sub2.sub.example.", lookup.TypeA, "delegation sub.example. sub.example."},
		{"4.2 nor has what is hidden a DS", "sub2.sub.example.", lookup.TypeDS, "delegation sub.example. sub.example."},

		{"4.3 wildcard", "x.w.example.", lookup.TypeA, "answer *.w.example. w.example. wildcard"},
		{"4.3 wildcard, many labels", "x.y.z.w.example.", lookup.TypeA, "answer *.w.example. w.example. wildcard"},
		{"4.3 wildcard NODATA", "x.w.example.", lookup.TypeAAAA, "NODATA - w.example. wildcard"},
		{"4.3 a closer name blocks it", "x.in.w.example.", lookup.TypeA, "NXDOMAIN - in.w.example."},
		{"4.3 so does an empty non-terminal", "x.blocks.w.example.", lookup.TypeA, "NXDOMAIN - blocks.w.example."},
		{"4.3 the empty non-terminal itself is NODATA", "blocks.w.example.", lookup.TypeA, "NODATA - blocks.w.example."},
		{"4.3 a name whose other type exists is not covered", "in.w.example.", lookup.TypeTXT, "NODATA - in.w.example."},
		{"4.3 * itself is literal", "*.w.example.", lookup.TypeA, "answer *.w.example. *.w.example."},
		{"4.3 below * nothing is covered", "x.*.w.example.", lookup.TypeA, "NXDOMAIN - *.w.example."},
		{"4.3 * that is an empty non-terminal matches", "y.e.example.", lookup.TypeTXT, "NODATA - e.example. wildcard"},
		{"4.3 * inside a name is literal", "lit.*.a.example.", lookup.TypeTXT, "answer lit.*.a.example. lit.*.a.example."},
		{"4.3 and covers nothing", "lit.x.a.example.", lookup.TypeTXT, "NODATA - a.example. wildcard"},
		{"4.3 wildcard CNAME", "x.c.example.", lookup.TypeA, "CNAME *.c.example. c.example. wildcard"},
		{"4.3 no wildcard below a cut", "x.sub.example.", lookup.TypeA, "delegation sub.example. sub.example."},
		{"4.3 a delegation blocks the wildcard beside it", "x.cut.cutw.example.", lookup.TypeA, "delegation cut.cutw.example. cut.cutw.example."},

		{"4.4 DNAME is not for its owner", "d.example.", lookup.TypeTXT, "answer d.example. d.example."},
		{"4.4 nor when the type is not there", "d.example.", lookup.TypeA, "NODATA - d.example."},
		{"4.4 DNAME asked for is an answer", "d.example.", lookup.TypeDNAME, "answer d.example. d.example."},
		{"4.4 DNAME for what is below", "x.y.d.example.", lookup.TypeA, "DNAME d.example. d.example."},
		{"4.4 also for the type DNAME", "x.d.example.", lookup.TypeDNAME, "DNAME d.example. d.example."},

		{"4.6 ANY is one RRset", "in.w.example.", lookup.TypeANY, "answer in.w.example. in.w.example."},
		{"4.6 ANY of an empty non-terminal", "ent.example.", lookup.TypeANY, "NODATA - ent.example."},
		{"4.6 ANY stays NXDOMAIN", "nobody.example.", lookup.TypeANY, "NXDOMAIN - example."},
	} {
		if got := inWords(z.Find(name(c.name), c.t)); got != c.want {
			t.Errorf("%s: %s %s\n got %s\nwant %s", c.why, c.name, c.t, got, c.want)
		}
	}
}

func inWords(m Match) string {
	owner, encloser := "-", "-"
	if m.Set.Name != "" {
		owner = m.Set.Name.String()
	}
	if m.Encloser != "" {
		encloser = m.Encloser.String()
	}
	s := m.Kind.String() + " " + owner + " " + encloser
	if m.Wildcard {
		s += " wildcard"
	}
	return s
}

func TestFindRRSIGIsOneRRsetsSignatures(t *testing.T) {
	t.Parallel()
	z := load(t, top+`www A 192.0.2.1
www AAAA 2001:db8::1
www RRSIG AAAA 13 2 300 20300101000000 20200101000000 1 @ AAAA
`)
	m := z.Find(name("www.example."), lookup.TypeRRSIG) // checklist 4.6
	if m.Kind != Answer || m.Set.Type != lookup.TypeRRSIG || m.Set.Data.Len() != 1 || m.Set.Sigs != "" {
		t.Errorf("got %v %v", m.Kind, m.Set)
	}
}

func TestFindANYIsNoProof(t *testing.T) {
	t.Parallel()
	z := load(t, top+"odd TYPE65280 \\# 1 00\nodd NSEC @ RRSIG NSEC TYPE65280\nonly NSEC @ RRSIG NSEC\n")
	for owner, want := range map[string]lookup.Type{"odd.example.": 65280, "only.example.": lookup.TypeNSEC} {
		if m := z.Find(name(owner), lookup.TypeANY); m.Kind != Answer || m.Set.Type != want {
			t.Errorf("%s: got %v %v, want %s", owner, m.Kind, m.Set, want)
		}
	}
}

func TestAtShowsWhatFindHides(t *testing.T) {
	t.Parallel()
	z := load(t, corners)
	if glue := z.At(name("ns.sub.example.")); len(glue) != 1 || glue[0].Type != lookup.TypeA {
		t.Errorf("got %v", glue)
	}
	for _, none := range []string{"ent.example.", "nobody.example.", "x.w.example.", "other."} {
		if sets := z.At(name(none)); len(sets) != 0 {
			t.Errorf("%s: %v", none, sets)
		}
	}
}

func TestTheRootZoneHasNoParent(t *testing.T) {
	t.Parallel()
	z := load(t, `$TTL 60
.	SOA	ns.tld. host.tld. 1 2 3 4 5
.	NS	ns.tld.
tld.	NS	ns.tld.
ns.tld.	A	192.0.2.1
`)
	for q, want := range map[string]string{
		".":          "NODATA - .",
		"nobody.":    "NXDOMAIN - .",
		"a.b.nobody": "NXDOMAIN - .",
		"www.tld.":   "delegation tld. tld.",
	} {
		if got := inWords(z.Find(name(q), lookup.TypeA)); got != want {
			t.Errorf("%s: got %s, want %s", q, got, want)
		}
	}
}

func TestFindAndClosestAllocateNothing(t *testing.T) {
	z := load(t, corners)
	tree, err := NewTree(z)
	if err != nil {
		t.Fatal(err)
	}
	deep := name(strings.Repeat("x.", 100) + "w.example.")
	questions := []lookup.Name{name("www.example."), name("nobody.example."), deep, name("ns.sub.example."), name("x.d.example.")}
	if n := testing.AllocsPerRun(100, func() {
		for _, q := range questions {
			zone, _ := tree.Closest(q)
			zone.Find(q, lookup.TypeA)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	zone := func(apex string) *Zone {
		return load(t, "$TTL 60\n"+apex+" SOA . . 1 2 3 4 5\n"+apex+" NS ns.elsewhere.\n")
	}
	com, example, deep := zone("com."), zone("example.com."), zone("a.b.example.com.")
	tree, err := NewTree(example, deep, com)
	if err != nil {
		t.Fatal(err)
	}
	for q, want := range map[string]*Zone{
		"com.":                   com,
		"www.com.":               com,
		"example.com.":           example,
		"b.example.com.":         example,
		"a.b.example.com.":       deep,
		"x.y.z.a.b.example.com.": deep,
		"counterexample.com.":    com,
		"net.":                   nil,
		".":                      nil,
	} {
		if got, ok := tree.Closest(name(q)); got != want || ok != (want != nil) {
			t.Errorf("%s: %v", q, got)
		}
	}
	var order []string
	for z := range tree.All() {
		order = append(order, z.Apex().String())
	}
	if got := strings.Join(order, " "); got != "com. example.com. a.b.example.com." {
		t.Errorf("All: %s", got)
	}
	if _, ok := tree.Zone(name("b.example.com.")); ok {
		t.Error("Zone found a name that is no apex")
	}
	if _, err := NewTree(com, zone("com.")); err == nil {
		t.Error("two zones of one name")
	}
	for _, empty := range []*Tree{nil, {}} {
		if _, ok := empty.Closest(name("com.")); ok {
			t.Error("an empty tree has a zone")
		}
		for range empty.All() {
			t.Error("an empty tree has zones")
		}
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	for rrs, want := range map[string]string{
		"x. NS B.example.\nx. NS a.example.":       "b.example. a.example.",
		"x. MX 10 mx.example.\nx. MX 0 .":          "mx.example.",
		"x. SRV 1 2 3 host.example.":               "host.example.",
		"x. HTTPS 1 svc.example. alpn=h2":          "svc.example.",
		"x. SVCB 1 . alpn=h2":                      "",
		"x. PTR host.example.":                     "",
		`x. MX \# 3 000A00`:                        "",
		"x. SRV 1 2 3 a.example.\nx. SRV 1 2 3 b.": "a.example. b.",
	} {
		var got []string
		for h := range Hosts(lookup.MustRRsets(rrs)[0]) {
			got = append(got, h.String())
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: got %q, want %q", rrs, s, want)
		}
	}
}
