package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/health"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/zones"
)

// located is what answers depend on by where clients are: the overlays of zones, and
// what a geo.Watcher has to be told so that it knows all of their selectors.
type located struct {
	overlays map[lookup.Name]*overlay.Overlay
	watch    geo.WatchOptions
}

// loadLocated reads the overlays of zones, and looks whether databases and sets know
// what they ask for. All that is wrong in any file is reported. A zone that is not
// among files could not be read; its overlay is, for the sake of what is wrong in it.
func loadLocated(c *config.Config, files map[lookup.Name]*zones.Zone) (located, error) {
	l := located{overlays: map[lookup.Name]*overlay.Overlay{}, watch: watchOptions(c.Geo)}
	sets, setsWrong := loadSets(c.Geo)
	databases, databasesWrong := loadDatabases(l.watch.Files)
	wrong := []error{setsWrong, databasesWrong}
	used := map[geo.Selector]bool{}
	views := make([]string, 0, len(c.Views))
	for _, v := range c.Views {
		views = append(views, v.Name)
	}
	for _, z := range c.Zones {
		if z.Overlay == "" {
			continue
		}
		o, err := overlay.LoadFile(z.Overlay, overlay.Options{Base: files[z.Name], Origin: z.Name, Views: views, Sets: sets})
		if err == nil {
			err = uncheckable(o)
			if databasesWrong == nil {
				err = errors.Join(err, unlocatable(o, databases))
			}
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("zone %s: %w", z.Name, err))
			continue
		}
		l.overlays[z.Name] = o
		for _, s := range o.Selectors() {
			if !used[s] {
				used[s] = true
				l.watch.Selectors = append(l.watch.Selectors, s)
			}
		}
	}
	return l, errors.Join(wrong...)
}

// watchOptions is what the configuration says of places, without the selectors.
func watchOptions(c config.Geo) geo.WatchOptions {
	o := geo.WatchOptions{Sources: geo.Sources{NAT64: c.NAT64, Sets: map[string][]netip.Prefix{}}}
	for _, d := range c.Databases {
		o.Files = append(o.Files, geo.File{Name: d.File, Paths: layout(d.Paths)})
	}
	for _, s := range c.Sets {
		if s.File == "" {
			o.Sources.Sets[s.Name] = s.Networks
		} else {
			o.Lists = append(o.Lists, geo.List{Set: s.Name, Name: s.File})
		}
	}
	return o
}

func layout(p config.GeoPaths) geo.Layout {
	l := geo.Layout{}
	for kind, paths := range map[geo.Kind][]string{
		geo.Continent: p.Continent, geo.Country: p.Country, geo.Subdivision: p.Subdivision, geo.City: p.City, geo.ASN: p.ASN,
		geo.Location: p.Location,
	} {
		if len(paths) > 0 {
			l[kind] = paths
		}
	}
	return l
}

// loadSets reads the networks of all sets as they are now. It is never nil.
func loadSets(c config.Geo) (map[string][]netip.Prefix, error) {
	sets := map[string][]netip.Prefix{}
	var wrong []error
	for _, s := range c.Sets {
		sets[s.Name] = s.Networks
		if s.File == "" {
			continue
		}
		content, err := os.ReadFile(s.File)
		if err == nil {
			sets[s.Name], err = geo.ParseNetworks(s.File, content)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("geo: set %s: %w", s.Name, err))
		}
	}
	return sets, errors.Join(wrong...)
}

func loadDatabases(files []geo.File) (all []*geo.Database, err error) {
	var wrong []error
	for _, f := range files {
		d, err := geo.Open(f.Name, f.Paths)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("geo: %w", err))
			continue
		}
		all = append(all, d)
	}
	return all, errors.Join(wrong...)
}

// unlocatable tells of selectors that would never be true, because no database has
// values of their kind.
func unlocatable(o *overlay.Overlay, databases []*geo.Database) error {
	has := func(k geo.Kind) bool {
		return slices.ContainsFunc(databases, func(d *geo.Database) bool { return d.Has(k) })
	}
	hint := "name a database that has under geo.databases"
	if len(databases) == 0 {
		hint = "name databases under geo.databases"
	}
	var wrong []error
	told := map[geo.Kind]bool{}
	for c := range o.Conditions() {
		for _, t := range c.Terms {
			switch k := t.Selector.Kind; {
			case k > geo.ASN, told[k], has(k), k == geo.Continent && has(geo.Country):
			default:
				told[k] = true
				wrong = append(wrong, overlay.Problem{Position: c.At, Text: fmt.Sprintf("no database has values of the kind %s, which %s needs", k, t.Selector), Hint: hint})
			}
		}
	}
	return errors.Join(wrong...)
}

// uncheckable tells of settings of sites that are no settings of checks.
func uncheckable(o *overlay.Overlay) error {
	var all []error
	for _, s := range o.Sites {
		pairs := make([]health.Pair, 0, len(s.Checks))
		for _, c := range s.Checks {
			pairs = append(pairs, health.Pair{Key: c.Key, Value: c.Value})
		}
		_, err := health.ParseSettings(pairs)
		if several, ok := err.(interface{ Unwrap() []error }); ok {
			for _, err := range several.Unwrap() {
				if wrong, ok := errors.AsType[*health.PairError](err); ok {
					all = append(all, overlay.Problem{Position: s.Checks[wrong.Index].At, Text: "site " + s.Name + ": " + wrong.Error()})
				}
			}
		}
	}
	return errors.Join(all...)
}

// lint is what is unwise in zones and overlays, by zone.
func (s *state) lint() (all []error) {
	names := make([]lookup.Name, 0, len(s.files))
	for name := range s.files {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b lookup.Name) int { return cmp.Compare(a.String(), b.String()) })
	for _, name := range names {
		for _, p := range s.files[name].Lint() {
			all = append(all, p)
		}
		if o := s.located.overlays[name]; o != nil {
			for _, p := range o.Lint {
				all = append(all, p)
			}
		}
	}
	return all
}

// announce has operators read what is unwise in overlays.
func (p *parts) announce(l located) {
	for name, o := range l.overlays {
		for _, problem := range o.Lint {
			p.log.Warn("overlay", "zone", name, "problem", problem)
		}
		p.log.Warn("overlay: read, and nobody hears of it yet", "zone", name)
	}
}
