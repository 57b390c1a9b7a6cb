// Package resolver finds answers iteratively, from the root servers down.
//
// The story in ten lines: [Resolver.Resolve] answers a query hop by hop, a hop
// being all that there is to know about one name and type: an answer, a denial,
// or an alias, behind which the next hop begins (resolver.go). A hop that is
// remembered costs nothing (answers.go). Another is fetched by a flight, which all
// who want the same wait for (flight.go). A flight starts at the closest zone cut
// that is configured or known, or at the root (zone.go, cut.go, root.go), and
// iterates: ask the servers of the zone, classify what they say; a referral leads to
// the next cut, everything else ends the hop (iterate.go, classify.go, referral.go).
// On the way servers see no more of the name than they need (minimise.go). Who is
// asked is decided by what is remembered of servers: how fast, how often silent, lame
// for which zone (ask.go, exchange.go, health.go). Name servers without glue are
// found by the same means, one level deeper (address.go, lead.go). One ledger pays
// for all that a query causes (task.go), which also has a memory of its own for what
// lives for no time (held.go); clients that wait for one name and questions that are put
// to one zone are bounded, too (flight.go, traffic.go); what has failed is left alone for some
// seconds (failure.go), and if so configured an expired answer stands in for one that
// is not to be had (stale.go). Of a zone that we have a copy of, the root for one, no
// server is asked, as long as the copy is good (local.go).
//
// For clients of whom servers are told, a hop is for a network: it is looked up, fetched
// and kept by what is told ([Resolver.With], subnet.go), and under one name there are
// few such flights at once (lane.go).
//
// Cuts are learned from the parent side alone. What a zone says of its own NS is
// an answer for those who ask for it and changes nothing about how the zone is
// found, so a zone cannot prolong its own delegation. The one exception lives within
// the delegation: name servers that only the zone itself names are asked when all
// others have failed.
//
// Standards: RFC 1034 4.3.2 (queries without RD) and 5.3.3 (the algorithm), RFC 1035
// 7.3 and RFC 2181 5 (what to believe), RFC 2308 (negative answers), RFC 4035 3.1.4.1
// (DS at the parent side), RFC 4697 2 (manners towards servers that fail), RFC 6672
// (DNAME), RFC 6891 6.2.2 (servers without EDNS), RFC 7871 7 and 11 (Client
// Subnet, by the decisions of package ecs), RFC 8020 (nothing below a name that
// does not exist; where it is proven, and by option where it is not), RFC 8767 (caps on
// TTLs, stale answers), RFC 8806 (a copy of the root), RFC 8914 (why there is no answer), RFC 9156 (minimisation; the
// type A stands for all at names above, the whole name is asked for with its own
// type), RFC 9520 (failures are remembered), RFC 9609 (priming). Validation is
// RFC 4035 5 with package dnssec, negative trust anchors are RFC 7646, and proofs
// answer for names that nobody has asked for by RFC 8198 (validation.go, trust.go,
// proof.go, aggressive.go).
package resolver
