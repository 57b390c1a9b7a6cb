package resolver

import (
	"net/netip"
	"reflect"

	"github.com/sextant-dns/sextant/cache"
	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
)

// Of Options.CacheBytes, so many twelfths are for each part of what is remembered. No
// part can push out another one.
const (
	answerShare  = 6
	cutShare     = 3
	trustShare   = 2
	failureShare = 1
)

// sectionSize is what RRsets in a slice take.
func sectionSize(sets []lookup.RRset) int64 {
	n := cache.Allocated(len(sets) * int(reflect.TypeFor[lookup.RRset]().Size()))
	for i := range sets {
		n += setSize(&sets[i])
	}
	return n
}

// setSize is what an RRset refers to.
func setSize(s *lookup.RRset) int64 {
	return cache.Allocated(len(s.Name)) + cache.Allocated(len(s.Data)) + cache.Allocated(len(s.Sigs))
}

// hopSize is what a hop takes. The name in the key is a part of it.
func hopSize(_ lookup.Question, p packedHop) int64 { return cache.Allocated(len(p)) }

// cutSize is what a cut takes.
func cutSize() func(lookup.Name, *cut) int64 {
	var (
		head   = cache.Allocated(int(reflect.TypeFor[cut]().Size()))
		server = int(reflect.TypeFor[Server]().Size())
		addr   = int(reflect.TypeFor[netip.Addr]().Size())
		name   = int(reflect.TypeFor[lookup.Name]().Size())
	)
	return func(zone lookup.Name, c *cut) int64 {
		n := head + cache.Allocated(len(zone)) + cache.Allocated(cap(c.servers)*server) + cache.Allocated(cap(c.own)*name)
		if c.origin != nil { // shares all but what has been added
			n += head
		}
		for _, s := range c.servers {
			n += cache.Allocated(len(s.Name)) + cache.Allocated(cap(s.Addrs)*addr)
		}
		for _, own := range c.own {
			n += cache.Allocated(len(own))
		}
		return n + setSize(&c.ds) + sectionSize(c.noDS)
	}
}

// trustSize is what a trust takes. A public key that is ready for use takes about
// three times what it takes in its DNSKEY.
func trustSize() func(lookup.Name, *trust) int64 {
	head, key := cache.Allocated(int(reflect.TypeFor[trust]().Size())), int(reflect.TypeFor[dnssec.Key]().Size())
	return func(zone lookup.Name, tr *trust) int64 {
		n := head + cache.Allocated(len(zone)) + cache.Allocated(len(tr.above)) + cache.Allocated(cap(tr.keys)*key) + cache.Allocated(len(tr.why.Text))
		for i := range tr.keys {
			n += 4 * cache.Allocated(len(tr.keys[i].Rdata))
		}
		return n
	}
}

// failureSize is what a failure takes: the error with its text, and what has caused
// it, which is an error or two more.
func failureSize(q lookup.Question, f failure) int64 {
	const errors = 200
	return cache.Allocated(len(q.Name)) + errors + cache.Allocated(len(lookup.EDEOf(f.cause).Text))
}
