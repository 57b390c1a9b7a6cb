package dns64

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

func TestD27D49NewRejects(t *testing.T) {
	t.Parallel()
	name := lookup.MustName
	range4 := func(s string) Range { return Range{IPv4: netip.MustParsePrefix(s)} }
	for _, test := range []struct {
		options Options
		want    string
	}{
		{Options{Prefixes: prefixes("2001:db8::/96", "2001:db8::/72")}, "Prefixes[1]: Pref64 2001:db8::/72 has length 72; RFC 6052 2.2 allows 32, 40, 48, 56, 64 and 96"},
		{Options{Prefixes: prefixes("2001:db8:0:0:100::/96")}, "Prefixes[0]: Pref64 2001:db8:0:0:100::/96 has bits 64 to 71 set"},
		{Options{Prefixes: prefixes("2001:db8::/96", "2001:db8::/96")}, "Prefixes[1]: 2001:db8::/96 stands here a second time"},
		{Options{Prefixes: make([]netip.Prefix, 9)}, "Prefixes: 9 of them; at most 8"},
		{Options{Prefixes: make([]netip.Prefix, 1)}, "Prefixes[0]: Pref64 is missing or not a prefix"},
		{Options{Ranges: []Range{range4("10.0.0.1/8")}}, "Ranges[0]: 10.0.0.1/8 is not an IPv4 range"},
		{Options{Ranges: []Range{{}}}, "Ranges[0]: invalid Prefix is not an IPv4 range"},
		{Options{Ranges: []Range{range4("10.0.0.0/8"), range4("10.0.0.0/8")}}, "Ranges[1]: 10.0.0.0/8 stands here a second time"},
		{Options{Ranges: []Range{{IPv4: netip.MustParsePrefix("10.0.0.0/8"), Prefixes: prefixes("2001:db8::/95")}}}, "Ranges[0].Prefixes[0]: Pref64 2001:db8::/95 has length 95"},
		{Options{Default: Rule{Suffix: name("example.")}}, "the Default rule has Suffix example., but it is for all names"},
		{Options{Default: Rule{Mode: 3}}, "Default: no such mode: Mode(3)"},
		{Options{Default: Rule{Mode: Forced, PassRcodes: []lookup.Rcode{lookup.REFUSED}}}, "Default: PassRcodes needs mode standard, but the mode is forced"},
		{Options{Default: Rule{PassRcodes: []lookup.Rcode{lookup.NOERROR}}}, "Default: PassRcodes has NOERROR"},
		{Options{Rules: []Rule{{}}}, "Rules[0]: has no Suffix"},
		{Options{Rules: []Rule{{Suffix: lookup.Root}}}, "Rules[0]: its Suffix is the root"},
		{Options{Rules: []Rule{{Suffix: name("a.")}, {Suffix: name("A.")}}}, "Rules[1]: a rule for a. stands here a second time"},
		{Options{Rules: []Rule{{Suffix: name("a."), HideA: true}}}, "Rules[0] (a.): HideA needs mode forced, but the mode is standard"},
		{Options{Rules: []Rule{{Suffix: name("a."), Mode: Off, HideServices: true}}}, "Rules[0] (a.): HideServices needs mode forced, but the mode is off"},
		{Options{Rules: []Rule{{Suffix: name("a."), HideNative: true}}}, "Rules[0] (a.): HideNative needs mode forced"},
		{Options{Rules: []Rule{{Suffix: name("a."), Prefixes: prefixes("::/0")}}}, "Rules[0] (a.).Prefixes[0]: Pref64 ::/0 has length 0"},
		{Options{Bar: 3}, "no such bar: Bar(3)"},
		{Options{Exclude: prefixes("10.0.0.0/8")}, "Exclude[0]: 10.0.0.0/8 is not an IPv6 range"},
		{Options{DiscoveryTTL: 1 << 31}, "DiscoveryTTL: 2147483648 is above 2147483647"},
	} {
		if d, err := New(lookup.Func(nil), test.options); d != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want an error with %q", err, test.want)
		}
	}
}

func TestNewTellsAllErrorsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := New(lookup.Func(nil), Options{
		Prefixes: prefixes("2001:db8::/97"),
		Rules:    []Rule{{HideA: true}, {Suffix: lookup.MustName("a."), Mode: 7}},
		Bar:      9,
	})
	if err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("got %v, want five lines", err)
	}
}

func TestLongestSuffixWins(t *testing.T) {
	t.Parallel()
	rule := func(suffix string, m Mode) Rule { return Rule{Suffix: lookup.MustName(suffix), Mode: m} }
	d, _ := stack(t, Options{Rules: []Rule{rule("example.", Forced), rule("a.b.example.", Forced), rule("b.example.", Off)}}, nil)
	for name, want := range map[string]string{
		".":                "",
		"org.":             "",
		"notexample.":      "",
		"example.":         "example.",
		"x.example.":       "example.",
		"b.example.":       "b.example.",
		"x.y.b.example.":   "b.example.",
		"ab.example.":      "example.",
		"a.b.example.":     "a.b.example.",
		"x.y.A.B.EXAMPLE.": "a.b.example.",
	} {
		if got := d.Policy(lookup.MustName(name)).Suffix; got != "" && got.String() != want || got == "" && want != "" {
			t.Errorf("%s: the rule is %q, want %q", name, got, want)
		}
	}
}

func TestOffPassesEverything(t *testing.T) {
	t.Parallel()
	w := world{"x.example. AAAA": none, "x.example. A": {answer: "x.example. 60 IN A 198.41.0.4"}, "x.example. HTTPS": none}
	for _, o := range []Options{
		{Default: Rule{Mode: Off}},
		{Default: Rule{Mode: Forced, HideA: true, HideServices: true}, Rules: []Rule{{Suffix: lookup.MustName("x.example."), Mode: Off}}},
	} {
		d, b := stack(t, o, w)
		for question := range w {
			if r := resolve(t, d, question); r != b.says[question].Response {
				t.Errorf("%s: got %v, want the response from below", question, r)
			}
		}
		if s := d.Stats(); s != (Stats{Passed: 3}) {
			t.Errorf("counted %+v", s)
		}
	}
}

func TestD53NonGlobalIPv4IsBarredFromTheWellKnownPrefix(t *testing.T) {
	t.Parallel()
	const barred, private, global = 0, 1, 2
	for a, kind := range map[string]int{
		"0.1.2.3": barred, "127.0.0.1": barred, "169.254.1.1": barred, "192.0.0.1": barred, "192.0.0.170": barred,
		"192.0.2.33": barred, "192.88.99.1": barred, "198.18.0.1": barred, "198.19.255.255": barred, "198.51.100.1": barred,
		"203.0.113.1": barred, "224.0.0.1": barred, "239.255.255.255": barred, "240.0.0.1": barred, "255.255.255.255": barred,
		"10.0.0.1": private, "172.16.0.1": private, "172.31.255.255": private, "192.168.1.1": private, "100.64.0.1": private, "100.127.255.255": private,
		"1.1.1.1": global, "9.255.255.255": global, "11.0.0.0": global, "100.63.255.255": global, "100.128.0.0": global, "172.15.0.1": global,
		"172.32.0.1": global, "192.0.0.9": global, "192.0.0.10": global, "192.0.1.1": global, "192.31.196.1": global, "192.175.48.1": global,
		"198.17.255.255": global, "198.20.0.0": global, "223.255.255.255": global, "31.13.79.246": global, "93.184.215.14": global,
	} {
		v4 := netip.MustParseAddr(a)
		for bar, passes := range map[Bar]bool{BarRFC6052: kind == global, BarWKP1918: kind != barred, BarOff: true} {
			wkp, nsp := newMapping(Options{Bar: bar}), newMapping(Options{Bar: bar, Prefixes: prefixes("64:ff9b:1::/48")})
			quad := v4.As4()
			rdata := lookup.PackRdata(string(quad[:]))
			if data, _ := wkp.translate(rdata); (data != "") != passes {
				t.Errorf("%s under the well-known prefix with bar %s: %x", v4, bar, data)
			}
			if data, _ := nsp.translate(rdata); data == "" {
				t.Errorf("%s is barred from a prefix of our own, with bar %s", v4, bar)
			}
		}
	}
}

func TestD71RangesThatDiscoveryCannotTell(t *testing.T) {
	t.Parallel()
	lab, ten := prefixes("64:ff9b:1::/48"), netip.MustParsePrefix("10.0.0.0/8")
	for _, test := range []struct {
		options Options
		want    string
	}{
		{Options{}, ""},
		{Options{Prefixes: lab, Ranges: []Range{{IPv4: ten, Prefixes: lab}}}, ""},
		{Options{Ranges: []Range{{IPv4: netip.MustParsePrefix("0.0.0.0/0"), Prefixes: lab}}}, ""},
		{Options{Prefixes: prefixes("64:ff9b::/96"), Ranges: []Range{{IPv4: ten, Prefixes: lab}}},
			"10.0.0.0/8 maps to [64:ff9b:1::/48], but hosts that ask for ipv4only.arpa will use [64:ff9b::/96] for it"},
		{Options{Ranges: []Range{{IPv4: ten}}}, "10.0.0.0/8 maps to [], but hosts that ask for ipv4only.arpa will use [64:ff9b::/96] for it"},
	} {
		if got := strings.Join(test.options.Warnings(), "\n"); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestRulePrefixesReplaceAllOthers(t *testing.T) {
	t.Parallel()
	o := Options{
		Prefixes: prefixes("2001:db8:1::/96"),
		Ranges:   []Range{{IPv4: netip.MustParsePrefix("198.41.0.0/16"), Prefixes: prefixes("2001:db8:2::/96")}},
		Rules:    []Rule{{Suffix: lookup.MustName("site.example."), Prefixes: prefixes("64:ff9b::/96")}},
		Bar:      BarWKP1918,
	}
	d, _ := stack(t, o, world{
		"v4.example. AAAA": none, "v4.example. A": {answer: theA},
		"v4.site.example. AAAA": none, "v4.site.example. A": {answer: "v4.site.example. 60 IN A 10.0.0.1"},
	})
	for question, want := range map[string]string{"v4.example. AAAA": "2001:db8:2::c629:4", "v4.site.example. AAAA": "64:ff9b::a00:1"} {
		if got := addresses(resolve(t, d, question)); got != want {
			t.Errorf("%s: got %q, want %q", question, got, want)
		}
	}
}

func TestWordsOfConfiguration(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"standard": Standard.String(), "forced": Forced.String(), "off": Off.String(),
		"rfc6052": BarRFC6052.String(), "wkp1918": BarWKP1918.String(), "Bar(7)": Bar(7).String(),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
