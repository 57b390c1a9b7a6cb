package lab

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Incident is one that has been, as far as it was published, and a script that plays it on
// a TLD.
type Incident struct {
	Name      string // short, of the TLD and the year
	Title     string // a line
	Facts     []string
	Sources   []string
	Here      []string      // what is otherwise here, or was never published
	Began     time.Time     // when the fault began, in UTC
	Lasted    time.Duration // until the last server was well again
	Validates bool          // the resolvers of the time that suffered from it validated
	TLD       TLDOptions
	Nearest   int // the server that is near; below 0: none is

	Variants map[string]Variant
	Steps    []Step // in the order of time
}

// Step is what happens at one time of an Incident.
type Step struct {
	After time.Duration // since it began
	Says  string
	Turn  []Turn
	Moves bool // www of the zone has another address from now on, and there is a new name, new
}

// Turn is servers of the TLD that answer from a variant from now on.
type Turn struct {
	Variant string
	Servers []int // by their numbers; nil: all there are
	Root    bool  // the root says what that variant says, too
}

// Addresses of what a client asks for, and the variant in which the zone has moved.
const (
	before = "www 60 A 192.0.2.201\n"
	after  = "new 60 A 192.0.2.200\nwww 60 A 192.0.2.202\n"
	moved  = "moved"
)

// Play makes the Internet of an incident, in which all is well yet. What happens then is
// Take's.
func (i *Incident) Play() (*TLD, error) {
	o := i.TLD
	o.Instant, o.RTT, o.Records = true, 80*time.Millisecond, ""
	t, err := NewTLD(o)
	if err != nil {
		return nil, err
	}
	variants := map[string]Variant{"": {Records: before}, moved: {Records: after}}
	for name, v := range i.Variants {
		variants[name] = v
	}
	for name, v := range variants {
		if err := t.Add(name, v); err != nil {
			return nil, err
		}
	}
	if i.Nearest >= 0 {
		t.Nearest(t.Servers()[i.Nearest])
	}
	return t, nil
}

// Take has a step happen.
func (t *TLD) Take(s Step) {
	all := t.Servers()
	for _, turn := range s.Turn {
		servers := all
		if turn.Servers != nil {
			servers = nil
			for _, n := range turn.Servers {
				servers = append(servers, all[n])
			}
		}
		t.Set(turn.Variant, servers...)
		if turn.Root {
			t.Set(turn.Variant, netip.MustParseAddr(rootServer))
		}
	}
	if s.Moves {
		t.Set(moved, t.Children()...)
	}
}

// Asked are the names that a client of an Incident asks for, in turn, and the addresses
// that they have.
func (t *TLD) Asked(hasMoved bool) (names []lookup.Name, truth map[lookup.Name]netip.Addr) {
	truth = map[lookup.Name]netip.Addr{}
	add := func(label string, last byte) {
		name := lookup.MustName(label + "." + t.Zone().String())
		names, truth[name] = append(names, name), netip.AddrFrom4([4]byte{192, 0, 2, last})
	}
	for i := range 4 {
		add(fmt.Sprintf("host%d", i), byte(100+i))
	}
	if hasMoved {
		add("www", 202)
		add("new", 200)
	} else {
		add("www", 201)
	}
	return names, truth
}

// FindIncident is the incident of that name; an error names those that there are.
func FindIncident(name string) (*Incident, error) {
	all := Incidents()
	i := slices.IndexFunc(all, func(i Incident) bool { return i.Name == name })
	if i >= 0 {
		return &all[i], nil
	}
	var names []string
	for _, i := range all {
		names = append(names, i.Name)
	}
	return nil, fmt.Errorf("there is no incident %q; want %s", name, strings.Join(names, ", "))
}

// share picks RRsets, each time the same: so many of a hundred, as far as chance has it.
// Keys are never picked, since their own signature is another key's as a rule, and denials
// always, so that it shows.
func share(percent uint32) func(lookup.RRset) bool {
	return func(s lookup.RRset) bool {
		switch s.Type {
		case lookup.TypeDNSKEY:
			return false
		case lookup.TypeNSEC, lookup.TypeNSEC3:
			return true
		}
		sum := fnv.New32a()
		fmt.Fprint(sum, s.Name, s.Type)
		return sum.Sum32()%100 < percent
	}
}
