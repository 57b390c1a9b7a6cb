package dig

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
)

// Where in a message's sections the name servers stand.
const (
	inAnswer    = 0
	inAuthority = 1
)

// trace follows referrals from the root to the answer, and prints each reply.
// Everything of the query goes along, +subnet, too.
func (d *dialogue) trace(ctx context.Context) int {
	const most = 30 // as BIND
	step, section := d.step(".", dns.TypeNS, d.query.servers), inAnswer
	step.query.header.RecursionDesired = true
	zone := ""
	for range most {
		r, code := step.ask(ctx)
		if r == nil {
			return code
		}
		next := r.rrset(section, dns.TypeNS)
		answered := section == inAuthority && (r.rcode() != dns.RcodeSuccess || len(r.sections[inAnswer]) > 0)
		if answered || len(next) == 0 {
			step.printReply(r)
			return exitOK
		}
		if section == inAuthority && !below(next[0].name, zone) {
			r.remark = ";; BAD REFERRAL\n"
			if strings.EqualFold(next[0].name, zone) {
				r.remark = ";; BAD (HORIZONTAL) REFERRAL\n"
			}
			step.printReply(r)
			return exitUsage
		}
		step.printReply(r)
		zone = next[0].name
		servers, err := d.nameServers(ctx, r, next)
		if err != nil {
			d.tell(";; %v\n", err)
			return exitUsage
		}
		step, section = d.step(d.query.name, d.query.qtype, servers), inAuthority
	}
	return exitUsage
}

// searchServers asks all the zone's servers for its SOA.
func (d *dialogue) searchServers(ctx context.Context) int {
	first := d.step(d.query.name, dns.TypeNS, d.query.servers)
	first.query.header.RecursionDesired = true
	r, code := first.ask(ctx)
	if r == nil {
		return code
	}
	set := r.rrset(inAnswer, dns.TypeNS)
	if len(set) == 0 {
		set = r.rrset(inAuthority, dns.TypeNS)
	}
	if len(set) == 0 {
		return exitOK
	}
	servers, err := d.nameServers(ctx, r, set)
	if err != nil {
		d.tell(";; %v\n", err)
		return exitUsage
	}
	heard := false
	for _, s := range servers {
		step := d.step(d.query.name, dns.TypeSOA, []server{s})
		if r, err := step.exchange(ctx, s); err == nil {
			heard = true
			step.printReply(r)
		} else {
			_ = step.complain(s, err, false)
		}
		if ctx.Err() != nil {
			return exitInternal
		}
	}
	if !heard {
		d.tell(";; NS servers could not be reached\n")
		return exitNoReply
	}
	return exitOK
}

// step is a dialogue of its own with other servers.
func (d *dialogue) step(name string, qtype uint16, servers []server) *dialogue {
	step := *d
	step.query = d.query.clone()
	step.query.name, step.query.qtype, step.query.servers = name, qtype, servers
	step.query.header.RecursionDesired = false
	return &step
}

// nameServers finds the addresses of the name servers in set: r's glue, or what
// the operating system knows.
func (d *dialogue) nameServers(ctx context.Context, r *reply, set []rr) ([]server, error) {
	var servers []server
	var failed error
	for _, ns := range set {
		wire, _, err := r.name(ns.at)
		if err != nil {
			continue
		}
		host := strings.TrimSuffix(lookup.Presentation(wire), ".")
		addrs := r.glue(wire)
		if a, err := netip.ParseAddr(host); err == nil {
			addrs = []netip.Addr{a}
		}
		if len(addrs) == 0 {
			if addrs, err = d.Resolve(ctx, host); err != nil {
				failed = fmt.Errorf("couldn't get address for '%s': not found", host)
			}
		}
		for _, a := range addrs {
			if a = a.Unmap(); d.command.usable(a) {
				servers = append(servers, server{a, host})
			}
		}
	}
	switch {
	case len(servers) > 0:
		return servers, nil
	case failed != nil:
		return nil, failed
	}
	return nil, errors.New("no name server has a usable address")
}

// glue is the addresses of a name in the additional section.
func (m *message) glue(name string) []netip.Addr {
	var addrs []netip.Addr
	for _, rr := range m.sections[2] {
		if !strings.EqualFold(rr.name, name) || rr.rtype != dns.TypeA && rr.rtype != dns.TypeAAAA {
			continue
		}
		if a, ok := netip.AddrFromSlice(m.octets[rr.at:rr.end]); ok {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

// below tells whether a name, in wire form, is below a zone.
func below(name, zone string) bool {
	n, _, err := lookup.NameFromWire(name)
	if err != nil {
		return false
	}
	z, _, err := lookup.NameFromWire(zone)
	return err == nil && n != z && n.IsSubdomainOf(z)
}

// setTrace prepares a query for +trace, which asks as a resolver does.
func setTrace(_ *parser, q *query, on bool, _ string) error {
	q.walk = walkNot
	if on {
		q.walk = walkTrace
		q.header.RecursionDesired, q.edns.do = false, true
		q.edns.use()
		q.show.comments, q.show.question, q.show.additional, q.show.stats = false, false, false, false
		q.show.answer, q.show.authority, q.show.identify = true, true, true
	}
	return nil
}

// setServers prepares a query for +nssearch.
func setServers(p *parser, q *query, on bool, _ string) error {
	q.walk = walkNot
	if on {
		q.walk = walkServers
		q.show.all(false)
		q.show.answer, q.show.identify = true, true
		p.command.short, p.command.greet = true, false
	}
	return nil
}
