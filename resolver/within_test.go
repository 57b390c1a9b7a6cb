package resolver_test

import (
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// Aliases that lead out are where the response ends, and nobody out there is asked.
func TestAliasesOutOfReachAreNotFollowed(t *testing.T) {
	t.Parallel()
	n := newInternet(t)
	n.zone("example.com.", "out.example.com. 60 CNAME www.example.org.\nin.example.com. 60 CNAME out.example.com.\nwww.example.com. 60 A 192.0.2.1\nold.example.com. 60 DNAME example.org.", "192.0.2.53")
	n.zone("example.org.", "www.example.org. 60 A 192.0.2.2", "192.0.2.54")
	r := n.resolver(func(o *resolver.Options) { o.Within = lookup.MustName("example.com.") })
	for range 2 { // from servers and from memory
		expect(t, r, "www.example.com. A", "NOERROR | www.example.com. 60 A 192.0.2.1")
		expect(t, r, "out.example.com. A", "NOERROR | out.example.com. 60 CNAME www.example.org.")
		expect(t, r, "in.example.com. A", "NOERROR | in.example.com. 60 CNAME out.example.com., out.example.com. 60 CNAME www.example.org.")
		if got := ask(t, r, "www.old.example.com. A"); !strings.Contains(got, "CNAME www.example.org.") {
			t.Error(got)
		}
	}
	if n.count("example.org.") > 0 {
		t.Errorf("sent:\n%s", n.log())
	}
}
