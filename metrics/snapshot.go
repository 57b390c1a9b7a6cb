package metrics

import "time"

// Snapshot is what the parts of the program have counted since they started.
type Snapshot struct {
	Server   Server
	Resolver Resolver

	Validation Validation
	Copies     []Copy
	Catalogs   []Catalog
	Between    Between
	Updates    map[string]uint64 // UPDATEs of zones of ours, by the RCODE of the reply
	DNS64      []Synthesis
	Health     Health
	Lifeline   []Protected
	Overrides  Overrides
	Geo        Geo
	Drivers    []Driver
}

// Driver counts the UDP queries that came from one queue of a network driver, and not
// through a socket. They are among those of Server, too.
type Driver struct {
	Interface string
	Queue     int
	Queries   uint64
	Replies   uint64            // that went out by the driver
	Dropped   map[string]uint64 // frames, by a short reason
}

// Server counts what clients asked and were told.
type Server struct {
	Queries []Queries // any order; several may be of the same kind

	PacketHits    uint64 // queries that the packet cache answered
	PacketMisses  uint64
	PacketEntries int
	PacketBytes   int64 // of memory

	Dropped map[string]uint64 // messages without a reply, by a short reason
	Limited []Limited         // replies that a rate limit has replaced
	Cookies map[string]uint64 // queries with a cookie, by a short word for what it was worth
	Panics  uint64            // resolvers that broke; each cost one SERVFAIL
	Waiting int               // queries that wait for a resolver now
	Resolve Histogram         // from arrival to answer, of what no packet answered
	TCP     TCP
}

// Queries counts queries of one kind and their responses.
type Queries struct {
	Proto string // udp, tcp
	Type  string // mnemonic; any that is not common becomes "other"
	Rcode string // mnemonic, of the response; any that is not common becomes "other"
	Count uint64
}

// Limited counts replies that a rate limit has replaced.
type Limited struct {
	Kind     string // answer, nodata, nxdomain, referral, error
	Sanction string // withheld, truncated, badcookie
	Count    uint64
}

// TCP counts connections of clients.
type TCP struct {
	Open     int // now
	Accepted uint64
	Refused  uint64 // closed at once: too many
	Evicted  uint64 // closed while idle, to make room
}

// Resolver counts what other servers were asked.
type Resolver struct {
	Hits, Misses uint64 // of the response cache
	Entries      int
	Bytes        int64  // of memory, with delegations and failures
	Local        uint64 // questions that a copy of a zone answered
	Prefetches   uint64 // responses that were fetched anew before they expired
	Exchanges    []Exchanges
	RTT          Histogram // of exchanges that brought a reply
	Subnets      Subnets
}

// Subnets counts what servers were told of clients (RFC 7871).
type Subnets struct {
	Sent     uint64            // messages with an option
	Withheld map[string]uint64 // messages without, by a short reason
	Confirms uint64            // messages that made sure that an answer is for everyone
	Refused  uint64            // queries of clients, because of their option
	Unkept   uint64            // answers, as a share of memory was full
	Kept     int               // answers that are remembered for a network
}

// Exchanges counts messages to other servers of one kind.
type Exchanges struct {
	Proto  string // udp, tcp
	Result string // a short word, such as answer, timeout, mismatch
	Count  uint64
}

// Validation counts what validation has made of answers, and tells of its trust anchors.
type Validation struct {
	Answers    map[string]uint64 // by security: secure, insecure, bogus, unchecked
	Bogus      map[uint16]uint64 // of the bogus ones, by the code of the Extended DNS Error
	Signatures uint64            // that were checked
	Negative   int               // negative trust anchors in force
	Keys       []TrustKeys
	Points     []TrustPoint
	Troubles   map[string]uint64 // with trust anchors, by a short word
}

// TrustKeys counts the keys of a zone whose trust anchors are kept up to date.
type TrustKeys struct {
	Zone, State string // the state of RFC 5011 4.2
	Count       int
}

// TrustPoint is a zone whose trust anchors are kept up to date.
type TrustPoint struct {
	Zone string
	Age  time.Duration // since its keys were last seen, signed by a trust anchor; below 0: never
}

// Copy is a copy of a zone of somebody else.
type Copy struct {
	Zone string
	Used bool

	Held   bool // there is one, used or not, with
	Serial uint32
	Age    time.Duration // since it was last confirmed
	Left   time.Duration // until it is not used any more; below 0 when that is over

	Transfers, Confirmations, Failures uint64 // how refreshes have ended
}

// Catalog is a catalog zone.
type Catalog struct {
	Zone    string
	Used    bool // what it lists is served, or it is ours; false: it is broken, or has expired
	Members int
	Refused int // zones that it lists, whose names are others'
}

// Between counts what goes between servers for the same zones.
type Between struct {
	Transfers []Transfers // any order; several may be of the same kind
	Notifies  []Notifies  // likewise
}

// Transfers counts transfers of zones of one kind.
type Transfers struct {
	Direction string // in, out
	Type      string // AXFR, IXFR; any, where it did not come to that
	Result    string // a short word
	Count     uint64
}

// Notifies counts NOTIFYs of one kind.
type Notifies struct {
	Direction string // in, out
	Result    string // a short word
	Count     uint64
}

// Synthesis counts the responses in which one view synthesised records.
type Synthesis struct {
	View  string
	Mode  string // standard, forced
	Count uint64
}

// Health is how sites are.
type Health struct {
	Targets []HealthTarget  // several may be of the same kind
	Held    map[string]bool // whether states are held, by address family
	Took    Histogram       // checks
}

// HealthTarget is one address of a site that is checked in one way.
type HealthTarget struct {
	Site, Address, Check string
	Usable               bool // answers may name it without further thought
	Changes              uint64
	Results              map[string]uint64 // of checks, by a short word
}

// Protected is a zone that is to survive its TLD.
type Protected struct {
	Zone        string
	State       string            // a short word
	Votes       map[string]int    // of the last roll-call, by what servers of the parent say
	Answers     map[string]uint64 // by the path that they came by
	Age         time.Duration     // since the delegation was last confirmed; below 0: nothing is known
	Pending     bool              // a change waits
	Activations map[string]uint64 // by a short word
	Unsaved     uint64            // times that what is known could not be kept
}

// Overrides are zones whose names are answered otherwise than by the public delegation.
type Overrides struct {
	All     []Override        // each zone, kind and time once
	Answers []OverrideAnswers // several may be of one zone and kind
}

// Override is one kind of override of a zone.
type Override struct {
	Zone, Kind, When string
	InForce          bool
}

// OverrideAnswers counts what overrides have answered.
type OverrideAnswers struct {
	Zone, Kind string
	Count      uint64
}

// Geo is what is known of places, and answered by it.
type Geo struct {
	Used              bool // zones ask for it; the fields below it are of use only then
	Age               time.Duration
	Classes, Bytes    int
	Accepted, Refused uint64 // files that have changed
	Answers           []GeoAnswers
}

// GeoAnswers counts answers of one kind.
type GeoAnswers struct {
	Zone    string
	Variant string // sites joined by +, rule, alias, base, nothing, several, or other
	Count   uint64
}

// Histogram counts durations. The zero Histogram has no series.
type Histogram struct {
	Bounds []time.Duration // upper bounds, inclusive, ascending
	Counts []uint64        // one for each bound, not summed up, and one for all above
	Sum    time.Duration
}
