package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/authoritative"
	"github.com/sextant-dns/sextant/catalog"
	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/secondary"
	"github.com/sextant-dns/sextant/zones"
)

// catalogs are the lists of zones that we share with other servers. What it has is
// guarded by parts.mutable, but for the zones that are answered from.
type catalogs struct {
	log  *slog.Logger
	book *catalog.Book

	consumed []config.Catalog
	seen     map[lookup.Name]*zones.Zone // the version of each that was read last
	wrong    map[lookup.Name]string      // what is wrong with that
	kept     map[lookup.Name]string      // what is on disk of its list
	members  []config.Zone               // what they list and we serve, in canonical order
	produced map[lookup.Name]production

	// moving: what becomes of zones becomes of their files, too. Before the server runs,
	// and where it never will, nothing on disk is touched.
	moving bool

	zones *authoritative.Authority // the catalogs themselves
}

func newCatalogs(log *slog.Logger) *catalogs {
	return &catalogs{
		log: log, book: catalog.NewBook(), zones: authoritative.New(nil),
		seen: map[lookup.Name]*zones.Zone{}, wrong: map[lookup.Name]string{}, kept: map[lookup.Name]string{},
		produced: map[lookup.Name]production{},
	}
}

// configure takes the catalogs of c into use, with what is on disk of them.
func (cs *catalogs) configure(c *config.Config) (changes []catalog.Change) {
	taken := map[lookup.Name]bool{}
	for _, z := range c.Zones {
		taken[z.Name] = true
	}
	var names []lookup.Name
	cs.consumed = nil
	for _, cat := range c.Catalogs {
		taken[cat.Name] = true
		if !cat.Produce {
			cs.consumed, names = append(cs.consumed, cat), append(names, cat.Name)
		}
	}
	changes = cs.book.Configure(names, taken)
	for _, cat := range cs.consumed {
		if !cs.book.Knows(cat.Name) {
			cs.restore(cat)
		}
	}
	for name := range cs.seen {
		if !slices.Contains(names, name) {
			delete(cs.seen, name)
			delete(cs.wrong, name)
			delete(cs.kept, name)
		}
		if cs.wrong[name] != "" { // what is wrong may be the configuration
			delete(cs.seen, name)
		}
	}
	return changes
}

// read takes in the catalogs that are others than before. changed tells that one is a
// list, perhaps of the same zones with other properties.
func (cs *catalogs) read(held map[lookup.Name]*zones.Zone) (changes []catalog.Change, changed bool) {
	for _, cat := range cs.consumed {
		zone := held[cat.Name]
		if zone == nil || zone.Absent() || zone == cs.seen[cat.Name] {
			continue // RFC 9432 5.1: one that has expired is not processed
		}
		cs.seen[cat.Name] = zone
		members, err := catalog.Read(zone)
		if err == nil && len(members) > cat.Most {
			err = fmt.Errorf("it lists %d zones, more than max-members (%d)", len(members), cat.Most)
		}
		if err != nil {
			cs.wrong[cat.Name] = err.Error()
			cs.log.Error("catalog: not used; its members stay as they are", "catalog", cat.Name, "reason", err)
			continue
		}
		delete(cs.wrong, cat.Name)
		changes, changed = append(changes, cs.book.Update(cat.Name, members)...), true
	}
	return changes, changed
}

// entry is the configuration of a consumed catalog.
func (cs *catalogs) entry(name lookup.Name) (config.Catalog, bool) {
	i := slices.IndexFunc(cs.consumed, func(c config.Catalog) bool { return c.Name == name })
	if i < 0 {
		return config.Catalog{}, false
	}
	return cs.consumed[i], true
}

// wanted is the zones that are copied on account of catalogs: these, and what they list.
func (cs *catalogs) wanted() []config.Zone {
	var all []config.Zone
	for _, cat := range cs.consumed {
		all = append(all, copyOf(cat.Name, cat, cat.Template))
	}
	cs.members = nil
	for _, o := range cs.book.Owned() {
		if cat, ok := cs.entry(o.Catalog); ok {
			member := copyOf(o.Zone, cat, templateOf(cat, o.Groups))
			member.Catalog = cat.Name
			cs.members = append(cs.members, member)
		}
	}
	return append(all, cs.members...)
}

// templateOf is that of the first group that a member has, in the order of the
// configuration. RFC 9432 4.3.2: groups that are unknown here are ignored.
func templateOf(cat config.Catalog, groups []string) config.Template {
	for _, g := range cat.Groups {
		if slices.Contains(groups, g.Name) {
			return g.Template
		}
	}
	return cat.Template
}

// copyOf is a zone that is copied as the template says, and kept where the catalog says.
func copyOf(name lookup.Name, cat config.Catalog, t config.Template) config.Zone {
	return config.Zone{
		Name: name, Primaries: t.Primaries, Store: memberFile(cat, name), ZONEMD: t.ZONEMD,
		AllowNotify: t.AllowNotify, AllowTransfer: t.AllowTransfer, Notify: t.Notify,
	}
}

// all are the catalogs, consumed and produced, as zones that others may copy.
func (cs *catalogs) all(c *config.Config) (all []config.Zone) {
	for _, cat := range c.Catalogs {
		all = append(all, copyOf(cat.Name, cat, cat.Template))
	}
	return all
}

// note tells what has become of zones.
func (cs *catalogs) note(changes []catalog.Change) {
	for _, c := range changes {
		args := []any{"zone", c.Zone, "catalog", c.Catalog}
		if c.Kind == catalog.Clash {
			// RFC 9432 5.2: an error should be logged.
			who := "configured zone"
			if c.Other != "" {
				who = "catalog " + c.Other.String()
			}
			cs.log.Error("catalog: zone refused, its name is taken", append(args, "by", who)...)
			continue
		}
		if c.Other != "" {
			args = append(args, "from", c.Other)
		}
		cs.log.Info("catalog: zone "+c.Kind.String(), args...)
	}
}

// succeed has the copies be what the configuration and the catalogs want now.
// p.mutable is held.
func (p *parts) succeed(c *config.Config, changes []catalog.Change) {
	cs := p.catalogs
	was := map[lookup.Name]string{} // where the members have been kept
	for _, m := range cs.members {
		was[m.Name] = m.Store
	}
	anew := map[lookup.Name]bool{}
	for _, change := range changes {
		if change.Kind == catalog.Reset || change.Kind == catalog.Added {
			anew[change.Zone] = true
		}
	}
	wanted := slices.Concat(slices.DeleteFunc(slices.Clone(c.Zones), func(z config.Zone) bool { return len(z.Primaries) == 0 }), cs.wanted())
	p.copies.replace(wanted, succession{
		anew: anew,
		make: func(z config.Zone) *secondary.Copy { return p.newCopy(c, z) },
		between: func() {
			cs.settleFiles(changes, was)
			cs.note(changes)
		},
	})
	cs.keep()
}

// secluded answers about catalogs those who may transfer them, and nobody else: they
// list zones that are not everybody's business (RFC 9432 7).
func (p *parts) secluded(ctx context.Context, from netip.Addr, key lookup.Name, q lookup.Question) *lookup.Response {
	zone, ok := p.catalogs.zones.Zone(q.Name)
	if !ok || !p.primary.May(from, key, zone.Apex()) {
		return &lookup.Response{Rcode: lookup.REFUSED, EDE: []lookup.EDE{{Code: lookup.EDEProhibited}}}
	}
	response, err := p.catalogs.zones.Resolve(ctx, lookup.Query{Question: q, Client: from})
	if err != nil {
		return &lookup.Response{Rcode: lookup.SERVFAIL, EDE: []lookup.EDE{lookup.EDEOf(err)}}
	}
	return response
}

// catalogStatus is how a catalog is.
type catalogStatus struct {
	zone     lookup.Name
	produced bool
	serial   uint32 // of one that is produced
	members  int
	refused  int
	wrong    string // why it is not used; "": it is
}

// catalogStatus is how the catalogs are, in canonical order.
func (p *parts) catalogStatus() (all []catalogStatus) {
	p.mutable.Lock()
	defer p.mutable.Unlock()
	cs := p.catalogs
	members := map[lookup.Name]int{}
	for _, m := range cs.members {
		members[m.Catalog]++
	}
	for _, cat := range cs.consumed {
		s := catalogStatus{zone: cat.Name, members: members[cat.Name], refused: cs.book.Refused(cat.Name), wrong: cs.wrong[cat.Name]}
		if s.wrong == "" && cs.seen[cat.Name] == nil {
			s.wrong = "it has never come"
			if cs.book.Knows(cat.Name) {
				s.wrong = "it has expired, or has not come yet"
			}
		}
		all = append(all, s)
	}
	for name, made := range cs.produced {
		all = append(all, catalogStatus{zone: name, produced: true, serial: made.Serial, members: made.members})
	}
	slices.SortFunc(all, func(a, b catalogStatus) int { return a.zone.Compare(b.zone) })
	return all
}
