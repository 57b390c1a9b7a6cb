package catalog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sextant-dns/sextant/lookup"
)

func names(text string) (all []lookup.Name) {
	for _, n := range strings.Fields(text) {
		all = append(all, lookup.MustName(n))
	}
	return all
}

// listing is members of "zone" or "zone/label" or "zone/label>owner".
func listing(text string) (all []Member) {
	for _, word := range strings.Fields(text) {
		rest, owner, _ := strings.Cut(word, ">")
		zone, label, _ := strings.Cut(rest, "/")
		m := Member{Zone: lookup.MustName(zone), Label: label}
		if m.Label == "" {
			m.Label = "l" + zone
		}
		if owner != "" {
			m.Owner = lookup.MustName(owner)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Member) int { return a.Zone.Compare(b.Zone) })
	return all
}

func tell(changes []Change) string {
	var words []string
	for _, c := range changes {
		w := fmt.Sprintf("%s:%s@%s", c.Kind, strings.TrimSuffix(c.Zone.String(), "."), strings.TrimSuffix(c.Catalog.String(), "."))
		if c.Other != "" {
			w += "<" + strings.TrimSuffix(c.Other.String(), ".")
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

// Each story is of the catalogs old and new, and the configured zone own.
func TestBook(t *testing.T) {
	t.Parallel()
	type step struct{ do, want string }
	for rule, story := range map[string][]step{
		"members come and go": {
			{"old a b", "added:a@old added:b@old"}, {"old a b", ""}, {"old b c", "removed:a@old added:c@old"}, {"old", "removed:b@old removed:c@old"},
		},
		"5.2 a clash with what is configured": {
			{"old own a", "added:a@old clash:own@old"}, {"old own a", ""}, {"old a", ""}, {"old own a", "clash:own@old"},
		},
		"5.2 a clash between catalogs": {
			{"old a", "added:a@old"}, {"new a b", "clash:a@new<old added:b@new"}, {"new a b", ""}, {"old a", ""},
		},
		"5.3 a catalog removes only what is its own": {
			{"old a", "added:a@old"}, {"new a", "clash:a@new<old"}, {"new", ""}, {"old a", ""},
		},
		"5.5 out of one, and then into another": {
			{"old a", "added:a@old"}, {"old", "removed:a@old"}, {"new a", "added:a@new"},
		},
		"5.5 into another, and then out of one": {
			{"old a", "added:a@old"}, {"new a", "clash:a@new<old"}, {"old", "removed:a@old added:a@new"},
		},
		"5.4 another label begins anew": {
			{"old a/x", "added:a@old"}, {"old a/y", "reset:a@old"}, {"old a/y", ""},
		},
		"4.3.1 coo alone moves nothing": {
			{"old a", "added:a@old"}, {"old a/la>new", ""}, {"new b", "added:b@new"},
		},
		"4.3.1 coo, and then the new catalog; same label": {
			{"old a", "added:a@old"}, {"old a/la>new", ""}, {"new a", "moved:a@new<old"}, {"old a/la>new", ""}, {"old", ""}, {"new", "removed:a@new"},
		},
		"4.3.1 another label begins anew": {
			{"old a/x>new", "added:a@old"}, {"new a/y", "reset:a@new<old"}, {"old", ""},
		},
		"4.3.1 coo to another catalog is none": {
			{"old a/la>other", "added:a@old"}, {"new a", "clash:a@new<old"},
		},
		"4.3.1 coo waits for an update of the new catalog": {
			{"old a", "added:a@old"}, {"new a", "clash:a@new<old"}, {"old a/la>new", ""}, {"new a", "moved:a@new<old"},
		},
		"4.3.1 coo that has been taken back": {
			{"old a/la>new", "added:a@old"}, {"old a", ""}, {"new a", "clash:a@new<old"},
		},
		"4.3.1 coo of who does not own it": {
			{"old own/lown>new", "clash:own@old"}, {"new own", "clash:own@new"},
		},
		"4.3.1 and back again": {
			{"old a/la>new", "added:a@old"}, {"new a", "moved:a@new<old"}, {"new a/la>old", ""}, {"old a", "moved:a@old<new"},
		},
		"a catalog that is not configured any more": {
			{"old a b", "added:a@old added:b@old"}, {"new a", "clash:a@new<old"}, {"configure new", "dropped:a@old dropped:b@old added:a@new"},
		},
		"a name that is configured from now on": {
			{"old a b", "added:a@old added:b@old"}, {"configure old new own a", "removed:a@old clash:a@old"}, {"old a b", ""}, {"configure old new own", "added:a@old"},
		},
	} {
		b := NewBook()
		configure := func(words []string) string {
			taken := map[lookup.Name]bool{}
			var catalogs []lookup.Name
			for _, w := range words {
				n := lookup.MustName(w)
				taken[n] = true
				if w == "old" || w == "new" {
					catalogs = append(catalogs, n)
				}
			}
			return tell(b.Configure(catalogs, taken))
		}
		configure([]string{"old", "new", "own"})
		for i, s := range story {
			what, rest, _ := strings.Cut(s.do, " ")
			var got string
			if what == "configure" {
				got = configure(strings.Fields(rest))
			} else {
				got = tell(b.Update(lookup.MustName(what), listing(rest)))
			}
			if got != s.want {
				t.Errorf("%s, step %d, %s: got %q, want %q", rule, i, s.do, got, s.want)
			}
		}
	}
}

// A restart knows what was whose, and processes the catalogs as if it had not been.
func TestBookIsRestored(t *testing.T) {
	t.Parallel()
	b := NewBook()
	catalogs := names("old. new.")
	b.Configure(catalogs, map[lookup.Name]bool{lookup.MustName("own."): true})
	all := func(lookup.Name) bool { return true }
	if got := tell(b.Restore(catalogs[0], listing("b a/x>new own"), all)); got != "added:a@old added:b@old" {
		t.Errorf("got %q", got)
	}
	if got := tell(b.Restore(catalogs[1], listing("a c"), func(n lookup.Name) bool { return n == lookup.MustName("c.") })); got != "added:c@new" {
		t.Errorf("got %q", got)
	}
	if !b.Knows(catalogs[0]) || b.Knows(lookup.MustName("other.")) || !b.Owns(catalogs[0], lookup.MustName("a.")) {
		t.Error("it was not noted")
	}
	if got := tell(b.Update(catalogs[1], listing("a/x c"))); got != "moved:a@new<old clash:own@old" {
		t.Errorf("got %q", got)
	}
	if n := b.Refused(catalogs[0]); n != 1 {
		t.Errorf("%d refused", n)
	}
	if got := tell(b.Update(catalogs[0], listing("b/y"))); got != "reset:b@old" {
		t.Errorf("got %q", got)
	}
}

// Whatever happens, no zone has two owners, all owners list what they own, and whoever
// adds up the changes knows what is owned.
func TestBookAddsUp(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		b, catalogs, zones := NewBook(), names("c1. c2. c3."), names("a. b. c. d. e.")
		known := map[lookup.Name]lookup.Name{}
		note := func(changes []Change) {
			for _, c := range changes {
				switch was := known[c.Zone]; {
				case c.Kind == Clash:
				case c.Kind == Added && was == "":
					known[c.Zone] = c.Catalog
				case c.Kind == Reset && (was == c.Catalog || was == c.Other), c.Kind == Moved && was == c.Other:
					known[c.Zone] = c.Catalog
				case (c.Kind == Removed || c.Kind == Dropped) && was == c.Catalog:
					delete(known, c.Zone)
				default:
					t.Fatalf("seed %d: %s, and it was of %q", seed, tell([]Change{c}), was)
				}
			}
		}
		note(b.Configure(catalogs, nil))
		for range 50 {
			if r.IntN(8) == 0 {
				note(b.Configure(catalogs[:1+r.IntN(3)], map[lookup.Name]bool{zones[r.IntN(5)]: true}))
				note(b.Configure(catalogs, map[lookup.Name]bool{zones[r.IntN(5)]: true}))
			}
			var list []Member
			for _, z := range zones {
				if r.IntN(2) == 0 {
					list = append(list, Member{Zone: z, Label: fmt.Sprint(r.IntN(2)), Owner: append(catalogs, "")[r.IntN(4)]})
				}
			}
			note(b.Update(catalogs[r.IntN(3)], list))
			owned := b.Owned()
			if len(owned) != len(known) {
				t.Fatalf("seed %d: %d are owned, %d are known", seed, len(owned), len(known))
			}
			for _, o := range owned {
				listed := slices.ContainsFunc(b.List(o.Catalog), func(m Member) bool { return m.Zone == o.Zone && m.Label == o.Label })
				if known[o.Zone] != o.Catalog || !listed || b.taken[o.Zone] {
					t.Fatalf("seed %d: %s is of %s, known as of %s, listed %t", seed, o.Zone, o.Catalog, known[o.Zone], listed)
				}
			}
		}
	}
}
