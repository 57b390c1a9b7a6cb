//go:build e2e

package e2e_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/internal/geopeers"
)

// One map, one database of countries, three servers and 100 000 networks of clients:
// Sextant's scopes are what counting says, gdnsd's are never wider than that, and each
// kind of difference is explained in docs/explanation/answers-by-location.md.
func TestAnswersByLocationBesidePeers(t *testing.T) {
	needs(t, "gdnsd", "knotd")
	t.Parallel()
	world := newGeoWorld(t)
	r := rand.New(rand.NewPCG(2026, 11))
	plan := geopeers.Usual()
	t.Run("countries", func(t *testing.T) {
		g := world.compare(t, plan, "sextant", "gdnsd", "knot")
		g.prefixes(t, r, 100_000, nil)
		g.slots(t)
		g.report(t)
	})
	// Networks of the operator within each other, which are not where the country is.
	nets := map[string][]string{
		"133.0.0.0/8": {"iad", "fra"}, "133.1.0.0/16": {"sin", "fra"}, "133.1.2.0/23": {"fra", "iad"}, "133.1.2.128/25": {"iad"},
		"9.9.9.0/24": {"sin", "iad"}, "81.0.0.0/10": {"sin"}, "2a02::/20": {"sin", "fra"}, "2a02:1::/32": {"iad"},
	}
	t.Run("networks", func(t *testing.T) {
		g := world.compare(t, plan.With(nets), "sextant", "gdnsd")
		g.prefixes(t, r, 20_000, nets)
		g.report(t)
	})
	// gdnsd's scope follows the list of sites, ours what the list comes to.
	t.Run("a site is down", func(t *testing.T) {
		g := world.compare(t, plan.With(nets).WithDown("fra"), "sextant", "gdnsd")
		g.prefixes(t, r, 20_000, nets)
		g.report(t)
	})
}

// A geoWorld is what all comparisons are about.
type geoWorld struct {
	dir, database string
	countries     *geopeers.Countries
	country       map[netip.Addr]string // what countries says, for it takes its time
	borders       []netip.Prefix
	v6            []netip.Prefix // of the borders, those where somebody is
}

func newGeoWorld(t *testing.T) *geoWorld {
	t.Helper()
	w := &geoWorld{dir: t.TempDir(), country: map[netip.Addr]string{}}
	var networks []geopeers.Network
	path, err := geopeers.Get(t.Context(), w.dir)
	if err == nil {
		networks, err = geopeers.Read(path)
	}
	if err != nil {
		t.Logf("THE DATABASE IS A MADE ONE, for there is no real one: %v", err)
		networks = geopeers.Made()
	}
	w.database = filepath.Join(w.dir, "country.mmdb")
	if err := geopeers.Write(w.database, networks); err != nil {
		t.Fatal(err)
	}
	if w.countries, err = geopeers.OpenCountries(w.database); err != nil {
		t.Fatal(err)
	}
	w.borders = w.countries.Networks()
	for _, n := range networks {
		if n.Prefix.Addr().Is6() && n.Prefix.Addr().AsSlice()[0]>>5 == 1 && !strings.HasPrefix(n.Prefix.String(), "2002:") {
			w.v6 = append(w.v6, n.Prefix)
		}
	}
	t.Logf("%d networks of countries", len(networks))
	return w
}

// of is the country of an address, which is looked up once for all comparisons.
func (w *geoWorld) of(a netip.Addr) string {
	country, known := w.country[a]
	if !known {
		country = w.countries.Of(a)
		w.country[a] = country
	}
	return country
}

// A geoComparison is of servers with one plan.
type geoComparison struct {
	world   *geoWorld
	oracle  *geopeers.Oracle
	plan    geopeers.Plan
	names   []string
	servers []netip.AddrPort

	histograms [2]map[string]*[129]int // by family and server
	kinds      map[string]int
	examples   map[string]string
	widths     map[string]int // slots for IPv4
}

// compare starts servers.
func (w *geoWorld) compare(t *testing.T, plan geopeers.Plan, names ...string) *geoComparison {
	t.Helper()
	borders := slices.Clone(w.borders)
	for _, r := range plan.Rules {
		if r.Network.IsValid() {
			borders = append(borders, r.Network)
		}
	}
	g := &geoComparison{
		world: w, plan: plan, names: names, kinds: map[string]int{}, examples: map[string]string{}, widths: map[string]int{},
		oracle: geopeers.NewOracle(borders, func(a netip.Addr) string { return plan.Answer(a, w.of(a)).String() }),
	}
	for i := range g.histograms {
		g.histograms[i] = map[string]*[129]int{}
		for _, name := range names {
			g.histograms[i][name] = new([129]int)
		}
	}
	for _, name := range names {
		at := netip.MustParseAddrPort(freePort(t))
		dir := filepath.Join(t.TempDir(), name)
		if err := os.MkdirAll(filepath.Join(dir, "db"), 0o755); err != nil {
			t.Fatal(err)
		}
		s := geopeers.Setup{Dir: dir, At: at, Database: w.database}
		prepare := map[string]func(geopeers.Setup) ([]string, error){
			"gdnsd": plan.Gdnsd, "knot": plan.Knot,
			"sextant": func(s geopeers.Setup) ([]string, error) { return plan.Sextant(s, sextant) },
		}[name]
		command, err := prepare(s)
		if err != nil {
			t.Fatal(err)
		}
		host{}.start(t, func(*process) error {
			_, err := dns.Exchange(new(dns.Msg).SetQuestion(geopeers.Name, dns.TypeA), at.String())
			return err
		}, command...)
		g.servers = append(g.servers, at)
	}
	return g
}

// A geoReply is an address, and for whom it is.
type geoReply struct {
	address string
	scope   int // -1: there is no option
}

// A geoClient asks one server, with many questions on their way.
type geoClient struct {
	conn net.Conn
	buf  [1500]byte
}

func newGeoClient(at netip.AddrPort) (*geoClient, error) {
	conn, err := net.Dial("udp", at.String())
	return &geoClient{conn: conn}, err
}

// lanes are how many questions are on their way at a time: no receive buffer overflows.
const lanes = 64

// all asks in each lane for what next says, one question after the other, and gives the
// replies to got, until next has no more.
func (c *geoClient) all(next func(lane int) (netip.Prefix, bool), got func(lane int, asked netip.Prefix, r geoReply)) error {
	type question struct {
		asked netip.Prefix
		id    uint16
	}
	open := map[int]question{}
	send := func(lane int, q question) error {
		open[lane] = q
		_, err := c.conn.Write(geoQuestion(c.buf[:0], q.asked, q.id))
		return err
	}
	for lane := range lanes {
		if p, more := next(lane); more {
			if err := send(lane, question{p, uint16(lane)}); err != nil {
				return err
			}
		}
	}
	for silent := 0; len(open) > 0; {
		id, r, err := c.receive()
		if errors.Is(err, os.ErrDeadlineExceeded) && silent < 20 {
			silent++
			for lane, q := range open { // datagrams get lost on a busy machine
				if err := send(lane, q); err != nil {
					return err
				}
			}
			continue
		}
		if err != nil {
			return err
		}
		lane := int(id % lanes)
		q, waits := open[lane]
		if !waits || q.id != id {
			continue // to what has been asked twice
		}
		silent = 0
		delete(open, lane)
		got(lane, q.asked, r)
		if p, more := next(lane); more {
			if err := send(lane, question{p, id + lanes}); err != nil {
				return err
			}
		}
	}
	return nil
}

// geoQuestion is the octets of a question for a network. They are put together by hand, as
// replies are taken apart, since there are a million and more of them.
func geoQuestion(b []byte, network netip.Prefix, id uint16) []byte {
	address := network.Addr().AsSlice()[:(network.Bits()+7)/8]
	b = append(b, byte(id>>8), byte(id), 0, 0, 0, 1, 0, 0, 0, 0, 0, 1)
	b = append(b, "\x03www\x03geo\x04test\x00\x00\x01\x00\x01"...) // geopeers.Name, A, IN
	b = append(b, "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00"...)   // OPT for 1232 octets
	b = append(b, byte(8+len(address)), 0, 8, 0, byte(4+len(address)), 0, byte(1+network.Addr().BitLen()/128), byte(network.Bits()), 0)
	return append(b, address...)
}

func (c *geoClient) receive() (id uint16, r geoReply, err error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return 0, r, err
	}
	n, err := c.conn.Read(c.buf[:])
	if err != nil {
		return 0, r, err
	}
	return readGeoReply(c.buf[:n])
}

// readGeoReply reads the answer, and SCOPE.
func readGeoReply(b []byte) (id uint16, r geoReply, err error) {
	const question = 18 // octets
	if len(b) < 12+question {
		return 0, r, fmt.Errorf("a reply of %d octets", len(b))
	}
	two := binary.BigEndian.Uint16
	r = geoReply{address: dns.RcodeToString[int(b[3]&15)], scope: -1}
	id = two(b)
	rest := b[12+question:]
	answers := int(two(b[6:]))
	for i := range answers + int(two(b[8:])) + int(two(b[10:])) {
		name := 0
		for name < len(rest) && rest[name] != 0 && rest[name] < 0xc0 {
			name += 1 + int(rest[name])
		}
		if name++; name <= len(rest) && rest[name-1] >= 0xc0 {
			name++
		}
		if len(rest) < name+10 || len(rest) < name+10+int(two(rest[name+8:])) {
			return 0, r, fmt.Errorf("a reply that ends too early: %x", b)
		}
		data := rest[name+10:][:two(rest[name+8:])]
		switch kind := two(rest[name:]); {
		case kind == dns.TypeA && i < answers:
			a, _ := netip.AddrFromSlice(data)
			r.address = a.String()
		case kind == dns.TypeOPT:
			for len(data) >= 8 {
				if two(data) == dns.EDNS0SUBNET {
					r.scope = int(data[7])
				}
				data = data[min(len(data), 4+int(two(data[2:]))):]
			}
		}
		rest = rest[name+10+int(two(rest[name+8:])):]
	}
	return id, r, nil
}

// each does something with a client of each server, all at a time.
func (g *geoComparison) each(t *testing.T, do func(server int, c *geoClient) error) {
	t.Helper()
	var wait sync.WaitGroup
	for i, at := range g.servers {
		wait.Go(func() {
			c, err := newGeoClient(at)
			if err == nil {
				err = do(i, c)
				c.conn.Close()
			}
			if err != nil {
				t.Errorf("%s: %v", g.names[i], err)
			}
		})
	}
	wait.Wait()
}

// prefixes asks all servers about networks at random, a part of them around those of nets.
func (g *geoComparison) prefixes(t *testing.T, r *rand.Rand, count int, nets map[string][]string) {
	t.Helper()
	var near []netip.Prefix
	for n := range nets {
		near = append(near, netip.MustParsePrefix(n))
	}
	slices.SortFunc(near, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	all := make([]netip.Prefix, count)
	for i := range all {
		all[i] = g.world.someone(r, near)
	}
	replies := make([][]geoReply, len(g.names))
	g.each(t, func(server int, c *geoClient) error {
		replies[server] = make([]geoReply, count)
		asked, waiting := 0, [lanes]int{}
		return c.all(func(lane int) (p netip.Prefix, more bool) {
			if more = asked < count; more {
				p, waiting[lane] = all[asked], asked
				asked++
			}
			return p, more
		}, func(lane int, _ netip.Prefix, r geoReply) { replies[server][waiting[lane]] = r })
	})
	for i := 0; i < count && !t.Failed(); i++ {
		var to []geoReply
		for _, of := range replies {
			to = append(to, of[i])
		}
		g.judge(t, all[i], to)
	}
}

// someone is a prefix of 8 to 32 or 16 to 128 bits: of IPv4, of an IPv6 network that
// somebody has, or of 6to4, which is IPv4 again.
func (w *geoWorld) someone(r *rand.Rand, near []netip.Prefix) netip.Prefix {
	v4 := netip.AddrFrom4([4]byte{byte(1 + r.IntN(223)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))})
	switch n := r.IntN(20); {
	case n < 6 && len(near) > 0:
		return inside(r, near[r.IntN(len(near))])
	case n < 12:
		return netip.PrefixFrom(v4, 8+r.IntN(25)).Masked()
	case n < 13:
		b := v4.As4()
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x02, b[0], b[1], b[2], b[3]}), 24+r.IntN(105)).Masked()
	}
	return inside(r, w.v6[r.IntN(len(w.v6))])
}

// inside is a prefix of any length around an address of p.
func inside(r *rand.Rand, p netip.Prefix) netip.Prefix {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= byte(r.IntN(2)) << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	least := a.BitLen() / 8 // 16 of IPv6
	if a.Is4() {
		least = 8
	}
	return netip.PrefixFrom(a, least+r.IntN(a.BitLen()-least+1)).Masked()
}
