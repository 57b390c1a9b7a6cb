// Package geo says where a client is, as far as answers depend on it, and for
// which whole network the same holds.
//
// The story in ten lines: zones use few [Selector]s: a continent, a country, a
// subdivision, a city, an autonomous system, a set of networks. A [Database] is an
// mmdb file whose [Layout] says where the values stand; [Sources] are several of
// them, with the operator's own networks. [Compile] reads all of them once, for the
// selectors that are used and nothing else: every address belongs to one [Class],
// the set of selectors that are true of it, and all classes stand in one trie, the
// [Map]. [Map.Locate] descends once and gives the class and the widest prefix in
// which all addresses have it. An [Equivalence] says which classes are answered alike
// now; [Equivalence.Locate] gives the widest prefix in which the answer is this one:
// the scope of RFC 7871, neither wider than true nor narrower than needed. When a
// site fails the equivalence is what changes; the Map stays. An IPv6 address that
// embeds an IPv4 address is where that one is. A [Watcher] compiles anew, beside the
// Map in use, when a file changes.
//
// Standards: RFC 7871 7.2.1 (scopes never overlap), RFC 4291 2.5.5.2 (mapped
// addresses), RFC 6052 2.2 (addresses of a NAT64), RFC 3056 2 (6to4), RFC 4380 4
// (Teredo), ISO 3166-1 and 3166-2 (codes), MaxMind DB 2.0. Not here: which
// address is looked up (the option's or the transport's), and any answer.
package geo
