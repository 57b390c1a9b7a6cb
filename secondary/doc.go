// Package secondary keeps copies of zones whose primaries are others: it transfers
// and refreshes them, and knows when one has become too old to be used.
//
// The story in ten lines: a [Copy] is one zone. Its Run asks the primaries in turn
// for the SOA whenever the zone's own timers say so (refresh.go), and transfers the
// zone when the serial has moved on: only what has changed, or all of it
// (session.go, receive.go, changes.go). What came is checked before anything relies
// on it: it has an SOA and NS at its apex, its ZONEMD is good, and its signatures
// will last for a while (judge.go). A transfer that is cut off, too large or wrong
// in any RR changes nothing: the last good copy stays. That copy is written to disk
// and read again at the start (store.go). A master file that somebody else keeps
// fresh can stand in the place of primaries (file.go). [Copy.Zone] hands out the zone
// for as long as it may be used, and after that says so, in time for whoever
// asks to do without; [Copy.Status] tells the reason.
//
// Standards: RFC 1034 4.3.5 and RFC 1035 3.3.13 (timers), RFC 1982 (serials),
// RFC 1995 (IXFR), RFC 5936 (AXFR), RFC 7314 (EXPIRE), RFC 8806 (the root), RFC 8945 (TSIG; package tsig),
// RFC 8976 (ZONEMD; the digest itself is computed by Options.Verify). NOTIFY comes to
// the server, which has only to call Copy.Refresh. Not implemented: transfers over
// TLS.
package secondary
