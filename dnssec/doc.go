// Package dnssec verifies RRsets and proves denials: pure functions with a work
// budget.
//
// The story in ten lines: the DS RRset of a zone, or a trust anchor, becomes
// [DS] values; [Verifier.Keys] finds the DNSKEY that one of them names, checks
// that it signed the DNSKEY RRset, and returns the zone's [Key] values. With
// these [Verifier.Verify] checks any RRset of the zone and tells how long it may
// be kept, and whether a wildcard made it. Verified NSEC and NSEC3 RRsets become
// a [Denial], which is asked what it proves: no such name, no such type, no
// wildcard in between, no DS. Nothing is fetched, cached or decided here. All
// that costs anything, a signature or a hash, is paid from the query's
// [lookup.Budget], and whoever hands in hostile data gets an answer that says so.
// [Signer] makes signatures, [CheckZONEMD] digests a zone, and [Ranges] remembers
// denials for questions yet to come.
//
// Standards: RFC 4033-4035, RFC 4509 and RFC 6605 (DS digests), RFC 5702, RFC 6605,
// RFC 8080 (algorithms), RFC 5155 and RFC 9276 (NSEC3), RFC 6840
// (clarifications), RFC 8198 (aggressive use), RFC 8976 (ZONEMD), RFC 9905 (SHA-1).
// Not implemented: DSA, GOST and private algorithms, which are unsupported and
// so make a zone insecure; chains of trust, which are the resolver's; RFC 5011
// timers.
package dnssec
