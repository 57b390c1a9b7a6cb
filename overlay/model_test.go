package overlay

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
)

// someone is all that can be true of a client in the model.
type someone struct {
	view, country, subdivision, asn, city, number string
	address                                       netip.Addr
}

// has is the slow truth about someone.
func (c someone) has(o Options) func(geo.Selector) bool {
	return func(s geo.Selector) bool {
		switch s.Kind {
		case geo.View:
			return s.Value == c.view
		case geo.Network:
			return netip.MustParsePrefix(s.Value).Contains(c.address)
		case geo.Set:
			return slices.ContainsFunc(o.Sets[s.Value], func(p netip.Prefix) bool { return p.Contains(c.address) })
		case geo.ASN:
			return s.Value == c.asn
		case geo.City:
			return s.Value == c.city || s.Value == c.number
		case geo.Subdivision:
			return s.Value == c.subdivision
		case geo.Country:
			return s.Value == c.country
		}
		return s.Value == map[string]string{"DE": "EU", "AT": "EU", "US": "NA"}[c.country]
	}
}

func anyone(r *rand.Rand) someone {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	c := someone{
		view: pick("corp", "public"), country: pick("DE", "AT", "US", ""), asn: pick("1", "2", ""), city: pick("Bonn", "Ulm", ""), number: pick("7", "8", ""),
		address: netip.MustParseAddr(pick("192.0.2.1", "192.0.2.200", "198.51.100.1", "192.0.99.1", "203.0.113.1", "2001:db8::1")),
	}
	if c.country == "US" {
		c.subdivision = pick("US-NY", "US-CA", "")
	}
	return c
}

// Whenever Load finds nothing wrong, of all that is for a client one thing is more
// specific than all others, whoever the client is.
func TestNoClientHasTwoAnswers(t *testing.T) {
	t.Parallel()
	words := strings.Fields("view:corp view:public 192.0.2.0/24 192.0.2.0/25 198.51.100.0/24 2001:db8::/32 net:cdn net:lab net:world as1 as2 city:Bonn city:Ulm city:7 us-ny us-ca de at us eu c:na")
	o := options(t)
	random := rand.New(rand.NewPCG(7871, 1))
	condition := func() string {
		if random.IntN(12) == 0 {
			return "*"
		}
		var terms []string
		for range 1 + random.IntN(3) {
			terms = append(terms, []string{"", "", "!"}[random.IntN(3)]+words[random.IntN(len(words))])
		}
		return strings.Join(terms, "+")
	}
	good := 0
	for i := range 30_000 {
		text := sites + "$ROUTE www "
		for range 1 + random.IntN(3) {
			text += " " + condition() + "=" + []string{"fra", "iad", "nearest"}[random.IntN(3)]
		}
		for range random.IntN(3) {
			text += "\n$WHEN " + condition() + "\n" + []string{"www A 192.0.2.1", "www AAAA 2001:db8::1", "www ALIAS git", "www MX 10 www"}[random.IntN(4)]
		}
		got, err := Load(strings.NewReader(text), fmt.Sprint(i), o)
		if err != nil {
			continue
		}
		good++
		for range 20 {
			client := anyone(random)
			for _, asked := range []lookup.Type{lookup.TypeA, lookup.TypeAAAA, lookup.TypeMX} {
				if a, b, two := twoAnswers(got, asked, client.has(o)); two {
					t.Fatalf("%s\n%+v is of %s and of %s when asking for %s", text, client, a, b, asked)
				}
			}
		}
	}
	if good < 1000 {
		t.Errorf("only %d overlays were without errors", good)
	}
}

// twoAnswers looks for two things that are for a client and of which neither is more
// specific, while nothing else is.
func twoAnswers(o *Overlay, asked lookup.Type, has func(geo.Selector) bool) (a, b Condition, two bool) {
	var all []Condition
	add := func(c Condition, t lookup.Type) {
		// A view's rule is about all types of the name.
		if _, view := c.View(); (view || t == asked) && c.Holds(has) && !slices.ContainsFunc(all, func(d Condition) bool { return d.String() == c.String() }) {
			all = append(all, c)
		}
	}
	for _, r := range o.Rules {
		add(r.When, r.Set.Type)
	}
	for _, a := range o.Aliases {
		if asked == lookup.TypeA || asked == lookup.TypeAAAA {
			add(a.When, asked)
		}
	}
	for _, r := range o.Routes {
		for _, c := range r.Choices {
			add(c.When, lookup.TypeA) // sites have no other type
		}
	}
	slices.SortFunc(all, Compare)
	if len(all) > 1 && Compare(all[0], all[1]) == 0 {
		return all[0], all[1], true
	}
	return a, b, false
}
