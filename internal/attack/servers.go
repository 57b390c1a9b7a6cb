package attack

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// Slow is a zone of 13 servers that reply well, but only after that long: each
// query of a client keeps something waiting.
//
// The slow authorities of CVE-2026-42534 and of DNSBomb, CVE-2024-33655.
func Slow(delay time.Duration) Attack {
	return farmed(fmt.Sprintf("slow(%v)", delay), "CVE-2026-42534", func(m Message) Act {
		return Say(A(m.Question.Name.String(), day, addr4(1))).In(delay)
	})
}

// Dark is a zone of 13 servers that are silent.
//
// RFC 9520 1.2, the outages of 2021.
func Dark() Attack {
	return farmed("dark(13)", "RFC 9520 1.2", func(Message) Act { return Silence() })
}

// Lame is a zone of 13 servers that all do the same useless thing.
//
// RFC 4697 2; CVE-2026-5950 (BIND asked on for ever).
func Lame(how string, act Act) Attack {
	return farmed("lame("+how+")", "CVE-2026-5950", func(Message) Act { return act })
}

// Choking is a zone of servers at 13x6 addresses that do everything for being
// asked again: they choke on EDNS, and without it they fail, too; each time the
// reply is too large for UDP.
//
// CVE-2026-52690 (PowerDNS), RFC 6891 7; CVE-2026-5950 (BIND).
func Choking() Attack {
	return Attack{
		Name: "choking(13x6)", Origin: "CVE-2026-52690",
		Lay: func(n *Internet) { farm(n, 6, choke) },
		Ask: fresh("evil.com."),
	}
}

// ChokingChain is a chain of aliases in a zone of which 12 servers choke and one
// tells the truth: every hop costs as much as failing does, and succeeds.
//
// Choking and CNAMEChain, composed as in CAMP.
func ChokingChain(length int) Attack {
	a := CNAMEChain(length)
	a.Name = fmt.Sprintf("choking-chain(%d)", length)
	a.Lay = func(n *Internet) {
		var truth netip.Addr
		farm(n, 1, func(m Message) Act {
			if m.Server.Addr() == truth {
				return link(length)(m)
			}
			return choke(m)
		})
		truth = n.Address("ns12.evil.com.")
	}
	return a
}

// choke is a server that chokes on EDNS and on all else.
func choke(m Message) Act {
	tooLarge := []lookup.RRset{A("evil.com.", day, addrs4(100)...)}
	act := Act{Reply: &transport.Reply{Rcode: lookup.FORMERR, Additional: tooLarge}, Plain: true}
	if m.NoEDNS {
		act.Reply.Rcode = lookup.SERVFAIL
	}
	return act
}

// Upwards is a zone of 13 servers that refer to the root.
//
// RFC 4697 2.2, the referral loops of lame servers.
func Upwards() Attack {
	return Lame("upwards", Refer(NS(".", day, "a.root.")))
}

// DeepReferrals is a server that delegates the name that it is asked for by one
// label more each time, always to itself.
//
// RFC 1034 5.3.3, of which Unbound allows 130 steps.
func DeepReferrals(labels int) Attack {
	return Attack{
		Name: fmt.Sprintf("deep-referrals(%d)", labels), Origin: "RFC 1034 5.3.3",
		Lay: func(n *Internet) { tower(n, "evil.com.") },
		Ask: func(i int) lookup.Question { return asA("%sx%d.evil.com.", strings.Repeat("l.", labels), i) },
	}
}

// tower serves zone and all below it: whatever it is asked for, it delegates to
// itself by one label more than the last time, and in the end it answers.
func tower(n *Internet, zone string) (self netip.Addr) {
	var mu sync.Mutex
	floors := map[lookup.Name]int{} // labels of the last cut above a name
	self = n.Zone(zone, func(m Message) Act {
		mu.Lock()
		defer mu.Unlock()
		name := m.Question.Name
		floors[name] = max(floors[name], lookup.MustName(zone).Labels()) + 1
		if floors[name] > name.Labels() {
			return Say(A(name.String(), day, addr4(1)))
		}
		cut := under(m, floors[name])
		return Refer(NS(cut, day, "ns."+cut), A("ns."+cut, day, self))
	})
	return self
}

// farmed is evil.com. on 13 servers of one behaviour.
func farmed(name, origin string, s Server) Attack {
	return Attack{
		Name: name, Origin: origin,
		Lay: func(n *Internet) { farm(n, 1, s) },
		Ask: fresh("evil.com."),
	}
}

// farm delegates evil.com. to 13 name servers with so many addresses each, of one
// behaviour.
func farm(n *Internet, each int, s Server) {
	targets := names(13, "ns%d.evil.com.")
	var glue []lookup.RRset
	for _, target := range targets {
		addrs := make([]netip.Addr, each)
		for i := range addrs {
			addrs[i] = n.Serve(s)
		}
		glue = append(glue, A(target, day, addrs...))
	}
	n.Delegate(NS("evil.com.", day, targets...), glue...)
}

// BigRRset is an RRset of that many RRs under every name, up to 64 KiB.
//
// CVE-2024-25590 (PowerDNS), CVE-2024-1737 (BIND).
func BigRRset(rrs int) Attack {
	addrs := addrs4(rrs)
	return Attack{
		Name: fmt.Sprintf("big-rrset(%d)", rrs), Origin: "CVE-2024-25590",
		Lay: func(n *Internet) {
			n.Zone("evil.com.", func(m Message) Act { return Say(A(m.Question.Name.String(), day, addrs...)) })
		},
		Ask:     fresh("evil.com."),
		Queries: 200,
	}
}

// ManyRRsets is a reply to ANY with that many RRsets.
//
// CVE-2024-1737 (BIND), RFC 8482.
func ManyRRsets(sets int) Attack {
	a := BigRRset(0)
	a.Name, a.Origin = fmt.Sprintf("many-rrsets(%d)", sets), "CVE-2024-1737"
	a.Lay = func(n *Internet) {
		n.Zone("evil.com.", func(m Message) Act {
			all := make([]lookup.RRset, sets)
			for i := range all {
				all[i] = lookup.RRset{Name: m.Question.Name, Type: lookup.Type(1000 + i), TTL: day, Data: lookup.PackRdata("x")}
			}
			return Say(all...)
		})
	}
	a.Ask = func(i int) lookup.Question {
		q := asA("x%d.evil.com.", i)
		q.Type = lookup.TypeANY
		return q
	}
	return a
}
