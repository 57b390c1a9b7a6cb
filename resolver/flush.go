package resolver

import (
	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// Forget is what to forget, see Resolver.Forget.
type Forget struct {
	Name  lookup.Name
	Below bool // the names below it, too

	// Type is the only type that is to be asked for anew; lookup.TypeNone is all.
	// The denial of the name and an alias in its place go as well, because either
	// would answer in its stead; a delegation goes with the NS alone.
	Type lookup.Type
}

// covers tells whether something at name is to be forgotten.
func (f Forget) covers(name lookup.Name) bool {
	return name == f.Name || f.Below && name.IsSubdomainOf(f.Name)
}

// covering tells whether something that is kept under type t is.
func (f Forget) covering(t lookup.Type) bool {
	switch t {
	case f.Type, nonexistent:
		return true
	case lookup.TypeCNAME:
		return followsAlias(f.Type)
	}
	return f.Type == lookup.TypeNone
}

// Forgotten counts what is gone from memory.
type Forgotten struct {
	Answers, Delegations, Failures int
}

// Flush forgets all answers, delegations and failures. What is known of servers
// and of the root stays. Work that is under way serves those who wait for it and
// nobody else: what it finds out is not remembered.
func (r *Resolver) Flush() Forgotten {
	gone := Forgotten{Answers: r.answers.cache.Len(), Delegations: r.cuts.cache.Len(), Failures: r.failures.cache.Len()}
	r.begin()
	r.answers.cache.Purge()
	r.cuts.cache.Purge()
	r.trusts.cache.Purge()
	r.ranges.Store(dnssec.NewRanges(0, r.options.Validation.Policy))
	r.failures.cache.Purge()
	return gone
}

// Forget is Flush for a part of the names. What stands at names above and decides
// for those below, a DNAME say, is not touched.
func (r *Resolver) Forget(f Forget) (gone Forgotten) {
	r.begin()
	for e := range r.answers.cache.All() {
		if f.covers(e.Key.Name) && f.covering(e.Key.Type) && r.answers.cache.Remove(e.Key) {
			gone.Answers++
		}
	}
	if f.Type == lookup.TypeNone || f.Type == lookup.TypeNS {
		for e := range r.cuts.cache.All() {
			if f.covers(e.Key) && r.cuts.cache.Remove(e.Key) {
				gone.Delegations++
			}
		}
	}
	r.unprove(f.Name)
	if f.Type == lookup.TypeDS { // which has come with the delegation
		for e := range r.cuts.cache.All() {
			if f.covers(e.Key) {
				r.cuts.change(e.Value, r.options.Now(), func(c *cut) { c.ds, c.noDS = lookup.RRset{}, nil })
			}
		}
	}
	for e := range r.trusts.cache.All() {
		if f.covers(e.Key) && (f.Type == lookup.TypeNone || f.Type == lookup.TypeDS || f.Type == lookup.TypeDNSKEY) {
			r.trusts.cache.Remove(e.Key)
		}
	}
	for e := range r.failures.cache.All() {
		chain := f.Type == lookup.TypeDS && e.Key == untrusted(e.Key.Name)
		if f.covers(e.Key.Name) && (chain || f.covering(e.Key.Type)) && r.failures.cache.Remove(e.Key) {
			gone.Failures++
		}
	}
	return gone
}

// begin begins a new epoch: what tasks of those before it find out is not
// remembered, and nobody joins their flights any more.
func (r *Resolver) begin() {
	r.epoch.Add(1)
	r.flights.ground()
}

// ground takes all flights off the list. They go on, for those who wait.
func (fs *flights) ground() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	clear(fs.aloft)
}

// overtaken tells whether something has been flushed since t began. Who remembers
// something asks afterwards, and takes it back if so: then it does not matter which
// came first, the remembering or the flush.
func (r *Resolver) overtaken(t task) bool { return t.epoch != r.epoch.Load() }

// refer remembers the cut that at has referred to, and returns it.
func (r *Resolver) refer(t task, at, to *cut) *cut {
	now := r.options.Now()
	learned := r.cuts.learn(at, to, now)
	if between, ok := to.zone.Parent(); ok {
		r.revoke(at, between, now)
	}
	t.held.keepCut(learned)
	r.options.Referred(Referral{Zone: learned.zone, Servers: to.servers})
	if r.overtaken(t) {
		r.cuts.cache.Remove(learned.zone)
	}
	return learned
}

// unlearn takes back what v says about q.
func (r *Resolver) unlearn(q lookup.Question, v verdict) {
	for _, t := range [...]lookup.Type{q.Type, nonexistent, lookup.TypeCNAME} {
		r.answers.cache.Remove(hopQuestion(q.Name, t))
	}
	for _, s := range v.sets {
		r.answers.cache.Remove(hopQuestion(s.Name, s.Type))
	}
	for _, f := range v.rest {
		r.unlearn(f.question, f.verdict)
	}
}
