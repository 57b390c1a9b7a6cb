package overlay

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

var update = flag.Bool("update", false, "write what Load says of the example")

func TestTheExampleSaysWhatItSays(t *testing.T) {
	t.Parallel()
	base, err := zones.LoadFile("testdata/example.org.zone", lookup.MustName("example.org."))
	if err != nil {
		t.Fatal(err)
	}
	o, err := LoadFile("testdata/example.org.geo", Options{
		Base:  base,
		Views: []string{"corp", "public"},
		Sets:  map[string][]netip.Prefix{"partners": {netip.MustParsePrefix("198.18.0.0/16")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "example.org.golden")
	got := describe(o)
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// describe is all that an overlay says, a thing a line.
func describe(o *Overlay) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apex %s\n", o.Apex)
	at := func(p Position) string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }
	flat := func(s lookup.RRset) string { return strings.NewReplacer("\t", " ", "\n", " | ").Replace(s.String()) }
	for _, s := range o.Sites {
		fmt.Fprintf(&b, "%s site %s at %v %v state %q\n", at(s.At), s.Name, s.Place, s.Placed, s.State)
		for _, c := range s.Checks {
			fmt.Fprintf(&b, "%s   %s=%q\n", at(c.At), c.Key, c.Value)
		}
		for _, set := range setsOf(s) {
			fmt.Fprintf(&b, "    %s\n", set)
		}
	}
	for _, r := range o.Rules {
		fmt.Fprintf(&b, "%s when %s (%s) keep %v: %s\n", at(r.At), r.When, at(r.When.At), r.Keep, flat(r.Set))
	}
	for _, a := range o.Aliases {
		fmt.Fprintf(&b, "%s when %s: %s %d ALIAS %s\n", at(a.At), a.When, a.Owner, a.TTL, a.Target)
	}
	for _, r := range o.Routes {
		fmt.Fprintf(&b, "%s route %s pick %d down %d sticky %d %d\n", at(r.At), r.Owner, r.Pick, r.Down, r.StickyV4, r.StickyV6)
		for _, c := range r.Choices {
			fmt.Fprintf(&b, "%s   %s: %v nearest %d\n", at(c.At), c.When, c.Sites, c.Nearest)
		}
	}
	for _, e := range o.Expectations {
		fmt.Fprintf(&b, "%s expect %s %s from %v %s view %q down %v data %x nothing %v scope %d prefixes %d (%s)\n",
			at(e.At), e.Owner, e.Type, e.From, e.Selector, e.View, e.Down, e.Data, e.Nothing, e.Scope, e.Prefixes, e.Text)
	}
	for _, s := range o.Selectors() {
		fmt.Fprintf(&b, "selector %s\n", s)
	}
	for _, p := range o.Lint {
		fmt.Fprintf(&b, "lint %v\n", p)
	}
	return b.String()
}

func TestExpectations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want Expectation
	}{
		{"www A = 192.0.2.2 192.0.2.1", Expectation{Data: []string{"\xc0\x00\x02\x01", "\xc0\x00\x02\x02"}}},
		{"www A =192.0.2.1 = 192.0.2.1", Expectation{Data: []string{"\xc0\x00\x02\x01"}}},
		{`www TXT = "a b" c = d`, Expectation{Data: []string{"\x01d", "\x03a b\x01c"}}},
		{"www MX = 10 mail.", Expectation{Data: []string{"\x00\x0a\x04mail\x00"}}},
		{"www A from * =none", Expectation{Nothing: true}},
		{"www A scope<25", Expectation{Scope: 24}},
		{"www A prefixes<=9 scope<=0", Expectation{Prefixes: 10, Scope: 0}},
		{"www A from 192.0.2.0/24 = none", Expectation{From: netip.MustParsePrefix("192.0.2.0/24"), Nothing: true}},
		{"www A from 2001:db8::1 = none", Expectation{From: netip.MustParsePrefix("2001:db8::1/128"), Nothing: true}},
	} {
		got := load(t, "$EXPECT "+c.text).Expectations[0]
		if !strings.Contains(c.text, "scope") {
			c.want.Scope = -1
		}
		c.want.Owner, c.want.Type, c.want.Text, c.want.At = got.Owner, got.Type, got.Text, got.At
		if a, b := fmt.Sprintf("%+q", got), fmt.Sprintf("%+q", c.want); a != b || !slices.Equal(got.Data, c.want.Data) {
			t.Errorf("%s\ngot  %s\nwant %s", c.text, a, b)
		}
	}
}
