package main

import (
	"context"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/primary"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// ours is what a view knows of our zones.
type ours struct {
	authority *authoritative.Authority
	view      string
	names     []lookup.Name
	aliases   lookup.Resolver // for targets of ALIAS records; nil: there are none
}

// held is the zones of s as they are now: those of files, with what has been changed since
// these were written, and those that are copied.
func (p *parts) held(s *state) map[lookup.Name]*zones.Zone {
	all := maps.Clone(s.files)
	for name, one := range s.updates {
		if data, _ := one.Data(); data != nil {
			all[name] = data
		}
	}
	maps.Copy(all, p.copies.zones())
	for name, made := range p.catalogs.produced {
		all[name] = made.zone
	}
	return all
}

// assemble has the views of s answer from the zones, and gives these to who copies
// them. p.mutable is held.
func (p *parts) assemble(s *state, held map[lookup.Name]*zones.Zone) {
	p.served = held
	all := make(map[lookup.Name]good, len(held))
	for name, z := range held {
		all[name] = good{z, p.copies.of(name)}
	}
	p.good.Store(&all)
	members := map[lookup.Name][]lookup.Name{} // by their catalog
	for _, m := range p.catalogs.members {
		members[m.Catalog] = append(members[m.Catalog], m.Name)
	}
	tailored := map[tailoring]*tailor.Zone{}
	for _, v := range s.ours {
		var own []*zones.Zone
		for _, name := range v.names {
			if z := held[name]; z != nil && !s.catalogs[name] {
				own = append(own, z)
			}
			for _, member := range members[name] {
				if z := held[member]; z != nil && !slices.Contains(v.names, member) {
					own = append(own, z)
				}
			}
		}
		if tree, err := zones.NewTree(own...); err == nil { // no name is given twice: the configuration was checked
			v.authority.Serve(authoritative.Data{Tree: tree, Tailored: p.tailor(s, v.view, own, tailored), Aliases: v.aliases, Limits: limits(s.config)})
		}
	}
	p.places.zones = tailored
	var given []primary.Zone
	lists := p.catalogs.all(s.config)
	for _, z := range slices.Concat(s.config.Zones, lists, p.catalogs.members) {
		if data := held[z.Name]; data != nil {
			one := give(z, data)
			if u := s.updates[z.Name]; u != nil {
				if now, history := u.Data(); now == data {
					one.History = history
				}
			}
			given = append(given, one)
		}
	}
	p.seclude(lists, held)
	if p.server != nil {
		p.server.Replace(s.served) // and no packets of the zones as they were
	}
	// Last of all: who hears NOTIFY asks for the SOA at once, and must not get the one before.
	p.primary.Replace(s.keys, given)
}

// seclude has the catalogs answered about to those who may transfer them.
func (p *parts) seclude(lists []config.Zone, held map[lookup.Name]*zones.Zone) {
	var names []lookup.Name
	var all []*zones.Zone
	for _, z := range lists {
		names = append(names, z.Name)
		if data := held[z.Name]; data != nil {
			all = append(all, data)
		}
	}
	if tree, err := zones.NewTree(all...); err == nil {
		p.catalogs.zones.Replace(tree)
	}
	if p.server != nil { // it is made after the first zones
		p.server.Seclude(names...)
	}
}

// give is a zone and who has to do with it.
func give(z config.Zone, data *zones.Zone) primary.Zone {
	given := primary.Zone{Data: data, Transfer: peers(z.AllowTransfer), Notify: peers(z.AllowNotify)}
	for _, s := range z.Notify {
		given.Targets = append(given.Targets, primary.Target{Address: s.Address, Key: s.Key})
	}
	for _, s := range z.Primaries { // RFC 1996 3.10
		given.Notify = append(given.Notify, primary.PeerOf(s.Address, s.Key))
	}
	return given
}

func peers(list []config.Peer) (all []primary.Peer) {
	for _, p := range list {
		all = append(all, primary.Peer{Network: p.Network, Key: p.Key})
	}
	return all
}

// follow takes copies into use when they come, and out of use when they expire. Each
// time costs as much as there are zones, so when thousands come one after the other, it
// takes a tenth of the time.
func (p *parts) follow(ctx context.Context) error {
	const longest = 250 * time.Millisecond // that a zone waits
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.copies.changed:
		}
		start := time.Now()
		p.renew()
		rest := time.NewTimer(min(9*time.Since(start), longest))
		select {
		case <-ctx.Done():
			rest.Stop()
			return nil
		case <-rest.C:
		}
	}
}

// renew has what is served be the zones as they are now.
func (p *parts) renew() {
	p.mutable.Lock()
	defer p.mutable.Unlock()
	s := p.state.Load()
	if changes, changed := p.catalogs.read(p.copies.zones()); changed {
		p.succeed(s.config, changes)
	}
	if held := p.held(s); !maps.Equal(held, p.served) {
		p.assemble(s, held)
	}
}

// logZone is a Primary's Observe.
func logZone(log *slog.Logger, e primary.Event) {
	args := []any{"zone", e.Zone}
	if e.Serial != 0 {
		args = append(args, "serial", e.Serial)
	}
	if e.Peer != (netip.AddrPort{}) {
		args = append(args, "peer", e.Peer)
	}
	switch e.Kind {
	case primary.Backward:
		log.Warn("zone: changed, and its serial has not gone up: secondaries do not see it", args...)
	case primary.Notified:
		log.Info("notify: sent", args...)
	case primary.Unnotified:
		log.Warn("notify: in vain", append(args, "reason", e.Err)...)
	case primary.Notice:
		log.Info("notify: received", "zone", e.Zone, "peer", e.Peer.Addr())
	case primary.Ignored:
		log.Debug("notify: ignored", "zone", e.Zone, "peer", e.Peer.Addr())
	}
}
