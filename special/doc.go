// Package special answers questions for special-use names by itself, so that
// they never leave for the Internet, where nobody could answer them.
//
// The story in ten lines: a [Special] is a lookup.Resolver in front of another
// one. A question for a name at or below one of its zones is answered here, all
// others go on. There are four kinds of zone. An empty zone has SOA and NS at
// its apex and nothing else, as RFC 6303 3 draws it: the reverse zones of
// addresses that mean something else in each network, test., home.arpa. and
// service.arpa. An absent name does not exist, not even its apex: invalid.,
// local., onion. and alt. Below resolver.arpa. all is NODATA, and localhost. and
// what is below it is the loopback address. Options.Off gives a name back to the
// next resolver, with all below it, so that a lab may use test. and a site its
// 10.in-addr.arpa. Answers are authoritative and say in an EDE why they are
// what they are.
//
// Choices where the RFCs leave one:
//   - DS at an apex below arpa. goes to the next resolver, with or without DO:
//     the zone above is signed, and whoever validates needs its proof that ours
//     is not (RFC 8375 4, RFC 6303 7). The names directly below the root are no
//     zones there, so nothing that next could say would make our answers secure,
//     and RFC 6761 wants nothing asked: their DS is answered here like any type.
//   - 127.0.0.1 and ::1 have a PTR to localhost. (RFC 1912 4.1), as in other
//     resolvers, although RFC 6303 4.2 has these zones empty.
//   - A name that is not Off but has an Off name below it exists (NODATA): were
//     it NXDOMAIN, clients could take the Off name for denied (RFC 8020 2).
//   - localhost. itself has no SOA and no NS: RFC 6761 6.3 wants a negative
//     answer to all but address queries. The SOA stands in the authority section.
//   - The EDE of negative answers is 0 (Other) with text (RFC 8914 4.1): none of
//     the registered codes says "answered locally". Of Blocked, Censored and
//     Filtered none is true.
//   - An alias elsewhere that leads to a special name is followed by whoever
//     follows aliases; a Special sees questions only.
//
// Standards: RFC 6761 6 (special-use names), RFC 6303 (locally served zones),
// RFC 7793 (100.64/10), RFC 9637 (3fff::/20), RFC 6762 22.1 (local.), RFC 7686 2
// (onion.), RFC 8375 4 (home.arpa.), RFC 9476 2 (alt.), RFC 9665 (service.arpa.),
// RFC 9462 6.4 (resolver.arpa.), RFC 8482 4.1 (ANY), RFC 8914. The zones that
// RFC 7534 delegates to AS112 are among those of RFC 6303. Not here:
// ipv4only.arpa. (RFC 8880, package dns64). Not special: example. (RFC 6761 6.5),
// empty.as112.arpa. (RFC 7535) and hostname.as112.net. (RFC 7534), which are to
// be resolved. Not implemented: SVCB at _dns.resolver.arpa. (RFC 9462 4) and the
// names of RFC 9031, RFC 9140 and RFC 9965, which no client asks a resolver for.
package special
