package resolver_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// memory is what a resolver shows of its memory, a line each, sorted.
func memory(r *resolver.Resolver) string {
	var lines []string
	left := func(until time.Time) int { return int(time.Until(until) / time.Second) }
	for a := range r.Answers() {
		lines = append(lines, fmt.Sprintf("answer %s %s %s %d", a.Name, a.Type, a.Response.Rcode, left(a.Expires)))
	}
	for d := range r.Delegations() {
		lines = append(lines, fmt.Sprintf("delegation %s %d servers alive %t", d.Zone, len(d.Servers), left(d.Expires) > 0))
	}
	for f := range r.FailedQuestions() {
		lines = append(lines, fmt.Sprintf("failure %s %s %d", f.Question.Name, f.Question.Type, left(f.Expires)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestTheMemoryCanBeSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := full(t, branches(t))
		time.Sleep(time.Second)
		tells(t, memory(r), `
answer alias.example.com. CNAME NOERROR 59
answer nope.example.com. None NXDOMAIN 299
answer www.example.com. A NOERROR 59
answer www.example.com. TXT NOERROR 299
delegation . 2 servers alive true
delegation com. 2 servers alive true
delegation example.com. 2 servers alive true
delegation org. 1 servers alive true
delegation silent.org. 1 servers alive true
failure host.silent.org. A 4`)
		for range r.Answers() {
			break // may be left in the middle
		}
	})
}

func TestAllThatIsKnownAtAName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := branches(t)
		n.zones[lookup.MustName("example.com.")].add("moved.example.com. 60 DNAME example.org.")
		n.host("192.0.2.1").delay = 20 * time.Millisecond
		r := full(t, n, func(o *resolver.Options) { o.NXDomainCut = true })
		ask(t, r, "www.moved.example.com. A")

		k := r.Known(lookup.MustName("www.example.com."))
		if len(k.Answers) != 2 || k.Answers[0].Type != lookup.TypeA || k.Answers[1].Type != lookup.TypeTXT || len(k.Above) != 0 || len(k.Failures) != 0 {
			t.Errorf("got %+v", k)
		}
		if k.Delegation.Zone != lookup.MustName("example.com.") || len(k.Endpoints) != 2 {
			t.Fatalf("got %+v", k.Delegation)
		}
		first, second := k.Endpoints[0], k.Endpoints[1]
		if first.Name != lookup.MustName("ns1.example.com.") || first.Addr != netip.MustParseAddrPort("192.0.2.1:53") ||
			!first.Known || first.RTT != 20*time.Millisecond || !first.EDNS || first.Lame || second.Known {
			t.Errorf("got %+v and %+v", first, second)
		}

		k = r.Known(lookup.MustName("a.nope.example.com."))
		if len(k.Answers) != 0 || len(k.Above) != 1 || k.Above[0].Name != lookup.MustName("nope.example.com.") || k.Above[0].Type != lookup.TypeNone {
			t.Errorf("got %+v", k)
		}
		k = r.Known(lookup.MustName("a.moved.example.com."))
		if len(k.Above) != 1 || k.Above[0].Type != lookup.TypeDNAME {
			t.Errorf("got %+v", k)
		}

		k = r.Known(lookup.MustName("host.silent.org."))
		if len(k.Failures) != 1 || k.Endpoints[0].Silent != 3 || k.Endpoints[0].Retry.IsZero() || k.Endpoints[0].RTT != 0 {
			t.Errorf("got %+v", k)
		}
	})
}

func TestServersThatAreLameOrBarredAreShownSo(t *testing.T) {
	t.Parallel()
	n := shops(t)
	n.host("192.0.2.1").script = says("", "REFUSED")
	r := n.resolver(func(o *resolver.Options) { o.DoNotQuery = []netip.Prefix{netip.MustParsePrefix("198.51.100.12/32")} })
	ask(t, r, "www.example.com. A")
	lame := r.Known(lookup.MustName("www.example.com.")).Endpoints
	barred := r.Known(lookup.MustName("www.com.")).Endpoints
	if !lame[0].Lame || lame[1].Lame || barred[0].Barred || !barred[1].Barred {
		t.Errorf("got %+v, %+v", lame, barred)
	}
}

func TestConfiguredServersAreShown(t *testing.T) {
	t.Parallel()
	n := shops(t)
	at := netip.MustParseAddrPort("192.0.2.1:5353")
	r := n.resolver(func(o *resolver.Options) {
		o.Zones = []resolver.Zone{{Name: lookup.MustName("example.com."), Servers: []netip.AddrPort{at}, Forward: true}}
	})
	k := r.Known(lookup.MustName("www.example.com."))
	if !k.Delegation.Configured || !k.Delegation.Forward || len(k.Endpoints) != 1 || k.Endpoints[0].Addr != at {
		t.Errorf("got %+v", k)
	}
	if k := r.Known(lookup.MustName("www.example.org.")); k.Delegation.Zone != lookup.Root || len(k.Endpoints) != 2 {
		t.Errorf("nothing but the hints is known: %+v", k)
	}
}

func TestALocalCopyIsShown(t *testing.T) {
	t.Parallel()
	n := shops(t)
	copied := n.held("example.com.")
	r := n.resolver(with(copied.zone()))
	inOrder(t, story(t, r, question("www.example.com. A")), `
copy: www.example.com. A: our copy of example.com.: is asked first
copy: www.example.com. A: our copy of example.com.: answer`)
	if d := r.Known(lookup.MustName("www.example.com.")).Delegation; !d.Local || d.Zone != lookup.MustName("example.com.") || len(d.Servers) != 0 {
		t.Errorf("got %+v", d)
	}
	copied.gone.Store(true)
	if d := r.Known(lookup.MustName("www.example.com.")).Delegation; d.Local || d.Zone != lookup.Root {
		t.Errorf("got %+v", d)
	}
}

func TestServersWithoutGlueAreShownWithTheAddressesThatWereLearned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := hostless(t)
		r := n.resolver()
		ask(t, r, "www.client.net. A")
		time.Sleep(time.Second)
		k := r.Known(lookup.MustName("www.client.net."))
		if len(k.Delegation.Servers[0].Addrs) != 0 || len(k.Endpoints) != 1 || k.Endpoints[0].Addr.Addr() != netip.MustParseAddr("192.0.2.1") {
			t.Errorf("got %+v", k)
		}
	})
}

// hostless is client.net, whose name server has a name in another zone.
func hostless(t *testing.T) *internet {
	n := branches(t)
	n.zone("hosts.org.", "ns.hosts.org. 60 A 192.0.2.1", "203.0.113.1")
	client := n.zone("client.net.", "www.client.net. 60 A 192.0.2.9")
	n.host("192.0.2.1").zones = append(n.host("192.0.2.1").zones, client)
	n.delegate(client.apex, "client.net. 60 NS ns.hosts.org.")
	return n
}
