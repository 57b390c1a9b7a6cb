// Package lookup is the vocabulary that every other package speaks.
//
// The story in ten lines: a client's message becomes a [Query]: a [Question]
// and facts about who asks. Whoever can answer is a [Resolver], and Resolve is
// its only verb: the iterative resolver, DNS64, authoritative data, a mirror.
// What comes back is a [Response]: sections of [RRset] values, a security
// status, Extended DNS Errors, and a Scope: whom the response is valid for. A
// Response is never changed after it was returned; a decorator returns a new
// one. Names and rdata are wire-form strings, so they are immutable, can be
// compared with ==, and are one copy away from a packet. An error means that no
// answer could be had, and a [Failure] says why. One [Budget] pays for all the
// work that a single client query causes.
//
// Standards: RFC 1034 3.1 and RFC 1035 2.3 (names), RFC 2181 5 (RRsets),
// RFC 2308 5 (negative TTL), RFC 4034 6.1 (canonical order), RFC 8914 (Extended
// DNS Errors), RFC 7871 7.3.1 (scope). Not here: message encoding (package
// message), anything with a socket, any decision.
package lookup
