package rebinding

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

const sig = " RRSIG A 13 3 300 20300101000000 20200101000000 1 example. AAAA"

func filter(t testing.TB, o Options, next lookup.Func) *Filter {
	t.Helper()
	f, err := New(next, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func always(r *lookup.Response) lookup.Func {
	return func(context.Context, lookup.Query) (*lookup.Response, error) { return r, nil }
}

func ask(t testing.TB, f *Filter, name string) *lookup.Response {
	t.Helper()
	r, err := f.Resolve(t.Context(), lookup.Query{Question: lookup.Question{Name: lookup.MustName(name), Type: lookup.TypeA, Class: lookup.ClassIN}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func text(sets []lookup.RRset) string {
	var lines []string
	for _, s := range sets {
		lines = append(lines, s.String())
	}
	return strings.Join(strings.Fields(strings.Join(lines, "\n")), " ")
}

func pref64s(texts ...string) Options {
	var o Options
	for _, s := range texts {
		o.Prefixes = append(o.Prefixes, netip.MustParsePrefix(s))
	}
	return o
}

func TestAddressesAreJudgedByWhatTheyReach(t *testing.T) {
	t.Parallel()
	lab := pref64s("2001:db8::/32", "2001:db9:100::/40", "2001:db9:0:a000::/56", "2001:db9:222::/48", "2001:db9:333:1::/64", "2001:db9:444::/96")
	for _, c := range []struct {
		sentence string
		o        Options
		rr       string // type and rdata
		removed  bool
	}{
		{"RFC 1918: 10/8", Options{}, "A 10.0.0.1", true},
		{"RFC 1918: 172.16/12 to its end", Options{}, "A 172.31.255.255", true},
		{"and not beyond", Options{}, "A 172.32.0.0", false},
		{"RFC 1918: 192.168/16", Options{}, "A 192.168.1.1", true},
		{"RFC 1122: loopback, all of it", Options{}, "A 127.53.0.1", true},
		{"RFC 3927: link-local", Options{}, "A 169.254.169.254", true},
		{"RFC 6598: shared addresses", Options{}, "A 100.127.255.255", true},
		{"and not beyond", Options{}, "A 100.128.0.0", false},
		{"RFC 1122: 0.0.0.0 is this host", Options{}, "A 0.0.0.0", true},
		{"RFC 5737: documentation reaches nothing", Options{}, "A 192.0.2.1", false},
		{"RFC 7050 2.2: ipv4only.arpa. stays usable", Options{}, "A 192.0.0.170", false},
		{"a public address", Options{}, "A 8.8.8.8", false},

		{"RFC 4291 2.5.2: unspecified", Options{}, "AAAA ::", true},
		{"RFC 4291 2.5.3: loopback", Options{}, "AAAA ::1", true},
		{"RFC 4193: unique local, fd00::/8", Options{}, "AAAA fd12::1", true},
		{"RFC 4193: and fc00::/8", Options{}, "AAAA fc00::1", true},
		{"RFC 4291 2.5.6: link-local", Options{}, "AAAA febf::1", true},
		{"RFC 3879: site-local", Options{}, "AAAA fec0::1", true},
		{"a public address", Options{}, "AAAA 2a00::1", false},

		{"RFC 4291 2.5.5.2: IPv4-mapped private", Options{}, "AAAA ::ffff:10.0.0.1", true},
		{"RFC 4291 2.5.5.2: IPv4-mapped public", Options{}, "AAAA ::ffff:8.8.8.8", false},
		{"RFC 3056: 6to4 of a private address", Options{}, "AAAA 2002:c0a8:0101::1", true},
		{"RFC 3056: 6to4 of a public one", Options{}, "AAAA 2002:0808:0808::1", false},
		{"RFC 6052 2.1: private in the well-known prefix", Options{}, "AAAA 64:ff9b::10.0.0.1", true},
		{"RFC 6052 2.1: public in the well-known prefix", Options{}, "AAAA 64:ff9b::8.8.8.8", false},
		{"RFC 6052 2.1: also when other Pref64s are given", lab, "AAAA 64:ff9b::127.0.0.1", true},

		// 192.168.2.33 and 192.0.2.33 as RFC 6052 2.4 embeds the latter.
		{"RFC 6052 2.4: length 32", lab, "AAAA 2001:db8:c0a8:221::", true},
		{"RFC 6052 2.4: length 40", lab, "AAAA 2001:db9:1c0:a802:21::", true},
		{"RFC 6052 2.4: length 48", lab, "AAAA 2001:db9:222:c0a8:2:2100::", true},
		{"RFC 6052 2.4: length 56", lab, "AAAA 2001:db9:0:a0c0:a8:221::", true},
		{"RFC 6052 2.4: length 64", lab, "AAAA 2001:db9:333:1:c0:a802:2100::", true},
		{"RFC 6052 2.4: length 96", lab, "AAAA 2001:db9:444::192.168.2.33", true},
		{"RFC 6052 2.2: the suffix does not matter", lab, "AAAA 2001:db8:c0a8:221::1", true},
		{"RFC 6052 2.4: a public address, length 32", lab, "AAAA 2001:db8:c000:221::", false},
		{"RFC 6052 2.4: a public address, length 40", lab, "AAAA 2001:db9:1c0:2:21::", false},
		{"RFC 6052 2.4: a public address, length 64", lab, "AAAA 2001:db9:333:1:c0:2:2100::", false},
		{"without the Pref64 it is an address like others", Options{}, "AAAA 2001:db8:c0a8:221::", false},

		{"RFC 9460 7.3: ipv4hint", Options{}, "HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1,10.0.0.1", true},
		{"RFC 9460 7.3: ipv6hint", Options{}, "HTTPS 1 . ipv6hint=2a00::1,fd00::1", true},
		{"embedded addresses in hints, too", Options{}, "HTTPS 1 . ipv6hint=2002:7f00:1::1", true},
		{"and in Pref64s", lab, "SVCB 1 svc.example. ipv6hint=2001:db8:c0a8:221::", true},
		{"public hints stay", Options{}, "HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1 ipv6hint=2a00::1", false},
		{"RFC 9460 2.4.2: AliasMode has no hints", Options{}, "HTTPS 0 pool.example.", false},
		{"a value of another key is no address", Options{}, `SVCB 1 . key65400="\010\000\000\001"`, false},

		{"a list of one's own replaces the default", Options{Private: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, "A 10.0.0.1", false},
		{"and is applied", Options{Private: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, "AAAA ::ffff:192.0.2.1", true},
		{"an empty one lets everything through", Options{Private: []netip.Prefix{}}, "A 127.0.0.1", false},
		{"all mapped addresses can be barred", Options{Private: []netip.Prefix{netip.MustParsePrefix("::ffff:0:0/96")}}, "AAAA ::ffff:8.8.8.8", true},

		{"names are not judged", Options{}, "CNAME 10.0.0.1.", false},
		{"nor is text", Options{}, "TXT 10.0.0.1", false},
	} {
		in := &lookup.Response{Answer: lookup.MustRRsets("www.example. 300 " + c.rr)}
		if in.Answer[0].Data.Len() != 1 {
			t.Fatal(c.rr)
		}
		out := ask(t, filter(t, c.o, always(in)), "www.example.")
		if removed := len(out.Answer) == 0; removed != c.removed || !removed && out != in {
			t.Errorf("%s: %s: removed %v, want %v", c.sentence, c.rr, removed, c.removed)
		}
	}
}

func TestOnlyTheOffendingRRsGo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ sentence, answer, want string }{
		{"the public addresses stay, in order, without what signed the whole",
			"www.example. 300 A 192.0.2.1\nwww.example. 300 A 10.0.0.1\nwww.example. 300 A 192.0.2.2\nwww.example. 300" + sig,
			"www.example. 300 IN A 192.0.2.1 www.example. 300 IN A 192.0.2.2"},
		{"the aliases stay when nothing else does, and keep their RRSIGs",
			"www.example. 300 CNAME rebind.example.\nrebind.example. 1 A 127.0.0.1",
			"www.example. 300 IN CNAME rebind.example."},
		{"RRsets after it stay",
			"www.example. 300 A 10.0.0.1\nwww.example. 300 TXT x",
			`www.example. 300 IN TXT "x"`},
		{"an HTTPS RR goes as a whole, the one beside it stays",
			"www.example. 300 HTTPS 1 . ipv4hint=10.0.0.1\nwww.example. 300 HTTPS 2 cdn.example. alpn=h2",
			`www.example. 300 IN HTTPS 2 cdn.example. alpn="h2"`},
	} {
		in := &lookup.Response{Answer: lookup.MustRRsets(c.answer), Security: lookup.Secure, AA: true}
		out := ask(t, filter(t, Options{}, always(in)), "www.example.")
		if got := text(out.Answer); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.sentence, got, c.want)
		}
		if out.Rcode != lookup.NOERROR || out.Security != lookup.Unchecked {
			t.Errorf("%s: %v %v", c.sentence, out.Rcode, out.Security)
		}
	}
}

func TestEverySectionIsFiltered(t *testing.T) {
	t.Parallel()
	in := &lookup.Response{
		Answer:     lookup.MustRRsets("example. 300 MX 10 mx.example."),
		Authority:  lookup.MustRRsets("example. 300 NS ns.example."),
		Additional: lookup.MustRRsets("mx.example. 300 A 10.0.0.1\nns.example. 300 A 192.0.2.1\nns.example. 300 AAAA fd00::1"),
	}
	out := ask(t, filter(t, Options{}, always(in)), "example.")
	if got := text(out.Additional); got != "ns.example. 300 IN A 192.0.2.1" {
		t.Errorf("additional: %s", got)
	}
	if !slices.Equal(out.Answer, in.Answer) || !slices.Equal(out.Authority, in.Authority) {
		t.Errorf("got %v", out)
	}
}

func TestTheResponseThatWasGivenIsNotChanged(t *testing.T) {
	t.Parallel()
	build := func() *lookup.Response {
		r := &lookup.Response{
			Answer:     lookup.MustRRsets("www.example. 300 TXT x\nwww.example. 300 A 10.0.0.1\nwww.example. 300 A 192.0.2.1\nwww.example. 300" + sig),
			Additional: lookup.MustRRsets("ns.example. 300 A 10.0.0.2"),
			Security:   lookup.Secure,
			Scope:      netip.MustParsePrefix("192.0.2.0/24"),
			EDE:        make([]lookup.EDE, 1, 4), // room to append into
		}
		r.EDE[0] = lookup.EDE{Code: lookup.EDEStaleAnswer}
		return r
	}
	in := build()
	out := ask(t, filter(t, Options{}, always(in)), "www.example.")
	if !reflect.DeepEqual(in, build()) || in.EDE[:2][1] != (lookup.EDE{}) {
		t.Errorf("changed: %v", in)
	}
	if out.Scope != in.Scope || len(out.EDE) != 2 || out.EDE[0] != in.EDE[0] {
		t.Errorf("got %v", out)
	}
	// RFC 8914 4.16
	if want := "15 (Blocked): rebinding filter: RRs with a private address removed: 2"; out.EDE[1].String() != want {
		t.Errorf("got %s, want %s", out.EDE[1], want)
	}
}

func TestTheNameThatWasAskedDecidesAboutDomains(t *testing.T) {
	t.Parallel()
	o := Options{Domains: []lookup.Name{lookup.MustName("corp.example.")}}
	for _, c := range []struct {
		sentence, name string
		passed         bool
	}{
		{"the domain itself", "corp.example.", true},
		{"a name below", "a.b.corp.example.", true},
		{"a name beside", "notcorp.example.", false},
		{"a name above", "example.", false},
		{"an alias from outside into the domain is the attack", "evil.test.", false},
	} {
		in := &lookup.Response{Answer: lookup.MustRRsets(c.name + " 300 CNAME host.corp.example.\nhost.corp.example. 300 A 10.0.0.1")}
		if out := ask(t, filter(t, o, always(in)), c.name); (out == in) != c.passed {
			t.Errorf("%s: %v", c.sentence, out)
		}
	}
	all := Options{Domains: []lookup.Name{lookup.Root}}
	in := &lookup.Response{Answer: lookup.MustRRsets("x. A 10.0.0.1")}
	if ask(t, filter(t, all, always(in)), "x.") != in {
		t.Error("the root allows everything")
	}
}

func TestErrorsPass(t *testing.T) {
	t.Parallel()
	want := lookup.Fail(lookup.EDENoReachableAuth, "silence")
	f := filter(t, Options{}, func(context.Context, lookup.Query) (*lookup.Response, error) { return nil, want })
	if r, err := f.Resolve(t.Context(), lookup.Query{}); r != nil || !errors.Is(err, want) {
		t.Errorf("got %v, %v", r, err)
	}
}

func TestOptionsThatCannotBeAppliedAreErrors(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		pref64s("2001:db8::/44"), pref64s("10.0.0.0/8"), pref64s("2001:db8::/128"), pref64s("::ffff:0:0/96"),
		{Prefixes: []netip.Prefix{{}}}, {Private: []netip.Prefix{{}}},
	} {
		if _, err := New(always(nil), o); err == nil {
			t.Errorf("%v is taken", o)
		}
	}
}

func TestResponsesWithNothingToRemoveCostNothing(t *testing.T) {
	o := pref64s("2001:db8::/32")
	o.Domains = []lookup.Name{lookup.MustName("corp.example.")}
	for _, answer := range []string{
		"www.example. A 192.0.2.1\nwww.example. A 192.0.2.2",
		"www.example. AAAA 2001:db8:c000:221::\nwww.example. AAAA 64:ff9b::192.0.2.1",
		"www.example. HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1 ipv6hint=2a00::1",
		"www.example. CNAME other.example.\nother.example. TXT x",
	} {
		in := &lookup.Response{Answer: lookup.MustRRsets(answer)}
		f := filter(t, o, always(in))
		q := lookup.Query{Question: lookup.Question{Name: lookup.MustName("www.example."), Type: lookup.TypeA, Class: lookup.ClassIN}}
		if n := testing.AllocsPerRun(100, func() { _, _ = f.Resolve(t.Context(), q) }); n != 0 {
			t.Errorf("%s: %v allocations", answer, n)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	for _, answer := range []string{
		"www.example. A 192.0.2.1",
		"www.example. AAAA 2a00::1",
		"www.example. HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1 ipv6hint=2a00::1",
		"www.example. A 10.0.0.1",
	} {
		b.Run(strings.Join(strings.Fields(answer)[1:3], ""), func(b *testing.B) {
			f := filter(b, Options{}, always(&lookup.Response{Answer: lookup.MustRRsets(answer)}))
			q := lookup.Query{Question: lookup.Question{Name: lookup.MustName("www.example."), Type: lookup.TypeA, Class: lookup.ClassIN}}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = f.Resolve(b.Context(), q)
			}
		})
	}
}
