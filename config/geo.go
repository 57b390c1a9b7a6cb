package config

import (
	"net/netip"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// Geo is what is known of where clients are.
type Geo struct {
	Databases []GeoDatabase  // the first that has a kind of value counts for it
	Sets      []GeoSet       // networks that overlays name
	NAT64     []netip.Prefix // this network's own, beside 64:ff9b::/96; legal by RFC 6052 2.2
}

// GeoDatabase is an mmdb file.
type GeoDatabase struct {
	File  string
	Paths GeoPaths
}

// GeoPaths are where values stand in a database's records, where its type does not
// tell: keys and indices joined by dots, in the order in which they are tried. nil: where
// databases of its type have them.
type GeoPaths struct {
	Continent, Country, Subdivision, City, ASN []string

	Location []string // degrees north and degrees east, in pairs
}

// GeoSet is networks with a name: those that are listed here, or those of a file.
type GeoSet struct {
	Name     string
	Networks []netip.Prefix
	File     string // a network a line; "": there are Networks
}

func (g *Geo) keys() keys {
	return keys{
		"databases": list(&g.Databases, geoDatabase),
		"sets":      list(&g.Sets, func(s *GeoSet) reader { return object(s, s.keys(), "name") }),
		"nat64":     values(&g.NAT64, prefix64),
	}
}

// geoDatabase reads a file with paths, or only the file.
func geoDatabase(b *GeoDatabase) reader {
	return func(d *decoder, n ast.Node) {
		if _, alone := textOf(n); alone {
			value(&b.File, text(4096))(d, n)
			return
		}
		object(b, b.keys(), "file")(d, n)
	}
}

func (b *GeoDatabase) keys() keys {
	return keys{
		"file":  value(&b.File, text(4096)),
		"paths": object(&b.Paths, b.Paths.keys()),
	}
}

func (p *GeoPaths) keys() keys {
	return keys{
		"continent":   oneOrMore(&p.Continent),
		"country":     oneOrMore(&p.Country),
		"subdivision": oneOrMore(&p.Subdivision),
		"city":        oneOrMore(&p.City),
		"asn":         oneOrMore(&p.ASN),
		"location":    values(&p.Location, text(255)),
	}
}

// oneOrMore reads a list of paths, or one alone.
func oneOrMore(paths *[]string) reader {
	return func(d *decoder, n ast.Node) {
		if _, alone := textOf(n); alone {
			*paths = make([]string, 1)
			value(&(*paths)[0], text(255))(d, n)
			return
		}
		values(paths, text(255))(d, n)
		notEmpty(d, paths)
	}
}

func (s *GeoSet) keys() keys {
	return keys{
		"name":     value(&s.Name, text(63)),
		"networks": values(&s.Networks, network),
		"file":     value(&s.File, text(4096)),
	}
}

func (g *Geo) check(d *decoder) {
	unique(d, g.Databases, func(b *GeoDatabase) *string { return &b.File })
	for i := range g.Databases {
		if at := &g.Databases[i].Paths.Location; d.given(at) && (len(*at) == 0 || len(*at)%2 != 0) {
			d.report(at, "expected pairs of paths, to degrees north and to degrees east")
		}
	}
	unique(d, g.Sets, func(s *GeoSet) *string { return &s.Name })
	unique(d, g.NAT64, func(p *netip.Prefix) *netip.Prefix { return p })
	for i := range g.Sets {
		s := &g.Sets[i]
		switch {
		case d.given(&s.Networks) && d.given(&s.File):
			d.report(&s.File, "says nothing beside networks, expected one or the other")
		case !d.given(&s.Networks) && !d.given(&s.File):
			d.report(s, `key "networks" is missing, or "file" in its place`)
		}
		unique(d, s.Networks, func(p *netip.Prefix) *netip.Prefix { return p })
	}
}

// under has the paths of files start where those of the document do.
func (g *Geo) under(folder func(path *string)) {
	g.Databases, g.Sets = slices.Clone(g.Databases), slices.Clone(g.Sets)
	for i := range g.Databases {
		folder(&g.Databases[i].File)
	}
	for i := range g.Sets {
		folder(&g.Sets[i].File)
	}
}
