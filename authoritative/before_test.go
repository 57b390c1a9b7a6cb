package authoritative

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// internet stands for recursion: it has an A for every name, and notes what it
// was asked.
type internet struct{ asked []string }

func (i *internet) Resolve(_ context.Context, q lookup.Query) (*lookup.Response, error) {
	i.asked = append(i.asked, q.Name.String())
	return &lookup.Response{Answer: []lookup.RRset{{Name: q.Name, Type: lookup.TypeA, TTL: 60, Data: lookup.PackRdata("\xc0\x00\x02\x63")}}}, nil
}

func TestOurZonesComeBeforeTheInternet(t *testing.T) {
	t.Parallel()
	const corp = `
$ORIGIN corp.example.
$TTL 300
@      SOA   ns hostmaster 1 7200 900 1209600 60
@      NS    ns
ns     A     192.0.2.53
db     A     192.0.2.10
alias  CNAME db
cdn    CNAME edge.cdn.example.
into   CNAME www.sub
sub    NS    ns.sub
ns.sub A     192.0.2.54
`
	for _, c := range []struct {
		name, asked, want string
		rcode             lookup.Rcode
		aa                bool
	}{
		{name: "db.corp.example.", want: "192.0.2.10", aa: true},
		{name: "alias.corp.example.", want: "192.0.2.10", aa: true},
		{name: "nobody.corp.example.", rcode: lookup.NXDOMAIN, aa: true},
		{name: "www.example.net.", asked: "www.example.net.", want: "192.0.2.99"},
		{name: "cdn.corp.example.", asked: "edge.cdn.example.", want: "192.0.2.99", aa: true},
		{name: "www.sub.corp.example.", asked: "www.sub.corp.example.", want: "192.0.2.99"},
		{name: "into.corp.example.", asked: "www.sub.corp.example.", want: "192.0.2.99", aa: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			zone, err := zones.Load(strings.NewReader(corp), "corp.zone", zones.LoadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			tree, err := zones.NewTree(zone)
			if err != nil {
				t.Fatal(err)
			}
			var net internet
			r, err := New(tree).Before(&net).Resolve(context.Background(), lookup.Query{
				Question: lookup.Question{Name: lookup.MustName(c.name), Type: lookup.TypeA, Class: lookup.ClassIN}, RD: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(net.asked, " "); got != c.asked {
				t.Errorf("asked the Internet for %q, want %q", got, c.asked)
			}
			if r.Rcode != c.rcode || r.AA != c.aa || !strings.Contains(r.String(), c.want) {
				t.Errorf("want %v, AA %v, %q; got %v", c.rcode, c.aa, c.want, r)
			}
		})
	}
}

func TestAnAliasOutOfOurZonesIsKeptAsLongAsWhatItLeadsTo(t *testing.T) {
	t.Parallel()
	zone, err := zones.Load(strings.NewReader("corp.example. 300 SOA ns.corp.example. host.corp.example. 1 2 3 4 5\ncorp.example. 300 NS ns.corp.example.\nns.corp.example. 300 A 192.0.2.1\n"+
		"cdn.corp.example. 300 CNAME edge.cdn.example.\n"), "corp.zone", zones.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := zones.NewTree(zone)
	if err != nil {
		t.Fatal(err)
	}
	next := lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
		return &lookup.Response{Keep: 54, Answer: lookup.MustRRsets("edge.cdn.example. 60 IN A 192.0.2.99")}, nil
	})
	q := lookup.Question{Name: lookup.MustName("cdn.corp.example."), Type: lookup.TypeA, Class: lookup.ClassIN}
	r, err := New(tree).Before(next).Resolve(t.Context(), lookup.Query{Question: q, RD: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.TTL(); len(r.Answer) != 2 || got != 54 {
		t.Errorf("may be kept for %d s, want 54: %v", got, r)
	}
}

func TestAliasesThatLoopInOurZonesStayInside(t *testing.T) {
	t.Parallel()
	zone, err := zones.Load(strings.NewReader("corp.example. 60 SOA ns.corp.example. host.corp.example. 1 2 3 4 5\ncorp.example. 60 NS ns.corp.example.\nns.corp.example. 60 A 192.0.2.1\n"+
		"a.corp.example. 60 CNAME b.corp.example.\nb.corp.example. 60 CNAME a.corp.example.\n"), "corp.zone", zones.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := zones.NewTree(zone)
	if err != nil {
		t.Fatal(err)
	}
	var net internet
	r, err := New(tree).Before(&net).Resolve(context.Background(), lookup.Query{
		Question: lookup.Question{Name: lookup.MustName("a.corp.example."), Type: lookup.TypeA, Class: lookup.ClassIN}, RD: true,
	})
	if err == nil || len(net.asked) > 0 {
		t.Errorf("got %v, asked the Internet for %v; want an error", r, net.asked)
	}
}

// RFC 4035 3.1.4.1: the DS of a zone is data of the zone above, whom we can ask here.
func TestDSOfOurZoneIsAskedAbove(t *testing.T) {
	t.Parallel()
	a := New(tree(t, parent, child))
	for _, c := range []struct {
		name, above string
		rcode       lookup.Rcode
		want        string
		asked       bool
	}{
		{"example.", "example. 60 IN DS 1 13 2 00", lookup.NOERROR, "example. 60 IN DS", true},
		{"example.", "", lookup.NOERROR, "[]", true},
		// To clients nothing below would exist (RFC 8020 2).
		{"example.", "", lookup.NXDOMAIN, "example. 60 IN SOA", true},
		{"example.", "", lookup.SERVFAIL, "example. 60 IN SOA", true},
		{"child.example.", "", lookup.NOERROR, "child.example. 300 IN DS", false}, // we hold the zone above
	} {
		asked := false
		next := lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
			asked = true
			r := &lookup.Response{Rcode: c.rcode}
			if c.above != "" {
				r.Answer = lookup.MustRRsets(c.above)
			}
			return r, nil
		})
		r, err := a.Before(next).Resolve(t.Context(), lookup.Query{
			Question: lookup.Question{Name: lookup.MustName(c.name), Type: lookup.TypeDS, Class: lookup.ClassIN}, RD: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(fmt.Sprint(append(r.Answer, r.Authority...)), "\t", " "); r.Rcode != lookup.NOERROR || !strings.Contains(got, c.want) || asked != c.asked {
			t.Errorf("%s, above %v %q: got %v %s, asked %v", c.name, c.rcode, c.above, r.Rcode, got, asked)
		}
	}
}
