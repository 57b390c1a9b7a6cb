// Package probe asks one server, and hands over what came back as it came.
//
// The story in a few lines: instruments that judge servers send messages which no
// resolver would send, and must see replies which a careful parser refuses. A [Client]
// sends octets to one address over UDP or TCP, waits, tries again when nothing comes, and
// keeps to a pace and a number of queries that its user has chosen; beyond the number
// everything is [ErrEnough]. A [Reply] is the message, if it can be read, and besides the
// EDNS options octet by octet. It asks nobody but its server.
//
// Standards: RFC 1035 4.2 (transports), RFC 6891 6.1.2 (options), RFC 7766 6.2 (TC).
package probe
