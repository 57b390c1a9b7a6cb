package attack

import (
	"fmt"
	"time"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/resolver"
)

// Birthday is many clients that ask the same at once, so that many questions are
// on their way for whoever forges replies.
//
// RFC 5452 5, CERT VU#457875 (2002).
func Birthday(clients int) Attack {
	return Attack{
		Name: fmt.Sprintf("birthday(%d)", clients), Origin: "VU#457875",
		Lay:     func(n *Internet) { n.Zone("evil.com.", slowly) },
		Ask:     one("www.evil.com."),
		Queries: clients,
		AtOnce:  clients,
	}
}

// BirthdayByNeed has the same question asked for several reasons at once: by a
// client, for a zone that has its name server there, for a zone that has its name
// server in that zone, and so on. No two of these flights may wait for each other,
// and yet the question must be on its way once.
//
// VU#457875, by way of RFC 1034 5.3.3.
func BirthdayByNeed(reasons int) Attack {
	a := Birthday(reasons)
	a.Name = fmt.Sprintf("birthday-by-need(%d)", reasons)
	a.Lay = func(n *Internet) {
		n.Zone("evil.com.", slowly)
		host := "www.evil.com."
		for i := range reasons {
			zone := fmt.Sprintf("b%d.com.", i)
			n.Delegate(NS(zone, day, host))
			host = "ns." + zone
		}
	}
	a.Ask = func(i int) lookup.Question {
		if i == 0 {
			return asA("www.evil.com.")
		}
		return asA("www.b%d.com.", i-1)
	}
	return a
}

// slowly is a server that takes its time to deny.
func slowly(Message) Act { return Deny("evil.com.").In(50 * RTT) }

// WaterTorture is random names of a zone whose server denies each of them.
//
// The attacks by pseudo-random subdomains since 2014.
func WaterTorture(queries int) Attack {
	return Attack{
		Name: fmt.Sprintf("water-torture(%d)", queries), Origin: "random subdomains, 2014",
		Lay:     func(n *Internet) { n.Zone("evil.com.", func(Message) Act { return Deny("evil.com.") }) },
		Ask:     fresh("evil.com."),
		Queries: queries,
		AtOnce:  100,
	}
}

// WaterTortureDark is the same when the zone's 13 servers have broken down, with
// so many at once.
func WaterTortureDark(queries, atOnce int) Attack {
	a := Dark()
	a.Name, a.Origin = fmt.Sprintf("water-torture-dark(%d/%d)", queries, atOnce), "random subdomains, 2014"
	a.Queries, a.AtOnce = queries, atOnce
	return a
}

// CacheFlush asks for rate new names a second, each of which brings so many
// aliases along, and so tries to push everything else out of memory: the name, too,
// that the benign client asks for once a second. It tells what that client saw. It
// has to be called in a bubble of testing/synctest.
//
// CacheFlush, USENIX Security 2024.
func CacheFlush(aliases, rate, seconds int, o resolver.Options) Service {
	const ticks = 50 // in a second
	s := NewStage(func(n *Internet) { n.Zone("evil.com.", Burst(aliases)) }, o)
	question := fresh("evil.com.")
	for i := range rate * seconds {
		go s.ask(question(i))
		if i%(rate/ticks) == 0 {
			time.Sleep(time.Second / ticks)
		}
		if i%rate == rate-1 {
			s.Benign()
		}
	}
	s.Settle()
	return s.Cached
}
