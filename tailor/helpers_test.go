package tailor_test

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/geo"
	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/overlay"
	"github.com/sextant-dns/sextant/tailor"
	"github.com/sextant-dns/sextant/zones"
)

const apex = "example.com."

func name(label string) lookup.Name {
	switch {
	case label == "@":
		return lookup.MustName(apex)
	case strings.HasSuffix(label, "."):
		return lookup.MustName(label)
	}
	return lookup.MustName(label + "." + apex)
}

// records are RRsets in the form of master files, below example.com.
func records(t testing.TB, lines ...string) []lookup.RRset {
	t.Helper()
	var rrs []dns.RR
	p := dns.NewZoneParser(strings.NewReader("$TTL 300\n"+strings.Join(lines, "\n")+"\n"), apex, "test")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		rrs = append(rrs, rr)
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	all, err := lookup.FromRRs(rrs)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// base is a zone with an SOA, an NS and those records.
func base(t testing.TB, lines ...string) *zones.Zone {
	t.Helper()
	text := "$TTL 300\n@ SOA ns1 hostmaster 1 7200 900 1209600 300\n@ NS ns1\nns1 A 192.0.2.53\n" + strings.Join(lines, "\n") + "\n"
	z, err := zones.Load(strings.NewReader(text), "test", zones.LoadOptions{Origin: name("@")})
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func condition(t testing.TB, text string) (c overlay.Condition) {
	t.Helper()
	if text == "*" {
		return c
	}
	for term := range strings.SplitSeq(text, "+") {
		term, not := strings.CutPrefix(term, "!")
		s, err := geo.ParseSelector(term)
		if err != nil {
			t.Fatal(err)
		}
		c.Terms = append(c.Terms, overlay.Term{Selector: s, Not: not})
	}
	slices.SortStableFunc(c.Terms, func(a, b overlay.Term) int {
		return overlay.Compare(overlay.Condition{Terms: []overlay.Term{a}}, overlay.Condition{Terms: []overlay.Term{b}})
	})
	return c
}

// draft is an overlay in the making.
type draft struct {
	testing.TB
	overlay.Overlay
}

func lay(t testing.TB) *draft { return &draft{t, overlay.Overlay{Apex: name("@")}} }

func (d *draft) when(text string, lines ...string) *draft {
	d.Helper()
	for _, s := range records(d, lines...) {
		d.Rules = append(d.Rules, overlay.Rule{When: condition(d, text), Set: s, At: overlay.Position{File: "test.geo", Line: len(d.Rules) + 1, Column: 1}})
	}
	return d
}

func (d *draft) site(site, state string, lines ...string) *draft {
	d.Helper()
	s := overlay.Site{Name: site, State: state, Sets: map[overlay.Owner]lookup.RRset{}}
	for _, set := range records(d, lines...) {
		s.Sets[overlay.Owner{Name: set.Name, Type: set.Type}] = set
	}
	d.Sites = append(d.Sites, s)
	return d
}

// route is a route whose choices are like "de=fra,iad" or "*=fra:9,iad:1" or "*=nearest:2".
func (d *draft) route(owner string, set func(*overlay.Route), choices ...string) *draft {
	d.Helper()
	r := overlay.Route{Owner: name(owner), Pick: 1}
	for i, text := range choices {
		who, sites, _ := strings.Cut(text, "=")
		c := overlay.Choice{When: condition(d, who), At: overlay.Position{File: "test.geo", Line: 100 + i, Column: 1}}
		if n, near := strings.CutPrefix(sites, "nearest:"); near {
			c.Nearest = int(n[0] - '0')
		} else {
			for s := range strings.SplitSeq(sites, ",") {
				site, weight, weighted := strings.Cut(s, ":")
				share := overlay.Share{Site: site}
				if weighted {
					share.Weight = uint32(weight[0] - '0')
				}
				c.Sites = append(c.Sites, share)
			}
		}
		r.Choices = append(r.Choices, c)
	}
	if set != nil {
		set(&r)
	}
	d.Routes = append(d.Routes, r)
	return d
}

func (d *draft) alias(who, owner, target string, ttl uint32) *draft {
	d.Aliases = append(d.Aliases, overlay.Alias{When: condition(d, who), Owner: name(owner), Target: name(target), TTL: ttl})
	return d
}

// places is a country database: "203.0.112.0/22 DE".
func places(t testing.TB, lines ...string) *geo.Database {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "country ipvAll", BuildEpoch: 1767225600, RecordSize: 24, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		network, code, _ := strings.Cut(line, " ")
		_, n, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(n, mmdbtype.Map{"country_code": mmdbtype.String(code)}); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	d, err := geo.Read("country ipvAll", b.Bytes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// compile makes the Map for an overlay.
func compile(t testing.TB, o *overlay.Overlay, lines ...string) *geo.Map {
	t.Helper()
	from := geo.Sources{Rankings: tailor.Rankings(o)}
	if len(lines) > 0 {
		from.Databases = []*geo.Database{places(t, lines...)}
	}
	m, err := geo.Compile(o.Selectors(), from)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func atlas(m *geo.Map) *tailor.Atlas { return tailor.NewAtlas(func() *geo.Map { return m }) }

// states is a Health of sites that are down or drained.
type states struct {
	down, drain []string
	ttl         uint32
	soon        string // whose state may change within 7 seconds
	epoch       uint64
}

func (s *states) Usable(site string, addr netip.Addr) (up, drain bool) {
	return !slices.Contains(s.down, site) && !slices.Contains(s.down, addr.String()), slices.Contains(s.drain, site)
}

func (s *states) TTL(site string, _ netip.Addr, most uint32) uint32 {
	if site == s.soon {
		return min(most, 7)
	}
	if s.ttl > 0 {
		return min(most, s.ttl)
	}
	return most
}

func (s *states) Epoch() uint64 { return s.epoch }

func (s *states) set(down ...string) { s.down = down; s.epoch++ }

func at(network string) tailor.Client {
	if !strings.Contains(network, "/") {
		a := netip.MustParseAddr(network)
		return tailor.Client{At: netip.PrefixFrom(a, a.BitLen())}
	}
	return tailor.Client{At: netip.MustParsePrefix(network)}
}

// said is a finding as text: its kind, and rdata if there is any.
func said(f tailor.Finding) string {
	if f.Alias != nil {
		return "alias " + f.Alias.Target.String()
	}
	if f.Kind != zones.Answer && f.Kind != zones.CNAME && f.Kind != zones.Delegation {
		return f.Kind.String()
	}
	var all []string
	for rdata := range f.Set.Data.All() {
		rr, err := lookup.UnpackRR(lookup.Root, f.Set.Type, 0, rdata)
		if err != nil {
			return err.Error()
		}
		all = append(all, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return strings.Join(all, " ")
}
