package tailor_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
)

func TestExpectationsAreJudged(t *testing.T) {
	t.Parallel()
	d := worked(t).when("view:corp", "git A 10.0.4.22").when("eu", "eu A 10.0.0.3").
		alias("*", "@", "www", 60).alias("*", "out", "www.example.net.", 60).
		site("ams", "", "dl A 198.51.100.7").site("ord", "", "dl A 198.51.100.8").route("dl", nil, "*=ams:9,ord:1")
	below := base(t, "www A 192.0.2.80", "git A 192.0.2.22", "alias CNAME www", "eu A 192.0.2.3")
	m := compile(t, &d.Overlay, worldOfFour()...)
	a := func(text string) []string { b := netip.MustParseAddr(text).As4(); return []string{string(b[:])} }
	from := netip.MustParsePrefix
	de, _ := geo.ParseSelector("de")
	subdivision, _ := geo.ParseSelector("de-he")
	for _, c := range []struct {
		what  string
		e     overlay.Expectation
		wrong string // "": it holds
	}{
		{"by address", overlay.Expectation{Owner: name("www"), From: from("203.0.113.9/32"), Data: a("203.0.113.80")}, ""},
		{"not so", overlay.Expectation{Owner: name("www"), From: from("203.0.113.9/32"), Data: a("198.51.100.80")}, "the answer is 203.0.113.80"},
		{"by selector", overlay.Expectation{Owner: name("www"), Selector: de, Data: a("203.0.113.80")}, ""},
		{"with a site down", overlay.Expectation{Owner: name("www"), Selector: de, Down: []string{"fra"}, Data: a("198.51.100.80")}, ""},
		{"up again", overlay.Expectation{Owner: name("www"), Selector: de, Data: a("203.0.113.80")}, ""},
		{"what follows from a selector", overlay.Expectation{Owner: name("eu"), Selector: subdivision, Data: a("10.0.0.3")}, ""},
		{"everyone", overlay.Expectation{Owner: name("www"), Data: a("198.51.100.80")}, ""},
		{"outside", overlay.Expectation{Owner: name("git"), Data: a("192.0.2.22")}, ""},
		{"in a view", overlay.Expectation{Owner: name("git"), View: "corp", From: from("10.1.2.3/32"), Data: a("10.0.4.22")}, ""},
		{"through a CNAME", overlay.Expectation{Owner: name("alias"), Selector: de, Data: a("203.0.113.80")}, ""},
		{"through an alias", overlay.Expectation{Owner: name("@"), Selector: de, Data: a("203.0.113.80")}, ""},
		{"through an alias that leads out", overlay.Expectation{Owner: name("out"), Data: a("203.0.113.80")}, "cannot be judged"},
		{"nothing", overlay.Expectation{Owner: name("nobody"), Nothing: true}, ""},
		{"nothing, and there is", overlay.Expectation{Owner: name("www"), Nothing: true}, "the answer is 198.51.100.80"},
		{"something, and there is not", overlay.Expectation{Owner: name("nobody"), Data: a("192.0.2.1")}, "the answer is none"},
		{"what chance gives often", overlay.Expectation{Owner: name("dl"), Data: a("198.51.100.7")}, ""},
		{"what chance gives rarely", overlay.Expectation{Owner: name("dl"), Data: a("198.51.100.8")}, ""},
		{"what chance never gives", overlay.Expectation{Owner: name("dl"), Data: a("198.51.100.9")}, "the answer is 198.51.100."},
		{"scopes", overlay.Expectation{Owner: name("www"), Scope: 21}, ""},
		{"scopes that are longer", overlay.Expectation{Owner: name("www"), Scope: 20}, "a scope has 21 bits"},
		{"a site down makes them longer", overlay.Expectation{Owner: name("www"), Scope: 21, Down: []string{"fra"}}, "a scope has 22 bits"},
		{"one scope", overlay.Expectation{Owner: name("www"), From: from("8.8.8.8/32"), Scope: 1}, ""},
		{"prefixes", overlay.Expectation{Owner: name("www"), Prefixes: 5000}, ""},
		{"more prefixes", overlay.Expectation{Owner: name("www"), Prefixes: 22}, "the world falls into"},
	} {
		c.e.Type, c.e.Text, c.e.At.Line = lookup.TypeA, "$EXPECT "+c.what, 7
		if !strings.Contains(c.what, "scope") && !strings.Contains(c.what, "longer") {
			c.e.Scope = -1
		}
		d.Expectations = []overlay.Expectation{c.e}
		failed := tailor.Judge(below, &d.Overlay, m)
		switch {
		case c.wrong == "" && len(failed) > 0:
			t.Errorf("%s: %v", c.what, failed)
		case c.wrong != "" && (len(failed) != 1 || !strings.Contains(failed[0].Text, c.wrong) || failed[0].Line != 7 || failed[0].Hint != c.e.Text):
			t.Errorf("%s: %v, not %q", c.what, failed, c.wrong)
		}
	}
}

// Who is somewhere hears of the nearest sites as a client from there does, whatever the
// order of the file is.
func TestTheNearestOfAnExpectation(t *testing.T) {
	t.Parallel()
	const fra, iad, sin = "198.51.100.1", "198.51.100.2", "198.51.100.3"
	d := three(t, nil, "us=nearest:3", "*=nearest:3")
	for i, p := range []geo.Point{{Lat: 50.1, Long: 8.7}, {Lat: 38.9, Long: -77.4}, {Lat: 1.35, Long: 103.8}} {
		d.Sites[i].Place, d.Sites[i].Placed = p, true
	}
	m := compile(t, &d.Overlay, "203.0.112.0/22 DE", "203.0.116.0/22 US", "203.0.120.0/22 SG")
	for _, c := range []struct{ from, down, want string }{
		{"203.0.117.9/32", "", iad},
		{"us", "", iad}, // the Map knows who is there
		{"us", "iad", fra},
		{"sg", "", sin}, // it does not: a centre
		{"sg", "sin", fra},
		{"id-jk", "", sin},
		{"c:na", "", iad}, // most of its centres
		{"c:as", "", sin},
		{"de", "", fra},
		{"as64500", "", fra}, // nobody knows: the order of the file
	} {
		e := overlay.Expectation{Owner: name("dl"), Type: lookup.TypeA, Scope: -1, Text: c.from}
		if s, err := geo.ParseSelector(c.from); err == nil && s.Kind != geo.Network {
			e.Selector = s
		} else {
			e.From = netip.MustParsePrefix(c.from)
		}
		if c.down != "" {
			e.Down = []string{c.down}
		}
		a := netip.MustParseAddr(c.want).As4()
		e.Data = []string{string(a[:])}
		d.Expectations = append(d.Expectations, e)
	}
	for _, wrong := range tailor.Judge(base(t, "dl A 192.0.2.80"), &d.Overlay, m) {
		t.Errorf("from %s, without %v", wrong.Hint, wrong)
	}
}
