package server

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/tsig"
)

func prefixesOf(texts ...string) (all []netip.Prefix) {
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

// answering is a view that answers with its own address.
func answering(last byte, v View) View {
	v.Authoritative = always(&lookup.Response{AA: true, Answer: []lookup.RRset{{Name: lookup.MustName("www.example."), Type: lookup.TypeA, TTL: 60, Data: lookup.PackRdata("\xc0\x00\x02" + string([]byte{last}))}}})
	return v
}

// subnetOption is the Client Subnet option of an IPv4 prefix.
func subnetOption(p netip.Prefix) dns.EDNS0 {
	data := append([]byte{0, 1, byte(p.Bits()), 0}, p.Addr().AsSlice()[:(p.Bits()+7)/8]...)
	return option(8, string(data))
}

// heard is the answer that a client hears who sends a subnet ("": none), and its scope;
// "" when it is refused.
func heard(t *testing.T, s *Server, from, subnet string) (address string, scope int) {
	t.Helper()
	m := ask("www.example. A")
	if subnet != "" {
		edns(1232, false, subnetOption(netip.MustParsePrefix(subnet)))(m)
	}
	reply := tell(t, s, packed(t, m), UDP, from+":1024")
	scope = -1
	if opt := reply.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if subnet, ok := o.(*dns.EDNS0_SUBNET); ok {
				scope = int(subnet.SourceScope)
			}
		}
	}
	if len(reply.Answer) == 0 {
		return "", scope
	}
	return reply.Answer[0].(*dns.A).A.String(), scope
}

// Who may speak for others chooses their view by the subnet that it says, and nobody else.
func TestOnlyProxiesChooseViewsBySubnet(t *testing.T) {
	t.Parallel()
	s := New(Options{Views: []View{
		answering(1, View{Clients: prefixesOf("10.0.0.0/8", "172.16.0.0/12"), Proxies: []Proxy{{Network: netip.MustParsePrefix("192.0.2.53/32")}, {Network: netip.MustParsePrefix("10.9.9.9/32")}, {Key: lookup.MustName("proxy.key.")}}}),
		answering(2, View{Clients: prefixesOf("0.0.0.0/0")}),
	}})
	for _, c := range []struct {
		from, subnet, want string
		scope              int
	}{
		{"10.1.1.1", "", "192.0.2.1", -1},
		{"192.0.2.53", "", "192.0.2.2", -1}, // it speaks for itself
		{"192.0.2.53", "10.1.2.0/24", "192.0.2.1", 8},
		{"192.0.2.53", "172.17.0.0/16", "192.0.2.1", 12},
		{"192.0.2.53", "203.0.113.0/24", "192.0.2.2", 2},
		{"192.0.2.53", "11.0.0.0/8", "192.0.2.2", 8},
		{"192.0.2.53", "172.0.0.0/8", "192.0.2.2", 12}, // not all of it is in the view, and it should say more
		{"192.0.2.53", "10.0.0.0/7", "192.0.2.2", 8},
		{"192.0.2.53", "0.0.0.0/0", "192.0.2.2", 0},     // RFC 7871 7.1.2: it does not say
		{"10.9.9.9", "203.0.113.0/24", "192.0.2.2", 2},  // its own address does not matter
		{"203.0.113.9", "10.1.2.0/24", "192.0.2.2", 0},  // a stranger
		{"10.1.1.1", "203.0.113.0/24", "192.0.2.1", 0},  // who is in the view stays there
		{"192.0.2.54", "10.1.2.0/24", "192.0.2.2", 0},   // beside the proxy
		{"192.0.2.53", "10.200.0.0/16", "192.0.2.1", 8}, // a packet by now
	} {
		for _, again := range []bool{false, true} {
			if got, scope := heard(t, s, c.from, c.subnet); got != c.want || scope != c.scope {
				t.Errorf("%s for %q, again %v: %s with scope %d, want %s with scope %d", c.from, c.subnet, again, got, scope, c.want, c.scope)
			}
		}
	}
}

// A key makes a proxy of whoever has it, wherever that is, and of nobody else there.
func TestAKeyMakesAProxy(t *testing.T) {
	t.Parallel()
	name := lookup.MustName("proxy.key.")
	g := newGeneration([]View{
		{Clients: prefixesOf("10.0.0.0/8"), Proxies: []Proxy{{Network: netip.MustParsePrefix("192.0.2.0/24"), Key: name}}},
		{Clients: prefixesOf("0.0.0.0/0")},
	}, Options{})
	inside := netip.MustParsePrefix("10.1.2.0/24")
	for _, c := range []struct {
		from string
		key  lookup.Name
		want int
	}{
		{"192.0.2.53", name, 0}, {"192.0.2.53", "", 1}, {"192.0.2.53", lookup.MustName("other.key."), 1}, {"198.51.100.1", name, 1},
	} {
		if got, _ := g.view(netip.MustParseAddr(c.from), c.key, inside); got != c.want {
			t.Errorf("%s with %q: view %d, want %d", c.from, c.key, got, c.want)
		}
	}
	if (Proxy{}).is(netip.MustParseAddr("192.0.2.1"), "") {
		t.Error("who is neither somewhere nor has a key is a proxy")
	}
}

// Over the wire, a signature counts when it is good.
func TestASignedQueryChoosesItsView(t *testing.T) {
	t.Parallel()
	forged := testKey()
	forged.Secret = []byte("another secret")
	s := New(Options{Zones: &registry{}, Views: []View{
		answering(1, View{Clients: prefixesOf("10.0.0.0/8"), Proxies: []Proxy{{Key: testKey().Name}}}),
		answering(2, View{Clients: prefixesOf("0.0.0.0/0")}),
	}})
	for _, c := range []struct {
		key  tsig.Key
		want string
	}{{testKey(), "192.0.2.1"}, {forged, ""}} {
		signed, _ := tsig.Ask(packed(t, ask("www.example. A", edns(1232, false, subnetOption(netip.MustParsePrefix("10.1.2.0/24"))))), c.key, time.Now())
		got := ""
		if reply := tell(t, s, signed, UDP, "198.51.100.1:1024"); len(reply.Answer) > 0 {
			got = reply.Answer[0].(*dns.A).A.String()
		}
		if got != c.want {
			t.Errorf("hears %q, want %q", got, c.want)
		}
	}
}

// A key of a view is in that view, whatever address and subnet come with it, and a view that
// has keys and no addresses is nobody's by address.
func TestAKeyChoosesItsView(t *testing.T) {
	t.Parallel()
	inside, proxy := lookup.MustName("inside.key."), lookup.MustName("proxy.key.")
	g := newGeneration([]View{
		{Clients: prefixesOf("192.0.2.0/24"), Proxies: []Proxy{{Key: proxy}}},
		{Keys: []lookup.Name{inside}},
		{Clients: prefixesOf("10.0.0.0/8"), Keys: []lookup.Name{inside}},
	}, Options{})
	for _, c := range []struct {
		from, subnet string
		key          lookup.Name
		want         int
	}{
		{"192.0.2.1", "", "", 0},
		{"192.0.2.1", "", inside, 1},
		{"203.0.113.1", "", inside, 1},
		{"10.1.1.1", "", inside, 1},
		{"10.1.1.1", "192.0.2.0/24", inside, 1},
		{"10.1.1.1", "", "", 2},
		{"10.1.1.1", "", proxy, 2},
		{"203.0.113.1", "192.0.2.0/25", proxy, 0},
		{"203.0.113.1", "", "", -1}, // and not the second view, which has no addresses
	} {
		subnet := netip.Prefix{}
		if c.subnet != "" {
			subnet = netip.MustParsePrefix(c.subnet)
		}
		if got, _ := g.view(netip.MustParseAddr(c.from), c.key, subnet); got != c.want {
			t.Errorf("%s for %q with %q: view %d, want %d", c.from, c.subnet, c.key, got, c.want)
		}
	}
}

// What a proxy hears for a network it hears for all of the scope that it is told.
func TestTheScopeOfAViewHoldsForAllOfIt(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	prefix := func(most int) netip.Prefix {
		a := netip.AddrFrom4([4]byte{byte(random.IntN(4) << 6), byte(random.IntN(4)), 0, 0})
		p, _ := a.Prefix(random.IntN(most) + 1)
		return p
	}
	for range 2000 {
		var views []View
		for range 1 + random.IntN(3) {
			v := View{Clients: []netip.Prefix{prefix(16)}}
			for range random.IntN(3) {
				v.Clients = append(v.Clients, prefix(16))
			}
			if random.IntN(3) > 0 {
				v.Proxies = []Proxy{{Network: netip.MustParsePrefix("192.0.2.53/32")}}
			}
			views = append(views, v)
		}
		g := newGeneration(views, Options{})
		proxy := netip.MustParseAddr("192.0.2.53")
		for range 20 {
			asked := prefix(24)
			view, within := g.view(proxy, "", asked)
			if int(within) > asked.Bits() {
				continue // nobody else gets this answer
			}
			around, _ := asked.Addr().Prefix(int(within))
			for range 20 {
				other := prefix(24)
				if !includes(around, other) {
					continue
				}
				if got, at := g.view(proxy, "", other); int(at) <= other.Bits() && got != view {
					t.Fatalf("%s hears view %d for all of %s, and %s view %d: %+v", asked, view, around, other, got, views)
				}
			}
		}
	}
}
