package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/dnssec"
	"github.com/sextant-dns/sextant/lifeline"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
	"github.com/sextant-dns/sextant/store"
)

// buildLifeline makes the keeper of the protected zones; nil when there are none. The
// resolver has to be there.
func (p *parts) buildLifeline(c *config.Config, w wiring) error {
	l := c.Lifeline
	if len(l.Zones) == 0 {
		return nil
	}
	o := lifeline.Options{
		Caller: &lifeline.Caller{Exchanger: p.options.Exchanger, Port: p.options.Port, Policy: p.options.Validation.Policy, Now: w.now},
		Parent: p.parentOf, Path: p.knownPath, Forget: p.forget, Tell: l.Tell,
		Observe: p.zoneMoved, Now: w.now,
		Report: func(zone lookup.Name, err error) {
			p.log.Error("lifeline", "zone", zone, "problem", err)
		},
	}
	if w.moved != nil {
		o.Observe = w.moved
	}
	if l.State == "" {
		p.log.Warn("lifeline: what is known of the zones is lost at a restart (lifeline.state)")
	} else {
		vault, err := store.OpenVault(l.State)
		if err != nil {
			return fmt.Errorf("lifeline: state: %w", err)
		}
		o.Records = vault
	}
	for _, z := range l.Zones {
		o.Zones = append(o.Zones, lifeline.Protected{Zone: z.Zone, Policy: lifeline.Policy{
			Change: stance(z.Change), Withdraw: stance(z.Withdraw),
			ChangeDwell: z.ChangeDwell, WithdrawDwell: z.WithdrawDwell, MaxHold: z.MaxHold,
		}})
	}
	var err error
	p.lifeline, err = lifeline.New(o)
	return err
}

func stance(s config.Stance) lifeline.Stance {
	if s == config.StanceFollow {
		return lifeline.Follow
	}
	return lifeline.Hold
}

// zoneMoved has operators read, and whoever wants to know be told, what has become of a
// protected zone.
func (p *parts) zoneMoved(zone lookup.Name, t lifeline.Transition) {
	level, lasts := slog.LevelWarn, t.To == t.From && t.To == lifeline.Emergency && t.Outcome == lifeline.Kept
	if t.To == lifeline.Normal || t.To == t.From && !lasts {
		level = slog.LevelInfo
	}
	p.log.Log(context.Background(), level, "lifeline", "zone", zone, "from", t.From, "to", t.To, "reason", t.Reason, "ballot", t.Ballot.String(), "votes", votesText(t.Ballot))
	if t.To != t.From && t.To != lifeline.Suspect || t.Outcome == lifeline.Adopted || t.Outcome == lifeline.Released || lasts {
		p.notifier.tell(notice{
			Zone: zone.String(), From: t.From.String(), To: t.To.String(), Kind: string(t.Kind()), Reason: t.Reason, Ballot: t.Ballot.String(), At: t.At,
		})
	}
	if p.server != nil && t.From != t.To {
		p.server.Flush() // packets of what was believed before
	}
}

// referred has the keeper know where the resolver is led.
func (p *parts) referred(r resolver.Referral) {
	if p.lifeline == nil {
		return
	}
	if r.Answered != "" {
		p.lifeline.Answered(r.Answered, r.Zone, r.Servers[0].Addrs[0])
		return
	}
	hosts := make([]lifeline.Host, len(r.Servers))
	for i, s := range r.Servers {
		hosts[i] = lifeline.Host(s)
	}
	p.lifeline.Referred(r.Zone, hosts, r.Glue)
}

// forget has nothing be left of what the resolver has heard of names in a zone.
func (p *parts) forget(zone lookup.Name) {
	p.recurse.Forget(resolver.Forget{Name: zone, Below: true})
	if p.server != nil {
		p.server.Flush()
	}
}

func votesText(b lifeline.Ballot) (all []string) {
	for _, v := range b.Votes {
		all = append(all, voteText(v))
	}
	return all
}

// voteText is a vote in a few words.
func voteText(v lifeline.Vote) string {
	text := v.Server.String() + " " + v.Finding.String()
	if v.Finding == lifeline.Refers {
		text += " " + v.Delegation.Fingerprint().String()
	}
	if v.Err != "" {
		text += " (" + v.Err + ")"
	}
	return text
}

// parentOf finds out which zone is above a zone, who serves it by the delegation to it,
// and by which keys it is signed.
func (p *parts) parentOf(ctx context.Context, zone lookup.Name) (lifeline.Parent, error) {
	above, err := p.zoneAbove(ctx, zone)
	if err != nil {
		return lifeline.Parent{}, err
	}
	parent := lifeline.Parent{Zone: above}
	known := p.recurse.Known(above)
	if known.Delegation.Zone != above {
		return lifeline.Parent{}, fmt.Errorf("no delegation of %s is known", above)
	}
	parent.Hosts = p.hosts(ctx, known)
	p.learnParent(ctx, &parent)
	return parent, nil
}

// learnParent finds the keys of a parent.
func (p *parts) learnParent(ctx context.Context, parent *lifeline.Parent) {
	if p.anchors == nil {
		parent.Unsigned = true
		return
	}
	// Without keys a roll-call is worth less, but not nothing.
	if r, err := p.ask(ctx, parent.Zone, lookup.TypeDNSKEY); err == nil {
		switch r.Security {
		case lookup.Secure:
			set, _ := lookup.Find(r.Answer, parent.Zone, lookup.TypeDNSKEY)
			parent.Keys = dnssec.ParseKeys(set)
		case lookup.Insecure:
			parent.Unsigned = true
		}
	}
}

// zoneAbove is the apex of the zone above a zone.
func (p *parts) zoneAbove(ctx context.Context, zone lookup.Name) (lookup.Name, error) {
	above, _ := zone.Parent()
	r, err := p.ask(ctx, above, lookup.TypeSOA)
	if err != nil {
		// Most of its servers may be silent, and be found out one by one. To be referred to
		// it is enough.
		if p.recurse.Known(above).Delegation.Zone == above {
			return above, nil
		}
		return "", err
	}
	soa, ok := lookup.Find(r.Answer, above, lookup.TypeSOA)
	if !ok {
		soa, ok = r.Denial()
	}
	if !ok || !above.IsSubdomainOf(soa.Name) {
		return "", fmt.Errorf("no zone is found to be above %s", zone)
	}
	return soa.Name, nil
}

func (p *parts) ask(ctx context.Context, name lookup.Name, t lookup.Type) (*lookup.Response, error) {
	return p.recurse.Resolve(ctx, lookup.Query{RD: true, Question: lookup.Question{Name: name, Type: t, Class: lookup.ClassIN, DO: true}})
}

// hosts are the servers of a delegation with all addresses that may be asked.
func (p *parts) hosts(ctx context.Context, k resolver.Known) (all []lifeline.Host) {
	for _, s := range k.Delegation.Servers {
		h := lifeline.Host{Name: s.Name, Addrs: s.Addrs}
		if len(h.Addrs) == 0 {
			h.Addrs = p.addresses(ctx, p.recurse, s.Name)
		}
		h.Addrs = slices.DeleteFunc(slices.Clone(h.Addrs), p.unaskable)
		all = append(all, h)
	}
	return all
}

// unaskable tells whether a server at an address may not be asked, or cannot be.
func (p *parts) unaskable(a netip.Addr) bool {
	return a.Is4() && p.options.NoIPv4 || a.Is6() && p.options.NoIPv6 ||
		slices.ContainsFunc(p.options.DoNotQuery, func(n netip.Prefix) bool { return n.Contains(a) })
}

// addresses are those of a name server that nobody has given glue for.
func (p *parts) addresses(ctx context.Context, by lookup.Resolver, host lookup.Name) (all []netip.Addr) {
	for _, t := range [2]lookup.Type{lookup.TypeA, lookup.TypeAAAA} {
		if t == lookup.TypeA && p.options.NoIPv4 || t == lookup.TypeAAAA && p.options.NoIPv6 {
			continue
		}
		r, err := by.Resolve(ctx, lookup.Query{RD: true, Question: lookup.Question{Name: host, Type: t, Class: lookup.ClassIN}})
		if err != nil {
			continue
		}
		_, end := r.Chase(host)
		set, _ := lookup.Find(r.Answer, end, t)
		for rdata := range set.Data.All() {
			if a, ok := netip.AddrFromSlice([]byte(rdata)); ok {
				all = append(all, a)
			}
		}
	}
	return all
}
