// Package wire reads and patches messages in place without allocating.
//
// The story in ten lines: [Parse] walks a query once, from its header to its
// last octet, and fills a [Query] that lives on the caller's stack: the header,
// where the question stands, its name in lower case as a key for maps, and what
// the OPT says. What it finds is summed up in a [Verdict]: not to be answered,
// answered with an error, an ordinary question that a cache may know, or a
// well-formed query that needs a closer look. Nothing of the message is copied
// but that key, and all that a Query holds are numbers and offsets, so a Query
// stays true for a copy of its message. The other direction is small: the
// header of a reply is put together by [Query.AppendHead], and [Age] lowers TTLs
// where they stand. Everything that has to do with meaning (what to answer, to
// whom) is the server's.
//
// Standards: RFC 1035 4.1 (message), RFC 2181 8 (TTL), RFC 4343 (letter case),
// RFC 6891 6.1 (OPT), RFC 8945 5.1 (where a TSIG stands), RFC 9619 (one
// question). Not here: responses of other servers (package message), the
// contents of EDNS options.
package wire
