// Package anchors keeps the trust anchors: where validation begins, and where,
// for a while, it does not take place.
//
// The story in ten lines: [Read] takes DS and DNSKEY RRs from files of several
// kinds, [Root] has those of the DNS root built in, and a [Set] answers the only
// question of a validator: which anchor is closest to a name? The [Keeper] holds
// the Set that counts now. It asks each managed zone for its DNSKEY RRset at the
// times of RFC 5011, hands what it saw to a pure state machine ([Point.See]), and
// writes the outcome to a [Store], so that a hold-down of 30 days survives a
// restart. A file that cannot be trusted is reported and set aside, and the
// configured anchors count again. Negative anchors come and go at run time, end by
// themselves, and are taken away when the zone validates again. A [Sentinel] tells
// whoever asks which keys of the root are trusted here.
//
// Standards: RFC 5011 (automated updates), RFC 7646 (negative trust anchors),
// RFC 8509 (sentinel), RFC 9718 (the root's anchors as XML), RFC 4035 5.2 and
// RFC 6840 5.2 (anchors that cannot be checked), RFC 6840 C.1 (the closest anchor
// counts). Not implemented: RFC 8145 (signalling), and removal of a trust point
// that a superior one makes superfluous (RFC 5011 5, a MAY).
package anchors
