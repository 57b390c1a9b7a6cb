package tailor

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sextant-dns/sextant/lookup"
)

// Variant is a kind of answer of a zone: the sites that it names, joined by +, or rule,
// alias, base (what the zone file has) or nothing.
type Variant struct {
	Zone lookup.Name
	What string
}

// Tally counts answers by Variant. It is safe for concurrent use.
type Tally struct {
	most int

	mu  sync.Mutex
	all map[Variant]*atomic.Uint64
}

// NewTally makes a Tally of most variants, 1000 if that is 0. What is beyond them is
// counted as other, of the root.
func NewTally(most int) *Tally {
	return &Tally{most: cmp.Or(max(most, 0), 1000), all: map[Variant]*atomic.Uint64{}}
}

// counter is that of a variant. The nil Tally counts nothing.
func (t *Tally) counter(v Variant) *atomic.Uint64 {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all[v] == nil && len(t.all) >= t.most {
		v = Variant{Zone: lookup.Root, What: "other"}
	}
	if t.all[v] == nil {
		t.all[v] = new(atomic.Uint64)
	}
	return t.all[v]
}

// All are the variants that have occurred, by zone and kind, with the number of answers.
func (t *Tally) All() iter.Seq2[Variant, uint64] {
	t.mu.Lock()
	var known []Variant
	for v := range t.all {
		known = append(known, v)
	}
	t.mu.Unlock()
	slices.SortFunc(known, func(a, b Variant) int { return cmp.Or(a.Zone.Compare(b.Zone), strings.Compare(a.What, b.What)) })
	return func(yield func(Variant, uint64) bool) {
		for _, v := range known {
			if n := t.counter(v).Load(); n > 0 && !yield(v, n) {
				return
			}
		}
	}
}

// count gives an answer and its shares their counters.
func (z *Zone) count(a *answer) {
	if z.options.Tally == nil {
		return
	}
	what := [...]string{fromBase: "base", nothing: "nothing", sets: "rule", alias: "alias", chance: "several"}[a.kind]
	if a.kind == sets && len(a.sites) > 0 {
		what = strings.Join(a.sites, "+")
	}
	a.counter = z.options.Tally.counter(Variant{z.Apex(), what})
	for i := range a.shares {
		a.shares[i].counter = z.options.Tally.counter(Variant{z.Apex(), a.shares[i].site})
	}
}
