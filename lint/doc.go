// Package lint asks a server what tells whether it keeps to the RFCs, and says what it
// does otherwise.
//
// The story in ten lines: a [Report] is a list of checks, each with the section of the RFC
// that it is about, a [Result] and, when something is wrong, the reasons. [EDNS] is the
// matrix of RFC 8906 8. [ECSAuthority] sees whether an authority takes part in Client
// Subnet as it must: what it echoes, what it refuses, and whether its scopes overlap.
// [ECSResolver] sees from the outside what a resolver does with the option of its clients;
// what it passes on, it can only be told by the authority, which is why there is one here:
// [Witness] serves a zone that the resolver has to be led to, answers with what it saw,
// and keeps a list. [DNS64] compares what a resolver synthesizes with what it is made of.
// Everything is sent to the one server that is looked at, at the pace of its
// probe.Client. A check that does not apply says so, and is no fault.
//
// Standards: RFC 8906 8, RFC 6891 6.1, RFC 7871 6, 7 and 11, RFC 6147 5, RFC 6052 2, RFC
// 7050 3, RFC 8880 7.
package lint
