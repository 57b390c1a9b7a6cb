package overlay

import (
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/geo"
)

// when is a condition in the order in which terms are written.
func when(t testing.TB, text string) Condition {
	t.Helper()
	var c Condition
	for term := range strings.SplitSeq(text, "+") {
		if term == "*" {
			continue
		}
		positive, not := strings.CutPrefix(term, "!")
		s, err := geo.ParseSelector(positive)
		if err != nil {
			t.Fatal(err)
		}
		c.Terms = append(c.Terms, Term{s, not})
	}
	slices.SortStableFunc(c.Terms, func(a, b Term) int { return b.rank() - a.rank() })
	return c
}

func TestTheMostSpecificConditionComesFirst(t *testing.T) {
	t.Parallel()
	order := []string{
		"view:corp+de", "view:corp", "192.0.2.0/24+de", "192.0.2.0/24", "192.0.0.0/16", "net:cdn", "as64500+de",
		"as64500+eu", "as64500+!eu", "as64500", "city:Bonn", "us-ny", "de+!as64500", "de", "eu", "!as64500", "!cn", "!eu", "*",
	}
	for i, a := range order {
		for j, b := range order {
			got, want := Compare(when(t, a), when(t, b)), i-j
			if got < 0 != (want < 0) || got > 0 != (want > 0) {
				t.Errorf("Compare(%s, %s) = %d", a, b, got)
			}
		}
	}
	for _, pair := range [][2]string{{"de", "at"}, {"192.0.2.0/24", "198.51.100.0/24"}, {"view:a", "view:b"}, {"!de", "!at"}, {"de+as1", "as1+at"}} {
		if c := Compare(when(t, pair[0]), when(t, pair[1])); c != 0 {
			t.Errorf("Compare(%s, %s) = %d", pair[0], pair[1], c)
		}
	}
}

func TestWhatNoClientCanBeBothOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"de", "at", true},
		{"de", "de", false},
		{"de", "!de", true},
		{"!de", "!at", false},
		{"de", "eu", false},
		{"eu", "c:na", true},
		{"as1", "as2", true},
		{"view:a", "view:b", true},
		{"net:a", "net:b", false},
		{"us-ny", "us-ca", true},
		{"us-ny", "de", true},
		{"us-ny", "us", false},
		{"us-ny", "!us", true},
		{"city:Bonn", "city:Berlin", true},
		{"city:Bonn", "city:2946447", false},
		{"192.0.2.0/24", "198.51.100.0/24", true},
		{"192.0.2.0/24", "192.0.0.0/16", false},
		{"192.0.2.0/24", "!192.0.0.0/16", true},
		{"192.0.0.0/16", "!192.0.2.0/24", false},
		{"192.0.2.0/24", "2001:db8::/32", true},
		{"de+net:a", "at+net:b", true},
		{"de+net:a", "de+net:b", false},
		{"*", "de", false},
	} {
		if got := exclusive(when(t, c.a), when(t, c.b)); got != c.want {
			t.Errorf("exclusive(%s, %s) = %v", c.a, c.b, got)
		}
		if got := exclusive(when(t, c.b), when(t, c.a)); got != c.want {
			t.Errorf("exclusive(%s, %s) = %v", c.b, c.a, got)
		}
	}
}

func TestConditionsHoldForClients(t *testing.T) {
	t.Parallel()
	client := []geo.Selector{{Kind: geo.Country, Value: "DE"}, {Kind: geo.Continent, Value: "EU"}}
	has := func(s geo.Selector) bool { return slices.Contains(client, s) }
	for text, want := range map[string]bool{"*": true, "de": true, "!de": false, "!at": true, "eu+de": true, "eu+at": false, "eu+!de": false, "de+!as1": true} {
		c := when(t, text)
		if got := c.Holds(has); got != want {
			t.Errorf("%s: %v", text, got)
		}
		if c.Everyone() != (text == "*") {
			t.Errorf("%s: Everyone() is %v", text, c.Everyone())
		}
	}
	if view, ok := when(t, "de+view:corp").View(); view != "corp" || !ok {
		t.Errorf("view %q, %v", view, ok)
	}
	if view, ok := when(t, "de+!view:corp").View(); ok {
		t.Errorf("view %q", view)
	}
}

func TestConditionsAreWrittenAsTheyAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"*": "*", "EU+de": "de+eu", "!de+as0064500": "as64500+!de", "c:as": "c:as", "2001:db8::/32": "2001:db8::/32",
		"city:Sao Paulo": `city:"Sao Paulo"`, "view:corp": "view:corp",
	} {
		if got := when(t, text).String(); got != want {
			t.Errorf("%s is written %s, not %s", text, got, want)
		}
	}
}
