package lifeline

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// An Audit is what all servers of a zone and of the zone above say, and what is wrong
// with it.
type Audit struct {
	Zone, Parent lookup.Name
	Ballot       Ballot
	Delegation   Delegation // that most operators of the parent refer to
	Children     []Child
	Problems     []string // for people, the parent's first
}

// A Child is what one address of a name server of the zone says.
type Child struct {
	Name   lookup.Name
	Server netip.Addr
	Glue   bool // the parent gives this address
	Own    bool // it is the name server's own

	Replied bool // to the question for the SOA
	AA      bool // and it has authority for the zone
	Serial  uint32
	HasSOA  bool
	NS      []lookup.Name // that it names, ascending; nil: it names none
	EDNS    bool
	TCP     bool
	Keys    dnssec.Status // of its DNSKEY RRset by the DS; meaningful with a DS
	RTT     time.Duration
	Err     string // why there is no SOA
}

// Audit asks every server of the parent, and every server of the zone that they name.
// addresses finds those of a name server as anybody would.
func (c *Caller) Audit(ctx context.Context, zone lookup.Name, p Parent, addresses func(ctx context.Context, host lookup.Name) []netip.Addr) Audit {
	a := Audit{Zone: zone, Parent: p.Zone, Ballot: c.Call(ctx, zone, p, Snapshot{})}
	if said := a.Ballot.Count(Delegation{}).Other; len(said) > 0 {
		a.Delegation = said[0].Vote.Delegation
	}
	a.auditParents()
	var wrong []string
	a.Children, wrong = c.children(ctx, a.Delegation, p.Zone, addresses)
	var all sync.WaitGroup
	for i := range a.Children {
		all.Go(func() { c.examine(ctx, zone, a.Delegation, &a.Children[i]) })
	}
	all.Wait()
	a.Problems = append(a.Problems, wrong...)
	a.auditChildren()
	return a
}

func (a *Audit) problem(format string, args ...any) {
	a.Problems = append(a.Problems, fmt.Sprintf(format, args...))
}

// auditParents says who of the parent's servers does not do its part.
func (a *Audit) auditParents() {
	if len(a.Ballot.Votes) == 0 {
		a.problem("no server of %s is known", a.Parent)
	}
	newest, known := a.Ballot.highest()
	for _, v := range a.Ballot.Votes {
		server := fmt.Sprintf("%s server %s (%s)", a.Parent, v.Name, v.Server)
		switch v.Finding {
		case Refers:
			if len(a.Delegation.Hosts) > 0 && !v.Delegation.Agrees(a.Delegation) {
				a.problem("%s disagrees: it refers to %s, most others to %s", server, hostNames(v.Delegation), hostNames(a.Delegation))
			}
		case Silent:
			a.problem("%s is silent: %s", server, v.Err)
		case Denies, OptsOut, Disproves:
			a.problem("%s says that there is no %s", server, a.Zone)
		case Empty:
			a.problem("%s has %s without a delegation", server, a.Zone)
		default:
			a.problem("%s: %s: %s", server, v.Finding, v.Err)
		}
		if known && v.HasSOA && newer(newest, v.Serial) {
			a.problem("%s is behind: serial %d, and there is %d", server, v.Serial, newest)
		}
	}
}

func hostNames(d Delegation) string {
	var names []string
	for _, h := range d.Hosts {
		names = append(names, h.Name.String())
	}
	return strings.Join(names, ", ")
}

// children are the addresses of the zone's name servers, as the parent gives them and as
// they are; wrong is what is wrong with them.
func (c *Caller) children(ctx context.Context, d Delegation, parent lookup.Name, addresses func(context.Context, lookup.Name) []netip.Addr) (all []Child, wrong []string) {
	for _, h := range d.Hosts {
		own := addresses(ctx, h.Name)
		for _, addr := range h.Addrs {
			all = append(all, Child{Name: h.Name, Server: addr, Glue: true, Own: slices.Contains(own, addr)})
			if len(own) > 0 && !slices.Contains(own, addr) {
				wrong = append(wrong, fmt.Sprintf("glue: %s gives %s for %s, which is not one of its addresses", parent, addr, h.Name))
			}
		}
		for _, addr := range own {
			if !slices.Contains(h.Addrs, addr) {
				all = append(all, Child{Name: h.Name, Server: addr, Own: true})
			}
		}
		if len(own)+len(h.Addrs) == 0 {
			wrong = append(wrong, fmt.Sprintf("%s has no address", h.Name))
		}
	}
	return all[:min(len(all), maxServers)], wrong
}

// examine asks one server of the zone.
func (c *Caller) examine(ctx context.Context, zone lookup.Name, d Delegation, child *Child) {
	reply, err := c.exchange(ctx, child.Server, zone, lookup.TypeSOA, false)
	if err != nil {
		child.Err = err.Error()
		if e, ok := errors.AsType[*transport.Error](err); ok {
			child.Err = e.Cause.Error()
		}
		return
	}
	child.Replied, child.AA, child.EDNS, child.RTT = true, reply.AA && reply.Rcode == lookup.NOERROR, reply.EDNS, reply.RTT
	var v Vote
	v.noteSOA(reply, zone)
	if child.Serial, child.HasSOA = v.Serial, v.HasSOA; !child.HasSOA {
		child.Err = "no authority: " + reply.Rcode.String()
		return
	}
	if reply, err := c.exchange(ctx, child.Server, zone, lookup.TypeNS, false); err == nil && reply.AA {
		set, _ := lookup.Find(reply.Answer, zone, lookup.TypeNS)
		for rdata := range set.Data.All() {
			if name, _, err := lookup.NameFromWire(rdata); err == nil {
				child.NS = append(child.NS, name)
			}
		}
		slices.SortFunc(child.NS, lookup.Name.Compare)
	}
	if len(d.DS) > 0 {
		child.Keys = dnssec.Bogus
		alone := Delegation{Hosts: []Host{{Addrs: []netip.Addr{child.Server}}}, DS: d.DS}
		if _, _, err := c.ChildKeys(ctx, zone, alone); err == nil {
			child.Keys = dnssec.Secure
		}
	}
	_, err = c.exchange(ctx, child.Server, zone, lookup.TypeSOA, true)
	child.TCP = err == nil
}

// auditChildren says which servers of the zone do not do their part.
func (a *Audit) auditChildren() {
	newest, known := a.newest()
	var named []lookup.Name
	for _, h := range a.Delegation.Hosts {
		named = append(named, h.Name)
	}
	for _, c := range a.Children {
		server := fmt.Sprintf("%s (%s)", c.Name, c.Server)
		switch {
		case !c.Replied:
			a.problem("%s is silent: %s", server, c.Err)
			continue
		case !c.HasSOA || !c.AA:
			a.problem("%s is lame: %s", server, c.Err)
			continue
		}
		if known && newer(newest, c.Serial) {
			a.problem("%s is behind: serial %d, and there is %d", server, c.Serial, newest)
		}
		if !slices.Equal(c.NS, named) {
			a.problem("%s names other servers than %s: %s", server, a.Parent, nameList(c.NS))
		}
		if len(a.Delegation.DS) > 0 && c.Keys != dnssec.Secure {
			a.problem("%s has no DNSKEY that validates by the DS in %s", server, a.Parent)
		}
		if !c.EDNS {
			a.problem("%s does not speak EDNS", server)
		}
		if !c.TCP {
			a.problem("%s does not reply over TCP", server)
		}
	}
}

func nameList(names []lookup.Name) string {
	if len(names) == 0 {
		return "none"
	}
	var texts []string
	for _, n := range names {
		texts = append(texts, n.String())
	}
	return strings.Join(texts, ", ")
}

// newest is the highest serial of the zone that a server shows.
func (a *Audit) newest() (serial uint32, ok bool) {
	for _, c := range a.Children {
		if c.HasSOA && (!ok || newer(c.Serial, serial)) {
			serial, ok = c.Serial, true
		}
	}
	return serial, ok
}
