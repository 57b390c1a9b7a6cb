package attack

import (
	"net/netip"

	"github.com/sextant-dns/sextant/lookup"
	"github.com/sextant-dns/sextant/transport"
)

// Ledger is a page of the books of an Internet: what came in while it was open.
type Ledger struct {
	Messages int // to all servers, repetitions over TCP included
	Octets   int // of replies
	Astray   int // messages to addresses where nobody is

	// Outstanding is how many messages with one question were on their way at
	// once, at most. More than one and whoever guesses has a birthday.
	Outstanding int

	to map[netip.Addr]map[lookup.Question]int
}

func newLedger() Ledger { return Ledger{to: map[netip.Addr]map[lookup.Question]int{}} }

// enter notes a message; there tells whether anybody is at its address.
func (l *Ledger) enter(r transport.Request, there bool, outstanding int) {
	addr := r.Server.Addr()
	if l.to[addr] == nil {
		l.to[addr] = map[lookup.Question]int{}
	}
	l.to[addr][r.Question]++
	l.Messages++
	l.Outstanding = max(l.Outstanding, outstanding)
	if !there {
		l.Astray++
	}
}

// Servers is how many servers were asked.
func (l Ledger) Servers() int { return len(l.to) }

// To is how many messages a server got.
func (l Ledger) To(addr netip.Addr) int {
	messages := 0
	for _, n := range l.to[addr] {
		messages += n
	}
	return messages
}

// Repeats is how often one server was asked one question, at most.
func (l Ledger) Repeats() int {
	most := 0
	for _, questions := range l.to {
		for _, n := range questions {
			most = max(most, n)
		}
	}
	return most
}

// About is how many messages asked about zone and what lies below it.
func (l Ledger) About(zone lookup.Name) int {
	messages := 0
	for _, questions := range l.to {
		for q, n := range questions {
			if q.Name.IsSubdomainOf(zone) {
				messages += n
			}
		}
	}
	return messages
}
