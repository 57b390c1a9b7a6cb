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
@		HTTPS	0 svc

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
a.blocks.w	A	192.0.2.2
cut.w		NS	ns
lit.*.a		TXT	lit
*.hw		HTTPS	1 www alpn=h2
x.*.e		TXT	x
*.c		CNAME	www
*.wd		CNAME	x.d

d	20	DNAME	www.other.
		TXT	owner
longer		DNAME	a.name.that.is.longer.other.
tolonger	CNAME	abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.abcdefgh.longer
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
*.sub		TXT	hidden
deep.sub	NS	ns
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

// story is a question and what is answered, as text.
type story struct{ why, question, want string }

// hear asks for each story what the three zones tell.
func hear(t *testing.T, stories []story) {
	t.Helper()
	a := New(tree(t, parent, child, other))
	for _, c := range stories {
		if got := told(ask(t, a, c.question)); got != c.want {
			t.Errorf("%s\n%s\ngot  %s\nwant %s", c.why, c.question, got, c.want)
		}
	}
}
