package dns64

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// The tests of this file follow RFC 6147 5.3.1.

// arpaName is the reverse name of an address.
func arpaName(t testing.TB, a string) string {
	t.Helper()
	name, err := dns.ReverseAddr(a)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

var known64s = Options{
	Prefixes: prefixes("2001:db8:64::/96"),
	Ranges:   []Range{{IPv4: netip.MustParsePrefix("10.0.0.0/8"), Prefixes: prefixes("2001:db8:122:344::/64")}},
	Rules:    []Rule{{Suffix: lookup.MustName("site.example."), Prefixes: prefixes("2001:db8:77::/48")}},
}

func TestD31EveryLocalPref64AndTheWellKnownOneAreReversed(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]string{
		"Prefixes":            "2001:db8:64::c629:4",
		"Ranges":              "2001:db8:122:344:c6:2900:400:0",
		"Rules":               "2001:db8:77:c629:0:400::",
		"well-known":          "64:ff9b::c629:4",
		"D50 suffix not zero": "2001:db8:122:344:ffc6:2900:4ff:ffff",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reverse := arpaName(t, a)
			d, b := stack(t, known64s, world{"4.0.41.198.in-addr.arpa. PTR": {answer: "4.0.41.198.in-addr.arpa. 900 IN PTR a.root.example.", security: lookup.Secure}})
			same(t, resolve(t, d, reverse+" PTR"), "NOERROR\nanswer:\n"+
				reverse+" 900 IN CNAME 4.0.41.198.in-addr.arpa.\n4.0.41.198.in-addr.arpa. 900 IN PTR a.root.example.")
			b.wasAsked("4.0.41.198.in-addr.arpa. PTR")
			if s := d.Stats(); s.Reverse != 1 {
				t.Errorf("counted %+v", s)
			}
		})
	}
}

// TestD32D34OnlyAliasesThatLeadSomewhere: the way of the CNAME is the only one,
// and where it would point to nothing or to a further alias the name is
// resolved as it stands.
func TestD32D34OnlyAliasesThatLeadSomewhere(t *testing.T) {
	t.Parallel()
	reverse := arpaName(t, "64:ff9b::c629:4")
	for name, target := range map[string]said{
		"no such name":     {rcode: lookup.NXDOMAIN, authority: soa},
		"no PTR":           none,
		"an alias":         {answer: "4.0.41.198.in-addr.arpa. 900 IN CNAME 4.0-63.0.41.198.in-addr.arpa.\n4.0-63.0.41.198.in-addr.arpa. 900 IN PTR a.root.example."},
		"a failure":        {rcode: lookup.SERVFAIL},
		"no answer at all": {err: os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, b := stack(t, Options{}, world{"4.0.41.198.in-addr.arpa. PTR": target, reverse + " PTR": {rcode: lookup.NXDOMAIN, authority: soa}})
			if r := resolve(t, d, reverse+" PTR"); r != b.says[reverse+" PTR"].Response {
				t.Errorf("got %v, want the response from below", r)
			}
			b.wasAsked("4.0.41.198.in-addr.arpa. PTR", reverse+" PTR")
		})
	}
}

func TestD35OtherNamesResolveLikeAnyOther(t *testing.T) {
	t.Parallel()
	mapped := arpaName(t, "64:ff9b::c629:4")
	for _, question := range []string{
		arpaName(t, "2001:db8::1") + " PTR",
		arpaName(t, "64:ff9b:1::c629:4") + " PTR",
		"4.0.41.198.in-addr.arpa. PTR",
		mapped[2:] + " PTR",       // a nibble short
		"0." + mapped + " PTR",    // a nibble too many
		"g" + mapped[1:] + " PTR", // no nibble
		strings.Replace(mapped, "4.0.0.0.", "40.0.0.", 1) + " PTR",
		mapped + " TXT",
		mapped + " NS",
		mapped + " PTR CD DO",
	} {
		name, rest, _ := strings.Cut(question, " ")
		key := name + " " + strings.Fields(rest)[0]
		d, b := stack(t, Options{}, world{key: none})
		if r := resolve(t, d, question); r != b.says[key].Response {
			t.Errorf("%s: got %v, want the response from below", question, r)
		}
	}
}

func TestReverseIsSwitchedOffByARuleThatMeansIt(t *testing.T) {
	t.Parallel()
	reverse := arpaName(t, "64:ff9b::c629:4")
	w := world{reverse + " PTR": none, "4.0.41.198.in-addr.arpa. PTR": {answer: "4.0.41.198.in-addr.arpa. 900 IN PTR a.root.example."}}
	some := Rule{Suffix: lookup.MustName("v4.example."), Mode: Forced}
	for _, test := range []struct {
		name    string
		options Options
		want    int // RRsets of the answer
	}{
		{"on for some names is on", Options{Default: Rule{Mode: Off}, Rules: []Rule{some}}, 2},
		{"off for all names", Options{Default: Rule{Mode: Off}}, 0},
		{"off for ip6.arpa", Options{Rules: []Rule{{Suffix: ip6Arpa, Mode: Off}}}, 0},
	} {
		d, _ := stack(t, test.options, w)
		if got := len(resolve(t, d, reverse+" PTR").Answer); got != test.want {
			t.Errorf("%s: got %d RRsets, want %d", test.name, got, test.want)
		}
	}
}

func FuzzParseReverse(f *testing.F) {
	f.Add("4.0.0.0.9.2.6.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa.")
	f.Fuzz(func(t *testing.T, text string) {
		name, err := lookup.ParseName(text)
		if err != nil {
			return
		}
		a, ok := parseReverse(name)
		if !ok {
			return
		}
		if back, err := dns.ReverseAddr(a.String()); !a.Is4In6() && (err != nil || back != name.String()) {
			t.Errorf("%s gave %s, whose name is %s (%v)", name, a, back, err)
		}
	})
}
