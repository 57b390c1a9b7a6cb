package dns64

import (
	"errors"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// facebook is the name that the mode exists for: it has both addresses.
var facebook = world{
	"www.facebook.com. AAAA": {answer: "www.facebook.com. 3600 IN CNAME star.c10r.facebook.com.\nstar.c10r.facebook.com. 60 IN AAAA 2a03:2880:f00d:1:face:b00c:0:1"},
	"www.facebook.com. A":    {answer: "www.facebook.com. 3600 IN CNAME star.c10r.facebook.com.\nstar.c10r.facebook.com. 60 IN A 31.13.79.246"},
}

func TestForcedIgnoresRealAAAA(t *testing.T) {
	t.Parallel()
	d, b := stack(t, Options{Default: Rule{Mode: Forced}}, facebook)
	same(t, resolve(t, d, "www.facebook.com. AAAA"), `NOERROR EDE 29 (Synthesized): DNS64 forced, 64:ff9b::/96
		answer:
		www.facebook.com. 3600 IN CNAME star.c10r.facebook.com.
		star.c10r.facebook.com. 60 IN AAAA 64:ff9b::1f0d:4ff6`)
	b.wasAsked("www.facebook.com. A")
}

// TestForced has every outcome of the two lookups under the options of the mode.
func TestForced(t *testing.T) {
	t.Parallel()
	const private = "x.example. 60 IN A 10.0.0.1"
	const real = "x.example. 60 IN AAAA 2001:db8::1"
	const hides = "EDE 17 (Filtered): DNS64 forced: no A to synthesize from, and the rule hides real AAAA"
	failure := errors.New("no server answered")
	for _, test := range []struct {
		name    string
		rule    Rule
		aaaa, a said
		asked   string
		want    string // "" for failure
	}{
		{
			"IPv6-only names keep their AAAA", Rule{}, said{answer: real}, none, "A AAAA",
			"NOERROR\nanswer:\n" + real,
		}, {
			"so do names whose A cannot be synthesized from", Rule{}, said{answer: real}, said{answer: private}, "A AAAA",
			"NOERROR\nanswer:\n" + real,
		}, {
			"unless real AAAA are hidden", Rule{HideNative: true}, said{}, none, "A",
			"NOERROR " + hides + "\nauthority:\n" + soa,
		}, {
			"in which case nobody hears the A either", Rule{HideNative: true}, said{}, said{answer: private}, "A",
			"NOERROR " + hides + "\nauthority:\nx.example. 60 IN SOA x.example. nobody.invalid. 1 3600 1200 604800 60",
		}, {
			"neither address", Rule{}, none, none, "A AAAA",
			"NOERROR\nauthority:\n" + soa,
		}, {
			"no such name", Rule{}, said{}, said{rcode: lookup.NXDOMAIN, authority: soa}, "A",
			"NXDOMAIN\nauthority:\n" + soa,
		}, {
			"a failed A lookup does not uncover the real AAAA", Rule{}, said{}, said{err: failure}, "A", "",
		}, {
			"nor does a refused one", Rule{}, said{}, said{rcode: lookup.REFUSED}, "A", "REFUSED",
		}, {
			"a failed AAAA lookup after NODATA", Rule{}, said{err: failure}, none, "A AAAA", "",
		}, {
			"excluded AAAA stay excluded", Rule{}, said{answer: "x.example. 60 IN AAAA ::ffff:10.0.0.1"}, none, "A AAAA",
			"NOERROR EDE 17 (Filtered): DNS64 forced: every AAAA is excluded (RFC 6147 5.1.4)\nauthority:\n" + soa,
		}, {
			"and are taken from the real ones", Rule{}, said{answer: "x.example. 60 IN AAAA ::ffff:10.0.0.1\n" + real}, none, "A AAAA",
			"NOERROR\nanswer:\n" + real,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.rule.Mode = Forced
			d, b := stack(t, Options{Default: test.rule}, world{"x.example. AAAA": test.aaaa, "x.example. A": test.a})
			r, err := d.Resolve(t.Context(), query("x.example. AAAA"))
			switch {
			case test.want == "" && !errors.Is(err, failure):
				t.Errorf("got %v, %v, want %v", r, err, failure)
			case test.want != "" && err != nil:
				t.Error(err)
			case test.want != "":
				same(t, r, test.want)
			}
			if test.asked == "A" {
				b.wasAsked("x.example. A")
			} else {
				b.wasAsked("x.example. A", "x.example. AAAA")
			}
		})
	}
}

func TestForcedTTLIsAtMost600(t *testing.T) {
	t.Parallel()
	d, _ := stack(t, Options{Default: Rule{Mode: Forced}}, world{"v4.example. A": {answer: theA}})
	if got := resolve(t, d, "v4.example. AAAA").Answer[0].TTL; got != 600 {
		t.Errorf("got %d", got)
	}
}

func TestD37HiddenA(t *testing.T) {
	t.Parallel()
	d, b := stack(t, Options{Default: Rule{Mode: Forced, HideA: true}}, world{
		"www.facebook.com. A": facebook["www.facebook.com. A"],
		"v4.example. A":       {answer: theA},
		"no.example. A":       {rcode: lookup.NXDOMAIN, authority: soa},
		"v6.example. A":       none,
	})
	same(t, resolve(t, d, "www.facebook.com. A"), `NOERROR EDE 17 (Filtered): DNS64 forced: the rule hides A
		answer:
		www.facebook.com. 3600 IN CNAME star.c10r.facebook.com.
		authority:
		star.c10r.facebook.com. 60 IN SOA star.c10r.facebook.com. nobody.invalid. 1 3600 1200 604800 60`)
	if got := addresses(resolve(t, d, "v4.example. AAAA")); got != thatGave {
		t.Errorf("A is hidden from clients, not from synthesis: got %q", got)
	}
	for _, question := range []string{"no.example. A", "v6.example. A"} {
		if r := resolve(t, d, question); r != b.says[question].Response {
			t.Errorf("%s: got %v, want the response from below", question, r)
		}
	}
	if s := d.Stats(); s.Hidden != 1 || s.Forced != 1 || s.Passed != 2 {
		t.Errorf("counted %+v", s)
	}
}

func TestForcedANY(t *testing.T) {
	t.Parallel()
	const all = `x.example. 60 IN A 198.41.0.4
		x.example. 60 IN AAAA 2001:db8::1
		x.example. 60 IN HTTPS 1 .
		x.example. 60 IN TXT x`
	for _, test := range []struct {
		rule Rule
		want string
	}{
		{Rule{Mode: Forced}, "A HTTPS TXT"},
		{Rule{Mode: Forced, HideA: true}, "HTTPS TXT"},
		{Rule{Mode: Forced, HideServices: true}, "A TXT"},
		{Rule{Mode: Off}, "A AAAA HTTPS TXT"},
	} {
		d, _ := stack(t, Options{Default: test.rule}, world{"x.example. ANY": {answer: all}})
		got := ""
		for _, s := range resolve(t, d, "x.example. ANY").Answer {
			got += " " + s.Type.String()
		}
		if got != " "+test.want {
			t.Errorf("%+v: got %s, want %s", test.rule, got, test.want)
		}
	}
}
