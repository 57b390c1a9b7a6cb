package authoritative_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/dns64"
	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

const tailoredZone = `$ORIGIN example.com.
$TTL 300
@      SOA   ns hostmaster 1 7200 900 1209600 60
@      NS    ns
@      MX    10 mail
@      MX    20 plain
ns     A     192.0.2.53
www    A     192.0.2.80
mail   A     192.0.2.25
plain  A     192.0.2.1
alias  CNAME www
hop    CNAME www
dull   CNAME plain
sub    NS    ns.sub
ns.sub A     192.0.2.54
`

// inside is who hears something else.
var inside = overlay.Condition{Terms: []overlay.Term{{Selector: geo.Selector{Kind: geo.Network, Value: "198.51.100.0/24"}}}}

func tailoredData(t testing.TB, aliases lookup.Resolver) authoritative.Data {
	t.Helper()
	base, err := zones.Load(strings.NewReader(tailoredZone), "example.com.zone", zones.LoadOptions{Origin: lookup.MustName("example.com.")})
	if err != nil {
		t.Fatal(err)
	}
	o := &overlay.Overlay{Apex: base.Apex()}
	for _, s := range lookup.MustRRsets(`www.example.com. 60 IN A 10.0.0.80
mail.example.com. 60 IN A 10.0.0.25
hop.example.com. 60 IN CNAME www.example.com.
only.example.com. 60 IN A 10.0.0.7
in.sub.example.com. 60 IN A 10.0.0.8`) {
		if s.Name == lookup.MustName("hop.example.com.") {
			s.TTL = 50 // the base has the same, but for that
		}
		o.Rules = append(o.Rules, overlay.Rule{When: inside, Set: s})
	}
	for owner, target := range map[string]string{"example.com.": "www.example.com.", "out.example.com.": "cdn.example.net.", "loop.example.com.": "loop.example.com.", "none.example.com.": "nobody.example.com.", "via.example.com.": "alias.example.com."} {
		o.Aliases = append(o.Aliases, overlay.Alias{Owner: lookup.MustName(owner), Target: lookup.MustName(target), TTL: 120})
	}
	m, err := geo.Compile(o.Selectors(), geo.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := zones.NewTree(base)
	if err != nil {
		t.Fatal(err)
	}
	z := tailor.New(base, o, tailor.Options{Atlas: tailor.NewAtlas(func() *geo.Map { return m })})
	return authoritative.Data{Tree: tree, Tailored: map[lookup.Name]*tailor.Zone{base.Apex(): z}, Aliases: aliases}
}

func tailoredAuthority(t testing.TB, aliases lookup.Resolver) *authoritative.Authority {
	a := authoritative.New(nil)
	a.Serve(tailoredData(t, aliases))
	return a
}

// cdn stands for recursion: cdn.example.net has an address for each /16.
func cdn(_ context.Context, q lookup.Query) (*lookup.Response, error) {
	if q.Name != lookup.MustName("cdn.example.net.") {
		return nil, errors.New("asked for " + q.Name.String())
	}
	at := q.Subnet
	if !at.IsValid() {
		at = netip.PrefixFrom(q.Client, 32)
	}
	scope, _ := at.Addr().Prefix(16)
	b := scope.Addr().As4()
	return &lookup.Response{Scope: scope, Keep: 9, EDE: []lookup.EDE{{Code: lookup.EDEStaleAnswer}},
		Answer: []lookup.RRset{{Name: q.Name, Type: lookup.TypeA, TTL: 30, Data: lookup.PackRdata(string(b[:]))}}}, nil
}

func query(question, client, subnet string) lookup.Query {
	name, kind, _ := strings.Cut(question, " ")
	q := lookup.Query{Question: lookup.Question{Name: lookup.MustName(name), Class: lookup.ClassIN}, Client: netip.MustParseAddr(client)}
	types := []lookup.Type{lookup.TypeA, lookup.TypeAAAA, lookup.TypeMX, lookup.TypeNS, lookup.TypeTXT, lookup.TypeCNAME, lookup.TypeDS}
	q.Type = types[slices.IndexFunc(types, func(t lookup.Type) bool { return t.String() == kind })]
	if subnet != "" {
		q.Subnet = netip.MustParsePrefix(subnet)
	}
	return q
}

// answered is a response in one line: the rdata of its answer, and for whom it is.
func answered(r *lookup.Response) string {
	var parts []string
	for _, s := range r.Answer {
		for line := range strings.SplitSeq(s.String(), "\n") {
			fields := strings.Fields(line)
			parts = append(parts, fields[1]+" "+strings.Join(fields[3:], " "))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, r.Rcode.String())
	}
	scope := "everyone"
	if r.Scope.IsValid() {
		scope = r.Scope.String()
	}
	return strings.Join(parts, ", ") + " for " + scope
}

func TestE31E32E35E36E37TailoredAnswers(t *testing.T) {
	t.Parallel()
	a := tailoredAuthority(t, lookup.Func(cdn))
	const in, out = "198.51.100.7", "203.0.113.9"
	for _, c := range []struct{ question, client, subnet, want string }{
		{"www.example.com. A", in, "", "60 A 10.0.0.80 for 198.51.100.0/24"},
		{"www.example.com. A", out, "", "300 A 192.0.2.80 for 200.0.0.0/5"},
		{"www.example.com. A", out, "198.51.100.0/24", "60 A 10.0.0.80 for 198.51.100.0/24"},
		{"www.example.com. A", in, "0.0.0.0/0", "60 A 10.0.0.80 for 0.0.0.0/0"},
		{"www.example.com. A", in, "10.1.0.0/16", "60 A 10.0.0.80 for 10.0.0.0/8"},
		{"plain.example.com. A", in, "", "300 A 192.0.2.1 for everyone"},
		{"www.example.com. TXT", in, "", "NOERROR for everyone"},
		{"nobody.example.com. A", in, "", "NXDOMAIN for everyone"},
		{"only.example.com. A", in, "", "60 A 10.0.0.7 for 198.51.100.0/24"},
		{"only.example.com. A", out, "", "NOERROR for everyone"},
		{"x.sub.example.com. A", in, "", "NOERROR for everyone"},
		{"in.sub.example.com. A", in, "", "NOERROR for everyone"}, // below a cut nothing is ours to tailor
		// Of a chain, only what has one scope.
		{"alias.example.com. A", in, "", "300 CNAME www.example.com. for everyone"},
		{"hop.example.com. A", in, "", "50 CNAME www.example.com., 60 A 10.0.0.80 for 198.51.100.0/24"},
		{"dull.example.com. A", in, "", "300 CNAME plain.example.com., 300 A 192.0.2.1 for everyone"},
		// An alias at the apex, and one that leads out.
		{"example.com. A", in, "", "60 A 10.0.0.80 for 198.51.100.0/24"},
		{"example.com. A", out, "", "120 A 192.0.2.80 for 200.0.0.0/5"},
		{"example.com. AAAA", in, "", "NOERROR for everyone"},
		{"example.com. NS", in, "", "300 NS ns.example.com. for everyone"},
		{"via.example.com. A", in, "", "60 A 10.0.0.80 for 198.51.100.0/24"},
		{"out.example.com. A", out, "198.51.100.0/24", "30 A 198.51.0.0 for 198.51.0.0/16"},
		{"none.example.com. A", out, "", "NOERROR for everyone"},
		{"loop.example.com. A", out, "", "SERVFAIL for everyone"},
	} {
		r, err := a.Resolve(t.Context(), query(c.question, c.client, c.subnet))
		if err != nil {
			t.Fatal(err)
		}
		if got := answered(r); got != c.want {
			t.Errorf("%s for %s %s: %s, not %s", c.question, c.client, c.subnet, got, c.want)
		}
		if _, negative := r.Denial(); len(r.Answer) == 0 && r.Rcode == lookup.NOERROR && !negative && !strings.Contains(c.question, "sub.") {
			t.Errorf("%s: no SOA", c.question)
		}
	}
	r, _ := a.Resolve(t.Context(), query("only.example.com. A", out, ""))
	if !r.Uncacheable {
		t.Error("a denial that others do not get may be kept")
	}
	r, _ = a.Resolve(t.Context(), query("out.example.com. A", out, ""))
	if r.Keep != 9 || len(r.EDE) != 1 || r.EDE[0].Code != lookup.EDEStaleAnswer {
		t.Errorf("what was said of the target is lost: keep %d, EDE %v", r.Keep, r.EDE)
	}
}

func TestAnAliasThatCannotBeResolvedFails(t *testing.T) {
	t.Parallel()
	for what, aliases := range map[string]lookup.Resolver{
		"nobody to ask": nil,
		"silence": lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
			return nil, lookup.Fail(lookup.EDENoReachableAuth, "silence")
		}),
		"SERVFAIL": lookup.Func(func(context.Context, lookup.Query) (*lookup.Response, error) {
			return &lookup.Response{Rcode: lookup.SERVFAIL, EDE: []lookup.EDE{{Code: lookup.EDENoReachableAuth}}}, nil
		}),
	} {
		r, err := tailoredAuthority(t, aliases).Resolve(t.Context(), query("out.example.com. A", "203.0.113.9", ""))
		if err != nil || r.Rcode != lookup.SERVFAIL || len(r.EDE) != 1 || r.EDE[0].Code != lookup.EDENoReachableAuth {
			t.Errorf("%s: %v %v", what, r, err)
		}
	}
}

// RFC 7871 7.4: addresses in the additional section are for everyone, so those that are not
// are left out.
func TestE38AdditionalAddressesAreForEveryone(t *testing.T) {
	t.Parallel()
	r, err := tailoredAuthority(t, nil).Resolve(t.Context(), query("example.com. MX", "198.51.100.7", ""))
	if err != nil || r.Scope.IsValid() || len(r.Additional) != 1 || r.Additional[0].Name != lookup.MustName("plain.example.com.") {
		t.Errorf("%v for %s: %v", r, r.Scope, err)
	}
}

// In a recursive view chains are followed to their end, whatever the scopes on the way, and
// DNS64 on top of it keeps them.
func TestRecursiveViewsFollowChainsThroughScopes(t *testing.T) {
	t.Parallel()
	d, err := dns64.New(tailoredAuthority(t, lookup.Func(cdn)).Before(lookup.Func(cdn)), dns64.Options{
		Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8:64::/96")}, Default: dns64.Rule{Mode: dns64.Standard}})
	if err != nil {
		t.Fatal(err)
	}
	before := tailoredAuthority(t, lookup.Func(cdn)).Before(lookup.Func(cdn))
	for _, c := range []struct {
		resolver       lookup.Resolver
		question, want string
	}{
		{before, "alias.example.com. A", "300 CNAME www.example.com., 60 A 10.0.0.80 for 198.51.100.0/24"},
		{before, "out.example.com. A", "30 A 198.51.0.0 for 198.51.0.0/16"},
		{d, "www.example.com. AAAA", "60 AAAA 2001:db8:64::a00:50 for 198.51.100.0/24"},
		{d, "plain.example.com. AAAA", "60 AAAA 2001:db8:64::c000:201 for everyone"},
	} {
		r, err := c.resolver.Resolve(t.Context(), query(c.question, "198.51.100.7", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got := answered(r); got != c.want {
			t.Errorf("%s: %s, not %s", c.question, got, c.want)
		}
	}
}

func TestATraceSaysWhy(t *testing.T) {
	t.Parallel()
	q := query("www.example.com. A", "198.51.100.7", "")
	q.Trace = lookup.NewTrace(nil)
	if _, err := tailoredAuthority(t, nil).Resolve(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	events, _ := q.Trace.Events()
	if text := fmt.Sprint(events); !strings.Contains(text, "198.51.100.0/24 hear the same") {
		t.Error(text)
	}
}

func BenchmarkResolveTailored(b *testing.B) {
	a := tailoredAuthority(b, nil)
	for _, question := range []string{"www.example.com. A", "plain.example.com. A"} {
		b.Run(strings.Fields(question)[0], func(b *testing.B) {
			q := query(question, "198.51.100.7", "")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Resolve(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Only what leads out of our zones has to wait for somebody.
func TestPromptSaysWhatItWouldWaitFor(t *testing.T) {
	t.Parallel()
	asked := 0
	data := tailoredData(t, lookup.Func(func(ctx context.Context, q lookup.Query) (*lookup.Response, error) {
		asked++
		return cdn(ctx, q)
	}))
	a := authoritative.New(nil)
	a.Serve(data)
	for question, prompt := range map[string]bool{
		"www.example.com. A": true, "example.com. A": true, "via.example.com. A": true, "loop.example.com. A": true,
		"none.example.com. A": true, "out.example.com. TXT": true, "elsewhere. A": true,
		"out.example.com. A": false, "out.example.com. AAAA": false,
	} {
		q := query(strings.Replace(question, "elsewhere.", "www.elsewhere.", 1), "203.0.113.9", "")
		r, ok := a.Prompt(q)
		if ok != prompt || asked > 0 {
			t.Errorf("%s: prompt %v, with %d questions", question, ok, asked)
			continue
		}
		if again, _ := a.Resolve(t.Context(), q); ok && again.String() != r.String() {
			t.Errorf("%s: %v, and %v to who waits", question, r, again)
		}
		asked = 0
	}
	a.Serve(tailoredData(t, nil)) // nobody to wait for
	if r, ok := a.Prompt(query("out.example.com. A", "203.0.113.9", "")); !ok || r.Rcode != lookup.SERVFAIL {
		t.Errorf("without anybody to ask: %v, %v", r, ok)
	}
}
