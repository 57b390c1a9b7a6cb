package tailor_test

import (
	"net/netip"
	"testing"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tailor"
)

// A choice says no more once a site has changed, or the map; a new one is made then.
func TestAChoiceIsGoodUntilSomethingChanges(t *testing.T) {
	t.Parallel()
	d, health := worked(t), &states{}
	m := compile(t, &d.Overlay, worldOfFour()...)
	z := tailor.New(base(t, "www A 192.0.2.80"), &d.Overlay, tailor.Options{Atlas: tailor.NewAtlas(func() *geo.Map { return m }), Health: health})
	client := netip.MustParseAddr("203.0.113.9")
	find := func() lookup.Choice { return z.Find(name("www"), lookup.TypeA, at("203.0.113.9")).Choice }
	good := func(c lookup.Choice) bool {
		_, _, _, ok := c.Of(client, netip.Prefix{})
		return ok
	}
	first := find()
	if !good(first) || find() != first {
		t.Fatal("the choice is not good, or not the same")
	}
	health.set("fra")
	second := find()
	if good(first) || !good(second) || first == second {
		t.Error("a site went down, and the choice of before is still good")
	}
	m = compile(t, &d.Overlay, worldOfFour()...)
	if third := find(); good(second) || !good(third) {
		t.Error("there is another map, and the choice of before is still good")
	}
}

// Who hears of a choice says what Find would be told.
func TestAChoiceKnowsWhoAsks(t *testing.T) {
	t.Parallel()
	d := worked(t)
	z := tailor.New(base(t, "www A 192.0.2.80"), &d.Overlay, tailor.Options{Atlas: atlas(compile(t, &d.Overlay, worldOfFour()...))})
	for _, c := range []struct{ client, subnet string }{
		{"203.0.113.9", ""}, {"203.0.113.9", "0.0.0.0/0"}, {"203.0.113.9", "10.0.0.0/8"}, {"203.0.113.9", "203.0.120.0/24"},
		{"203.0.113.9", "203.0.112.0/20"}, {"203.0.113.9", "2002:cb00:7800::/40"}, {"::1", ""}, {"2001:db8::1", "8.8.8.0/24"},
	} {
		q := lookup.Query{Client: netip.MustParseAddr(c.client)}
		if c.subnet != "" {
			q.Subnet = netip.MustParsePrefix(c.subnet)
		}
		f := z.Find(name("www"), lookup.TypeA, tailor.ClientOf(q.Client, q.Subnet))
		_, scope, wanted, ok := f.Choice.Of(q.Client, q.Subnet)
		if !ok || scope != f.Scope || wanted != f.Wanted {
			t.Errorf("%v: %s, wanted %d, %v; and Find says %s, wanted %d", c, scope, wanted, ok, f.Scope, f.Wanted)
		}
	}
	if _, _, _, ok := z.Find(name("www"), lookup.TypeA, at("8.8.8.8")).Choice.Of(netip.Addr{}, netip.Prefix{}); ok {
		t.Error("nobody knows who asks, and there is an answer")
	}
}

// Chance, aliases and denials are for Find to tell.
func TestAChoiceIsOfAnswersOnly(t *testing.T) {
	t.Parallel()
	d := three(t, nil, "192.0.2.0/24=sin", "*=fra:6,iad:3").when("10.0.0.0/8", "www A 10.0.0.1", "to CNAME www", "only A 10.0.0.2").alias("10.0.0.0/8", "far", "elsewhere.test.", 60)
	z := tailored(t, d, &states{}, "www A 192.0.2.80")
	for _, c := range []struct {
		owner, client string
		ok            bool
	}{
		{"dl", "192.0.2.1", true}, {"dl", "203.0.113.9", false}, {"www", "10.0.0.1", true}, {"www", "203.0.113.9", true},
		{"only", "10.0.0.1", true}, {"only", "203.0.113.9", false}, {"to", "10.0.0.1", false}, {"far", "10.0.0.1", false},
	} {
		choice := z.Find(name(c.owner), lookup.TypeA, at(c.client)).Choice
		if choice == nil {
			t.Errorf("%s for %s: no choice", c.owner, c.client)
			continue
		}
		if _, _, _, ok := choice.Of(netip.MustParseAddr(c.client), netip.Prefix{}); ok != c.ok {
			t.Errorf("%s for %s: %v", c.owner, c.client, ok)
		}
	}
}
