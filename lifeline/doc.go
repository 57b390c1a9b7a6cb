// Package lifeline decides, from evidence, which delegation of a protected zone to
// believe: so that names go on to resolve when servers of the zone above are silent,
// empty, stale or lying.
//
// The story in ten lines: of each protected zone there is a [Snapshot], the delegation
// that was last known to be good: its name servers, their addresses, its DS, all as
// the parent's servers have said and never as the zone itself does. In a roll-call every
// server of the parent is asked, and its [Vote] is what it says; the votes are a
// [Ballot], in which all servers of one operator are one [Group]. One honest witness is
// enough to keep what is known; to change it takes a majority that stays, or a key that
// was trusted before; and that a zone is gone is believed only when a majority proves
// it, twice, and the operator wants that to be followed. A [Machine] is the state of one
// zone: normal, suspect, emergency, recovering; it takes evidence with the time at which
// it came and gives [Transition]s. It is pure: it asks nobody, and time is an argument.
// A [Keeper] has one for each zone, sends the roll-calls, and keeps snapshots where a
// restart finds them. While something is suspect, its Guard answers from both paths. An
// [Audit] is a roll-call of a zone's own servers, too, for people.
//
// Standards: RFC 1034 4.2.1 (delegations), RFC 4035 5 (what DS and keys prove), RFC 8767
// (what came before: answers that have expired), RFC 9520 (failures), RFC 8914 (EDE).
// The idea of asking every parent, and what follows from it, is ours.
package lifeline
