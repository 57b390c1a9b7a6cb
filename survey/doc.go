// Package survey asks one name as if from many networks, and finds out which answer holds
// for whom, with few queries.
//
// The story in ten lines: an authority that tailors answers says with each for which
// network it holds: the scope of RFC 7871. Whoever asks from network after network can
// therefore leave out what an earlier scope covers. [Run] does that for a list of
// networks, or, adaptively, for all of the address space: it asks from the largest
// network about which nothing is known, and when the scope that comes back is smaller, the
// rest falls into pieces, which wait their turn, the large ones before the small ones and
// those whose neighbours were answered alike later. If nothing stops it, it needs one
// query for each scope that there is; if something does, it knows the large ones, and
// which networks it has not asked for. It believes nobody: scopes that overlap, options
// that do not match, and answers that differ inside one scope are [Problem]s. [Result.Summaries]
// and [Result.Joined] put what was found into words for people.
//
// Standards: RFC 7871 6 (the option), 7.2.1 (scopes never overlap, and what is echoed),
// 7.3 (what to believe of a response), 11.3 (this is what it warns of: a bound on number
// and pace of queries is not optional for whoever sends them).
package survey
