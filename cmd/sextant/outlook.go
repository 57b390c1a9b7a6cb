package main

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/sextant-dns/sextant/config"
	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

// outlook is what everybody would hear of our zones, by a configuration and its files.
type outlook struct {
	config *config.Config
	files  map[lookup.Name]*zones.Zone
	views  []map[lookup.Name]*tailor.Zone // of each view
	failed error                          // expectations
}

// newOutlook reads a configuration's files. The error says what is wrong in them;
// expectations that fail are no error.
func newOutlook(c *config.Config) (*outlook, error) {
	p := &parts{log: slog.New(slog.DiscardHandler)}
	files, err := p.loadZones(c)
	if err != nil {
		return nil, err
	}
	l, err := loadLocated(c, files, wiring{})
	if err != nil {
		return nil, err
	}
	w, err := geo.NewWatcher(l.watch)
	if err != nil {
		return nil, fmt.Errorf("geo: %w", err)
	}
	seen := &outlook{config: c, files: files, failed: l.judge(files, w.Map())}
	atlas := tailor.NewAtlas(w.Map)
	for _, v := range c.Views {
		own := map[lookup.Name]*tailor.Zone{}
		for _, name := range v.Zones {
			if base := files[name]; base != nil {
				o := l.overlays[name]
				if o == nil {
					o = &overlay.Overlay{Apex: name}
				}
				own[name] = tailor.New(base, o, tailor.Options{View: v.Name, Atlas: atlas})
			}
		}
		seen.views = append(seen.views, own)
	}
	return seen, nil
}

// change is what becomes of one name and type, in a view.
type change struct {
	View    string  `json:"view"`
	Name    string  `json:"name"`
	Type    string  `json:"type"`         // "": all that are not named beside it
	IPv4    float64 `json:"ipv4_percent"` // of all addresses
	IPv6    float64 `json:"ipv6_percent"` // of 2000::/3
	Example string  `json:"example"`      // a network that hears something else

	changed []netip.Prefix
}

// compare is what becomes of all names that overlays decide about.
func compare(was, is *outlook) (all []change) {
	for i, v := range is.config.Views {
		for _, apex := range slices.SortedFunc(maps.Keys(is.views[i]), lookup.Name.Compare) {
			now, before := is.views[i][apex], was.views[i][apex]
			if before == nil {
				continue
			}
			seen := map[string]bool{}
			for _, z := range []*tailor.Zone{before, now} {
				for name, t := range z.Decided() {
					c := change{View: v.Name, Name: name.String(), changed: otherwise(before.World(name, t), now.World(name, t))}
					if t != lookup.TypeNone {
						c.Type = t.String()
					}
					if key := c.Name + " " + c.Type; len(c.changed) > 0 && !seen[key] {
						seen[key] = true
						c.IPv4, c.IPv6 = shares(c.changed)
						c.Example = widest(c.changed).String()
						all = append(all, c)
					}
				}
			}
		}
	}
	return all
}

// otherwise is the networks that hear something else in the one world than in the other.
// Both are in the order of addresses, and no network of a world overlaps another.
func otherwise(one, other iter.Seq2[netip.Prefix, string]) (changed []netip.Prefix) {
	next, stop := iter.Pull2(other)
	defer stop()
	q, text, more := next()
	for p, mine := range one {
		for more && byAddress(q, p) < 0 && !q.Overlaps(p) {
			q, text, more = next()
		}
		for more && q.Overlaps(p) {
			if mine != text {
				changed = append(changed, longer(p, q))
			}
			if q.Bits() <= p.Bits() {
				break // the rest of q may be for the next of ours
			}
			q, text, more = next()
		}
	}
	return changed
}

// byAddress is the order of addresses, IPv4 first, and wider networks before those in them.
func byAddress(p, q netip.Prefix) int {
	if c := p.Addr().Compare(q.Addr()); c != 0 {
		return c
	}
	return p.Bits() - q.Bits()
}

func longer(p, q netip.Prefix) netip.Prefix {
	if p.Bits() > q.Bits() {
		return p
	}
	return q
}

func widest(all []netip.Prefix) netip.Prefix {
	return slices.MinFunc(all, func(p, q netip.Prefix) int { return p.Bits() - q.Bits() })
}

// shares is how many percent of all IPv4 addresses, and of the IPv6 ones of 2000::/3, are
// in a list of networks.
func shares(all []netip.Prefix) (ipv4, ipv6 float64) {
	global := netip.MustParsePrefix("2000::/3")
	sorted := slices.SortedFunc(slices.Values(all), byAddress)
	var last netip.Prefix
	for _, p := range sorted {
		if last.IsValid() && last.Overlaps(p) {
			continue // it is in there
		}
		last = p
		switch {
		case p.Addr().Is4():
			ipv4 += 100 * math.Exp2(-float64(p.Bits()))
		case p.Overlaps(global):
			ipv6 += 100 * math.Exp2(-float64(max(0, p.Bits()-global.Bits())))
		}
	}
	return ipv4, ipv6
}

// asked is a query of a log.
type askedQuery struct {
	at   netip.Prefix
	name lookup.Name
	t    lookup.Type
}

// readQueries reads a log with CLIENT NAME TYPE on each line.
func readQueries(r io.Reader, file string) (all []askedQuery, err error) {
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		if len(words) != 3 {
			return nil, fmt.Errorf("%s:%d: want a client, a name and a type", file, n)
		}
		var q askedQuery
		if q.at, err = addressOrPrefix(words[0]); err == nil {
			q.name, q.t, err = question(words[1], words[2], lookup.TypeA)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n, err)
		}
		all = append(all, q)
	}
	return all, lines.Err()
}

// hears is what the client of a query hears; "" of names that are not ours.
func (o *outlook) hears(q askedQuery) string {
	for i, v := range o.config.Views {
		if !slices.ContainsFunc(v.Clients, func(p netip.Prefix) bool { return p.Contains(q.at.Addr()) }) {
			continue
		}
		for name, ok := q.name, true; ok; name, ok = name.Parent() {
			if z := o.views[i][name]; z != nil {
				return z.Hears(q.name, q.t, tailor.Client{At: q.at})
			}
		}
		return ""
	}
	return ""
}

// different is how many RRsets of a zone file are in one of two versions only.
func different(was, is *zones.Zone) (n int) {
	texts := map[string]int{}
	for s := range was.All() {
		texts[s.String()]++
	}
	for s := range is.All() {
		texts[s.String()]--
	}
	for _, count := range texts {
		if count != 0 {
			n++
		}
	}
	return n
}
