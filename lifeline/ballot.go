package lifeline

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Finding is what one server of a parent said of a zone.
type Finding uint8

// The findings. The zero value is that nothing came.
const (
	Silent    Finding = iota // no reply
	Refers                   // a referral, or the NS RRset from one who holds both zones
	Denies                   // NXDOMAIN without a proof
	OptsOut                  // NXDOMAIN, proven but for an opt-out span (RFC 5155 6)
	Disproves                // NXDOMAIN, proven
	Empty                    // NODATA: the name is there and no delegation
	Errs                     // SERVFAIL, REFUSED, NOTAUTH, or not authoritative (lame)
	Bogus                    // something that does not validate
	Lags                     // it serves an older zone than others do, whatever it says
)

var findings = [...]string{"silent", "refers", "denies", "opts out", "disproves", "empty", "errs", "bogus", "lags"}

// String is the finding in a word.
func (f Finding) String() string {
	if int(f) < len(findings) {
		return findings[f]
	}
	return fmt.Sprintf("finding %d", uint8(f))
}

// A Vote is what one address of a parent's name server said.
type Vote struct {
	Server  netip.Addr
	Name    lookup.Name // of the name server
	NSID    string      // RFC 5001; "": it did not say
	Finding Finding

	Delegation Delegation // that it refers to
	Secure     bool       // its DS, or that there are none, validated
	// Unsigned: the parent is proven to be outside the signed tree, and so is the zone.
	Unsigned bool
	// Continuous: the child's DNSKEY RRset is signed by a key that was trusted before,
	// and the DS of the Delegation, which validated, name one of its keys.
	Continuous bool
	TTL        uint32 // of the NS RRset

	Serial  uint32 // of the parent zone on this server; meaningful with HasSOA
	HasSOA  bool
	Refresh time.Duration // of that SOA

	// Young: the address is one of the parent's for less than a day, and it does not
	// count yet: a hijacked parent has new servers, too.
	Young bool
	RTT   time.Duration
	Err   string // why it is Silent, Errs or Bogus
}

// A Group is all servers that count as one: those of one operator, as far as can be
// told, so that many addresses of one do not outvote others.
type Group struct {
	Votes []Vote
}

// A Ballot is the votes of one roll-call.
type Ballot struct {
	At    time.Time
	Votes []Vote
}

// Groups are the votes by who runs the servers: addresses of one /24 or /48, and those
// that end their NSID alike, are one.
func (b Ballot) Groups() []Group {
	parent := make([]int, len(b.Votes))
	for i := range parent {
		parent[i] = i
	}
	find := func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	first := map[string]int{}
	for i, v := range b.Votes {
		for _, mark := range marks(v) {
			if j, seen := first[mark]; seen {
				parent[find(i)] = find(j)
			} else {
				first[mark] = i
			}
		}
	}
	var groups []Group
	index := map[int]int{}
	for i, v := range b.Votes {
		root := find(i)
		n, known := index[root]
		if !known {
			n = len(groups)
			index[root] = n
			groups = append(groups, Group{})
		}
		groups[n].Votes = append(groups[n].Votes, v)
	}
	return groups
}

// marks are what servers of one operator have in common.
func marks(v Vote) []string {
	length := 24
	if v.Server.Is6() {
		length = 48
	}
	p, err := v.Server.Prefix(length)
	if err != nil {
		return nil
	}
	all := []string{p.String()}
	if _, domain, ok := strings.Cut(v.NSID, "."); ok && strings.Contains(domain, ".") {
		all = append(all, "nsid "+strings.ToLower(domain))
	}
	// Both addresses of one name server are one machine, or one anycast cloud.
	return append(all, "host "+string(v.Name))
}

// says is what a group says: what those of its servers say that count and reply, if
// they agree. A group that contradicts itself says nothing.
func (g Group) says() (v Vote, ok bool) {
	for _, other := range g.Votes {
		switch {
		case other.Young || other.Finding == Silent:
		case !ok:
			v, ok = other, true
		case !sameVote(v, other):
			return Vote{}, false
		default:
			v.Secure = v.Secure || other.Secure
		}
	}
	return v, ok
}

func sameVote(a, b Vote) bool {
	return a.Finding == b.Finding && (a.Finding != Refers || a.Delegation.Agrees(b.Delegation))
}

// witness is a vote that confirms a delegation. One is enough, of any server that does
// not lag.
func (b Ballot) witness(d Delegation) (v Vote, ok bool) {
	for _, v := range b.Votes {
		if v.Finding == Refers && v.Delegation.Agrees(d) {
			return v, true
		}
	}
	return Vote{}, false
}

// shown is the delegation d with the addresses that two operators show for its hosts, or
// the only one there is: a single server that lies adds none.
func (b Ballot) shown(d Delegation) Delegation {
	groups, count := b.Groups(), map[netip.Addr]int{}
	for _, g := range groups {
		for a := range g.addresses(d) {
			count[a]++
		}
	}
	hosts := make([]Host, len(d.Hosts))
	for i, h := range d.Hosts {
		hosts[i].Name = h.Name
		for _, v := range b.Votes {
			if v.Finding != Refers || !v.Delegation.Agrees(d) {
				continue
			}
			for _, a := range v.Delegation.Hosts[i].Addrs { // the same names in the same order: they agree
				if count[a] >= min(2, len(groups)) {
					hosts[i].Addrs = append(hosts[i].Addrs, a)
				}
			}
		}
	}
	return NewDelegation(hosts, d.DS)
}

// addresses are those that the servers of g give for hosts of d.
func (g Group) addresses(d Delegation) map[netip.Addr]bool {
	all := map[netip.Addr]bool{}
	for _, v := range g.Votes {
		if v.Finding == Refers && !v.Young && v.Delegation.Agrees(d) {
			for _, a := range v.Delegation.Addresses() {
				all[a] = true
			}
		}
	}
	return all
}

// A Tally is a ballot counted by groups.
type Tally struct {
	Groups  int // that replied or not
	Heard   int // that refer or deny: the n of a majority is all Groups
	Keeping int // that refer to the delegation that is known
	Proven  int // that prove that there is none, in halves: an opt-out span is one half
	Denied  int // that deny in any way
	Other   []Count
}

// A Count is how many groups refer to one other delegation.
type Count struct {
	Vote   Vote // one of them
	Groups int
}

// Count counts a ballot beside the delegation that is known.
func (b Ballot) Count(known Delegation) Tally {
	var t Tally
	for _, g := range b.Groups() {
		t.Groups++
		v, ok := g.says()
		if !ok {
			continue
		}
		switch v.Finding {
		case Refers:
			t.Heard++
			if v.Delegation.Agrees(known) {
				t.Keeping++
				continue
			}
			t.other(v)
		case Disproves:
			t.Heard++
			t.Denied++
			t.Proven += 2
		case OptsOut:
			t.Heard++
			t.Denied++
			t.Proven++
		case Denies:
			t.Heard++
			t.Denied++
		}
	}
	slices.SortStableFunc(t.Other, func(a, b Count) int { return cmp.Compare(b.Groups, a.Groups) })
	return t
}

func (t *Tally) other(v Vote) {
	for i := range t.Other {
		if t.Other[i].Vote.Delegation.Agrees(v.Delegation) {
			t.Other[i].Groups++
			t.Other[i].Vote.Continuous = t.Other[i].Vote.Continuous || v.Continuous
			return
		}
	}
	t.Other = append(t.Other, Count{v, 1})
}

// majority is how many groups are more than half.
func (t Tally) majority() int { return t.Groups/2 + 1 }

// String is the ballot for one line of a log: how many servers said what.
func (b Ballot) String() string {
	var parts []string
	for f := range findings {
		n := 0
		for _, v := range b.Votes {
			if int(v.Finding) == f {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, findings[f]))
		}
	}
	return strings.Join(parts, ", ")
}
