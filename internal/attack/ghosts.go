package attack

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// Ghost is a zone that does not want to die when its parent has withdrawn it: its
// servers and its clients do what they can for resolvers to go on asking them.
type Ghost struct {
	Name   string
	Origin string

	// Server is what ghost.com., on the address self, says.
	Server func(m Message, self netip.Addr) Act
	// Ask is the i-th question of the zone's client.
	Ask func(i int) lookup.Question
}

// Ghosts live by these times.
const (
	GhostTTL  = 600 * time.Second // for which the parent delegates
	ghostAsks = 30 * time.Second  // how often the client does
	ghostDies = 5 * time.Minute   // after the beginning: the parent withdraws
	ghostWait = 4 * time.Hour     // how long we look on
)

// Haunt plays the ghost and tells how long after the withdrawal its servers were
// asked for the last time. heir tells that the parent delegates the zone to
// somebody else then, in place of denying it. It has to be called in a bubble of
// testing/synctest.
func Haunt(g Ghost, heir bool, o resolver.Options) (haunted time.Duration) {
	var self netip.Addr
	var withdrawn time.Time
	s := NewStage(func(n *Internet) {
		self = n.Serve(func(m Message) Act {
			if !withdrawn.IsZero() {
				haunted = time.Since(withdrawn)
			}
			return g.Server(m, self)
		})
		n.Delegate(NS("ghost.com.", uint32(GhostTTL.Seconds()), "ns.ghost.com."), A("ns.ghost.com.", uint32(GhostTTL.Seconds()), self))
	}, o)
	for i := 0; i < int((ghostDies+ghostWait)/ghostAsks); i++ {
		if time.Duration(i)*ghostAsks == ghostDies {
			withdrawn = time.Now()
			s.Revoke("ghost.com.")
			if heir {
				s.Zone("ghost.com.", func(m Message) Act { return Say(A(m.Question.Name.String(), 60, addr4(0))) })
			}
		}
		next := time.After(ghostAsks)
		s.ask(g.Ask(i))
		s.Settle()
		<-next
	}
	return haunted
}

// ghostly are the NS that a ghost gives itself: with a long life, and other names
// every time, so that it looks like news.
func ghostly(zone string, nth int, self netip.Addr) (ns, glue lookup.RRset) {
	host := fmt.Sprintf("ns%d.%s", nth, zone)
	return NS(zone, 2*day, host), A(host, 2*day, self)
}

// GhostDomain prolongs its own delegation by the authority section of its answers.
//
// Jiang et al.: Ghost Domain Names, NDSS 2012; CVE-2012-1033, CVE-2026-40622.
func GhostDomain() Ghost {
	return Ghost{
		Name: "ghost domain", Origin: "CVE-2012-1033",
		Server: func(m Message, self netip.Addr) Act {
			ns, glue := ghostly("ghost.com.", m.Nth, self)
			act := Say(A(m.Question.Name.String(), 1, self))
			act.Reply.Authority, act.Reply.Additional = []lookup.RRset{ns}, []lookup.RRset{glue}
			return act
		},
		Ask: fresh("ghost.com."),
	}
}

// GhostByNS is asked for its NS and for their addresses before those have expired.
//
// GHSA-mqfw-f48p-2vc8 (sdns: prefetch kept ghosts alive), CVE-2026-42955.
func GhostByNS() Ghost {
	return Ghost{
		Name: "ghost by NS queries", Origin: "GHSA-mqfw-f48p-2vc8",
		Server: func(m Message, self netip.Addr) Act {
			if m.Question.Type != lookup.TypeNS {
				return Say(A(m.Question.Name.String(), 2*day, self))
			}
			ns, glue := ghostly("ghost.com.", m.Nth, self)
			ns.TTL = 20 // shorter than the client's pause
			act := Say(ns)
			act.Reply.Additional = []lookup.RRset{glue}
			return act
		},
		Ask: func(i int) lookup.Question {
			q := asA("ghost.com.")
			switch i % 3 {
			case 0:
				q.Type = lookup.TypeNS
			case 1:
				q = asA("ns%d.ghost.com.", i)
			default:
				q = asA("x%d.ghost.com.", i)
			}
			return q
		},
	}
}

// PhoenixT1 refers to itself: the zone's server delegates the zone anew.
//
// Li et al.: Ghost Domain Reloaded, NDSS 2023, T1.
func PhoenixT1() Ghost {
	return Ghost{
		Name: "phoenix T1", Origin: "Phoenix, NDSS 2023",
		Server: func(m Message, self netip.Addr) Act {
			ns, glue := ghostly("ghost.com.", m.Nth, self)
			if m.Nth%2 == 1 {
				return Refer(ns, glue)
			}
			act := Say(A(m.Question.Name.String(), 1, self))
			act.Reply.Authority, act.Reply.Additional = []lookup.RRset{ns}, []lookup.RRset{glue}
			return act
		},
		Ask: fresh("ghost.com."),
	}
}

// PhoenixT2 climbs: each question is one label longer than the last one, and its
// zone is delegated by the zone above it, which is the ghost's, too. At depth it
// begins again.
//
// Li et al.: Ghost Domain Reloaded, NDSS 2023, T2.
func PhoenixT2(depth int) Ghost {
	return Ghost{
		Name: fmt.Sprintf("phoenix T2(%d)", depth), Origin: "Phoenix, NDSS 2023",
		Server: func(m Message, self netip.Addr) Act {
			// The first question about a name is answered by a cut at the name.
			if cut := m.Question.Name.String(); m.Question.Type == lookup.TypeA && m.Nth%2 == 1 {
				ns, glue := ghostly(cut, m.Nth, self)
				return Refer(ns, glue)
			}
			return Say(A(m.Question.Name.String(), 1, self))
		},
		Ask: func(i int) lookup.Question { return asA("%sghost.com.", strings.Repeat("p.", 1+i%depth)) },
	}
}
