// Package override answers the names of chosen zones otherwise than by the public
// delegation: by servers that are told, by a copy that we hold, from a zone of the same
// content under another TLD, or by a delegation that is written down.
//
// The story in ten lines: an [Override] says for which zone, how, when, and in which
// views. A [Set] has all of them, those that are configured and those that operators
// add while the server runs, which it keeps in a file. [Set.Before] is a Resolver for a
// view: before anything else is asked about a name it finds the closest override, and
// makes of it the rungs of a ladder (plan.go): one that counts always comes first, and
// one for outages when what came first fails, is denied by a zone above, or takes more
// than 400 ms (climb.go); at once while somebody who knows says that there is an outage.
// An alias that leads out of the zone goes on by the whole ladder, and one that leads
// into it comes here, if whoever follows aliases leaves it ([Set.Covers]). A mirror asks
// for the same name of the other zone, without any more mirrors, and puts its own names
// into what comes back (mirror.go). What is behind an override, a resolver of its own or
// a copy of a zone, is made by Options.Source, so that nothing that was heard there is
// remembered anywhere else.
//
// Standards: RFC 1034 4.3.2 and RFC 6604 (aliases), RFC 2308 (denials), RFC 4035 3.1.4.1
// (whose a DS is), RFC 6672 2.2 (names replaced), RFC 8767 4 (TTL of what has expired),
// RFC 8914 (EDE 3 and 29). Not here: DNSSEC of mirrored zones, whose answers are unsigned.
package override
