package resolver

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// Zone is a part of the tree of names for which it is configured whom to ask,
// whatever the delegations say. The one that is closest to a name counts.
type Zone struct {
	Name lookup.Name

	// Local hands out a copy of the zone, for as long as ok says that it may be used.
	// It is asked before any server, with DO set, and has to answer like an authority
	// for the zone: with referrals, denials and their proofs. Whenever there is none, or
	// what it says does not validate, names are found as if Local were nil. It must be
	// quick and safe for concurrent use.
	Local func() (held lookup.Resolver, ok bool)

	// Servers are authorities for the zone (a stub zone), or resolvers if Forward
	// is set. A Zone without any is an exception: what is at or below its name is
	// found from the root, although a Zone above it is configured.
	Servers []netip.AddrPort

	// Forward: the servers are asked with RD set and believed for names in the zone
	// alone. What they say of name servers is never used to find anything.
	Forward bool

	// TCP: the servers are asked over TCP and not over UDP. TLS: over TLS, where they
	// prove who they are by that (RFC 7858).
	TCP bool
	TLS *transport.TLS

	// First: the servers are asked first. When none of them helps, the name is
	// looked for as if the Zone were not configured.
	First bool

	// Prime: the servers of a stub zone are only asked who serves it, and then these
	// are asked; the configured ones again when that has failed, or has expired. It says
	// nothing beside Forward, or for the root, for which there are hints.
	Prime bool

	// Insecure: nothing that an anchor above the zone says about it counts, although
	// the public parent zone may be signed and say that there is no such zone, or
	// another one. An anchor at or below Name counts.
	Insecure bool
}

// pins are the configured zones by name; nil for exceptions.
type pins map[lookup.Name]*Zone

func newPins(zones []Zone) pins {
	ps := pins{}
	for _, z := range zones {
		ps[z.Name] = nil
		if len(z.Servers) > 0 {
			ps[z.Name] = &z
		}
	}
	return ps
}

// find is the configured zone that is closest to name, nil if delegations lead
// there, and where its part of the tree begins.
func (ps pins) find(name lookup.Name) (apex lookup.Name, z *Zone) {
	if len(ps) == 0 {
		return lookup.Root, nil
	}
	for {
		if z, ok := ps[name]; ok || name == lookup.Root {
			return name, z
		}
		name, _ = name.Parent()
	}
}

// isApex tells whether name is that of a configured zone.
func (ps pins) isApex(name lookup.Name) bool {
	_, ok := ps[name]
	return ok
}

// home is the name at whose zone the data for q are: the DS of a zone is data of
// the zone above it (RFC 4035 3.1.4.1).
func home(q lookup.Question) lookup.Name {
	if above, ok := q.Name.Parent(); ok && q.Type == lookup.TypeDS {
		return above
	}
	return q.Name
}

// zoneOf is the configured zone that q belongs to, in the eyes of t; nil if
// delegations lead there from the root.
func (r *Resolver) zoneOf(t task, q lookup.Question) *Zone {
	apex, z := r.pins.find(home(q))
	if z == nil || z != t.around {
		return z
	}
	if apex == lookup.Root {
		return nil
	}
	apex, _ = apex.Parent()
	_, z = r.pins.find(apex)
	return z
}

// pinned is the cut that z makes.
func pinned(z *Zone) *cut { return &cut{zone: z.Name, via: z, pinned: true} }

// primes tells whether z is to say who serves it.
func (z *Zone) primes() bool { return z.Prime && !z.Forward && z.Name != lookup.Root }

// configured is the cut of z: its servers or, when they know better, whom they name.
// As with the root, clients are held up for that once in a while only.
func (r *Resolver) configured(ctx context.Context, t task, z *Zone) *cut {
	q := hopQuestion(z.Name, lookup.TypeNS)
	if !z.primes() || r.failures.recent(stumbled(q), r.options.Now()) != nil {
		return pinned(z)
	}
	ctx, cancel := context.WithTimeout(ctx, primePatience)
	defer cancel()
	t.trace = t.trace.Begin(lookup.Event{Kind: lookup.EventPrime, Name: q.Name, Type: q.Type})
	key := flightKey{question: q, depth: primeDepth, at: z.Name, via: z}
	h, led, err := r.flights.join(ctx, key, t.limit, func(ctx context.Context) (*hop, error) {
		c, err := r.primeZone(ctx, t.within(q), z)
		return &hop{cut: c}, err
	})
	t.tellFlight(q, led)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			r.failures.noteUpTo(primeAgain, stumbled(q), err, primeAgain, r.options.Now())
		}
		return pinned(z)
	}
	return h.cut
}

// primeZone asks the configured servers of z for its NS. Name servers in the zone
// itself need to come with their addresses: there is nobody else to ask for them.
func (r *Resolver) primeZone(ctx context.Context, t task, z *Zone) (*cut, error) {
	t.depth, t.proof = maxDepth, nil
	v, err := r.ask(ctx, t, pinned(z), hopQuestion(z.Name, lookup.TypeNS), false)
	if err != nil {
		return nil, err
	}
	if v.cut != nil {
		v.cut.servers = slices.DeleteFunc(v.cut.servers, func(s Server) bool { return len(s.Addrs) == 0 && s.Name.IsSubdomainOf(z.Name) })
	}
	if v.cut == nil || len(v.cut.servers) == 0 {
		return nil, lookup.Fail(lookup.EDENoReachableAuth, "no name servers of %s in the priming response", z.Name)
	}
	return r.refer(t, pinned(z), v.cut), nil
}
