package lab

import (
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/lookup"
)

// Fault is a way in which a server fails.
type Fault uint8

// The ways in which servers fail.
const (
	None     Fault = iota
	Silent         // no reply; the attempt times out
	Slow           // the right reply, 800 ms later
	ServFail       // SERVFAIL to everything
	Refused        // REFUSED to everything
	NXDomain       // an authoritative NXDOMAIN for every name below the zone's apex
)

// slowness is what Slow adds to a round trip: more than any distance on Earth,
// less than the time for which resolvers wait.
const slowness = 800 * time.Millisecond

// String is what a person would say of the server.
func (f Fault) String() string {
	return [...]string{"well", "silent", "slow", "SERVFAIL", "REFUSED", "NXDOMAIN"}[f]
}

// Break makes the servers at these addresses fail from now on. Break(None, ...)
// mends them.
func (n *Internet) Break(f Fault, servers ...netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range servers {
		n.faults[a.Unmap()] = f
	}
}

// Mend makes every server well again.
func (n *Internet) Mend() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.faults)
}

func (n *Internet) fault(server netip.Addr) Fault {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.faults[server]
}

// response is what a server with that fault says instead of an answer; ok is
// false when it answers as it should.
func (f Fault) response(server *authoritative.Authority, q lookup.Question) (r *lookup.Response, ok bool) {
	switch f {
	case ServFail:
		return &lookup.Response{Rcode: lookup.SERVFAIL}, true
	case Refused:
		return &lookup.Response{Rcode: lookup.REFUSED}, true
	case NXDomain:
		return deny(server, q.Name)
	}
	return nil, false
}

// deny denies a name below an apex, as a server does whose copy of the zone has
// lost its delegations.
func deny(server *authoritative.Authority, name lookup.Name) (*lookup.Response, bool) {
	zone, held := server.Zone(name)
	if !held || name == zone.Apex() {
		return nil, false
	}
	soa := zone.SOA()
	return &lookup.Response{
		Rcode:     lookup.NXDOMAIN,
		AA:        true,
		Authority: []lookup.RRset{soa.WithTTL(lookup.NegativeTTL(soa))},
	}, true
}
