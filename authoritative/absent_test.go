package authoritative

import (
	"context"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// Checklist 4.12: a zone that has expired is SERVFAIL with EDE 24, below it and at
// the end of an alias, too; and nobody else is asked.
func TestZoneThatHasExpired(t *testing.T) {
	t.Parallel()
	held, err := zones.Load(strings.NewReader("$ORIGIN example.\n@ 300 SOA ns host 1 2 3 4 5\n@ 300 NS ns\nns 300 A 192.0.2.1\nalias 300 CNAME www.gone.example.\n"), "example", zones.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := zones.NewTree(held, zones.Absent(lookup.MustName("gone.example.")), zones.Absent(lookup.MustName("over.")))
	if err != nil {
		t.Fatal(err)
	}
	child, err := zones.Load(strings.NewReader("$ORIGIN child.over.\n@ 300 SOA ns host 1 2 3 4 5\n@ 300 NS ns\nns 300 A 192.0.2.1\n"), "child", zones.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	withChild, err := zones.NewTree(child, zones.Absent(lookup.MustName("over.")))
	if err != nil {
		t.Fatal(err)
	}
	nobody := forbidden{t}
	for _, c := range []struct {
		tree *zones.Tree
		name string
		t    lookup.Type
		want lookup.Rcode
	}{
		{tree, "gone.example.", lookup.TypeSOA, lookup.SERVFAIL},
		{tree, "www.gone.example.", lookup.TypeA, lookup.SERVFAIL},
		{tree, "alias.example.", lookup.TypeA, lookup.SERVFAIL},
		{tree, "ns.example.", lookup.TypeA, lookup.NOERROR},
		{withChild, "child.over.", lookup.TypeDS, lookup.SERVFAIL}, // which the zone above would answer
		{withChild, "child.over.", lookup.TypeSOA, lookup.NOERROR},
	} {
		q := lookup.Query{Question: lookup.Question{Name: lookup.MustName(c.name), Type: c.t, Class: lookup.ClassIN}}
		for _, by := range []lookup.Resolver{New(c.tree), New(c.tree).Before(nobody)} {
			r, err := by.Resolve(context.Background(), q)
			if err != nil || r.Rcode != c.want || c.want == lookup.SERVFAIL && (len(r.EDE) != 1 || r.EDE[0].Code != lookup.EDEInvalidData || r.TTL() != 0) {
				t.Errorf("%s %s: got %v %v, want %v", c.name, c.t, r, err, c.want)
			}
		}
	}
}

// forbidden must not be asked.
type forbidden struct{ t *testing.T }

func (f forbidden) Resolve(_ context.Context, q lookup.Query) (*lookup.Response, error) {
	f.t.Errorf("somebody else was asked for %s", q.Name)
	return &lookup.Response{}, nil
}
