// Package scenario plays stories: a fake Internet, a virtual clock, questions
// and the answers that they must get. It is test support, imported by tests only.
//
// The story in ten lines: a file in Unbound's replay format (.rpl) is read by
// [Parse] into a [Story]: a configuration, ranges of scripted servers and steps.
// [Sextant] builds the resolver that the configuration describes, or says which
// feature it lacks. [Play] runs it in a bubble of testing/synctest, where time
// stands still unless a step lets it pass. Whatever the resolver asks upstream
// ends at the [Network], a fake Exchanger that answers from the ranges and is
// silent when no entry fits. Clients' packets go in and out as bytes. [Match]
// holds a packet against an entry and tells every difference in words, and the
// [Result] tells the whole story, so that a failure can be understood without
// reading Go.
//
// The project's own stories are compared exactly, those of third parties as sets
// (see [Story.Comparison]). One section of the configuration is our own: "expect"
// with most-exchanges, how many messages may be sent to servers in all. What a
// configuration asks for and the program lacks makes a story not applicable; an
// option that nobody has thought about is an error.
//
// Standards: the replay format of Unbound's testbound, which has no standard:
// all of its grammar is read; scenario steps that reach into the caches of
// Unbound (INFRA_RTT, FLUSH_MESSAGE, EXPIRE_MESSAGE) and zone transfers are not
// played. Trust anchors are kept up to date by package anchors, which is polled
// when a step has let time pass, and its file is held against the story's. Packets: RFC 1035 4, RFC 6891 6.1.
package scenario
