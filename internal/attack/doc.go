// Package attack plays published attacks on recursive resolvers against ours and
// counts what they cost. It is test support, imported by tests only.
//
// The story in ten lines: an [Internet] is a programmable authority in memory. A
// [Server] in it is a Go function from a message to an [Act]: a reply, a delay, an
// error or silence. Its own parents, the root and some TLDs, are honest; so is
// benign.org, whose client must not notice anything. An [Attack] lays hostile
// zones into an Internet and says what its client asks for; there is one small
// function for each, named after the paper or CVE. [Play] runs one in a bubble of
// testing/synctest, where a server that takes 10 seconds takes none, and closes
// the books after every query: the [Outcome] tells how many messages one query
// caused, how many octets and servers, how long clients waited, what memory is
// left occupied and whether the benign client was served, from memory and afresh.
// The tests hold each number against a bound that is checked in.
//
// Attacks below the resolver's level are elsewhere: forged replies, wrong IDs and
// the way to TCP are stories of package transport's tests, since they are about
// packets. Malformed messages are made here ([Malformed]) for whoever decodes.
//
// Standards: RFC 1034 5.3.3 and RFC 9520 3 (work for one query is bounded), RFC
// 2181 5.4.1 (whom to believe), RFC 7871 11.2 (birthdays). Not played: attacks on
// DNSSEC validation, TLS and QUIC.
package attack
