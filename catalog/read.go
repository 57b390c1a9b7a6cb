package catalog

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/zones"
)

// ErrBroken is that a zone is no catalog that can be used. RFC 9432 5.1: it must not be
// processed, and the members of the version before stay as they are.
var ErrBroken = errors.New("broken catalog")

// Member is a zone on the list of a catalog.
type Member struct {
	Zone lookup.Name

	// Label is the label of the member node in wire form and lower case, without its
	// length. When it changes, all state of the zone begins anew (RFC 9432 5.4).
	Label string

	// Groups are the values of the group property in the order of the zone; the rdata
	// of one that has several strings, or none, is no value that could be configured,
	// and left out (RFC 9432 4.3.2).
	Groups []string

	// Owner is the catalog that may take the zone over (RFC 9432 4.3.1); "": none.
	Owner lookup.Name
}

// version is the only one that there is (RFC 9432 4.2.1), as rdata of TXT.
const version = "\x012"

// Read is the members of a catalog zone in canonical order of their names. The error
// is an ErrBroken that says what is wrong.
func Read(z *zones.Zone) ([]Member, error) {
	if z.Absent() {
		return nil, broken("there is no such zone, or it has expired") // RFC 9432 5.1
	}
	r := reader{apex: z.Apex(), nodes: map[string]*Member{}, of: map[lookup.Name]string{}}
	if err := r.version(z); err != nil {
		return nil, err
	}
	for s := range z.All() {
		if err := r.set(s); err != nil {
			return nil, err
		}
	}
	var all []Member
	for _, m := range r.nodes {
		if m.Zone == "" {
			continue // properties of no zone
		}
		if other, twice := r.of[m.Zone]; twice { // RFC 9432 4.1
			first, second := min(other, m.Label), max(other, m.Label)
			return nil, broken("%s is listed twice, under %q and %q", m.Zone, first, second)
		}
		r.of[m.Zone] = m.Label
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b Member) int { return a.Zone.Compare(b.Zone) })
	return all, nil
}

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBroken, fmt.Sprintf(format, args...))
}

// reader collects what stands at the member nodes.
type reader struct {
	apex  lookup.Name
	nodes map[string]*Member // by their label
	of    map[lookup.Name]string
}

// version tells whether the zone is a catalog of the version that we know.
func (r *reader) version(z *zones.Zone) error {
	name, err := r.apex.Child("version")
	if err != nil {
		return broken("%s is too long for a catalog", r.apex)
	}
	set, there := lookup.Find(z.At(name), name, lookup.TypeTXT)
	switch {
	case !there:
		return broken("%s has no TXT", name)
	case set.Data.Len() != 1: // RFC 9432 4.2.1: exactly one RR
		return broken("%s has %d TXT RRs, and must have one", name, set.Data.Len())
	case set.Data.First() != version:
		return broken("%s is %q, and %q is all that is known here", name, set.Data.First(), version)
	}
	return nil
}

// set takes in an RRset. RFC 9432 3: what means nothing to us is ignored.
func (r *reader) set(s lookup.RRset) error {
	switch depth := s.Name.Labels() - r.apex.Labels(); {
	case depth == 2 && s.Type == lookup.TypePTR:
		return r.member(s)
	case depth != 3:
		return nil
	case s.Type == lookup.TypePTR && s.Name.Label() == "coo":
		return r.owner(s)
	case s.Type == lookup.TypeTXT && s.Name.Label() == "group":
		return r.groups(s)
	}
	return nil
}

// node is the member node with that name; nil where none can be.
func (r *reader) node(name lookup.Name) *Member {
	above, ok := name.Parent()
	if !ok || above.Label() != "zones" {
		return nil
	}
	m := r.nodes[name.Label()]
	if m == nil {
		m = &Member{Label: name.Label()}
		r.nodes[m.Label] = m
	}
	return m
}

// member takes in the PTR of a member node (RFC 9432 4.1).
func (r *reader) member(s lookup.RRset) error {
	m := r.node(s.Name)
	if m == nil {
		return nil
	}
	zone, err := single(s)
	m.Zone = zone
	return err
}

// owner takes in the property coo (RFC 9432 4.3.1).
func (r *reader) owner(s lookup.RRset) error {
	up, _ := s.Name.Parent()
	m := r.node(up)
	if m == nil {
		return nil
	}
	owner, err := single(s)
	m.Owner = owner
	return err
}

// single is where the only PTR of an RRset leads. RFC 9432 4.1 and 4.3.1: more than one
// breaks the catalog.
func single(s lookup.RRset) (lookup.Name, error) {
	target, ok := s.Target()
	switch {
	case s.Data.Len() != 1:
		return "", broken("%s has %d PTR RRs, and must have one", s.Name, s.Data.Len())
	case !ok:
		return "", broken("the PTR of %s is no name", s.Name)
	}
	return target, nil
}

// groups takes in the property group (RFC 9432 4.3.2).
func (r *reader) groups(s lookup.RRset) error {
	up, _ := s.Name.Parent()
	m := r.node(up)
	if m == nil {
		return nil
	}
	for rdata := range s.Data.All() {
		if len(rdata) > 1 && int(rdata[0]) == len(rdata)-1 {
			m.Groups = append(m.Groups, rdata[1:])
		}
	}
	return nil
}
