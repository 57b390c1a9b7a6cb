package lifeline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// What of a delegation is kept: as many name servers, and addresses of each, as
// resolvers use.
const (
	maxHosts     = 13
	maxAddresses = 6
)

// A Delegation is what a parent says of a zone.
type Delegation struct {
	Hosts []Host   // in the order of their names
	DS    []string // rdata in wire form, ascending; empty: none was given
}

// A Host is a name server with the addresses that the parent gave for it.
type Host struct {
	Name  lookup.Name
	Addrs []netip.Addr
}

// NewDelegation puts what a parent said into order, and leaves out what is too much.
func NewDelegation(hosts []Host, ds []string) Delegation {
	d := Delegation{Hosts: slices.Clone(hosts), DS: slices.Clone(ds)}
	slices.SortFunc(d.Hosts, func(a, b Host) int { return a.Name.Compare(b.Name) })
	d.Hosts = slices.CompactFunc(d.Hosts, func(a, b Host) bool { return a.Name == b.Name })
	d.Hosts = d.Hosts[:min(len(d.Hosts), maxHosts)]
	for i := range d.Hosts {
		addrs := slices.Clone(d.Hosts[i].Addrs)
		slices.SortFunc(addrs, netip.Addr.Compare)
		addrs = slices.Compact(addrs)
		d.Hosts[i].Addrs = addrs[:min(len(addrs), maxAddresses)]
	}
	slices.Sort(d.DS)
	d.DS = slices.Compact(d.DS)
	return d
}

// A Fingerprint is a delegation in short: equal ones have the same name servers and DS.
type Fingerprint [sha256.Size]byte

// String is what people compare: the first eight digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:4]) }

// Fingerprint is over the names of the servers and the DS. Addresses are no part of it:
// servers leave some out as they please.
func (d Delegation) Fingerprint() Fingerprint {
	h := sha256.New()
	for _, host := range d.Hosts {
		h.Write([]byte(host.Name))
	}
	h.Write([]byte{0, 0}) // the root, twice, which no list of names has
	for _, ds := range d.DS {
		h.Write([]byte{byte(len(ds) >> 8), byte(len(ds))})
		h.Write([]byte(ds))
	}
	return Fingerprint(h.Sum(nil))
}

// Agrees tells whether two servers say the same of a zone: the same name servers and
// DS, and of no name server have they addresses of a family without one in common.
func (d Delegation) Agrees(e Delegation) bool {
	if d.Fingerprint() != e.Fingerprint() {
		return false
	}
	for i, host := range d.Hosts {
		other := e.Hosts[i].Addrs
		for _, is4 := range [2]bool{true, false} {
			mine, theirs := ofFamily(host.Addrs, is4), ofFamily(other, is4)
			if len(mine) > 0 && len(theirs) > 0 && !slices.ContainsFunc(mine, func(a netip.Addr) bool { return slices.Contains(theirs, a) }) {
				return false
			}
		}
	}
	return true
}

func ofFamily(addrs []netip.Addr, is4 bool) []netip.Addr {
	var some []netip.Addr
	for _, a := range addrs {
		if a.Is4() == is4 {
			some = append(some, a)
		}
	}
	return some
}

// with is d with the addresses that e has for hosts of which d has none of a family.
func (d Delegation) with(e Delegation) Delegation {
	merged := slices.Clone(d.Hosts)
	for i := range merged {
		for _, host := range e.Hosts {
			if host.Name != merged[i].Name {
				continue
			}
			for _, is4 := range [2]bool{true, false} {
				if len(ofFamily(merged[i].Addrs, is4)) == 0 {
					merged[i].Addrs = append(slices.Clone(merged[i].Addrs), ofFamily(host.Addrs, is4)...)
				}
			}
		}
	}
	return NewDelegation(merged, d.DS)
}

// Addresses are those of all hosts.
func (d Delegation) Addresses() (all []netip.Addr) {
	for _, h := range d.Hosts {
		all = append(all, h.Addrs...)
	}
	return all
}

// Standing is what is known of whether a zone is signed.
type Standing uint8

// The standings of a zone.
const (
	Unknown  Standing = iota
	Insecure          // proven to have no DS
	Secure            // its DS have validated
)

// String is the standing in a word.
func (s Standing) String() string {
	return [...]string{"unknown", "insecure", "secure"}[min(s, Secure)]
}

// A Snapshot is the delegation of a zone that was last known to be good.
type Snapshot struct {
	Zone, Parent lookup.Name
	Delegation
	Standing Standing
	// Insecure counts how often in a row it was proven that there is no DS.
	Insecure int
	// Keys are the zone's own key-signing keys, DNSKEY rdata in wire form, that have
	// validated: whoever has one of them may change the DS.
	Keys []string
	// Serial is the highest of the parent's that a server has shown.
	Serial uint32
	TTL    uint32 // of the NS RRset at the parent, in seconds

	First     time.Time // when this delegation was seen first
	Confirmed time.Time // when a server of the parent said so last
	// Epoch counts the snapshots of the zone; a file with a lower one than another is
	// the older.
	Epoch uint64
}

// Known tells whether there is anything to fall back to.
func (s Snapshot) Known() bool { return len(s.Hosts) > 0 }

// path is a text that is the same for snapshots by which names are found alike.
func (s Snapshot) path() string {
	var b strings.Builder
	for _, h := range s.Hosts {
		fmt.Fprint(&b, h.Name, h.Addrs)
	}
	fmt.Fprintf(&b, "%q %q %v %v", s.DS, s.Keys, s.Secure(), s.Unproven())
	return b.String()
}

// Secure tells whether what comes from the zone has to validate by what is known of it.
func (s Snapshot) Secure() bool { return s.Standing == Secure && len(s.DS)+len(s.Keys) > 0 }

// Unproven tells that nothing is known of whether the zone is signed that would allow
// its answers to be taken as they come: a zone counts as unsigned when that was proven
// three times.
func (s Snapshot) Unproven() bool {
	return !s.Secure() && (s.Standing != Insecure || s.Insecure < 3)
}
