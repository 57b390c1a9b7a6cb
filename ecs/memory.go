package ecs

import (
	"net/netip"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// MemoryOptions are the bounds of a Memory. A zero field takes the default.
type MemoryOptions struct {
	Zones, Servers int           // that are remembered; default 10000 and 50000
	Again          time.Duration // after which what is known has to be found out anew; default 1 day
	Sooner         time.Duration // the same of a server that was silent; default 1 hour
	Soon           time.Duration // the same of one that could not be reached over TCP; default 10 minutes
}

// Support is whether a server makes anything of a Client Subnet option.
type Support uint8

// What can be known of a server.
const (
	Unknown Support = iota // it was never asked with one
	Probing                // it was, and has not replied yet
	Yes
	No
)

// Known is what is remembered of a zone and one of its servers.
type Known struct {
	Server Support
	// Tailors says that answers of the zone differ by network: one had a SCOPE above
	// 0 not long ago.
	Tailors bool
	Unsure  bool // the server was not to be had in a way that makes its replies certain
}

// Outcome is what became of a query with an option.
type Outcome uint8

// The outcomes.
const (
	Sent        Outcome = iota // nothing yet
	Tailored                   // a reply with a SCOPE above 0
	Echoed                     // a reply with SCOPE 0
	Missing                    // a reply without an option, which anybody may have sent
	Confirmed                  // the same from the server beyond doubt
	Rejected                   // an error, and none without the option
	Silent                     // no reply, and one without the option
	Unconfirmed                // a reply that could not be confirmed
)

// How often in a row a server that has spoken must show beyond doubt that it does
// so no more, or must fall silent over an option: what happens once is an accident.
const (
	maxMissing = 3
	maxSilent  = 2
)

// Memory remembers which servers make something of the option, and which zones
// tailor their answers (RFC 7871 12.1). Servers are held to speak it for all of
// their zones, as they must. It is bounded, reads no clock and is safe for
// concurrent use.
type Memory struct {
	options MemoryOptions
	mu      sync.Mutex
	servers map[netip.Addr]server
	zones   map[lookup.Name]time.Time // that tailor, until then
}

type server struct {
	support Support
	until   time.Time // what is known holds
	missing int       // confirmed replies without an option in a row
	unsure  time.Time // until then there is no use in asking for confirmation
	silent  int       // queries without a reply in a row, where there was one without the option
}

// NewMemory makes an empty Memory.
func NewMemory(o MemoryOptions) *Memory {
	if o.Zones <= 0 {
		o.Zones = 10_000
	}
	if o.Servers <= 0 {
		o.Servers = 50_000
	}
	if o.Again <= 0 {
		o.Again = 24 * time.Hour // RFC 7871 12.1: repeated periodically, e.g. daily
	}
	if o.Sooner <= 0 {
		o.Sooner = time.Hour
	}
	if o.Soon <= 0 {
		o.Soon = 10 * time.Minute
	}
	return &Memory{options: o, servers: map[netip.Addr]server{}, zones: map[lookup.Name]time.Time{}}
}

// Recall is what is known at the time now of zone and its server.
func (m *Memory) Recall(zone lookup.Name, server netip.Addr, now time.Time) Known {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.server(server, now)
	return Known{Server: s.support, Tailors: now.Before(m.zones[zone]), Unsure: now.Before(s.unsure)}
}

// Tailors tells whether zone is known to tailor at the time now.
func (m *Memory) Tailors(zone lookup.Name, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return now.Before(m.zones[zone])
}

// server is what is known of s; of whom it has been too long, nothing.
func (m *Memory) server(s netip.Addr, now time.Time) server {
	known, ok := m.servers[s]
	if ok && !now.Before(known.until) {
		return server{} // RFC 7871 12.1: to be probed again
	}
	return known
}

// Note remembers what became of a query with an option for zone to server.
func (m *Memory) Note(zone lookup.Name, server netip.Addr, o Outcome, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.server(server, now)
	switch o {
	case Sent:
		if s.support == Unknown {
			s.support, s.until = Probing, now.Add(m.options.Sooner)
		}
	case Tailored, Echoed:
		s.support, s.until, s.missing, s.silent = Yes, now.Add(m.options.Again), 0, 0
	case Missing, Confirmed:
		if o == Confirmed {
			s.missing++
		}
		// One reply that may be forged does not make a server that has spoken the option
		// into one that does not (RFC 7871 11.2).
		if s.support != Yes || s.missing >= maxMissing {
			s.support, s.until = No, now.Add(m.options.Again)
		}
	case Unconfirmed:
		s.unsure = now.Add(m.options.Soon)
	case Rejected:
		s.support, s.until = No, now.Add(m.options.Again)
	case Silent:
		if s.silent++; s.silent >= maxSilent {
			s.support, s.until = No, now.Add(m.options.Sooner)
		}
	}
	if o == Tailored {
		forgetOne(m.zones, zone, m.options.Zones)
		m.zones[zone] = now.Add(m.options.Again)
	}
	if s.until.IsZero() {
		s.until = now.Add(m.options.Sooner)
	}
	forgetOne(m.servers, server, m.options.Servers)
	m.servers[server] = s
}

// forgetOne makes room for key in a full map, at the cost of any other.
func forgetOne[K comparable, V any](m map[K]V, key K, most int) {
	if _, there := m[key]; there || len(m) < most {
		return
	}
	for any := range m {
		delete(m, any)
		return
	}
}

// Len is how many zones and servers are remembered.
func (m *Memory) Len() (zones, servers int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.zones), len(m.servers)
}
