// Package dns64 turns A answers into AAAA answers, so that IPv6-only clients
// reach IPv4-only servers through a NAT64.
//
// The story in ten lines: a [DNS64] is a lookup.Resolver in front of another
// one. For an AAAA question the name's [Rule] is found: the rule with the
// longest suffix wins. Its [Policy] is then asked again and again what to do
// next ([Policy.Decide], a pure function): look up AAAA, look up A, and in the
// end pass, filter, synthesize or deny. In standard mode real AAAA come first
// and synthesis fills the gap; in forced mode A comes first and real AAAA are
// ignored, as macOS Internet Sharing does on its NAT64 network. Each A address
// is embedded in the Pref64s that its IPv4 range maps to. Reverse lookups in a
// Pref64 are led to in-addr.arpa, and ipv4only.arpa is answered here. Nothing
// synthetic is ever remembered, so any number of views may share what is below.
//
// Whom a DNS64 serves is not its business: one value belongs to one view, and
// views choose the clients.
//
// Choices where the RFCs leave one, each with its line of
// docs/reference/rfc-coverage.md:
//   - When nothing can be synthesized a failure of either lookup is passed on,
//     the AAAA's first; otherwise the AAAA response stands (D15). So an A lookup
//     that timed out never becomes a NODATA that clients remember.
//   - CD=1 with DO=0 is not synthesized for, unless Options.SynthesizeCD (D46).
//   - CD=1 with DO=1 gets everything as it is, excluded AAAA included: whoever
//     validates needs the signed RRset whole (D12, D45).
//   - AAAA and A are looked up one after the other (D23).
//   - Forced mode departs from RFC 6147 5.1.1 on purpose (D4), asks no AAAA and
//     so never claims that one was denied: what it synthesizes is never Secure.
//   - Hiding A departs from RFC 6147 5.3.3 on purpose (D37). What is hidden is
//     answered NODATA with EDE 17 (Filtered), what is synthetic carries EDE 29
//     (Synthesized).
//   - A name below ipv4only.arpa does not exist (NXDOMAIN); DS at its apex is
//     the one question that goes below (D72, D73).
//
// Standards: RFC 6147 (DNS64), RFC 6052 2 and 3 (addresses), RFC 8880 7 (special
// names), RFC 7050 3.1.1 and 5 (the server's part), RFC 9460 4.2.1 (SVCB and
// HTTPS), RFC 2308 (negative TTLs), RFC 8914 (EDE), RFC 7871 7.3.1 (scope).
// Not implemented: RFC 7050 discovery by clients, RFC 8781 router
// advertisements, and parallel lookups (RFC 6147 5.1.8).
package dns64
