// Package ecs is EDNS Client Subnet: what is told of clients, to whom, and for
// whom an answer holds.
//
// The story in ten lines: [Parse] reads an option, strictly, and [Option.Data]
// writes one. A network is a netip.Prefix everywhere, so family, address and
// length travel as one value. A [Policy] is what one view tells of its clients:
// from a query it makes an [Audience], which says what may be told and whom that
// stands for, and for each zone and server it says whether it is told there.
// Nothing is told by default, nothing of private space ever, nothing to servers
// that only delegate, and nothing of a client that asks for that. A [Memory] knows
// which servers make something of it and which zones tailor their answers. With
// what it knows, [Judge] says whether a reply may be believed to be for everyone,
// and [Audience.Store] under which [Scope] to keep it; [Audience.Tell] puts that in
// terms of the client. A [Quota] sees to it that nobody fills a cache with networks.
// All of these are pure: whoever uses them brings the clock and sends the queries.
//
// Standards: RFC 7871 6 (the option), 7.1 (what is told), 7.2.1 (what is
// malformed), 7.3 (whom an answer is for), 7.5 (options of others), 10 (NAT), 11 (how
// much is told, and what may be believed) and 12.1 (to whom); RFC 6890 2.2
// (special-purpose space); draft-li-dnsop-ecs-aggregation-fix (queries are
// aggregated where answers do not differ).
package ecs
