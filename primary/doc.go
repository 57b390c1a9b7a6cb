// Package primary gives zones of ours to the servers that copy them, and hears from
// those that we copy.
//
// The story in ten lines: [Primary.Replace] says which zones there are, who may have
// them and who is to be told of changes. A zone that differs from the one before and
// has a newer serial gets another step of its history (history.go), so that
// [Primary.Transfer] can answer IXFR with what has changed; without such a step it
// answers with all of the zone. What it hands out are RRs in order: package server
// makes messages of them and knows nothing of zones. After each change Run tells the
// servers that want to know (notify.go), again and again until they reply. A NOTIFY
// of others comes to [Primary.Notify], which tells who keeps the copy. Who may do
// what is decided by address and key (peer.go); signatures were checked before.
//
// Standards: RFC 5936 (AXFR; messages are the server's), RFC 1995 (IXFR; history is in
// memory, so that the first transfer after a start is whole, unless somebody else keeps it), RFC 1996 (NOTIFY), RFC
// 8945 (TSIG; package tsig). Not implemented: NOTIFY for types other than SOA (RFC
// 9859), condensing of differences.
package primary
