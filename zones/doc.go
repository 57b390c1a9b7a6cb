// Package zones holds authoritative data: zones read from master files, what is
// found in them under a name, and the tree that knows which zone a name is in.
//
// The story in ten lines: [Load] reads the plain lines of a master file itself (line.go)
// and hands all others to the parser of miekg/dns,
// and notes beside each RR where it stood. The names are sorted canonically, so
// that one walk groups them into RRsets, adds the empty non-terminals, and marks
// for each name the topmost delegation or DNAME above it. What contradicts the
// RFCs is an error, what is only unwise is a [Problem] in [Zone.Lint]; both name
// file, line and column. The [Zone] that comes out never changes. [Zone.Find] is
// the algorithm of RFC 1034 4.3.2 for one zone, reduced to two or three hash
// look-ups: it allocates nothing and says what kind of [Match] there is, and the
// caller makes a response of it; [Zone.Prove] adds the NSEC or NSEC3 RRsets of a
// zone that is signed. [New] makes a zone of what came by another way than a file.
// [Zone.With] makes the next version of one, and [Zone.Write] a master file.
// A [Tree] is an immutable set of zones; whoever reloads a zone makes a new Tree and
// swaps it in.
//
// Standards: RFC 1034 4.3.2 (lookup), RFC 1035 5 (master files), RFC 2181 5, 6.1
// and 10 (RRsets, zone cuts, CNAME), RFC 3597 5 (unknown types), RFC 4035 3.1.3 and
// RFC 5155 7.2 (proofs), RFC 4035 3.1.4.1 (DS at the parent side), RFC 4592
// (wildcards), RFC 6672 2 (DNAME), RFC 8020 (empty non-terminals), RFC 8482 4.1
// (ANY). $GENERATE is BIND's. Not implemented: journals, which package update has.
package zones
