// Package catalog reads and writes catalog zones: zones that list other zones, so that
// servers which copy the list serve what is on it without being configured anew.
//
// The story in ten lines: [Read] makes of a catalog zone the list of its [Member]s, or
// tells why it is broken; what it does not know it leaves out. [Write] is the way
// back, for who produces a catalog: each member stands under a label that is a hash of
// its name, so that it stays the same from one version to the next (write.go). A
// [Book] keeps which zone comes of which catalog (book.go): it is told each new list,
// and says what becomes of the zones: this one is new, that one has gone, the state
// of a third begins anew, a fourth has another owner, and a fifth is refused, since
// somebody else has its name. A broken catalog never gets there, so that the last good
// list stays in force. Nothing here moves a zone, opens a file or knows the time: that
// is the business of who serves the members.
//
// Standards: RFC 9432 (schema version 2): 4.1 (members), 4.2.1 (version), 4.3.1 (coo), 4.3.2
// (group), 5 (what consumers do). Custom properties (4.4) are ignored: we have none.
package catalog
