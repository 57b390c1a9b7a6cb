// Package ednscheck knows the queries by which a server shows whether it keeps to the rules
// of messages and EDNS, and judges the replies.
//
// The story in ten lines: RFC 8906 8 lists some twenty queries that every server gets sooner
// or later, from resolvers that are newer than it is, and says what a reply to each looks
// like. [Cases] is that list as plain data. A [Case] is a query, as a message
// ([Case.Query]) or in the words of dig ([Case.Dig]), and what must be so of its reply.
// What a reply looks like is an [Observation], made from a message by [Observe] or from
// what some tool prints, and [Case.Judge] says in words what is wrong with it. No reply at
// all is what is always wrong. Nothing here sends or receives anything.
//
// Standards: RFC 8906 8.1 and 8.2 (the queries), RFC 6891 6.1.3 and 6.1.4 (versions, flags),
// RFC 3225 3 (DO), RFC 6895 2.2 (opcodes).
package ednscheck
