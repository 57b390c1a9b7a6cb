package server

import (
	"net/netip"
	"time"

	"github.com/sextant-dns/sextant/lookup"
)

// Answers of our zones that depend on where the client is are few, and the networks that
// they are for are many: so each is kept once, and a lookup.Choice tells which of them a
// client gets, and for whom that is. One of them is where an answer for everyone would
// be, and has the Choice for all.

// chosen is which answer of a Choice a packet is. It is for no one network.
type chosen struct {
	lookup.Choice
	number int
}

// choice is nil when there is no other answer than p.
func (p *packet) choice() *chosen {
	if p.rare == nil {
		return nil
	}
	return p.rare.chosen
}

// reach is whom an answer is for, as in lookup.Response.
type reach struct {
	limits netip.Prefix
	wanted uint8
}

// beside puts into p the packet for q that was made by a Choice as its answer of that number,
// and is not the one under the key of q.
func (ps *packets) beside(q *query, c lookup.Choice, number int, p *packet) (ok bool) {
	ok = ps.at(another(q.key, number), q, p)
	made := p.choice()
	return ok && made != nil && made.number == number && made.Choice == c
}

// another is where an answer is kept that is not the one under key.
func another(key uint64, number int) uint64 { return key + uint64(number+1)*0xd1342543de82ef95 }

// putChosen remembers p, which is r packed for q, as one of several answers. It comes after
// again, and so with the key of q.
func (ps *packets) putChosen(q *query, p packet, r *lookup.Response) {
	number, _, _, ok := r.Choice.Of(clientOf(q.from), q.subnet)
	if !ok {
		return
	}
	ttl := r.TTL()
	if ttl == 0 || len(p.body()) > maxKept {
		return
	}
	p.variant = q.variant()
	p.rare = &rare{ede: p.ede(), counter: r.Counter, chosen: &chosen{r.Choice, number}}
	key := q.key
	var first packet
	if ps.at(key, q, &first) {
		if c := first.choice(); c != nil && c.Choice == r.Choice && c.number != number {
			key = another(key, number)
		}
	}
	ps.cache.Put(key, netip.Prefix{}, p, time.Unix(0, p.born).Add(time.Duration(ttl)*time.Second))
}
