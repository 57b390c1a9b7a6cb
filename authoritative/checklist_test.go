package authoritative

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// Two zones of which one is above the other, and one that stands apart.
const (
	parent = `$ORIGIN example.
$TTL 300
@		SOA	ns host 1 7200 900 1209600 60
@		NS	ns
@		NS	ns.elsewhere.
ns		A	192.0.2.53
		AAAA	2001:db8::53
www		A	192.0.2.80
		A	192.0.2.81
		TXT	"the web"
a.b.ent		TXT	deep
mail		MX	10 ns
		MX	20 x.w
		MX	30 mx.elsewhere.
_web._tcp	SRV	0 0 80 www
svc		HTTPS	1 www alpn=h2

alias		CNAME	www
chain		CNAME	alias
dangling	CNAME	nobody
nodata		CNAME	_web._tcp
outward		CNAME	www.elsewhere.
across		CNAME	www.child
refer		CNAME	www.sub
loop1		CNAME	loop2
loop2		CNAME	loop1
l01		CNAME	l02
l02		CNAME	l03
l03		CNAME	l04
l04		CNAME	l05

*.w		A	192.0.2.1
in.w		TXT	here
x.*.e		TXT	x
*.c		CNAME	www
*.wd		CNAME	x.d

d	20	DNAME	www.other.
		TXT	owner
longer		DNAME	a.name.that.is.longer.other.
self		DNAME	x.self
round1		DNAME	round2
round2		DNAME	round1

child		NS	ns.child
		DS	1 13 2 00
ns.child	A	192.0.2.100
sub		NS	ns.sub
		NS	ns.sib
		NS	ns
		NS	ns.elsewhere.
		DS	2 13 2 00
ns.sub		A	192.0.2.101
		AAAA	2001:db8::101
sib		NS	ns.sib
ns.sib		A	192.0.2.102
far		NS	x.w
`
	child = `$ORIGIN child.example.
$TTL 300
@		SOA	ns host 7 7200 900 1209600 3600
@		NS	ns
ns		A	192.0.2.100
www		A	192.0.2.180
back		CNAME	www.example.
`
	other = `$ORIGIN other.
$TTL 300
@		SOA	ns.elsewhere. host 9 7200 900 1209600 60
@		NS	ns.elsewhere.
a.www		A	198.51.100.1
c.www		CNAME	www.example.
`
)

func tree(t testing.TB, files ...string) *zones.Tree {
	t.Helper()
	var all []*zones.Zone
	for i, text := range files {
		z, err := zones.Load(strings.NewReader(text), fmt.Sprint("zone ", i), zones.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, z)
	}
	tr, err := zones.NewTree(all...)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func ask(t testing.TB, r lookup.Resolver, question string) *lookup.Response {
	t.Helper()
	f := strings.Fields(question)
	q := lookup.Query{Question: lookup.Question{Name: lookup.MustName(f[0]), Class: lookup.ClassIN}}
	q.Type = lookup.Type(dns.StringToType[f[1]])
	if n, err := strconv.Atoi(strings.TrimPrefix(f[1], "TYPE")); err == nil {
		q.Type = lookup.Type(n)
	}
	q.DO = len(f) > 2 && f[2] == "+do"
	response, err := r.Resolve(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// told is the response as text, an RR a line, with single blanks.
func told(r *lookup.Response) string {
	return strings.TrimSpace(strings.ReplaceAll(r.String(), "\t", " "))
}

const (
	soaExample = "authority:\nexample. 60 IN SOA ns.example. host.example. 1 7200 900 1209600 60"
	soaChild   = "authority:\nchild.example. 300 IN SOA ns.child.example. host.child.example. 7 7200 900 1209600 3600"
	soaOther   = "authority:\nother. 60 IN SOA ns.elsewhere. host.other. 9 7200 900 1209600 60"
	www        = "www.example. 300 IN A 192.0.2.80\nwww.example. 300 IN A 192.0.2.81"
	subNS      = "authority:\nsub.example. 300 IN NS ns.sub.example.\nsub.example. 300 IN NS ns.sib.example.\nsub.example. 300 IN NS ns.example.\nsub.example. 300 IN NS ns.elsewhere."
	subGlue    = `additional:
ns.sub.example. 300 IN A 192.0.2.101
ns.sub.example. 300 IN AAAA 2001:db8::101
ns.sib.example. 300 IN A 192.0.2.102
ns.example. 300 IN A 192.0.2.53
ns.example. 300 IN AAAA 2001:db8::53`
)

// Every case cites the section of the checklist in spec/geo-authoritative.md, and
// the story that it tells.
func TestChecklist(t *testing.T) {
	t.Parallel()
	a := New(tree(t, parent, child, other))
	for _, c := range []struct{ why, question, want string }{
		{"4.1 unknown types are NODATA or NXDOMAIN like any other", "www.example. TYPE65400", "NOERROR AA\n" + soaExample},
		{"4.1 out of zone is REFUSED, no upward referral", "www.elsewhere. A", "REFUSED EDE 20 (Not Authoritative)"},
		{"4.1 so is the root", ". NS", "REFUSED EDE 20 (Not Authoritative)"},

		{"4.2 plain", "www.example. A", "NOERROR AA\nanswer:\n" + www},
		{"4.2 the deepest zone answers", "www.child.example. A", "NOERROR AA\nanswer:\nwww.child.example. 300 IN A 192.0.2.180"},
		{"4.2 also for its apex", "child.example. NS", "NOERROR AA\nanswer:\nchild.example. 300 IN NS ns.child.example.\nadditional:\nns.child.example. 300 IN A 192.0.2.100"},
		{"4.2 except DS, which is the parent's", "child.example. DS", "NOERROR AA\nanswer:\nchild.example. 300 IN DS 1 13 2 00"},
		{"4.2 DS of an apex whose parent we do not hold: NODATA", "other. DS", "NOERROR AA\n" + soaOther},
		{"4.2 DS below the apex is the child's", "www.child.example. DS", "NOERROR AA\n" + soaChild},
		{"4.2 at the cut: a referral", "sub.example. A", "NOERROR\n" + subNS + "\n" + subGlue},
		{"4.2 below the cut; what is hidden there is never answered", "ns.sub.example. A", "NOERROR\n" + subNS + "\n" + subGlue},
		{"4.2 NS at the cut is no answer either", "sub.example. NS", "NOERROR\n" + subNS + "\n" + subGlue},
		{"4.2 NXDOMAIN, SOA TTL lowered to MINIMUM (2308 3)", "nobody.example. A", "NXDOMAIN AA\n" + soaExample},
		{"4.2 NODATA; the SOA's own TTL when it is the lower", "www.child.example. AAAA", "NOERROR AA\n" + soaChild},
		{"4.2 the SOA asked for keeps its TTL", "example. SOA", "NOERROR AA\nanswer:\nexample. 300 IN SOA ns.example. host.example. 1 7200 900 1209600 60"},
		{"4.2 empty non-terminal: NODATA (8020)", "ent.example. A", "NOERROR AA\n" + soaExample},
		{"4.2 and the one below it", "b.ent.example. TXT", "NOERROR AA\n" + soaExample},
		{"4.2 CNAME followed", "alias.example. A", "NOERROR AA\nanswer:\nalias.example. 300 IN CNAME www.example.\n" + www},
		{"4.2 twice", "chain.example. A", "NOERROR AA\nanswer:\nchain.example. 300 IN CNAME alias.example.\nalias.example. 300 IN CNAME www.example.\n" + www},
		{"4.2 not for CNAME", "chain.example. CNAME", "NOERROR AA\nanswer:\nchain.example. 300 IN CNAME alias.example."},
		{"4.2 not for ANY", "chain.example. ANY", "NOERROR AA\nanswer:\nchain.example. 300 IN CNAME alias.example."},
		{"4.2 the last name's rcode: NXDOMAIN (6604)", "dangling.example. A", "NXDOMAIN AA\nanswer:\ndangling.example. 300 IN CNAME nobody.example.\n" + soaExample},
		{"4.2 the last name's rcode: NODATA (2308 2.2)", "nodata.example. A", "NOERROR AA\nanswer:\nnodata.example. 300 IN CNAME _web._tcp.example.\n" + soaExample},
		{"4.2 a chain that leaves our zones ends there", "outward.example. A", "NOERROR AA\nanswer:\noutward.example. 300 IN CNAME www.elsewhere."},
		{"4.2 a chain into another zone of ours", "across.example. A", "NOERROR AA\nanswer:\nacross.example. 300 IN CNAME www.child.example.\nwww.child.example. 300 IN A 192.0.2.180"},
		{"4.2 and back; the SOA is that of the last name's zone", "back.child.example. AAAA", "NOERROR AA\nanswer:\nback.child.example. 300 IN CNAME www.example.\n" + soaExample},
		{"4.2 a chain to a referral keeps AA, which speaks of its beginning", "refer.example. A", "NOERROR AA\nanswer:\nrefer.example. 300 IN CNAME www.sub.example.\n" + subNS + "\n" + subGlue},
		{"4.2 a loop ends where it closes", "loop1.example. A", "NOERROR AA\nanswer:\nloop1.example. 300 IN CNAME loop2.example.\nloop2.example. 300 IN CNAME loop1.example."},
		{"4.2 additional: what we know, out-of-zone never invented", "mail.example. MX", "NOERROR AA\nanswer:\nmail.example. 300 IN MX 10 ns.example.\nmail.example. 300 IN MX 20 x.w.example.\nmail.example. 300 IN MX 30 mx.elsewhere.\n" +
			"additional:\nns.example. 300 IN A 192.0.2.53\nns.example. 300 IN AAAA 2001:db8::53\nx.w.example. 300 IN A 192.0.2.1"},
		{"4.2 additional for SRV", "_web._tcp.example. SRV", "NOERROR AA\nanswer:\n_web._tcp.example. 300 IN SRV 0 0 80 www.example.\nadditional:\n" + www},
		{"4.10 additional for HTTPS", "svc.example. HTTPS", "NOERROR AA\nanswer:\nsvc.example. 300 IN HTTPS 1 www.example. alpn=\"h2\"\nadditional:\n" + www},

		{"4.3 the wildcard's RRs take the name asked", "x.y.w.example. A", "NOERROR AA\nanswer:\nx.y.w.example. 300 IN A 192.0.2.1"},
		{"4.3 wildcard NODATA", "x.w.example. TXT", "NOERROR AA\n" + soaExample},
		{"4.3 a closer name blocks it", "x.in.w.example. A", "NXDOMAIN AA\n" + soaExample},
		{"4.3 a name whose other type exists is NODATA", "in.w.example. A", "NOERROR AA\n" + soaExample},
		{"4.3 * that is an empty non-terminal: NODATA", "y.e.example. A", "NOERROR AA\n" + soaExample},
		{"4.3 * asked for is literal", "*.w.example. A", "NOERROR AA\nanswer:\n*.w.example. 300 IN A 192.0.2.1"},
		{"4.3 wildcard CNAME is followed", "x.c.example. A", "NOERROR AA\nanswer:\nx.c.example. 300 IN CNAME www.example.\n" + www},
		{"4.3 wildcard CNAME to a DNAME", "q.wd.example. A", "NXDOMAIN AA\nanswer:\nq.wd.example. 300 IN CNAME x.d.example.\nd.example. 20 IN DNAME www.other.\nx.d.example. 20 IN CNAME x.www.other.\n" + soaOther},

		{"4.4 DNAME leaves its owner alone", "d.example. TXT", "NOERROR AA\nanswer:\nd.example. 300 IN TXT \"owner\""},
		{"4.4 DNAME, CNAME of the same TTL, and on", "a.d.example. A", "NOERROR AA\nanswer:\nd.example. 20 IN DNAME www.other.\na.d.example. 20 IN CNAME a.www.other.\na.www.other. 300 IN A 198.51.100.1"},
		{"4.4 CNAME below a DNAME: the synthesised one, and the last name's rcode", "x.d.example. CNAME", "NXDOMAIN AA\nanswer:\nd.example. 20 IN DNAME www.other.\nx.d.example. 20 IN CNAME x.www.other.\n" + soaOther},
		{"4.4 CNAME below a DNAME at whose target is a CNAME", "c.d.example. CNAME", "NOERROR AA\nanswer:\nd.example. 20 IN DNAME www.other.\nc.d.example. 20 IN CNAME c.www.other.\nc.www.other. 300 IN CNAME www.example."},
		{"4.4 round and round, until it closes", "x.round1.example. A", "NOERROR AA\nanswer:\nround1.example. 300 IN DNAME round2.example.\nx.round1.example. 300 IN CNAME x.round2.example.\nround2.example. 300 IN DNAME round1.example.\nx.round2.example. 300 IN CNAME x.round1.example."},

		{"4.5 in-domain glue, then what is known of siblings", "x.sub.example. A", "NOERROR\n" + subNS + "\n" + subGlue},
		{"4.5 no glue is made of a wildcard", "x.far.example. A", "NOERROR\nauthority:\nfar.example. 300 IN NS x.w.example."},
		{"4.5 DO brings the DS into the referral", "x.sub.example. A +do", "NOERROR\n" + subNS + "\nsub.example. 300 IN DS 2 13 2 00\n" + subGlue},
		{"4.5 apex NS with addresses, as priming wants them", "example. NS", "NOERROR AA\nanswer:\nexample. 300 IN NS ns.example.\nexample. 300 IN NS ns.elsewhere.\nadditional:\nns.example. 300 IN A 192.0.2.53\nns.example. 300 IN AAAA 2001:db8::53"},

		{"4.6 ANY is one RRset", "www.example. ANY", "NOERROR AA\nanswer:\n" + www},
		{"4.6 ANY stays NXDOMAIN", "nobody.example. ANY", "NXDOMAIN AA\n" + soaExample},
		{"4.6 RRSIG where nothing is signed", "www.example. RRSIG", "NOERROR AA\n" + soaExample},
	} {
		if got := told(ask(t, a, c.question)); got != c.want {
			t.Errorf("%s\n%s\ngot  %s\nwant %s", c.why, c.question, got, c.want)
		}
	}
}

func TestOverlongDNAMEResultIsYXDOMAIN(t *testing.T) { // checklist 4.4
	t.Parallel()
	a := New(tree(t, parent, other))
	got := told(ask(t, a, strings.Repeat("abcdefgh.", 26)+"longer.example. A"))
	if want := "YXDOMAIN AA\nanswer:\nlonger.example. 300 IN DNAME a.name.that.is.longer.other."; got != want {
		t.Errorf("got %s", got)
	}
}

func TestChainsAreBounded(t *testing.T) { // checklist 4.2, 4.4
	t.Parallel()
	a := New(tree(t, parent))
	q := lookup.Query{Question: lookup.Question{Name: lookup.MustName("l01.example."), Type: lookup.TypeA, Class: lookup.ClassIN}}
	q.Budget = lookup.NewBudget(lookup.Limits{Aliases: 2})
	r, err := a.Resolve(context.Background(), q)
	if err != nil || r.Rcode != lookup.NOERROR || len(r.Answer) != 3 {
		t.Errorf("%v, %v", err, r)
	}
	// x.self is x.x.self is x.x.x.self: the DNAME stands there once, a CNAME for
	// each time that the budget paid for.
	r = ask(t, a, "x.self.example. A")
	if r.Rcode != lookup.NOERROR || len(r.Answer) != 13 {
		t.Errorf("%d RRsets: %v", len(r.Answer), r)
	}
}

func TestOnlyInDomainGlueIsRequired(t *testing.T) { // checklist 4.5
	t.Parallel()
	a := New(tree(t, parent))
	for question, want := range map[string]bool{
		"x.sub.example. A": true,
		"x.sib.example. A": true,
		"x.far.example. A": false, // its server is elsewhere in the zone
		"example. NS":      false, // no referral
		"mail.example. MX": false,
	} {
		if r := ask(t, a, question); r.Glue != want {
			t.Errorf("%s: Glue is %v: %v", question, r.Glue, r)
		}
	}
}

// A root server need not serve the zone that its name is in.
func TestPrimingResponseHasTheAddresses(t *testing.T) { // checklist 4.5
	t.Parallel()
	a := New(tree(t, `$TTL 60
.		SOA	ns.net. host.net. 1 2 3 4 5
.		NS	ns.net.
net.		NS	ns.net.
ns.net.		A	192.0.2.1
		AAAA	2001:db8::1
`))
	want := `NOERROR AA
answer:
. 60 IN NS ns.net.
additional:
ns.net. 60 IN A 192.0.2.1
ns.net. 60 IN AAAA 2001:db8::1`
	r := ask(t, a, ". NS")
	if got := told(r); got != want {
		t.Errorf("got %s", got)
	}
	if r.Glue {
		t.Error("the addresses of a priming response may be left out")
	}
}

func TestOtherClassesAreRefused(t *testing.T) { // checklist 4.1
	t.Parallel()
	a := New(tree(t, parent))
	r, err := a.Resolve(context.Background(), lookup.Query{Question: lookup.Question{Name: lookup.MustName("www.example."), Type: lookup.TypeA, Class: lookup.ClassCH}})
	if err != nil || r.Rcode != lookup.REFUSED {
		t.Errorf("%v, %v", err, r)
	}
}

func TestSignaturesStayWithWhatIsAuthoritative(t *testing.T) { // checklist 4.5, 4.8
	t.Parallel()
	const sig = " 13 2 300 20300101000000 20200101000000 1 example. AAAA\n"
	a := New(tree(t, parent+"www RRSIG A"+sig+"sub RRSIG DS"+sig+"*.w RRSIG A"+sig))
	if r := ask(t, a, "www.example. A +do"); r.Answer[0].Sigs.Len() != 1 {
		t.Errorf("unsigned: %v", r)
	}
	if r := ask(t, a, "x.w.example. A +do"); r.Answer[0].Sigs.Len() != 1 {
		t.Errorf("the wildcard's signature is gone: %v", r)
	}
	r := ask(t, a, "x.sub.example. A +do")
	for _, s := range append(r.Authority, r.Additional...) {
		if (s.Sigs != "") != (s.Type == lookup.TypeDS) {
			t.Errorf("in a referral: %v", s)
		}
	}
	// RFC 8482 and checklist 4.6: one RRset's signatures answer for RRSIG.
	if r := ask(t, a, "www.example. RRSIG"); len(r.Answer) != 1 || r.Answer[0].Type != lookup.TypeRRSIG {
		t.Errorf("RRSIG: %v", r)
	}
}
