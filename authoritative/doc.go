// Package authoritative answers for the zones that we hold.
//
// The story in ten lines: an [Authority] is a lookup.Resolver over a zones.Tree.
// The tree says which zone a name is in (none: REFUSED, and never a referral
// upwards), Zone.Find says what kind of match there is, and a draft turns that
// into sections. An answer takes the name that was asked as its owner, also when
// a wildcard gave it. A CNAME, or the one that a DNAME stands for, is followed
// as long as we hold the zone that it leads to, and the last name decides the
// rcode. A negative answer brings the SOA with its negative TTL. A zone cut ends
// our authority: the referral brings the NS RRset and the glue. Of a zone that is
// signed those who want DNSSEC records get the proofs, too. A zone that has expired is SERVFAIL. Replace swaps the tree
// between two queries; each query sees one tree from beginning to end.
//
// Standards: RFC 1034 4.3.2 and RFC 1035 4.1.1 (algorithm, AA), RFC 2308 2 and 3
// (negative answers), RFC 4035 3.1.3 and 3.1.4 (proofs, DS), RFC 4592 (wildcards),
// RFC 5155 7.2 (NSEC3), RFC 6604 (rcode of a chain), RFC 6672 3.2 (DNAME), RFC 8020,
// RFC 8109 4.2 (priming), RFC 8482 4.1 (ANY), RFC 8914 (EDE 20), RFC 9460 4.1
// (additional section), RFC 9471 (glue). Not implemented: signing, UPDATE; zone
// transfers are package primary's. Types that exist in messages only (AXFR, MAILB, OPT and the like) are the
// server's to refuse.
package authoritative
