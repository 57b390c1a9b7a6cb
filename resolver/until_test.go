package resolver_test

import (
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

// Aliases to names that are somebody else's to find are where the response ends, from
// servers and from memory, and others are followed all the same.
func TestAliasesAreLeftToTheCaller(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.zone("example.com.", "out.example.com. 60 CNAME www.example.org.\nin.example.com. 60 CNAME out.example.com.\nother.example.com. 60 CNAME www.example.net.\nold.example.com. 60 DNAME example.org.", "192.0.2.53")
	n.zone("example.org.", "www.example.org. 60 A 192.0.2.2", "192.0.2.54")
	n.zone("example.net.", "www.example.net. 60 A 192.0.2.3", "192.0.2.55")
	r := n.resolver()
	leaving := r.Until(func(name lookup.Name) bool { return name.IsSubdomainOf(lookup.MustName("example.org.")) }, nil)
	for range 2 {
		for asked, want := range map[string]string{
			"out.example.com. A":     "NOERROR | out.example.com. 60 CNAME www.example.org.",
			"in.example.com. A":      "NOERROR | in.example.com. 60 CNAME out.example.com., out.example.com. 60 CNAME www.example.org.",
			"other.example.com. A":   "NOERROR | other.example.com. 60 CNAME www.example.net., www.example.net. 60 A 192.0.2.3",
			"www.old.example.com. A": "NOERROR | old.example.com. 60 DNAME example.org., www.old.example.com. 60 CNAME www.example.org.",
			"www.example.org. A":     "NOERROR | www.example.org. 60 A 192.0.2.2",
		} {
			got, err := leaving.Resolve(t.Context(), question(asked))
			if err != nil || !strings.HasPrefix(short(got), want) {
				t.Errorf("%s: got %v %v, want %s", asked, got, err, want)
			}
		}
	}
	expect(t, r, "out.example.com. A", "NOERROR | out.example.com. 60 CNAME www.example.org., www.example.org. 60 A 192.0.2.2")
}
