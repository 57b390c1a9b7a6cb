// Package resolver finds answers iteratively, from the root servers down.
//
// The story in ten lines: [Resolver.Resolve] answers a query hop by hop, a hop
// being all that there is to know about one name and type: an answer, a denial,
// or an alias, behind which the next hop begins (resolver.go). A hop that is
// remembered costs nothing (answers.go). Another is fetched by a flight, which all
// who want the same wait for (flight.go). A flight starts at the closest zone cut
// that is known, or at the root (cut.go, root.go), and iterates: ask the servers of
// the zone, classify what they say; a referral leads to the next cut, everything
// else ends the hop (iterate.go, classify.go, referral.go). Who is asked is decided
// by what is remembered of servers: how fast, how often silent, lame for which zone
// (ask.go, exchange.go, health.go). Name servers without glue are found by the same
// means, one level deeper (address.go). One ledger pays for all that a query causes
// (task.go), and what has failed is left alone for some seconds (failure.go).
//
// Cuts are learned from the parent side alone. What a zone says of its own NS is
// an answer for those who ask for it and changes nothing about how the zone is
// found, so a zone cannot prolong its own delegation.
//
// Standards: RFC 1034 5.3.3 (the algorithm), RFC 1035 7.3 and RFC 2181 5 (what to
// believe), RFC 2308 (negative answers), RFC 4035 3.1.4.1 (DS at the parent side),
// RFC 4697 2 (manners towards servers that fail), RFC 6672 (DNAME), RFC 6891 6.2.2
// (servers without EDNS), RFC 8767 4 (caps on TTLs), RFC 8914 (why there is no
// answer), RFC 9520 (failures are remembered), RFC 9609 (priming). Not implemented:
// DNSSEC validation, RFC 7871 towards servers, RFC 8198, RFC 8767 (stale answers),
// RFC 9156 (minimisation), forwarding.
package resolver
