package config

import (
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/sextant-dns/sextant/lookup"
)

// document is the file as it is written: a Config, and what views are made of.
type document struct {
	Config
	Allow         []netip.Prefix // the clients of the view that there is when none is written
	Forward, Stub []Pinned
	DNS64         DNS64 // of views that have none of their own
	ECS           ECS   // the same
}

func newDocument() *document {
	return &document{
		Config: Config{
			Listen:    []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:5300"), netip.MustParseAddrPort("[::1]:5300")},
			Cache:     Cache{Memory: 256 << 20, Packets: 10_000_000, Responses: 10_000_000, MaxTTL: 86_400, MaxNegativeTTL: 900},
			Responses: Responses{Order: OrderCyclic, Minimal: true, Any: AnyMinimal},
			Resolver: Resolver{
				Priming: true, IPv4: true, IPv6: true, Port: 53, Case0x20: true, Cookies: true, UDPSize: 1232,
				Timeout: 1500 * time.Millisecond, Deadline: 6 * time.Second, MaxUpstream: 100, MaxAliases: 11, WaitingPerName: 100, FetchesPerZone: 200,
				Minimise: true, Prefetch: true, HardenGlue: true,
				LocalRoot:  LocalRoot{ZONEMD: ZONEMDRequire},
				DoNotQuery: prefixes("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/127", "ff00::/8"),
			},
			TCP: TCP{
				Idle: 10 * time.Second, FirstByte: 2 * time.Second, Write: 5 * time.Second,
				InFlight: 16, PerClient: 32, Connections: 1024,
			},
			UDP:       UDP{Size: 1232, Slow: 10_000, SlowPerClient: 256},
			XDP:       XDP{Mode: XDPAuto},
			Cookies:   Cookies{Answer: true, Require: RequireOverLimit},
			RateLimit: RateLimit{Errors: 100, Window: 15 * time.Second, Slip: 2, IPv4Prefix: 24, IPv6Prefix: 56, Table: 100_000},
			Transfers: Transfers{In: 20, Out: 100, OutPerClient: 20},
			DNSSEC: DNSSEC{
				Validate: true, BuiltinAnchor: true, Managed: []lookup.Name{lookup.Root},
				Sentinel: true, Aggressive: true, SHA1: SHA1Insecure, ClockSkew: -1, MaxNSEC3Iterations: 50,
			},
			SpecialNames: SpecialNames{Answer: true},
			Stale:        Stale{After: 1800 * time.Millisecond, MaxAge: 24 * time.Hour, TTL: 30}, // RFC 8767 5
			Control:      Control{Socket: DefaultSocket},
			Lifeline:     Lifeline{GraceDelegation: 6 * time.Hour},
		},
		Allow: prefixes(
			"127.0.0.0/8", "::1/128", // this host
			"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", // RFC 1918
			"100.64.0.0/10",               // RFC 6598: carrier-grade NAT
			"169.254.0.0/16", "fe80::/10", // link-local
			"fc00::/7"), // RFC 4193: unique local
		DNS64: newDNS64(ModeOff),
		ECS:   newECS(SendNothing), // RFC 7871 11.3
	}
}

func newDNS64(m Mode) DNS64 {
	return DNS64{
		Mode:     m,
		Prefixes: []Prefix64{{Prefix: netip.MustParsePrefix("64:ff9b::/96"), Synthesize: true}}, // RFC 6147 5.2
		HTTPS:    HTTPSPass, WhenNoA: WhenNoAReal,
		ExcludeAAAA:      prefixes("::ffff:0:0/96"), // RFC 6147 5.1.4
		PartialExclusion: PartialKeep,
		WellKnownPrefix:  WKPRFC6052,
		CheckingDisabled: CDPass,
		DiscoveryTTL:     3600, // RFC 7050 4: an hour at least
	}
}

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		all[i] = netip.MustParsePrefix(t)
	}
	return all
}

func (doc *document) keys() keys {
	return keys{
		"listen":        doc.listened,
		"xdp":           object(&doc.XDP, doc.XDP.keys()),
		"metrics":       value(&doc.Metrics, endpoint(9153)),
		"log":           value(&doc.Log, logLevel),
		"nsid":          value(&doc.NSID, text(128)),    // as much as the server sends
		"version":       value(&doc.Version, text(255)), // one character string (RFC 1035 3.3)
		"allow":         values(&doc.Allow, network),
		"cache":         object(&doc.Cache, doc.Cache.keys()),
		"responses":     object(&doc.Responses, doc.Responses.keys()),
		"resolver":      object(&doc.Resolver, doc.Resolver.keys()),
		"dnssec":        object(&doc.DNSSEC, doc.DNSSEC.keys()),
		"tcp":           object(&doc.TCP, doc.TCP.keys()),
		"udp":           object(&doc.UDP, doc.UDP.keys()),
		"cookies":       object(&doc.Cookies, doc.Cookies.keys()),
		"rate-limit":    object(&doc.RateLimit, doc.RateLimit.keys()),
		"dns64":         dns64(&doc.DNS64),
		"ecs":           ecs(&doc.ECS),
		"geo":           object(&doc.Geo, doc.Geo.keys()),
		"special-names": object(&doc.SpecialNames, doc.SpecialNames.keys()),
		"rebinding":     object(&doc.Rebinding, doc.Rebinding.keys()),
		"stale":         object(&doc.Stale, doc.Stale.keys()),
		"control":       object(&doc.Control, doc.Control.keys()),
		"lifeline":      object(&doc.Lifeline, doc.Lifeline.keys()),
		"forward":       list(&doc.Forward, forwarded),
		"stub":          list(&doc.Stub, stub),
		"overrides":     list(&doc.Overrides, overridden),
		"keys":          list(&doc.Keys, key),
		"zones":         list(&doc.Zones, zone),
		"catalogs":      list(&doc.Catalogs, catalog),
		"transfers":     object(&doc.Transfers, doc.Transfers.keys()),
		"views":         list(&doc.Views, view),
	}
}

func (c *Cache) keys() keys {
	const most, longest = 100_000_000, 1<<31 - 1 // RFC 2181 8
	const floor = 3600                           // whoever wants more wants to override zones
	return keys{
		"memory":           value(&c.Memory, size(1<<20, 1<<40)),
		"packets":          value(&c.Packets, integer(0, most)),
		"responses":        value(&c.Responses, integer(2, most)),
		"max-ttl":          value(&c.MaxTTL, integer[uint32](1, longest)),
		"max-negative-ttl": value(&c.MaxNegativeTTL, integer[uint32](1, longest)),
		"min-ttl":          value(&c.MinTTL, integer[uint32](0, floor)),
		"min-negative-ttl": value(&c.MinNegativeTTL, integer[uint32](0, floor)),
	}
}

func (r *Responses) keys() keys {
	return keys{
		"order":   value(&r.Order, oneOf(OrderFixed, OrderCyclic, OrderRandom)),
		"minimal": value(&r.Minimal, boolean),
		"any":     value(&r.Any, oneOf(AnyMinimal, AnyFull, AnyRefuse)),
	}
}

func (r *Resolver) keys() keys {
	return keys{
		"root-hints":       value(&r.RootHints, text(4096)),
		"priming":          value(&r.Priming, boolean),
		"ipv4":             value(&r.IPv4, boolean),
		"ipv6":             value(&r.IPv6, boolean),
		"port":             value(&r.Port, integer[uint16](1, 65535)),
		"case-0x20":        value(&r.Case0x20, boolean),
		"cookies":          value(&r.Cookies, boolean),
		"udp-size":         value(&r.UDPSize, integer[uint16](512, 4096)),
		"timeout":          value(&r.Timeout, duration(10*time.Millisecond, time.Minute)),
		"deadline":         value(&r.Deadline, duration(100*time.Millisecond, time.Minute)),
		"max-upstream":     value(&r.MaxUpstream, integer(1, 10_000)),
		"max-aliases":      value(&r.MaxAliases, integer(1, 100)),
		"waiting-per-name": value(&r.WaitingPerName, integer(1, 1_000_000)),
		"fetches-per-zone": value(&r.FetchesPerZone, integer(0, 1_000_000)),
		"source-addresses": values(&r.SourceAddresses, address),
		"minimise":         value(&r.Minimise, boolean),
		"prefetch":         value(&r.Prefetch, boolean),
		"do-not-query":     values(&r.DoNotQuery, network),
		"snoop":            value(&r.Snoop, boolean),
		"harden-glue":      value(&r.HardenGlue, boolean),
		"nxdomain-cut":     value(&r.NXDomainCut, boolean),
		"local-root":       object(&r.LocalRoot, r.LocalRoot.keys()),
	}
}

func (l *LocalRoot) keys() keys {
	return keys{
		"use":       value(&l.Use, boolean),
		"primaries": values(&l.Primaries, endpoint(53)),
		"file":      value(&l.File, text(4096)),
		"store":     value(&l.Store, text(4096)),
		"zonemd":    value(&l.ZONEMD, oneOf(ZONEMDRequire, ZONEMDCheck, ZONEMDIgnore)),
	}
}

func (v *DNSSEC) keys() keys {
	return keys{
		"validate":             value(&v.Validate, boolean),
		"builtin-anchor":       value(&v.BuiltinAnchor, boolean),
		"trust-anchors":        values(&v.TrustAnchors, text(8192)),
		"trust-anchor-files":   values(&v.TrustAnchorFiles, text(4096)),
		"negative-anchors":     list(&v.NegativeAnchors, negativeAnchor),
		"state":                value(&v.State, text(4096)),
		"managed":              values(&v.Managed, name),
		"sentinel":             value(&v.Sentinel, boolean),
		"sha1":                 value(&v.SHA1, oneOf(SHA1Insecure, SHA1Accept)),
		"clock-skew":           value(&v.ClockSkew, duration(0, 24*time.Hour)),
		"now":                  value(&v.Now, instant),
		"aggressive":           value(&v.Aggressive, boolean),
		"permissive":           value(&v.Permissive, boolean),
		"max-nsec3-iterations": value(&v.MaxNSEC3Iterations, integer(1, 2500)), // RFC 5155 10.3: the most there ever were
	}
}

// negativeAnchor reads a name with an end, or only a name.
func negativeAnchor(a *NegativeAnchor) reader {
	return func(d *decoder, n ast.Node) {
		if _, alone := textOf(n); alone {
			value(&a.Name, name)(d, n)
			return
		}
		object(a, a.keys(), "name")(d, n)
	}
}

func (a *NegativeAnchor) keys() keys {
	return keys{
		"name":  value(&a.Name, name),
		"until": value(&a.Until, instant),
	}
}

func (t *TCP) keys() keys {
	const least, longest = 10 * time.Millisecond, time.Hour
	return keys{
		"idle":        value(&t.Idle, duration(least, longest)),
		"first-byte":  value(&t.FirstByte, duration(least, longest)),
		"write":       value(&t.Write, duration(least, longest)),
		"in-flight":   value(&t.InFlight, integer(1, 10_000)),
		"per-client":  value(&t.PerClient, integer(1, 1_000_000)),
		"connections": value(&t.Connections, integer(0, 1_000_000)),
	}
}

func (u *UDP) keys() keys {
	return keys{
		"readers":         value(&u.Readers, integer(0, 1024)),
		"size":            value(&u.Size, integer(512, 4096)),
		"slow":            value(&u.Slow, integer(1, 1_000_000)),
		"slow-per-client": value(&u.SlowPerClient, integer(1, 1_000_000)),
	}
}

func (s *Stale) keys() keys {
	return keys{
		"serve":   value(&s.Serve, boolean),
		"after":   value(&s.After, duration(0, time.Minute)),
		"max-age": value(&s.MaxAge, duration(time.Second, 30*24*time.Hour)),
		"ttl":     value(&s.TTL, integer[uint32](1, 86400)),
	}
}

func (c *Control) keys() keys {
	return keys{
		"socket": value(&c.Socket, socket),
		"group":  value(&c.Group, text(63)),

		"overrides": value(&c.Overrides, text(4096)),
	}
}

func (s *SpecialNames) keys() keys {
	return keys{
		"answer": value(&s.Answer, boolean),
		"except": values(&s.Except, name),
	}
}

func (r *Rebinding) keys() keys {
	return keys{
		"filter":  value(&r.Filter, boolean),
		"private": values(&r.Private, network),
		"domains": values(&r.Domains, name),
	}
}

func (p *DNS64) keys() keys {
	return keys{
		"mode":              value(&p.Mode, oneOf(ModeOff, ModeStandard, ModeForced)),
		"prefixes":          list(&p.Prefixes, prefix),
		"hide-a":            value(&p.HideA, boolean),
		"https":             value(&p.HTTPS, oneOf(HTTPSPass, HTTPSWithhold)),
		"when-no-a":         value(&p.WhenNoA, oneOf(WhenNoAReal, WhenNoANoData)),
		"exclude-aaaa":      values(&p.ExcludeAAAA, network6),
		"partial-exclusion": value(&p.PartialExclusion, oneOf(PartialKeep, PartialSynthesize)),
		"well-known-prefix": value(&p.WellKnownPrefix, oneOf(WKPRFC6052, WKP1918, WKPOff)),
		"checking-disabled": value(&p.CheckingDisabled, oneOf(CDPass, CDSynthesize)),
		"pass-rcodes":       values(&p.PassRcodes, oneOf(RcodeFORMERR, RcodeSERVFAIL, RcodeNOTIMP, RcodeREFUSED)),
		"discovery-ttl":     value(&p.DiscoveryTTL, integer[uint32](1, 1<<31-1)),
		"nat64-name":        value(&p.NAT64Name, name),
		"names":             list(&p.Names, nameRule),
	}
}

// dns64 reads a policy. Who writes one wants synthesis: its mode is standard
// unless it says otherwise.
func dns64(p *DNS64) reader {
	return func(d *decoder, n ast.Node) {
		*p = newDNS64(ModeStandard)
		object(p, p.keys())(d, n)
		for i := range p.Names {
			if r := &p.Names[i]; r.Mode == ModeForced && !d.given(&r.HideA) {
				r.HideA = p.HideA
			}
		}
	}
}

// prefix reads a rule for IPv4 ranges, or only its prefix.
func prefix(p *Prefix64) reader {
	return func(d *decoder, n ast.Node) {
		p.Synthesize = true
		if _, alone := textOf(n); alone {
			value(&p.Prefix, prefix64)(d, n)
			return
		}
		object(p, p.keys())(d, n)
	}
}

func (p *Prefix64) keys() keys {
	return keys{
		"prefix":     value(&p.Prefix, prefix64),
		"ipv4":       values(&p.IPv4, network4),
		"synthesize": value(&p.Synthesize, boolean),
	}
}

func nameRule(r *NameRule) reader { return object(r, r.keys(), "suffix", "mode") }

func (r *NameRule) keys() keys {
	return keys{
		"suffix": value(&r.Suffix, name),
		"mode":   value(&r.Mode, oneOf(ModeOff, ModeStandard, ModeForced)),
		"hide-a": value(&r.HideA, boolean),
	}
}

func view(v *View) reader {
	v.Recursion = true
	return object(v, v.keys(), "name", "clients")
}

func (v *View) keys() keys {
	return keys{
		"name":    value(&v.Name, text(63)),
		"clients": values(&v.Clients, network),
		"keys":    values(&v.Keys, name),

		"ecs-proxies": list(&v.Proxies, peer),

		"recursion": value(&v.Recursion, boolean),
		"zones":     values(&v.Zones, name),
		"dns64":     dns64(&v.DNS64),
		"ecs":       ecs(&v.ECS),

		"rate-limit": value(&v.RateLimit, boolean),
	}
}

// config is what the document means: paths start from folder, and views have
// what they take over from the document's other keys.
func (doc *document) config(d *decoder, folder string) *Config {
	c := doc.Config
	under := func(path *string) {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(folder, *path)
		}
	}
	c.Pinned = slices.Concat(doc.Forward, doc.Stub)
	for i := range c.Pinned {
		under(&c.Pinned[i].TLS.CA)
	}
	under(&c.Resolver.RootHints)
	under(&c.Resolver.LocalRoot.File)
	under(&c.Resolver.LocalRoot.Store)
	under(&c.Control.Socket)
	under(&c.Control.Overrides)
	for i := range c.Overrides {
		c.Overrides[i].underFolder(under)
	}
	under(&c.Cookies.SecretFile)
	under(&c.Lifeline.State)
	under(&c.DNSSEC.State)
	c.Geo.under(under)
	for i := range c.DNSSEC.TrustAnchorFiles {
		under(&c.DNSSEC.TrustAnchorFiles[i])
	}
	for i := range c.Keys {
		under(&c.Keys[i].SecretFile)
	}
	var all []lookup.Name
	for i := range c.Zones {
		under(&c.Zones[i].File)
		under(&c.Zones[i].Overlay)
		under(&c.Zones[i].Store)
		if z := &c.Zones[i]; len(z.AllowUpdate) > 0 && z.Journal == "" {
			z.Journal = z.File + ".journal"
		} else {
			under(&z.Journal)
		}
		all = append(all, c.Zones[i].Name)
	}
	for i := range c.Catalogs {
		cat := &c.Catalogs[i]
		under(&cat.Store)
		for j := range cat.Groups {
			cat.Groups[j].inherit(d, cat.Template)
		}
		if !cat.Produce {
			all = append(all, cat.Name)
		}
	}
	if len(c.Transfers.Source) == 0 {
		c.Transfers.Source = c.Resolver.SourceAddresses
	}
	if len(c.Views) == 0 {
		c.Views = []View{{Name: "default", Clients: doc.Allow, Recursion: true}}
	}
	for i := range c.Views {
		v := &c.Views[i]
		if !d.given(&v.Zones) {
			v.Zones = all
		}
		if !d.given(&v.DNS64) {
			v.DNS64 = doc.DNS64
		}
		if !d.given(&v.ECS) {
			v.ECS = doc.ECS
		}
		if !d.given(&v.RateLimit) {
			v.RateLimit = !v.Recursion
		}
	}
	return &c
}
