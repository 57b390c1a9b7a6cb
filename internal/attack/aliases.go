package attack

import (
	"fmt"
	"strings"

	"github.com/sextant-dns/sextant/lookup"
)

// CNAMEChain is a chain of that many aliases, one for each message.
//
// RFC 1034 5.2.2; the unchained CNAMEs of Duan et al.: CAMP, USENIX Security 2024.
func CNAMEChain(length int) Attack {
	return Attack{
		Name: fmt.Sprintf("cname-chain(%d)", length), Origin: "CAMP, 2024",
		Lay: func(n *Internet) { n.Zone("evil.com.", link(length)) },
		Ask: func(i int) lookup.Question { return asA("q%d-0.evil.com.", i) },
	}
}

// link is a server of chains of that many aliases, which tells one at a time:
// qN-0 leads to qN-1, and so on.
func link(length int) Server {
	return func(m Message) Act {
		var q, i int
		if _, err := fmt.Sscanf(m.Question.Name.Label(), "q%d-%d", &q, &i); err != nil || i == length {
			return Say(A(m.Question.Name.String(), day, addr4(1)))
		}
		return Say(CNAME(m.Question.Name.String(), day, fmt.Sprintf("q%d-%d.evil.com.", q, i+1)))
	}
}

// CNAMEBurst is the same chain as a whole in the first message already.
//
// CacheFlush, USENIX Security 2024, fills caches with them.
func CNAMEBurst(length int) Attack {
	return Attack{
		Name: fmt.Sprintf("cname-burst(%d)", length), Origin: "CacheFlush, 2024",
		Lay: func(n *Internet) { n.Zone("evil.com.", Burst(length)) },
		Ask: fresh("evil.com."),
	}
}

// Burst is a server that answers with a chain of that many aliases.
func Burst(length int) Server {
	return func(m Message) Act {
		owner := m.Question.Name.String()
		var chain []lookup.RRset
		for i := range length {
			target := fmt.Sprintf("c%d.%s", i, m.Question.Name)
			chain, owner = append(chain, CNAME(owner, day, target)), target
		}
		return Say(append(chain, A(owner, day, addr4(1)))...)
	}
}

// DNAMELoop is a DNAME that leads below itself: each hop makes the name longer,
// until it is too long.
//
// RFC 6672 3.4.2 and 5.1.
func DNAMELoop() Attack {
	return Attack{
		Name: "dname-loop", Origin: "RFC 6672 5.1",
		Lay: func(n *Internet) {
			n.Zone("evil.com.", func(Message) Act { return Say(DNAME("evil.com.", day, "x.evil.com.")) })
		},
		Ask: fresh("evil.com."),
	}
}

// DNAMEPair is two DNAMEs that lead to each other.
//
// RFC 6672 5.1.
func DNAMEPair() Attack {
	return Attack{
		Name: "dname-pair", Origin: "RFC 6672 5.1",
		Lay: func(n *Internet) {
			n.Zone("evil.com.", func(Message) Act { return Say(DNAME("evil.com.", 0, "evil.net.")) })
			n.Zone("evil.net.", func(Message) Act { return Say(DNAME("evil.net.", 0, "evil.com.")) })
		},
		Ask: fresh("evil.com."),
	}
}

// CAMP is the compositional amplification: every alias leads into another zone,
// to a name of that many labels more. Each of the zones is delegated to ns name
// servers without glue, of which every second can be found; the others lie in zones
// that are delegated likewise, to nobody. Bounds on aliases, on name servers and on
// depth multiply, unless one ledger counts all.
//
// Duan, Bearzi, Vieli, Basin, Perrig, Liu, Tellenbach: CAMP, USENIX Security 2024.
func CAMP(aliases, ns, labels int) Attack {
	zone := func(q, i int) string { return fmt.Sprintf("z%d-%d.evil.com.", q, i) }
	return Attack{
		Name: fmt.Sprintf("camp(%dx%dx%d)", aliases, ns, labels), Origin: "CAMP, 2024",
		Lay: func(n *Internet) {
			n.Zone("evil.com.", func(m Message) Act {
				cut := under(m, 3)
				return Refer(NS(cut, 0, names(ns, "n%d."+cut+"maze.net.")...))
			})
			chain := n.Serve(func(m Message) Act {
				var q, i int
				if _, err := fmt.Sscanf(under(m, 3), "z%d-%d.", &q, &i); err != nil || i == aliases {
					return Say(A(m.Question.Name.String(), 0, addr4(1)))
				}
				return Say(CNAME(m.Question.Name.String(), 0, strings.Repeat("l.", labels)+zone(q, i+1)))
			})
			n.Zone("maze.net.", func(m Message) Act {
				host, number := m.Question.Name.String(), m.Question.Name.Label()[1:]
				switch {
				case number[len(number)-1]%2 == 1:
					return Refer(NS(host, 0, names(ns, "m%d."+m.Question.Name.Label()+".dead.net.")...))
				case m.Question.Type != lookup.TypeA:
					return Lack("maze.net.")
				}
				return Say(A(host, 0, chain))
			})
			n.Zone("dead.net.", func(Message) Act { return Deny("dead.net.") })
		},
		Ask: func(i int) lookup.Question { return asA("www.%s", zone(i, 0)) },
	}
}
