package overlay

import (
	"net/netip"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
)

// Overlay is what one .geo file, and what it includes, says. It does not change and is
// safe for concurrent use.
type Overlay struct {
	Apex         lookup.Name
	Sites        []Site        // in the order of the file, names unique
	Rules        []Rule        // records under $WHEN
	Aliases      []Alias       // ALIAS records, under $WHEN or not
	Routes       []Route       // one for each owner at most
	Expectations []Expectation // $EXPECT
	Lint         []Problem     // what is unwise, in the order of the file
}

// Position is where something stands.
type Position struct {
	File         string
	Line, Column int // both from 1
}

// Problem is one thing that is wrong or unwise, and what may help.
type Problem struct {
	Position
	Text string
	Hint string // "": none
}

// Condition says which clients something is for: those of whom all terms are true.
// Without terms it is everyone, written *.
type Condition struct {
	Terms []Term // the most specific first
	At    Position
}

// Term is a selector that must be true of a client, or must not.
type Term struct {
	Selector geo.Selector
	Not      bool
}

// Rule is an RRset for the clients of a condition. It takes the place of the zone's
// RRset of that name and type; with a condition that names a view, of everything that
// the zone has under that name, except the types in Keep.
type Rule struct {
	When Condition
	Set  lookup.RRset
	Keep []lookup.Type // keep=AAAA on the $WHEN line
	At   Position
}

// Alias says that the addresses of Owner are those of Target, wherever that is.
type Alias struct {
	When   Condition
	Owner  lookup.Name
	Target lookup.Name
	TTL    uint32 // seconds, the most that answers may have
	At     Position
}

// Site is a place that serves names.
type Site struct {
	Name   string
	Place  geo.Point
	Placed bool // the file says at=
	// Checks are the settings of its checks as the file has them: check, fall, rise,
	// interval, timeout and what else package health knows, in pairs.
	Checks []Setting
	State  string                 // up, down, drain, or "" for what the checks say
	Sets   map[Owner]lookup.RRset // what it serves: the records under $AT
	At     Position
}

// Owner is a name and a type.
type Owner struct {
	Name lookup.Name
	Type lookup.Type
}

// Setting is key=value of a directive.
type Setting struct {
	Key, Value string
	At         Position
}

// Down is what clients hear when all sites that a route has for them are down.
type Down uint8

// The ways to answer when everything is down.
const (
	DownBase Down = iota // what the zone has, down=base
	DownAll              // all sites as if they were up, down=all: fail open
	DownNone             // nothing: NODATA, down=none: fail closed
)

// Route says which sites serve the clients of a name.
type Route struct {
	Owner   lookup.Name
	Choices []Choice // a client's is the most specific one that holds
	Pick    int      // how many sites answer at once, in the order of the choice; 1 at least
	Down    Down
	// Sticky, when set, gives the clients of one network one site as long as that is
	// up: networks of so many bits. Zero: chance decides among weights, each time.
	StickyV4, StickyV6 int
	At                 Position
}

// Choice is the sites for the clients of a condition.
type Choice struct {
	When    Condition
	Sites   []Share // in the order of failover; empty with Nearest
	Nearest int     // the so many sites nearest to the client, of those that serve the owner
	At      Position
}

// Share is a site of a choice. Where weights are given all sites of the choice have
// one, and they share the clients by it; otherwise the later ones stand in for the
// earlier.
type Share struct {
	Site   string
	Weight uint32 // 0: none given
}

// Expectation is a question and what must be true of its answer.
type Expectation struct {
	Owner lookup.Name
	Type  lookup.Type

	// Who asks: an address or network, or someone of whom nothing is known but a
	// selector and what follows from it; neither: everyone.
	From     netip.Prefix
	Selector geo.Selector
	View     string   // "": no view's
	Down     []string // sites that are taken to be down; the others are up

	Data     []string // the rdata of the answer in wire form, sorted; nil: not asked about
	Nothing  bool     // NODATA or NXDOMAIN is expected: = none
	Scope    int      // the longest scope that is good, in bits; -1: not asked about
	Prefixes int      // fewer prefixes than this are good; 0: not asked about
	Text     string   // the line, for people
	At       Position
}
