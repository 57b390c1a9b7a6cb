package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// located is what answers depend on by where clients are: the overlays of zones, and
// what a geo.Watcher has to be told so that it knows all of their selectors.
type located struct {
	overlays map[lookup.Name]*overlay.Overlay
	sites    map[lookup.Name]*sites // of each overlay
	watch    geo.WatchOptions       // without what is told of its Maps

	databases []*geo.Database // as they were when all of this was read
	watcher   *geo.Watcher    // nil: there is no overlay
	atlas     *tailor.Atlas   // of the watcher's Maps
}

// loadLocated reads the overlays of zones, and looks whether databases and sets know
// what they ask for. All that is wrong in any file is reported. A zone that is not
// among files could not be read; its overlay is, for the sake of what is wrong in it.
func loadLocated(c *config.Config, files map[lookup.Name]*zones.Zone, w wiring) (located, error) {
	l := located{overlays: map[lookup.Name]*overlay.Overlay{}, sites: map[lookup.Name]*sites{}, watch: watchOptions(c.Geo)}
	l.watch.Sources.Databases, l.watch.Sources.Rankings = w.databases, map[string]geo.Ranking{}
	sets, setsWrong := loadSets(c.Geo)
	databases, databasesWrong := loadDatabases(l.watch.Files)
	databases = append(databases, w.databases...)
	l.databases = databases
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
		o, err := w.overlay(z.Overlay, overlay.Options{Base: files[z.Name], Origin: z.Name, Views: views, Sets: sets})
		if err == nil {
			l.sites[z.Name], err = newSites(o, len(z.Primaries) == 0)
			if databasesWrong == nil {
				err = errors.Join(err, unlocatable(o, databases))
			}
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("zone %s: %w", z.Name, err))
			continue
		}
		l.overlays[z.Name] = o
		maps.Copy(l.watch.Sources.Rankings, tailor.Rankings(o))
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
	if near := nearestIn(o); near != nil && !has(geo.Location) && !has(geo.Country) {
		wrong = append(wrong, overlay.Problem{Position: near.At, Text: "no database says where clients are, so nothing is nearest to them", Hint: hint})
	}
	return errors.Join(wrong...)
}

// nearestIn is the first choice that wants to know what is near; nil if there is none.
func nearestIn(o *overlay.Overlay) *overlay.Choice {
	for _, r := range o.Routes {
		for i := range r.Choices {
			if r.Choices[i].Nearest > 0 {
				return &r.Choices[i]
			}
		}
	}
	return nil
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
	}
}
