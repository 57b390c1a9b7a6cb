package config

import (
	"net/netip"

	"github.com/sextant-dns/sextant/lookup"
)

// Catalog is a list of zones that servers share (RFC 9432). A consumer copies it from
// Primaries, and serves what is on it; a producer makes it of the zones that say so.
type Catalog struct {
	Name    lookup.Name
	Produce bool
	Store   string // folder for all that has to outlive a restart; "": nothing does
	Most    int    // members of one that is consumed; one with more is not used

	// Template is of the catalog and of its members; of a producer AllowTransfer and
	// Notify, and of the catalog alone.
	Template
	Groups []Group // in the order in which they are tried
}

// Template is how zones are copied that are not configured one by one.
type Template struct {
	Primaries     []Server
	AllowNotify   []Peer
	AllowTransfer []Peer
	Notify        []Server
	ZONEMD        ZONEMD
}

// Group is the Template of members with a group property (RFC 9432 4.3.2).
type Group struct {
	Name string // the value of the property
	Template
}

// Transfers bounds transfers of zones, of ours and to us.
type Transfers struct {
	In           int          // zones that ask their primaries at once
	Out          int          // transfers to others at once
	OutPerClient int          // of them, those to one client
	Source       []netip.Addr // where transfers to us and NOTIFY leave from; empty: as Resolver.SourceAddresses
}

func (t *Transfers) keys() keys {
	const most = 1_000_000
	return keys{
		"in":             value(&t.In, integer(1, most)),
		"out":            value(&t.Out, integer(1, most)),
		"out-per-client": value(&t.OutPerClient, integer(1, most)),
		"source":         values(&t.Source, address),
	}
}

func catalog(c *Catalog) reader {
	c.ZONEMD, c.Most = ZONEMDCheck, 100_000
	return object(c, c.keys(), "name")
}

func (c *Catalog) keys() keys {
	k := c.Template.keys()
	k["name"] = value(&c.Name, name)
	k["produce"] = value(&c.Produce, boolean)
	k["store"] = value(&c.Store, text(4096))
	k["max-members"] = value(&c.Most, integer(1, 10_000_000))
	k["groups"] = list(&c.Groups, group)
	return k
}

func (t *Template) keys() keys {
	return keys{
		"primaries":      list(&t.Primaries, server),
		"allow-notify":   list(&t.AllowNotify, peer),
		"allow-transfer": list(&t.AllowTransfer, peer),
		"notify":         list(&t.Notify, server),
		"zonemd":         value(&t.ZONEMD, oneOf(ZONEMDRequire, ZONEMDCheck, ZONEMDIgnore)),
	}
}

func group(g *Group) reader { return object(g, g.keys(), "name") }

func (g *Group) keys() keys {
	k := g.Template.keys()
	k["name"] = value(&g.Name, text(255)) // one character string (RFC 1035 3.3)
	return k
}

// checkCatalogs sees to it that each catalog has one name and one duty.
func (doc *document) checkCatalogs(d *decoder) {
	unique(d, doc.Catalogs, func(c *Catalog) *lookup.Name { return &c.Name })
	for i := range doc.Catalogs {
		c := &doc.Catalogs[i]
		for j := range doc.Zones {
			if z := &doc.Zones[j]; z.Name == c.Name && c.Name != "" {
				d.report(&c.Name, "%s is a zone, on line %d, expected another name", c.Name, d.places[&z.Name].line)
			}
		}
		c.check(d)
		doc.checkKeys(d, c.keysNamed())
	}
	for i := range doc.Zones {
		z := &doc.Zones[i]
		switch c := doc.catalog(z.Catalog); {
		case z.Catalog == "" && len(z.Groups) > 0:
			d.report(&z.Groups, "says nothing without a catalog, expected one beside it")
		case z.Catalog != "" && (c == nil || !c.Produce):
			d.report(&z.Catalog, "no catalog %s is produced here, expected one of those under catalogs with produce: true", z.Catalog)
		}
		unique(d, z.Groups, func(g *string) *string { return g })
	}
}

// catalog is the one of that name; nil: there is none.
func (doc *document) catalog(name lookup.Name) *Catalog {
	for i := range doc.Catalogs {
		if doc.Catalogs[i].Name == name {
			return &doc.Catalogs[i]
		}
	}
	return nil
}

func (c *Catalog) check(d *decoder) {
	c.Template.check(d)
	unique(d, c.Groups, func(g *Group) *string { return &g.Name })
	for i := range c.Groups {
		c.Groups[i].Template.check(d)
	}
	if !c.Produce {
		if !d.given(&c.Primaries) && d.given(&c.Name) {
			d.report(c, `key "primaries" is missing, or "produce: true" in its place`)
		}
		return
	}
	for at, written := range map[any]bool{
		&c.Primaries: d.given(&c.Primaries), &c.AllowNotify: d.given(&c.AllowNotify), &c.Groups: d.given(&c.Groups), &c.ZONEMD: d.given(&c.ZONEMD), &c.Most: d.given(&c.Most),
	} {
		if written {
			d.report(at, "says nothing for a catalog that is produced here, expected it where the catalog is consumed")
		}
	}
}

func (t *Template) check(d *decoder) {
	for _, list := range []*[]Server{&t.Primaries, &t.Notify} {
		notEmpty(d, list)
		unique(d, *list, func(s *Server) *netip.AddrPort { return &s.Address })
	}
}

// keysNamed is where a catalog names keys.
func (c *Catalog) keysNamed() []*lookup.Name {
	all := keysOf([][]Server{c.Primaries, c.Notify}, [][]Peer{c.AllowNotify, c.AllowTransfer})
	for i := range c.Groups {
		g := &c.Groups[i]
		all = append(all, keysOf([][]Server{g.Primaries, g.Notify}, [][]Peer{g.AllowNotify, g.AllowTransfer})...)
	}
	return all
}

// inherit has a group take over from its catalog what it does not say itself.
func (g *Group) inherit(d *decoder, from Template) {
	if !d.given(&g.Primaries) {
		g.Primaries = from.Primaries
	}
	if !d.given(&g.AllowNotify) {
		g.AllowNotify = from.AllowNotify
	}
	if !d.given(&g.AllowTransfer) {
		g.AllowTransfer = from.AllowTransfer
	}
	if !d.given(&g.Notify) {
		g.Notify = from.Notify
	}
	if !d.given(&g.ZONEMD) {
		g.ZONEMD = from.ZONEMD
	}
}
