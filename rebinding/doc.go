// Package rebinding removes private addresses from answers of the public DNS, so
// that no web page can aim a browser at the machines behind it.
//
// The story in ten lines: DNS rebinding is a name on the Internet that suddenly
// has an address of the victim's own network; the browser believes that it still
// talks to the same site. A [Filter] is a lookup.Resolver in front of another
// one. It looks at A, AAAA and the address hints of SVCB and HTTPS in every
// section of a response, and takes out the RRs whose address is private, loopback,
// link-local, unique local, shared (CGNAT) or unspecified, also when it hides in
// an IPv4-mapped, 6to4 or NAT64 address. What is left goes to the client: other
// RRs, the aliases, or NODATA, with EDE 15. A question for a name under one of
// Options.Domains is not looked at. A response with nothing to remove is passed as
// it is, without a copy.
//
// A Filter belongs directly in front of the iterative resolver, behind whatever
// answers from our own data (own zones, special names) or makes addresses (DNS64).
//
// Choices:
//   - RRs are removed, as Unbound's private-address does; dnsmasq's
//     stop-dns-rebind discards the answer. An attacker gains nothing by the
//     addresses that stay, whereas plenty of honest names have a stray private
//     address beside public ones, and an error would send the client to its next
//     resolver or make it ask again.
//   - An SVCB or HTTPS RR with a private hint goes as a whole: hints cannot be cut
//     out of it without changing what the RR says (RFC 9460 7.3).
//   - The name that was asked decides about Domains, not the owner of the RR: the
//     browser's origin is the name asked. Else an alias from a hostile name into an
//     allowed domain would be the way around the filter.
//   - EDE 15 (Blocked), not 17 (Filtered): RFC 8914 4.16 is the operator's own
//     security policy, 4.18 the client's wish.
//   - A changed RRset loses its RRSIGs, and the response its security status. This
//     holds for clients that validate (CD, DO), too: to them the RRset is insecure
//     or bogus, and either is better than reaching the address.
//   - A response that became empty has no SOA, so nobody keeps it (RFC 2308 5):
//     a Domain that is added helps at once.
//
// Standards: RFC 1918, RFC 6890 2.2 (the ranges), RFC 6598 (shared addresses),
// RFC 4193, RFC 3879, RFC 4291 2.5.5.2 (mapped), RFC 3056 2 (6to4), RFC 6052 2.2
// (NAT64), RFC 9460 2.2 and 7.3 (SVCB), RFC 8914 4.16. Not implemented: Teredo
// (RFC 4380) and IPv4-compatible addresses (RFC 4291 2.5.5.1), which no host
// reaches an IPv4 host with.
package rebinding
