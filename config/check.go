package config

import (
	"net/netip"
	"slices"

	"github.com/sextant-dns/sextant/lookup"
)

// check judges values against each other. A value that could not be read is the
// zero value or its default here, and nothing more is said of it.
func (doc *document) check(d *decoder) {
	doc.checkAddresses(d)
	doc.XDP.check(d)
	doc.Cache.check(d)
	doc.checkResolver(d)
	doc.DNSSEC.check(d)
	doc.Cookies.check(d)
	notEmpty(d, &doc.Rebinding.Private)
	doc.checkPinned(d)
	doc.checkLocalRoot(d)
	doc.checkZones(d)
	doc.checkOverrides(d)
	doc.Geo.check(d)
	doc.checkCatalogs(d)
	unique(d, doc.Transfers.Source, func(a *netip.Addr) *netip.Addr { return a })
	doc.checkLifeline(d)
	if doc.Control.Socket == "" && doc.Control.Group != "" {
		d.report(&doc.Control.Group, "there is no socket for the group %s, expected one", doc.Control.Group)
	}
	doc.DNS64.check(d)
	doc.ECS.check(d)
	for i := range doc.Views {
		doc.Views[i].DNS64.check(d)
		doc.Views[i].ECS.check(d)
	}
	doc.checkViews(d)
}

func (doc *document) checkAddresses(d *decoder) {
	notEmpty(d, &doc.Listen)
	unique(d, doc.Listen, func(a *netip.AddrPort) *netip.AddrPort { return a })
	for _, a := range doc.Listen {
		if m := doc.Metrics; m.Port() != 0 && m.Port() == a.Port() && sameAddress(m.Addr(), a.Addr()) {
			d.report(&doc.Metrics, "%s is also where queries are listened for (%s), expected an address of its own", m, a)
			break
		}
	}
	notEmpty(d, &doc.Allow)
	if d.given(&doc.Allow) && d.given(&doc.Views) {
		d.report(&doc.Allow, "says nothing when there are views, expected clients in each view instead")
	}
}

// sameAddress tells whether two sockets of one port would meet.
func sameAddress(a, b netip.Addr) bool {
	return a == b || a.IsUnspecified() || b.IsUnspecified()
}

// checkPinned sees to it that a name has one list of servers, which can be asked.
func (doc *document) checkPinned(d *decoder) {
	first := map[lookup.Name]*Pinned{}
	for _, zones := range [][]Pinned{doc.Forward, doc.Stub} {
		for i := range zones {
			z := &zones[i]
			unique(d, z.Servers, func(a *netip.AddrPort) *netip.AddrPort { return a })
			z.checkTransport(d)
			if z.Prime && z.Name == lookup.Root {
				d.report(&z.Prime, "says nothing for the root, expected resolver.root-hints and resolver.priming for that")
			}
			if z.First && len(z.Servers) == 0 {
				d.report(&z.First, "there are no servers to ask first, expected some")
			}
			if z.Validate && len(z.Servers) == 0 {
				d.report(&z.Validate, "there are no servers whose word could be validated, expected some")
			}
			if earlier := first[z.Name]; earlier != nil && z.Name != "" {
				d.report(&z.Name, "%s was given servers before, on line %d", z.Name, d.places[&earlier.Name].line)
				continue
			}
			first[z.Name] = z
		}
	}
}

func (c *Cache) check(d *decoder) {
	const above = "the shortest time (%d) is above the longest (%d), expected less"
	if c.MinTTL > c.MaxTTL {
		d.report(&c.MinTTL, above, c.MinTTL, c.MaxTTL)
	}
	if c.MinNegativeTTL > c.MaxNegativeTTL {
		d.report(&c.MinNegativeTTL, above, c.MinNegativeTTL, c.MaxNegativeTTL)
	}
}

func (doc *document) checkResolver(d *decoder) {
	r := &doc.Resolver
	if !r.IPv4 && !r.IPv6 {
		d.report(&r.IPv6, "neither IPv4 nor IPv6 is left to ask servers with, expected at least one")
	}
	if r.Deadline < r.Timeout {
		at := &r.Deadline
		if !d.given(at) {
			at = &r.Timeout
		}
		d.report(at, "the deadline (%s) is shorter than one timeout (%s), expected more", short(r.Deadline), short(r.Timeout))
	}
	unique(d, r.SourceAddresses, func(a *netip.Addr) *netip.Addr { return a })
	for i := range r.SourceAddresses {
		a := &r.SourceAddresses[i]
		if a.Is4() && !r.IPv4 || a.Is6() && !r.IPv6 {
			d.report(a, "%s is of a family that servers are not asked with", a)
		}
	}
}

// checkLocalRoot sees to it that there is one source of the root, and that somebody
// asks it.
func (doc *document) checkLocalRoot(d *decoder) {
	l := &doc.Resolver.LocalRoot
	notEmpty(d, &l.Primaries)
	unique(d, l.Primaries, func(a *netip.AddrPort) *netip.AddrPort { return a })
	const instead = "says nothing beside a file, expected one or the other"
	if l.File != "" && d.given(&l.Primaries) {
		d.report(&l.Primaries, instead)
	}
	if l.File != "" && d.given(&l.Store) {
		d.report(&l.Store, instead)
	}
	for _, zones := range [][]Pinned{doc.Forward, doc.Stub} {
		for i := range zones {
			if z := &zones[i]; l.Use && z.Name == lookup.Root && len(z.Servers) > 0 {
				d.report(&l.Use, "the root has servers of its own, on line %d, expected one or the other", d.places[&z.Name].line)
			}
		}
	}
}

func (v *DNSSEC) check(d *decoder) {
	unique(d, v.TrustAnchorFiles, func(f *string) *string { return f })
	unique(d, v.NegativeAnchors, func(a *NegativeAnchor) *lookup.Name { return &a.Name })
	unique(d, v.Managed, func(n *lookup.Name) *lookup.Name { return n })
	if d.given(&v.Managed) && len(v.Managed) > 0 && v.State == "" {
		d.report(&v.Managed, "trust anchors cannot be kept up to date without a file for their history, expected state beside it")
	}
	if v.Validate && !v.BuiltinAnchor && len(v.TrustAnchors) == 0 && len(v.TrustAnchorFiles) == 0 && v.State == "" {
		d.report(&v.BuiltinAnchor, "no trust anchor is left to validate with, expected one, or validate: false")
	}
	for i := range v.NegativeAnchors {
		if n := &v.NegativeAnchors[i].Name; *n == lookup.Root {
			d.report(n, "nothing would be validated, expected validate: false for that") // RFC 7646 2
		}
	}
}

func (doc *document) checkViews(d *decoder) {
	notEmpty(d, &doc.Views)
	unique(d, doc.Views, func(v *View) *string { return &v.Name })
	for i := range doc.Views {
		v := &doc.Views[i]
		if len(v.Keys) == 0 {
			notEmpty(d, &v.Clients)
		}
		doc.checkKeys(d, keysOf(nil, [][]Peer{v.Proxies}))
		for j := range v.Keys {
			doc.checkKeys(d, []*lookup.Name{&v.Keys[j]})
		}
		unique(d, v.Keys, func(n *lookup.Name) *lookup.Name { return n })
		unique(d, v.Clients, func(p *netip.Prefix) *netip.Prefix { return p })
		unique(d, v.Zones, func(n *lookup.Name) *lookup.Name { return n })
		for j := range v.Zones {
			zone := &v.Zones[j]
			if c := doc.catalog(*zone); c != nil && !c.Produce {
				continue // its members
			}
			if *zone != "" && !slices.ContainsFunc(doc.Zones, func(z Zone) bool { return z.Name == *zone }) {
				d.report(zone, "no zone %s is configured, expected one of those under zones, or a catalog that is consumed", zone)
			}
		}
		if !v.Recursion && (len(doc.Zones)+len(doc.Catalogs) == 0 || d.given(&v.Zones) && len(v.Zones) == 0) {
			d.report(v, "neither recursion nor zones, expected something to answer with")
		}
		for _, earlier := range doc.Views[:i] {
			if len(v.Proxies)+len(v.Keys) == 0 && shadows(earlier.Clients, v.Clients) {
				d.report(&v.Clients, "no client reaches view %q: view %q before it has them all", v.Name, earlier.Name)
				break
			}
		}
	}
}

// shadows tells whether the earlier view's clients include all of the later's.
// Networks that only together include one of the later's are not noticed.
func shadows(earlier, later []netip.Prefix) bool {
	if len(later) == 0 {
		return false
	}
	for _, p := range later {
		if !p.IsValid() || !slices.ContainsFunc(earlier, func(q netip.Prefix) bool { return includes(q, p) }) {
			return false
		}
	}
	return true
}

// includes tells whether every address of small is in large.
func includes(large, small netip.Prefix) bool {
	return large.Bits() <= small.Bits() && large.Contains(small.Addr())
}

func (p *DNS64) check(d *decoder) {
	for i := range p.Prefixes {
		p.Prefixes[i].check(d)
	}
	unique(d, p.Prefixes, func(r *Prefix64) *netip.Prefix { return &r.Prefix })
	if d.given(&p.Prefixes) && !slices.ContainsFunc(p.Prefixes, func(r Prefix64) bool { return r.Synthesize }) {
		d.report(&p.Prefixes, "no entry synthesises anything, expected at least one prefix")
	}
	p.checkRanges(d)
	unique(d, p.ExcludeAAAA, func(x *netip.Prefix) *netip.Prefix { return x })
	unique(d, p.Names, func(r *NameRule) *lookup.Name { return &r.Suffix })
	p.checkModes(d)
}

// checkRanges looks for ranges that are to be synthesised and are not to be.
func (p *DNS64) checkRanges(d *decoder) {
	type range4 struct {
		at         *netip.Prefix
		synthesize bool
	}
	first := map[netip.Prefix]range4{}
	for i := range p.Prefixes {
		r := &p.Prefixes[i]
		for j := range r.IPv4 {
			this := range4{&r.IPv4[j], r.Synthesize}
			earlier, again := first[*this.at]
			if again && this.at.IsValid() && earlier.synthesize != this.synthesize {
				d.report(this.at, "%s is both synthesised and not, see line %d", this.at, d.places[earlier.at].line)
			} else if !again {
				first[*this.at] = this
			}
		}
	}
}

// checkModes looks for what is of no use without forced mode.
func (p *DNS64) checkModes(d *decoder) {
	forced := p.Mode == ModeForced
	for i := range p.Names {
		r := &p.Names[i]
		forced = forced || r.Mode == ModeForced
		if r.HideA && r.Mode != ModeForced && r.Mode != "" {
			d.report(&r.HideA, "says nothing in mode %s, expected mode forced beside it", r.Mode)
		}
		if r.Suffix == lookup.Root {
			d.report(&r.Suffix, "the root is every name's suffix, expected dns64.mode for that")
		}
	}
	const useless = "says nothing where no name is forced, expected mode forced, here or under names"
	if !forced && p.HideA {
		d.report(&p.HideA, useless)
	}
	if !forced && p.HTTPS == HTTPSWithhold {
		d.report(&p.HTTPS, useless)
	}
	if !forced && p.WhenNoA == WhenNoANoData {
		d.report(&p.WhenNoA, useless)
	}
}

func (r *Prefix64) check(d *decoder) {
	switch {
	case !d.given(r): // a default
	case r.Synthesize && !d.given(&r.Prefix):
		d.report(r, `key "prefix" is missing`)
	case !r.Synthesize && d.given(&r.Prefix):
		d.report(&r.Prefix, "a prefix for what is not synthesised, expected no prefix beside synthesize: false")
	case !r.Synthesize && !d.given(&r.IPv4):
		d.report(r, `key "ipv4" is missing: which addresses are not to be synthesised?`)
	}
	if d.given(&r.IPv4) {
		notEmpty(d, &r.IPv4)
	}
	unique(d, r.IPv4, func(p *netip.Prefix) *netip.Prefix { return p })
}

// notEmpty reports a list that was written with nothing in it.
func notEmpty[T any](d *decoder, list *[]T) {
	if at, written := d.places[list]; written && *list != nil && len(*list) == 0 {
		d.reportAt(at, "an empty list, expected at least one entry")
	}
}

// unique reports items whose key an earlier item has.
func unique[T any, K comparable](d *decoder, items []T, key func(*T) *K) {
	var zero K
	first := map[K]*K{}
	for i := range items {
		k := key(&items[i])
		if *k == zero { // it could not be read
			continue
		}
		if earlier, again := first[*k]; again {
			d.report(k, "%v was given before, on line %d", *k, d.places[earlier].line)
			continue
		}
		first[*k] = k
	}
}
