// Package update changes zones of ours while they are served, as clients ask for it, and
// sees to it that what it has said yes to outlives a crash.
//
// The story in ten lines: a [Zone] is the zone of a master file with all that has been
// changed since (zone.go). [Zone.Update] takes one UPDATE: who may change what says a
// list of grants (grant.go), then the prerequisites are held against the zone
// (prerequisite.go), then the changes are made in a draft (draft.go, change.go), all or
// none. Those that wait at the same time are made one after another in one draft, of
// which one new version of the zone is made. Before anybody hears NOERROR the differences
// stand in the journal, on the disk (journal.go, frame.go), and the new version is
// served. The master file is the operator's: it is read, and written only by
// [Zone.Sync]. The journal knows each version by the digest of its RRs (digest.go), so
// that a file is taken for what it holds and not for what its serial claims; a file that
// somebody has edited while there are changes that it lacks is refused (chain.go).
//
// Standards: RFC 2136 (UPDATE), RFC 3007 (whom to believe: TSIG, which the server has
// checked), RFC 1982 (serials), RFC 1995 5 (which versions are kept), RFC 6672 5.2
// (DNAME). Not implemented: forwarding by a secondary (RFC 2136 6), SIG(0), zones that are
// signed.
package update
