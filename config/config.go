package config

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Config is what a configuration file means: checked, with every default filled
// in. File paths in it are absolute or relative to the working directory.
type Config struct {
	Listen  []netip.AddrPort // UDP and TCP; never empty
	XDP     XDP              // UDP, before it comes there
	Metrics netip.AddrPort   // where metrics are served; the zero AddrPort: nowhere
	Log     slog.Level       // the least important level that is logged
	NSID    string           // answer to an NSID request (RFC 5001); "": none
	Version string           // answer to version.bind; "": none

	Cache     Cache
	Responses Responses
	Resolver  Resolver
	DNSSEC    DNSSEC
	TCP       TCP
	UDP       UDP
	Cookies   Cookies
	RateLimit RateLimit

	SpecialNames SpecialNames
	Rebinding    Rebinding
	Stale        Stale
	Pinned       []Pinned // zones whose servers are configured
	Overrides    []Override

	Control  Control
	Lifeline Lifeline

	Geo Geo

	Keys  []Key  // shared with servers for the same zones
	Zones []Zone // zones that we are authoritative for

	Catalogs  []Catalog // lists of zones that we share with other servers
	Transfers Transfers

	Views []View // in the order in which they are tried; never empty
}

// Cache bounds what is remembered.
type Cache struct {
	Memory         int64  // octets that all of it may take
	Packets        int    // packed responses
	Responses      int    // responses of other servers
	MaxTTL         uint32 // seconds
	MaxNegativeTTL uint32 // seconds (RFC 2308 5)
	MinTTL         uint32 // seconds
	MinNegativeTTL uint32 // seconds
}

// Responses is in what form clients get what was found out.
type Responses struct {
	Order   Order // of addresses
	Minimal bool  // without name servers that nobody has asked for
	Any     Any   // what becomes of queries for ANY
}

// Order is in what order addresses are given.
type Order string

// The orders.
const (
	OrderFixed  Order = "fixed"
	OrderCyclic Order = "cyclic"
	OrderRandom Order = "random"
)

// Any is what becomes of queries for ANY (RFC 8482).
type Any string

// The choices for ANY.
const (
	AnyMinimal Any = "minimal"
	AnyFull    Any = "full"
	AnyRefuse  Any = "refuse"
)

// Resolver is how other servers are asked.
type Resolver struct {
	RootHints       string // master file; "": the built-in hints
	Priming         bool   // ask the root for its servers (RFC 8109)
	IPv4, IPv6      bool   // which protocols may be used; at least one
	Port            uint16 // where servers listen
	Case0x20        bool   // random letter case in queries
	Cookies         bool   // DNS cookies to and from servers (RFC 7873)
	UDPSize         uint16 // EDNS UDP payload size that is announced (RFC 6891)
	Timeout         time.Duration
	Deadline        time.Duration  // for one client query; at least Timeout
	MaxUpstream     int            // messages sent for one client query
	MaxAliases      int            // CNAMEs and DNAMEs followed for one client query
	WaitingPerName  int            // clients that may wait for one name and type at once
	FetchesPerZone  int            // questions that are put to the servers of one zone at once; 0: any number
	SourceAddresses []netip.Addr   // where queries leave from; empty: the system's choice
	Prefetch        bool           // fetch what is in use anew before it expires
	Minimise        bool           // ask no server for more of a name than it needs (RFC 9156)
	Snoop           bool           // answer queries without RD from the cache
	HardenGlue      bool           // believe servers about addresses in their own zone only
	NXDomainCut     bool           // nothing exists below a name that does not (RFC 8020)
	DoNotQuery      []netip.Prefix // where no delegation may lead
	LocalRoot       LocalRoot      // a copy of the root zone
}

// LocalRoot is a copy of the root zone that is asked in the place of root servers
// (RFC 8806).
type LocalRoot struct {
	Use       bool
	Primaries []netip.AddrPort // who transfers it; empty: who does so for everybody
	File      string           // master file in the place of primaries, if not ""
	Store     string           // where it is kept for the next start; "": nowhere
	ZONEMD    ZONEMD
}

// ZONEMD is what the digest of a zone is worth (RFC 8976).
type ZONEMD string

// The choices for ZONEMD.
const (
	ZONEMDRequire ZONEMD = "require" // a zone without a good one is not used
	ZONEMDCheck   ZONEMD = "check"   // a zone with a bad one is not used
	ZONEMDIgnore  ZONEMD = "ignore"
)

// Control is how operators reach the running server.
type Control struct {
	Socket string // path of a Unix socket; "": none
	Group  string // whose members may use it beside its owner; "": nobody else

	Overrides string // file for the overrides that operators add; "": they end with the server
}

// DefaultSocket is where the control socket is unless the file says otherwise.
const DefaultSocket = "/run/sextant/control.sock"

// DNSSEC is how answers are validated (RFC 4035 5).
type DNSSEC struct {
	Validate bool

	BuiltinAnchor    bool     // the root's keys that the program has with it
	TrustAnchors     []string // each one or more DS or DNSKEY RRs in presentation form
	TrustAnchorFiles []string
	NegativeAnchors  []NegativeAnchor

	State   string        // file for the history of trust anchors; "": none, and none is managed
	Managed []lookup.Name // zones whose trust anchors are kept up to date (RFC 5011)

	Sentinel           bool // answer for the root's keys (RFC 8509)
	SHA1               SHA1
	ClockSkew          time.Duration // how far clocks may disagree; negative: as much as suits the signature
	Now                time.Time     // by which signatures are valid; the zero Time: the clock's
	Aggressive         bool          // deny names by proofs that other questions have brought (RFC 8198)
	Permissive         bool          // what is bogus is answered as if it were insecure
	MaxNSEC3Iterations int           // above which denials are insecure (RFC 9276 3.2)
}

// NegativeAnchor is a zone that is not validated (RFC 7646).
type NegativeAnchor struct {
	Name  lookup.Name
	Until time.Time // the zero Time: for good
}

// SHA1 is what signatures with SHA-1 are worth (RFC 9905).
type SHA1 string

// The choices for SHA-1.
const (
	SHA1Insecure SHA1 = "insecure" // nothing: as if the algorithm were unknown
	SHA1Accept   SHA1 = "accept"   // as much as others
)

// Stale is when answers that have expired are given (RFC 8767).
type Stale struct {
	Serve  bool
	After  time.Duration // how long a client waits for a fresh answer first; 0: not at all
	MaxAge time.Duration // how long ago an answer may have expired
	TTL    uint32        // of such answers, in seconds
}

// Pinned is a zone for which other servers are asked than those that delegations
// lead to.
type Pinned struct {
	Name    lookup.Name
	Servers []netip.AddrPort // empty: the name is an exception from a Pinned above it
	Forward bool             // they are resolvers, and not authorities for the zone
	First   bool             // when they do not help, delegations are followed
	Prime   bool             // of a stub zone: they are asked who serves the zone, and then these

	Validate bool // by anchors above the zone, too; what is said for the root always is

	Transport Transport // over which they are asked
	TLS       PinnedTLS // how they prove who they are, over TLS
}

// Transport is over what servers are asked.
type Transport string

// The transports.
const (
	TransportUDP Transport = "udp" // and over TCP what does not fit
	TransportTCP Transport = "tcp"
	TransportTLS Transport = "tls" // RFC 7858
)

// PinnedTLS is what the certificate of a server has to be (RFC 8310).
type PinnedTLS struct {
	Name   string              // that it is for; "": the server's address, or any when there are Pins
	CA     string              // file of who may have signed it; "": whom the system trusts
	Pins   [][sha256.Size]byte // of its public key, one of which has to be right; empty: any key
	Verify bool                // false: it may be any
}

// SpecialNames is what becomes of names that mean nothing on the Internet
// (RFC 6761, RFC 6303).
type SpecialNames struct {
	Answer bool          // they are answered here; false: they are resolved like others
	Except []lookup.Name // names that are not special, with all below them
}

// Rebinding is the filter of private addresses in answers of the Internet.
type Rebinding struct {
	Filter  bool
	Private []netip.Prefix // what may not stand in answers; empty: the usual ranges
	Domains []lookup.Name  // names whose answers may have them, with all below
}

// TCP bounds connections of clients.
type TCP struct {
	Idle        time.Duration // how long a connection may be silent
	FirstByte   time.Duration // how long a new connection may be silent
	Write       time.Duration // how long one response may take to send
	InFlight    int           // queries at work at once on one connection
	PerClient   int           // connections from one address
	Connections int           // connections in all
}

// UDP bounds datagrams of clients.
type UDP struct {
	Readers int // sockets per listen address; 0: one for each processor
	Size    int // largest response in octets
	Slow    int // queries at once that no cache can answer

	SlowPerClient int // of them, those of one client
}

// View is what a set of clients hears.
type View struct {
	Name      string
	Clients   []netip.Prefix // empty only beside Keys
	Keys      []lookup.Name  // who signs with one of them is in the view, wherever they are
	Proxies   []Peer         // who may say by ECS who the client is
	Recursion bool
	Zones     []lookup.Name // which of the zones it sees
	DNS64     DNS64
	ECS       ECS
	RateLimit bool // the limit on responses is for its clients, too
}

// Mode is when AAAA records are synthesised.
type Mode string

// The modes of DNS64.
const (
	ModeOff      Mode = "off"
	ModeStandard Mode = "standard" // when a name has no AAAA (RFC 6147 5.1)
	ModeForced   Mode = "forced"   // always, whether a name has AAAA or not
)

// HTTPS is what becomes of HTTPS and SVCB records in forced mode. They are never
// edited (RFC 9460 4.2.1).
type HTTPS string

// The choices for HTTPS and SVCB records.
const (
	HTTPSPass     HTTPS = "pass"
	HTTPSWithhold HTTPS = "withhold"
)

// WhenNoA is what forced mode answers for a name without A records.
type WhenNoA string

// The choices for names without A records.
const (
	WhenNoAReal   WhenNoA = "aaaa"   // the real AAAA records
	WhenNoANoData WhenNoA = "nodata" // that there are none
)

// PartialExclusion is what is done when only some of a name's AAAA records are
// excluded (RFC 6147 5.1.4).
type PartialExclusion string

// The choices for partly excluded AAAA RRsets.
const (
	PartialKeep       PartialExclusion = "keep"       // answer with the others
	PartialSynthesize PartialExclusion = "synthesize" // as if there were none
)

// WellKnownPrefix is which IPv4 addresses 64:ff9b::/96 may carry.
type WellKnownPrefix string

// The choices for the well-known prefix.
const (
	WKPRFC6052 WellKnownPrefix = "rfc6052" // global ones (RFC 6052 3.1)
	WKP1918    WellKnownPrefix = "wkp1918" // those of RFC 1918 and RFC 6598, too
	WKPOff     WellKnownPrefix = "off"     // all: nothing is checked
)

// CheckingDisabled is what is done for queries with CD set and DO clear, for
// which RFC 6147 5.5 has no rule.
type CheckingDisabled string

// The choices for CD without DO.
const (
	CDPass       CheckingDisabled = "pass"
	CDSynthesize CheckingDisabled = "synthesize"
)

// DNS64 is the policy of one view.
type DNS64 struct {
	Mode             Mode
	Prefixes         []Prefix64     // at least one has a Prefix
	HideA            bool           // in forced mode: answer NODATA to A queries
	HTTPS            HTTPS          // in forced mode
	WhenNoA          WhenNoA        // in forced mode
	ExcludeAAAA      []netip.Prefix // AAAA records that count as absent (RFC 6147 5.1.4)
	PartialExclusion PartialExclusion
	WellKnownPrefix  WellKnownPrefix
	CheckingDisabled CheckingDisabled
	PassRcodes       []Rcode     // failures of AAAA lookups that are answers and not absence
	DiscoveryTTL     uint32      // seconds; of ipv4only.arpa (RFC 7050 5)
	NAT64Name        lookup.Name // of the translator (RFC 7050 3.1.1); "": it has none
	Names            []NameRule  // the longest suffix of a name decides
}

// Rcode is a response code of a failed lookup.
type Rcode string

// The failures that a policy may name.
const (
	RcodeFORMERR  Rcode = "formerr"
	RcodeSERVFAIL Rcode = "servfail"
	RcodeNOTIMP   Rcode = "notimp"
	RcodeREFUSED  Rcode = "refused"
)

// Prefix64 says how the IPv4 addresses of some ranges are turned into IPv6
// addresses.
type Prefix64 struct {
	Prefix     netip.Prefix   // legal by RFC 6052 2.2; the zero Prefix when Synthesize is false
	IPv4       []netip.Prefix // ranges; empty: every address
	Synthesize bool           // false: the ranges are not to be synthesised
}

// NameRule is the policy for a name and all below it.
type NameRule struct {
	Suffix lookup.Name // not the root
	Mode   Mode
	HideA  bool // in forced mode only
}

// Default is the configuration of an empty file: a recursive resolver on the
// loopback addresses, port 5300, that answers loopback and private clients.
func Default() *Config { return newDocument().config(&decoder{}, "") }

// Load reads the file at path. The error is Errors when the file could be read
// and something in it is wrong.
func Load(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return Parse(path, text)
}

// Parse reads a configuration's text. The name is what errors call the file, and
// its folder is what relative paths in the text start from. The error is Errors.
func Parse(name string, text []byte) (*Config, error) {
	d := newDecoder(name, text)
	doc := newDocument()
	if root, ok := d.parse(); ok {
		object(doc, doc.keys())(d, root)
		doc.check(d)
	}
	if len(d.problems) > 0 {
		return nil, d.errors()
	}
	return doc.config(d, filepath.Dir(name)), nil
}
