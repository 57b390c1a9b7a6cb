package main

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sextant-dns/sextant/lab"
	"github.com/sextant-dns/sextant/lookup"
)

// When two servers of io. are all that reply, and differ, people are told of the one that
// is behind, although neither has a witness.
func TestAuditOfTwo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlanet(t, true)
		p.add("new", lab.Variant{Serial: 101})
		r := p.run(t, "log: info")
		p.Set("new", tlds[0])
		p.Set("silent", tlds[2:]...)
		a, err := r.audit(t.Context(), lookup.MustName("example.io."))
		if err != nil {
			t.Fatal(err)
		}
		if got := auditOf(a).String(); !strings.Contains(got, "\n! io. server ns1.io. (198.51.101.1) is behind: serial 100, and there is 101\n") || strings.Count(got, "behind") != 1 {
			t.Errorf("got\n%s", got)
		}
	})
}
